/*
 * naive.h - what some words of an MTA are worth, read anew from the design and
 * without any of the program's own readers: what macros and session are held
 * against.
 */
#ifndef NAIVE_H
#define NAIVE_H

#include "domain.h"
#include "fuzz.h"

static char
naive_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Without ASCII case. */
__attribute__((unused)) static bool
naive_same(const char *a, const char *b)
{
	while (*a != '\0' && naive_lower(*a) == naive_lower(*b)) {
		a++;
		b++;
	}
	return naive_lower(*a) == naive_lower(*b);
}

__attribute__((unused)) static bool
naive_begins(const char *text, const char *start)
{
	while (*start != '\0' && naive_lower(*text) == naive_lower(*start)) {
		text++;
		start++;
	}
	return *start == '\0';
}

/* Is name parent, or below it? Both are lower case. */
__attribute__((unused)) static bool
naive_within(const char *name, const char *parent)
{
	const size_t len = strlen(name), tail = strlen(parent);

	return strcmp(name, parent) == 0 ||
	    (len > tail + 1 && name[len - tail - 1] == '.' &&
		strcmp(name + len - tail, parent) == 0);
}

/* Design 4.2: both macros, and not ANONYMOUS. */
__attribute__((unused)) static bool
naive_logged_in(const char *type, const char *authen)
{
	return type != NULL && *type != '\0' && authen != NULL &&
	    *authen != '\0' && !naive_same(type, "ANONYMOUS");
}

/*
 * The name in lower case without one trailing dot, or NULL when it is none.
 * What IDNA has a say in (xn--, two hyphens) is not sure to be one.
 */
static const char *
naive_host(char out[DOMAIN_MAX + 1], const char *name, bool *sure)
{
	size_t len = strlen(name), label = 0;

	*sure = strstr(name, "--") == NULL;
	if (len > 1 && name[len - 1] == '.')
		len--;
	if (len == 0 || len > DOMAIN_MAX)
		return NULL;
	for (size_t i = 0; i <= len; i++) {
		const char c = i < len ? naive_lower(name[i]) : '.';

		if (c == '.') {
			if (label == 0 || label > 63 || out[i - 1] == '-')
				return NULL;
			label = 0;
		} else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    (c == '-' && label > 0)) {
			label++;
		} else {
			return NULL;
		}
		if (i < len)
			out[i] = c;
	}
	out[len] = '\0';
	return out;
}

static int
naive_hex(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, naive_lower(c)) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* The last part of a Sendmail subject that begins CN=, +hex undone. */
static char *
naive_common_name(const char *subject)
{
	char *name = NULL;
	size_t len = 0;

	for (const char *part = subject; part != NULL;
	     part = strchr(part, '/') != NULL ? strchr(part, '/') + 1 : NULL)
		if (strncmp(part, "CN=", 3) == 0) {
			free(name);
			name = fuzz_text(part + 3, strcspn(part + 3, "/"));
		}
	for (const char *p = name; p != NULL && *p != '\0'; p++) {
		const bool hex = *p == '+';
		const int high = hex ? naive_hex(p[1]) : 0;
		const int low = hex && high >= 0 ? naive_hex(p[2]) : 0;

		if (high < 0 || low < 0 || (hex && high + low == 0)) {
			free(name);
			return NULL;
		}
		name[len++] = hex ? (char)(high * 16 + low) : *p;
		p += hex ? 2 : 0;
	}
	if (name != NULL)
		name[len] = '\0';
	return name;
}

/* Design 4.2: the verified name of a certificate, NULL for none. */
__attribute__((unused)) static const char *
naive_certificate(char out[DOMAIN_MAX + 1], const char *verify, const char *cn,
    const char *subject, bool *sure)
{
	const char *found = NULL;
	char *name = NULL;

	*sure = true;
	if (verify != NULL && strcmp(verify, "OK") == 0 && cn == NULL &&
	    subject != NULL)
		name = naive_common_name(subject);
	else if (verify == NULL && subject != NULL)
		name = fuzz_text(subject, strlen(subject));
	else if (verify != NULL && strcmp(verify, "OK") == 0 && cn != NULL)
		name = fuzz_text(cn, strlen(cn));
	if (name != NULL)
		found = naive_host(out, name, sure);
	free(name);
	return found;
}

/* Without the brackets of a path, to be freed. */
static char *
naive_path(const char *path)
{
	const size_t len = strlen(path);

	return len >= 2 && path[0] == '<' && path[len - 1] == '>'
	    ? fuzz_text(path + 1, len - 2)
	    : fuzz_text(path, len);
}

/* Could an MTA read another address out of the local part? Design 4.5. */
static bool
naive_routed(const char *local, size_t len)
{
	char *plain = fuzz_alloc(len + 1);
	size_t out = 0;
	bool routed;

	for (size_t i = 0; i < len; i++)
		if (local[i] != '"' && local[i] != '\\')
			plain[out++] = local[i];
	plain[out] = '\0';
	routed = strpbrk(plain, "%!:@") != NULL ||
	    naive_begins(plain, "IMCEA") || local[0] == '@';
	free(plain);
	return routed;
}

/*
 * Is an address in one of these domains ("d", or "*.d" for all below), and no
 * routed one? What is not ASCII is what libidn2 makes of it.
 */
__attribute__((unused)) static bool
naive_in_domains(const char *path, const char *const *domains)
{
	char *address = naive_path(path);
	const char *at = strrchr(address, '@');
	char name[DOMAIN_MAX + 1];
	bool ours = false, sure;

	if (at != NULL && at > address &&
	    !naive_routed(address, (size_t)(at - address)) &&
	    (naive_host(name, at + 1, &sure) != NULL ||
		domain_canonical(name, at + 1, strlen(at + 1)) == NULL))
		for (; *domains != NULL; domains++)
			ours = ours || strcmp(name, *domains) == 0 ||
			    (**domains == '*' &&
				strcmp(name, *domains + 2) != 0 &&
				naive_within(name, *domains + 2));
	free(address);
	return ours;
}

#endif
