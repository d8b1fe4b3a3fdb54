/*
 * domain.c - a line of text as a domain, as a pattern, and against ours.
 *
 * Holds: what is canonical has bytes of names only and is its own canonical
 * form; a name is ours only label by label; a pattern matches as a set of it
 * does.
 */
#include "domain.h"
#include "fuzz.h"

static const char *const ours[] = { "ours.example", "a.b", "xn--bcher-kva.de" };

static bool
is_name(const char *name)
{
	size_t label = 0, len = strlen(name);

	for (size_t i = 0; i <= len; i++) {
		const char c = name[i];

		if (c == '.' || c == '\0') {
			if (label == 0 || label > 63 || name[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			(c == '-' && label > 0)))
			return false;
		label++;
	}
	return len <= DOMAIN_MAX;
}

/* By the definition: the same, or a dot and the same behind something. */
static bool
ends_in(const char *name, const char *parent)
{
	const size_t len = strlen(name), tail = strlen(parent);

	return len > tail && name[len - tail - 1] == '.' &&
	    len - tail - 1 > 0 && strcmp(name + len - tail, parent) == 0;
}

static void
check_name(const char *name)
{
	char again[DOMAIN_MAX + 1];

	must(is_name(name), "a canonical name has the form of one");
	must(domain_canonical(again, name, strlen(name)) == NULL,
	    "a canonical name is a domain");
	must(strcmp(again, name) == 0, "canon(canon(x)) == canon(x)");
	for (size_t i = 0; i < nitems(ours); i++) {
		const bool below = ends_in(name, ours[i]);

		must(domain_is_below(name, ours[i]) == below,
		    "a name is below ours label by label");
		must(domain_is_within(name, ours[i]) ==
			(below || strcmp(name, ours[i]) == 0),
		    "a name is ours when it is the same or below");
	}
}

static void
check_pattern(const char *text, size_t len)
{
	struct domain_pattern pattern = { NULL, false };
	const struct domain_set set = { &pattern, 1 };
	char name[DOMAIN_MAX + 1], below[DOMAIN_MAX + 3];

	if (domain_pattern_parse(name, &pattern.below, text, len) != NULL)
		return;
	must(is_name(name), "the name of a pattern has the form of one");
	must(pattern.below == (len > 1 && text[0] == '*'),
	    "a star in front is what is below");
	pattern.name = name;
	must(domain_pattern_matches(&pattern, name) == !pattern.below,
	    "a name without a star matches itself, and only that does");
	snprintf(below, sizeof(below), "a.%s", name);
	must(domain_pattern_matches(&pattern, below) == pattern.below,
	    "a name with a star matches what is below, and only that does");
	below[1] = 'b';
	must(!domain_pattern_matches(&pattern, below),
	    "no pattern matches what only ends alike");
	must(domain_set_contains(&set, name) == !pattern.below,
	    "a set matches as its pattern");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_bytes(data, size);
	char name[DOMAIN_MAX + 1];

	memset(name, '?', sizeof(name));
	if (domain_canonical(name, text, size) == NULL)
		check_name(name);
	else
		must(name[0] == '\0', "what is no domain leaves nothing");
	check_pattern(text, size);
	free(text);
	return 0;
}
