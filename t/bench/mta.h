/*
 * mta.h - what Postfix 3.7 says to a filter, as bytes: the steps of a session,
 * their macros and what negotiation leaves of both.
 */
#ifndef MTA_H
#define MTA_H

#include <arpa/inet.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "socket.h"

/* What is offered: all that Postfix knows. */
#define OFFERED_ACTIONS 0x1ffu
#define OFFERED_STEPS 0x1fffffu

#define STAGES (SMFIM_LAST + 1)

/* What the filter wants; names are "" where it asked for none. */
struct agreed {
	uint32_t actions;
	uint32_t steps;
	char names[STAGES][256];
};

/* One session: who comes, and what is sent to whom. */
struct story {
	const char *client;
	const char *recipient;
	unsigned number; /* for the queue id */
	bool queued;     /* a recipient was accepted */
};

enum step {
	STEP_NEGOTIATE,
	STEP_CONNECT,
	STEP_HELO,
	STEP_MAIL,
	STEP_RCPT,
	STEP_DATA,
	STEP_HEADER,
	STEP_EOH,
	STEP_BODY,
	STEP_EOM,
	STEP_END,
};

struct step_row {
	char command;
	int stage;         /* of its macros; -1: none */
	const char *names; /* of macros that were not asked for */
	uint32_t unsent;   /* bits of agreed.steps */
	uint32_t silent;
	bool waits; /* for the client's next command */
};

/* clang-format off */
static const struct step_row step_rows[] = {
	[STEP_NEGOTIATE] = { SMFIC_OPTNEG, -1, "", 0, 0, false },
	[STEP_CONNECT] = { SMFIC_CONNECT, SMFIM_CONNECT,
	    "j {daemon_name} {daemon_addr} v _",
	    SMFIP_NOCONNECT, SMFIP_NR_CONN, false },
	[STEP_HELO] = { SMFIC_HELO, SMFIM_HELO, "{tls_version}",
	    SMFIP_NOHELO, SMFIP_NR_HELO, true },
	[STEP_MAIL] = { SMFIC_MAIL, SMFIM_ENVFROM,
	    "i {mail_addr} {mail_host} {mail_mailer}",
	    SMFIP_NOMAIL, SMFIP_NR_MAIL, true },
	[STEP_RCPT] = { SMFIC_RCPT, SMFIM_ENVRCPT,
	    "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
	    SMFIP_NORCPT, SMFIP_NR_RCPT, true },
	[STEP_DATA] = { SMFIC_DATA, SMFIM_DATA, "i",
	    SMFIP_NODATA, SMFIP_NR_DATA, true },
	[STEP_HEADER] = { SMFIC_HEADER, -1, "",
	    SMFIP_NOHDRS, SMFIP_NR_HDR, false },
	[STEP_EOH] = { SMFIC_EOH, SMFIM_EOH, "i",
	    SMFIP_NOEOH, SMFIP_NR_EOH, false },
	[STEP_BODY] = { SMFIC_BODY, -1, "",
	    SMFIP_NOBODY, SMFIP_NR_BODY, false },
	[STEP_EOM] = { SMFIC_BODYEOB, SMFIM_EOM, "i", 0, 0, false },
	[STEP_END] = { SMFIC_QUIT, -1, "", 0, 0, true },
};

