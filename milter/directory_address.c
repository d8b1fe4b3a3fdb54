/*
 * directory_address.c - addresses as the digests by which they are found.
 */
#include "directory_parts.h"

#include <string.h>
#include <wctype.h>

#include "text.h"

#define HASH_PREFIX "sha256:"

/* A letter in lower case may take a byte more, of two. */
#define LOWER_MAX (MAILBOX_MAX * 2)

/* The code point of a well-formed character of len bytes, 2 or more. */
static wint_t
decode(const char *s, size_t len)
{
	wint_t c = (unsigned char)s[0] & (0xffU >> (len + 1));

	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((unsigned char)s[i] & 0x3fU);
	return c;
}

/* Its bytes; behind them. */
static char *
encode(char *out, wint_t c)
{
	size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (len == 1) {
		*out = (char)c;
		return out + 1;
	}
	for (size_t i = len - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	out[0] = (char)((0xf00U >> len) | c);
	return out + len;
}

/*
 * local in lower case; behind it. When it is not UTF-8, only ASCII letters have
 * a case.
 */
static char *
put_lower(char out[LOWER_MAX], const char *local, locale_t locale)
{
	size_t len = strlen(local);
	const bool plain = !text_is_utf8(local, len);

	while (len > 0) {
		const size_t n = plain ? 1 : text_utf8_length(local, len);

		if (n == 1)
			*out++ = text_lower(local[0]);
		else
			out = encode(out, towlower_l(decode(local, n), locale));
		local += n;
		len -= n;
	}
	return out;
}

int
directory_digest(unsigned char digest[DIGEST_SIZE], const char *local,
    const char *domain, locale_t locale)
{
	char text[LOWER_MAX + 1 + DOMAIN_MAX];
	const size_t domain_len = strlen(domain);
	char *end = put_lower(text, local, locale);

	*end++ = '@';
	memcpy(end, domain, domain_len);
	end += domain_len;
	return digest_of(digest, text, (size_t)(end - text));
}

int
directory_key(struct directory_key *key, const char *local, const char *domain,
    locale_t locale)
{
	unsigned char digest[DIGEST_SIZE];

	if (directory_digest(digest, local, domain, locale) != 0)
		return -1;
	memcpy(key->bytes, digest, DIRECTORY_KEY_SIZE);
	return 0;
}

int
directory_place(struct directory_place *place, const struct address *address,
    locale_t locale)
{
	struct mailbox mailbox;

	memset(place, 0, sizeof(*place));
	if (address->end == NULL) {
		memcpy(place->local.bytes, address->digest, DIRECTORY_KEY_SIZE);
		return 0;
	}
	/* It was parsed before, so only memory can be wrong. */
	if (mailbox_parse(&mailbox, address->at,
		(size_t)(address->end - address->at)) != NULL ||
	    directory_key(&place->local, mailbox.local, "", locale) != 0)
		return -1;
	return directory_key(&place->domain, "", mailbox.domain, locale);
}

static bool
is_hash(struct stretch text)
{
	return stretch_len(text) >= strlen(HASH_PREFIX) &&
	    text_ncasecmp(text.at, HASH_PREFIX, strlen(HASH_PREFIX)) == 0;
}

static bool
take_hash(struct reader *reader, struct stretch text,
    unsigned char digest[DIGEST_SIZE])
{
	const struct stretch digits = { text.at + strlen(HASH_PREFIX),
		text.end };
	char quoted[DIAG_QUOTE_MAX];

	for (const char *c = digits.at; c < digits.end; c++)
		if (text_hex_value(*c) < 0) {
			reader_problem(reader,
			    "%s holds what is no hex digit; behind "
			    "'" HASH_PREFIX "' stand 64 of 0-9 and a-f",
			    reader_quote(reader, quoted, text));
			return false;
		}
	if (stretch_len(digits) != DIGEST_HEX_MAX - 1) {
		reader_problem(reader,
		    "%s has %zu hex digits; a SHA-256 has 64",
		    reader_quote(reader, quoted, text), stretch_len(digits));
		return false;
	}
	for (size_t i = 0; i < DIGEST_SIZE; i++)
		digest[i] =
		    (unsigned char)(text_hex_value(digits.at[2 * i]) << 4 |
			text_hex_value(digits.at[2 * i + 1]));
	return true;
}

/* Why an address that parses is no recipient of ours, or NULL. */
static const char *
unfit(const struct mailbox *mailbox)
{
	if (mailbox->kind == MAILBOX_BARE)
		return "has no domain";
	if (mailbox->routed)
		return "is routed (%, !, : or @ in the local part, or IMCEA "
		       "in front of it), which is relay and never looked up";
	if (mailbox->kind == MAILBOX_LITERAL)
		return "has an address literal, which is never looked up";
	if (strcmp(mailbox->local, "*") == 0)
		return "has a wildcard, but each recipient stands for itself";
	return NULL;
}

/*
 * Why text, which is not empty, is no recipient, and in *detail what its parser
 * says, or NULL.
 */
static const char *
parse(struct mailbox *mailbox, struct stretch text, const char **detail)
{
	*detail = NULL;
	if (*text.at == '<' || text.end[-1] == '>')
		return "stands in angle brackets";
	if (*text.at == '@')
		return "begins with '@', so it has no local part, or a route";
	*detail = mailbox_parse(mailbox, text.at, stretch_len(text));
	return *detail != NULL ? "is not an address" : unfit(mailbox);
}

static bool
take_plain(struct reader *reader, struct stretch text,
    unsigned char digest[DIGEST_SIZE])
{
	struct mailbox mailbox;
	const char *detail;
	const char *wrong = parse(&mailbox, text, &detail);
	char quoted[DIAG_QUOTE_MAX];

	if (wrong != NULL) {
		reader_problem(reader,
		    "%s %s%s%s; write one such as user@example.com",
		    reader_quote(reader, quoted, text), wrong,
		    detail != NULL ? ": " : "", detail != NULL ? detail : "");
		return false;
	}
	if (directory_digest(
		digest, mailbox.local, mailbox.domain, reader->locale) == 0)
		return true;
	reader_no_memory(reader);
	return false;
}

void
reader_take_address(struct reader *reader, struct stretch text)
{
	struct address *address = &reader->addresses[reader->address_count];
	const bool hashed = is_hash(text);

	if (reader->address_count == nitems(reader->addresses))
		return;
	if (!(hashed ? take_hash(reader, text, address->digest)
		     : take_plain(reader, text, address->digest)))
		return;
	address->at = text.at;
	address->end = hashed ? NULL : text.end;
	reader->address_count++;
}
