/*
 * connectors.h - connectors for the tests of selection, written as text.
 */
#ifndef CONNECTORS_H
#define CONNECTORS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "connector.h"
#include "random.h"
#include "space.h"

/* One connector: lists separated by blanks; ends with a name of NULL. */
struct sketch {
	const char *name;
	const char *bindings;
	const char *ranges;
	enum { LIVE, DISABLED, EXPIRED } state;
};

static void
give_up(const char *what, const char *why)
{
	fprintf(stderr, "test is broken: %s: %s\n", what, why);
	exit(2);
}

__attribute__((unused)) static struct addr
client_of(const char *text)
{
	struct addr addr = { ADDR_NONE, 0 };
	const char *wrong = addr_parse(&addr, text);

	if (wrong != NULL && strcmp(text, "unknown") != 0)
		give_up(text, wrong);
	return addr_unmap(addr);
}

__attribute__((unused)) static struct endpoint
endpoint_of(const char *text)
{
	struct endpoint endpoint = { { ADDR_NONE, 0 }, 25 };
	const char *wrong = endpoint_parse(&endpoint, text);

	if (wrong != NULL && strcmp(text, "unknown") != 0)
		give_up(text, wrong);
	return endpoint;
}

__attribute__((unused)) static struct bindings
bindings_of(struct arena *arena, const char *list)
{
	struct endpoint *endpoints = arena_alloc(arena, 16, sizeof(*endpoints));
	char *copy = arena_strdup(arena, list);
	size_t count = 0;

	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		endpoints[count++] = endpoint_of(word);
	return (struct bindings){ endpoints, count };
}

__attribute__((unused)) static struct addrset
ranges_of(struct arena *arena, const char *list)
{
	struct range *ranges = arena_alloc(arena, 16, sizeof(*ranges));
	char *copy = arena_strdup(arena, list);
	size_t count = 0;

	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
		bool host_bits;
		const char *wrong =
		    range_parse(&ranges[count++], &host_bits, word);

		if (wrong != NULL)
			give_up(word, wrong);
	}
	return (struct addrset){ ranges, count };
}

/* The policy of some sketches; conflicts go to conflict. */
__attribute__((unused)) static struct policy
policy_of(struct arena *arena, const struct sketch *sketches,
    void (*conflict)(const struct conflict *, void *), void *arg)
{
	struct connector *connectors =
	    arena_alloc(arena, 16, sizeof(*connectors));
	struct policy policy = { .connectors = connectors };

	for (; sketches->name != NULL; sketches++)
		connectors[policy.connector_count++] = (struct connector){
			.name = sketches->name,
			.enabled = sketches->state != DISABLED,
			.expired = sketches->state == EXPIRED,
			.bindings = bindings_of(arena, sketches->bindings),
			.remote_ip_ranges = ranges_of(arena, sketches->ranges),
		};
	policy.space = space_build(
	    arena, connectors, policy.connector_count, conflict, arg);
	if (policy.space == NULL)
		give_up("space_build", "no memory");
	return policy;
}

#endif