static const struct field {
	const char *name;
	const char *value;
} message_fields[] = {
	{ "Received", "from client.example (client.example [192.0.2.99])\n"
	    "\tby relay.example (Postfix) with ESMTPS id 4TqXk91Wz8z1Q\n"
	    "\tfor <alice@example.com>; Mon,  3 Jun 2024 10:00:00 +0000" },
	{ "Received", "from [10.1.2.3] (unknown [10.1.2.3])\n"
	    "\tby client.example (Postfix) with ESMTPSA id 4TqXk83YJ1z2R\n"
	    "\tfor <alice@example.com>; Mon,  3 Jun 2024 09:59:58 +0000" },
	{ "Date", "Mon, 3 Jun 2024 09:59:57 +0000" },
	{ "From", "Ada Sender <ada@sender.example>" },
	{ "To", "Alice <alice@example.com>" },
	{ "Subject", "=?utf-8?Q?Gr=C3=BC=C3=9Fe?= from the generator" },
	{ "Message-ID", "<20240603095957.4711@sender.example>" },
	{ "MIME-Version", "1.0" },
	{ "Content-Type", "text/plain; charset=utf-8" },
	{ "Content-Transfer-Encoding", "8bit" },
	{ "User-Agent", "generator" },
	{ "X-Priority", "3" },
};
/* clang-format on */

/* What is said in one go; a whole message fits. */
struct words {
	size_t used;
	unsigned char bytes[16384];
};

static void
put_bytes(struct words *words, const void *bytes, size_t count)
{
	if (count > sizeof(words->bytes) - words->used)
		give_up("bench", "too much to say in one go");
	memcpy(words->bytes + words->used, bytes, count);
	words->used += count;
}

/* With the NUL that ends it. */
static void
put_text(struct words *words, const char *text)
{
	put_bytes(words, text, strlen(text) + 1);
}

static void
put_number(struct words *words, uint32_t number)
{
	const uint32_t wire = htonl(number);

	put_bytes(words, &wire, sizeof(wire));
}

/* A frame is its length, a command and data: open, put data, close. */
static size_t
open_frame(struct words *words, char command)
{
	const size_t start = words->used;

	put_number(words, 0);
	put_bytes(words, &command, 1);
	return start;
}

static void
close_frame(struct words *words, size_t start)
{
	const uint32_t wire = htonl((uint32_t)(words->used - start - 4));

	memcpy(words->bytes + start, &wire, sizeof(wire));
}

/* "" where the MTA has no value at this moment. */
static const char *
macro_value(const struct story *story, const char *name, char buf[96])
{
	const bool ipv6 = strchr(story->client, ':') != NULL;
	const char *at = strchr(story->recipient, '@');
	const struct field known[] = {
		{ "j", "mx.example.com" },
		{ "v", "Postfix 3.7.11" },
		{ "{daemon_name}", "mx.example.com" },
		{ "{daemon_addr}", ipv6 ? "IPv6:2001:db8::25" : "192.0.2.25" },
		{ "{daemon_port}", "25" },
		{ "{client_name}", "unknown" },
		{ "{client_resolve}", "FAIL" },
		{ "{client_port}", "41022" },
		{ "{mail_addr}", "ada@sender.example" },
		{ "{mail_host}", "sender.example" },
		{ "{mail_mailer}", "smtp" },
		{ "{rcpt_addr}", story->recipient },
		{ "{rcpt_host}", at != NULL ? at + 1 : "" },
		{ "{rcpt_mailer}", "smtp" },
	};

	for (size_t i = 0; i < nitems(known); i++)
		if (strcmp(name, known[i].name) == 0)
			return known[i].value;
	buf[0] = '\0';
	if (strcmp(name, "{client_addr}") == 0)
		snprintf(buf, 96, "%s%s", ipv6 ? "IPv6:" : "", story->client);
	else if (strcmp(name, "_") == 0)
		snprintf(buf, 96, "unknown [%s%s]", ipv6 ? "IPv6:" : "",
		    story->client);
	else if (strcmp(name, "i") == 0 && story->queued)
		snprintf(buf, 96, "4Tq%08X", story->number);
	return buf;
}

