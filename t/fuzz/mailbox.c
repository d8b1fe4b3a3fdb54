/*
 * mailbox.c - bytes as an envelope address, as an ESMTP parameter and as an
 * item of relay_to and its kind.
 *
 * Holds: what is accepted has allowed bytes only; written anew it is the same
 * address; what is refused leaves nothing; an address is ours only when its
 * whole domain is; an item matches the address it is written as.
 */
#include "addr.h"
#include "arena.h"
#include "fuzz.h"
#include "mailbox.h"
#include "text.h"

static bool
is_allowed(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return text_is_utf8(text, len);
}

/* <"LOCAL"@DOMAIN>, whatever is in the local part. */
static size_t
write_anew(
    char out[2 * MAILBOX_MAX + DOMAIN_MAX + 8], const struct mailbox *mailbox)
{
	size_t len = 0;

	out[len++] = '<';
	out[len++] = '"';
	for (const char *p = mailbox->local; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			out[len++] = '\\';
		out[len++] = *p;
	}
	out[len++] = '"';
	if (mailbox->kind != MAILBOX_BARE)
		len += (size_t)sprintf(out + len, "@%s", mailbox->domain);
	out[len++] = '>';
	return len;
}

static void
check_again(const struct mailbox *mailbox)
{
	char text[2 * MAILBOX_MAX + DOMAIN_MAX + 8];
	const size_t len = write_anew(text, mailbox);
	struct mailbox again;

	/* Quotes and backslashes of ours may make it too long. */
	if (len - 2 > MAILBOX_MAX)
		return;
	must(mailbox_parse(&again, text, len) == NULL,
	    "an address written anew is one");
	must(again.kind == mailbox->kind &&
		strcmp(again.local, mailbox->local) == 0 &&
		strcmp(again.domain, mailbox->domain) == 0,
	    "canon(canon(x)) == canon(x)");
	must(again.routed == mailbox_is_routed(mailbox->local),
	    "no address written anew has a route");
	must(mailbox->routed || !again.routed,
	    "what is not routed does not become so");
}

/* By the definition: the same, or a dot and the same behind something. */
static bool
ends_in(const char *name, const char *parent)
{
	const size_t len = strlen(name), tail = strlen(parent);

	return len > tail + 1 && name[len - tail - 1] == '.' &&
	    strcmp(name + len - tail, parent) == 0;
}

static void
check_ours(const struct mailbox *mailbox)
{
	const struct mailbox_pattern items[] = {
		{ NULL, { "ours.example", false } },
		{ NULL, { "ours.example", true } },
		{ "scan", { "ours.example", false } },
	};
	const bool named = mailbox->kind == MAILBOX_DOMAIN;
	const bool here = named && strcmp(mailbox->domain, "ours.example") == 0;
	const bool want[] = { here,
		named && ends_in(mailbox->domain, "ours.example"),
		here && text_casecmp(mailbox->local, "scan") == 0 };

	for (size_t i = 0; i < nitems(items); i++) {
		const struct mailbox_patterns one = { &items[i], 1 };

		must(mailbox_patterns_match(&one, mailbox) == want[i],
		    "an address is ours when its domain is, label by label");
	}
}

static void
check_literal(const struct mailbox *mailbox)
{
	const char *text = mailbox->domain;
	const bool six = strncmp(text, "[ipv6:", 6) == 0;
	char inner[ADDR_TEXT_MAX + 1];
	struct addr addr;

	text += six ? 6 : 1;
	snprintf(inner, sizeof(inner), "%.*s", (int)strlen(text) - 1, text);
	must(addr_parse(&addr, inner) == NULL &&
		addr.family == (six ? ADDR_IPV6 : ADDR_IPV4),
	    "a literal is an address of its family");
}

static void
check_mailbox(const struct mailbox *mailbox, const char *text, size_t len)
{
	char name[DOMAIN_MAX + 1];

	must(mailbox->kind != MAILBOX_INVALID, "what parses is something");
	must(is_allowed(text, len), "what parses has allowed bytes only");
	must(len <= MAILBOX_MAX + 2, "what parses is not too long");
	must(mailbox_equals(mailbox, mailbox) ==
		(mailbox->kind == MAILBOX_DOMAIN),
	    "an address of a domain equals itself");
	if (mailbox->kind == MAILBOX_DOMAIN)
		must(domain_canonical(name, mailbox->domain,
			 strlen(mailbox->domain)) == NULL &&
			strcmp(name, mailbox->domain) == 0,
		    "the domain is canonical");
	if (mailbox->kind == MAILBOX_LITERAL)
		check_literal(mailbox);
	check_ours(mailbox);
	if (mailbox->kind != MAILBOX_NULL)
		check_again(mailbox);
}

static void
check_pattern(const struct mailbox *mailbox, const char *text)
{
	struct arena *arena = arena_new();
	struct mailbox_pattern pattern;
	const struct mailbox_patterns one = { &pattern, 1 };

	if (arena == NULL)
		exit(1);
	if (mailbox_pattern_parse(arena, &pattern, text) == NULL &&
	    strchr(text, '@') != NULL) {
		must(mailbox->kind == MAILBOX_DOMAIN && !mailbox->routed,
		    "an item with an @ is an address that can match");
		must(mailbox_patterns_match(&one, mailbox),
		    "an item matches the address it is");
	}
	arena_free(arena);
}

static void
check_parameter(const char *text)
{
	if (!mailbox_is_parameter(text))
		return;
	must(is_allowed(text, strlen(text)) && strchr(text, ' ') == NULL,
	    "a parameter has allowed bytes only");
	must(text[0] != '=' && text[strlen(text) - 1] != '\0',
	    "a parameter has a name");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mailbox nothing;
	char *text = fuzz_bytes(data, size);
	char *terminated = fuzz_text(data, size);
	struct mailbox mailbox;

	memset(&mailbox, '?', sizeof(mailbox));
	if (mailbox_parse(&mailbox, text, size) == NULL)
		check_mailbox(&mailbox, text, size);
	else
		must(memcmp(&mailbox, &nothing, sizeof(nothing)) == 0,
		    "what does not parse leaves nothing");
	if (strlen(terminated) == size)
		check_pattern(&mailbox, terminated);
	check_parameter(terminated);
	free(terminated);
	free(text);
	return 0;
}
