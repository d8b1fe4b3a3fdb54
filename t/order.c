/*
 * order.c - the order of sections, files and file names never changes who gets
 * a client: one configuration, written in many ways, against itself.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "policy.h"
#include "random.h"
#include "sources.h"
#include "tap.h"

#define CONNECTORS 60
#define FILES 7
#define WAYS 40
#define PROBES 4000

static uint64_t seed = 0x5eed0fca11;

static unsigned
below(unsigned limit)
{
	return (unsigned)random_below(&seed, limit);
}

/* A block below 10.0.0.0/8, on one of four bindings. */
static void
write_section(char *out, size_t size, unsigned number)
{
	static const char *const bindings[] = { "0.0.0.0:25", "192.0.2.25:25",
		"0.0.0.0:25, [::]:25", "0.0.0.0:587" };
	/* Four families of nested blocks; no block twice. */
	const unsigned bits = 12 + number % 18;
	const unsigned base = (number / 18) << 20 | (number % 3) * 0x51234;
	const unsigned net = (10u << 24) | (base & ~((1u << (32 - bits)) - 1));

	snprintf(out, size,
	    "[connector c%u]\nbindings = %s\n"
	    "remote_ip_ranges = %u.%u.%u.%u/%u\n",
	    number, bindings[number % 4], net >> 24, (net >> 16) & 255,
	    (net >> 8) & 255, net & 255, bits);
}

static void
add(struct sources *sources, const char *path, const char *text)
{
	if (sources_add(sources, path, text, strlen(text)) == 0)
		return;
	printf("Bail out! no memory\n");
	exit(2);
}

/* The sections in random order, dealt out to the files at random. */
static struct config *
write_and_load(struct diags *diags)
{
	static const char main_file[] =
	    "[milter]\nconnectors = 0.ini 1.ini 2.ini 3.ini 4.ini 5.ini 6.ini\n"
	    "[organization]\naccepted_domains = example.com\n";
	static char files[FILES][CONNECTORS * 160];
	struct sources *sources = sources_new();
	unsigned order[CONNECTORS];

	for (unsigned i = 0; i < CONNECTORS; i++) {
		const unsigned at = below(i + 1);

		order[i] = order[at];
		order[at] = i;
	}
	for (unsigned i = 0; i < FILES; i++)
		strcpy(files[i], "; connectors\n");
	for (unsigned i = 0; i < CONNECTORS; i++) {
		char *file = files[below(FILES)];
		const size_t used = strlen(file);

		write_section(file + used, sizeof(files[0]) - used, order[i]);
	}
	add(sources, "/nowhere/main.ini", main_file);
	for (unsigned i = 0; i < FILES; i++) {
		char path[32];

		snprintf(path, sizeof(path), "/nowhere/%u.ini", i);
		add(sources, path, files[i]);
	}
	return config_build(sources, "/nowhere/main.ini", 20260101, diags);
}

static const char *
winner(const struct config *config, const struct endpoint *listener,
    const struct addr *client)
{
	const struct policy *policy = config_policy(config);
	const struct owner owner = space_find(policy->space, listener, client);

	return owner.connector == SPACE_NOBODY
	    ? "-"
	    : policy->connectors[owner.connector].name;
}

/* How many of the probes two configurations answer differently. */
static unsigned
differences(const struct config *a, const struct config *b, unsigned *served)
{
	static const char *const listeners[] = { "192.0.2.25:25",
		"192.0.2.26:25", "0.0.0.0:587", "[2001:db8::25]:25" };
	unsigned different = 0;

	for (unsigned i = 0; i < PROBES; i++) {
		const struct addr client = { ADDR_IPV4,
			(10u << 24) | below(4) << 20 |
			    ((below(3) * 0x51234 + below(1u << below(20))) &
				0xfffff) };
		struct endpoint listener;
		const char *name;

		if (endpoint_parse(&listener, listeners[below(4)]) != NULL)
			return PROBES;
		name = winner(a, &listener, &client);
		*served += name[0] != '-';
		different += strcmp(name, winner(b, &listener, &client)) != 0;
	}
	return different;
}

int
main(void)
{
	struct diags *diags = diags_new();
	struct config *first = write_and_load(diags);
	unsigned served = 0;

	for (unsigned i = 0; i < WAYS; i++) {
		struct config *other = write_and_load(diags);

		if (ok(first != NULL && other != NULL, "way %u loads", i + 1))
			is_int(differences(first, other, &served), 0,
			    "and serves everybody as the first does");
		config_free(other);
	}
	ok(served > PROBES, "many are served: %u", served);
	diags_print(diags, stdout);
	config_free(first);
	diags_free(diags);
	return done();
}