static void
put_macros(struct words *words, const struct story *story,
    const struct step_row *row, const struct agreed *agreed)
{
	const char *names = agreed->names[row->stage][0]
	    ? agreed->names[row->stage]
	    : row->names;
	const size_t start = open_frame(words, SMFIC_MACRO);
	char list[256];
	char buf[96];
	char *rest;

	put_bytes(words, &row->command, 1);
	snprintf(list, sizeof(list), "%s", names);
	for (char *name = strtok_r(list, " ", &rest); name != NULL;
	     name = strtok_r(NULL, " ", &rest)) {
		const char *value = macro_value(story, name, buf);

		if (value[0] == '\0')
			continue;
		put_text(words, name);
		put_text(words, value);
	}
	if (words->used - start > 6)
		close_frame(words, start);
	else
		words->used = start;
}

static void
put_client(struct words *words, const char *client)
{
	const uint16_t port = htons(41022);

	put_text(words, "unknown");
	put_bytes(words, strchr(client, ':') != NULL ? "6" : "4", 1);
	put_bytes(words, &port, sizeof(port));
	put_text(words, client);
}

static void
put_body(struct words *words)
{
	static const char line[] =
	    "The quick brown fox jumps over the lazy dog, again and again.\r\n";

	for (unsigned i = 0; i < 64; i++)
		put_bytes(words, line, sizeof(line) - 1);
}

static void
put_command(struct words *words, const struct story *story, enum step step,
    unsigned repeat)
{
	const size_t start = open_frame(words, step_rows[step].command);
	char path[256];

	switch (step) {
	case STEP_NEGOTIATE:
		put_number(words, 6);
		put_number(words, OFFERED_ACTIONS);
		put_number(words, OFFERED_STEPS);
		break;
	case STEP_CONNECT:
		put_client(words, story->client);
		break;
	case STEP_HELO:
		put_text(words, "client.sender.example");
		break;
	case STEP_MAIL:
		put_text(words, "<ada@sender.example>");
		put_text(words, "SIZE=4711");
		break;
	case STEP_RCPT:
		snprintf(path, sizeof(path), "<%s>", story->recipient);
		put_text(words, path);
		break;
	case STEP_HEADER:
		put_text(words, message_fields[repeat].name);
		put_text(words, message_fields[repeat].value);
		break;
	case STEP_BODY:
		put_body(words);
		break;
	case STEP_DATA:
	case STEP_EOH:
	case STEP_EOM:
	case STEP_END:
		break;
	}
	close_frame(words, start);
}

/* Says one step; true when an answer must come. */
static bool
put_step(struct words *words, const struct story *story,
    const struct agreed *agreed, enum step step, unsigned repeat)
{
	const struct step_row *row = &step_rows[step];

	if (row->stage >= 0)
		put_macros(words, story, row, agreed);
	if (agreed->steps & row->unsent)
		return false;
	put_command(words, story, step, repeat);
	return step != STEP_END && (agreed->steps & row->silent) == 0;
}

/* Postfix ends every mail that was begun, a finished one too. */
static void
put_abort(struct words *words)
{
	close_frame(words, open_frame(words, SMFIC_ABORT));
}

static uint32_t
number_at(const unsigned char *bytes)
{
	uint32_t wire;

	memcpy(&wire, bytes, sizeof(wire));
	return ntohl(wire);
}

/* The filter's answer to STEP_NEGOTIATE, without its command; false if bad. */
static bool
read_agreed(struct agreed *agreed, const unsigned char *data, size_t len)
{
	size_t at = 12;

	memset(agreed, 0, sizeof(*agreed));
	if (len < at)
		return false;
	agreed->actions = number_at(data + 4);
	agreed->steps = number_at(data + 8);
	while (at + 4 < len) {
		const uint32_t stage = number_at(data + at);
		const unsigned char *names = data + at + 4;
		const unsigned char *end = memchr(names, 0, len - at - 4);

		if (stage >= STAGES || end == NULL ||
		    (size_t)(end - names) >= sizeof(agreed->names[0]))
			return false;
		memcpy(agreed->names[stage], names, (size_t)(end - names));
		at = (size_t)(end - data) + 1;
	}
	return true;
}

#endif
