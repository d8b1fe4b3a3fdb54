/*
 * author.h - the addresses in a From field of a header (RFC 5322 3.6.2).
 *
 * Read the way mail programs do, not the way the RFC would like it: whatever
 * somebody could take for an address counts. The rule, in full:
 *
 * - Comments and the text of quoted strings are no addresses, nor are encoded
 *   words in a display name. All else that reads LOCAL@DOMAIN is one: bare, in
 *   brackets, in a group, behind a route (@a,@b:), with blanks or comments
 *   around its parts, quoted local part, as a display name before brackets.
 * - A local part may hold any octet, and may be quoted. What does not end in a
 *   domain (domain.h) or an address literal is no address: it cannot be ours.
 *   But neither dots too many nor what no domain can hold behind it hide one.
 * - A domain with white space or a comment in it counts as it is, and up to
 *   there. One that is none also counts without the characters that nobody sees
 *   (blanks beyond ASCII, marks for the direction and so on).
 * - Malformed text hides nothing. It is read in every way: as far as the RFC
 *   goes; with comments, quotes and control characters taken out; and with the
 *   text of both counted. Encoded words are decoded then, and an @ without a
 *   local part counts. The same address may be found several times.
 *
 * - Sendmail rewrites a header after its milters have seen it: LOCAL%DOMAIN and
 *   DOMAIN!LOCAL become LOCAL@DOMAIN, brackets and control characters that it
 *   has no use for go, and what has no @ gets a domain of its own. Only commas
 *   part its addresses, in brackets too; quotes, backslashes and semicolons
 *   stay in a DOMAIN, so that it is read like one behind an @. Behind a
 *   backslash nothing but a comma is special to it, a name before <@> is the
 *   address, and bytes that its rules use get a DEL. Of a long field it cuts
 *   off what it has no room for: a DOMAIN may end anywhere. Postfix, asked to
 *   rewrite (remote_header_rewrite_domain, local_header_rewrite_clients), takes
 *   each word for an address, and a name before brackets that do not close.
 *   Where an address would stand, that counts, marked as guessed: who asks has
 *   to know whether it is one of ours.
 *
 * Malformed is what is not closed, not opened or nested wrongly; a backslash,
 * control character or square bracket out of place; a group in a group; a
 * comment or quoted string against a word; words before or behind an address
 * that no brackets set apart; an item without an address, but for the name of
 * a group; an address with an encoded word; an @ that belongs to none; bytes
 * that are no UTF-8; a field without any address.
 *
 * Folding is white space. Time is linear in the field, and bounded in what
 * comes on top of that: where it costs too much to say all that a field may
 * name, nobody knows. Lists of 500 authors do not, nor do those of 60 domains
 * that are not ASCII. For these, and for fields that an MTA may cut off, 100 KB
 * are allocated while it lasts. Any thread.
 */
#ifndef AUTHOR_H
#define AUTHOR_H

#include "mailbox.h"

struct author {
	/*
	 * MAILBOX_DOMAIN or MAILBOX_LITERAL; guessed, also MAILBOX_BARE.
	 * A local part beyond MAILBOX_MAX is cut and then routed: the domain
	 * still counts.
	 */
	struct mailbox mailbox;
	/*
	 * The bytes of the field that name this author: display name too. Of
	 * malformed text, all of it.
	 */
	size_t begin;
	size_t end;
	bool guessed;   /* some MTA might make this address of it */
	bool malformed; /* of text that the RFC forbids, read leniently */
};

/*
 * Calls found for every address in the len bytes of a From field's body. False
 * without memory, or where it costs too much: there may be others.
 */
bool author_each(const char *body, size_t len,
    void (*found)(void *arg, const struct author *author), void *arg) NODISCARD;

#endif
