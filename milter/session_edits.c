/*
 * session_edits.c - what the header of a message needs: forged fields out,
 * names for unverified senders, our stamp in.
 */
#include "session_parts.h"

#include <string.h>

#include "arena.h"
#include "author.h"
#include "encoded_word.h"
#include "stamp.h"

/* So many senders of one message are annotated. */
#define NOTES_MAX 8

/* No line of ours is longer (RFC 5322 2.1.1 allows 998 octets). */
#define FIELD_LINE_MAX 900

/* A From field that would grow beyond this stays as it is. */
#define REPLACED_MAX 32768

/* The list of edits while it is made; all of it lives in the arena. */
struct draft {
	const struct session *session;
	struct transaction *transaction;
	struct arena *arena;
	struct edit *items;
	size_t count;
	const char *from[FIREWALL_FROM_FIELDS_MAX]; /* bodies as they will be */
	char *notes[NOTES_MAX];
	size_t note_count;
	bool failed; /* without memory */
};

static void
add(struct draft *draft, enum edit_kind kind, const char *name, unsigned index,
    const char *value)
{
	if (name == NULL) {
		draft->failed = true;
		return;
	}
	draft->items[draft->count++] =
	    (struct edit){ kind, name, index, value };
}

/* A field with our prefix. Where value is NULL nobody knows it yet. */
static void
insert(struct draft *draft, const char *suffix, const char *value)
{
	const char *prefix = draft->transaction->judged.policy->stamp_prefix;

	add(draft, EDIT_INSERT,
	    arena_printf(draft->arena, "%s%s", prefix, suffix), 0, value);
}

/* Highest index first: what goes must not move what still has to go. */
static void
delete_forged(struct draft *draft)
{
	const struct doomed *doomed = draft->transaction->header.doomed;

	for (; doomed != NULL; doomed = doomed->next)
		for (unsigned i = doomed->count; i > 0; i--)
			add(draft, EDIT_DELETE, doomed->name, i, NULL);
}

/* ---- names for unverified senders ---------------------------------------- */

/* Octets of a dot-atom (RFC 5322 3.2.3, RFC 6532 3.2), but for the dot. */
static bool
is_atext(char c)
{
	return (unsigned char)c >= 0x80 || (c >= '0' && c <= '9') ||
	    (text_lower(c) >= 'a' && text_lower(c) <= 'z') ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool
is_dot_atom(const char *local)
{
	char before = '.';

	for (; *local != '\0'; before = *local++)
		if (*local == '.' ? before == '.' : !is_atext(*local))
			return false;
	return before != '.';
}

/* Control characters and what is no UTF-8 have no place in our fields. */
static bool
is_plain(const char *local)
{
	for (const char *p = local; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	return text_is_utf8(local, strlen(local));
}

/* In lower case, as the directory compares it. */
static void
put_address(struct text *text, const struct mailbox *mailbox)
{
	const bool quoted = !is_dot_atom(mailbox->local);

	text_put(text, quoted ? "<\"" : "<");
	for (const char *p = mailbox->local; *p != '\0'; p++)
		text_printf(text,
		    quoted && (*p == '"' || *p == '\\') ? "\\%c" : "%c",
		    text_lower(*p));
	text_printf(text, "%s@%s>", quoted ? "\"" : "", mailbox->domain);
}

/* NAME <ADDRESS>, where the directory has a name for the author. */
static bool
put_sender(
    struct text *text, const struct draft *draft, const struct mailbox *author)
{
	struct listing listing;

	if (!is_plain(author->local) ||
	    session_look_up(&draft->transaction->judged, author, &listing) !=
		ANSWER_YES ||
	    listing.name[0] == '\0')
		return false;
	encoded_word_put(text, listing.name);
	text_put(text, " ");
	put_address(text, author);
	return true;
}

/* One note for each sender, however often it is named. */
static void
note_sender(void *arg, const struct author *author)
{
	struct draft *draft = arg;
	char value[FIELD_LINE_MAX];
	struct text text;

	text_init(&text, value, sizeof(value));
	if (author->guessed || draft->note_count == NOTES_MAX ||
	    !put_sender(&text, draft, &author->mailbox))
		return;
	text_put(&text, " (unverified)");
	if (text.overflow)
		return;
	for (size_t i = 0; i < draft->note_count; i++)
		if (strcmp(draft->notes[i], value) == 0)
			return;
	draft->notes[draft->note_count] = arena_strdup(draft->arena, value);
	if (draft->notes[draft->note_count] == NULL)
		draft->failed = true;
	else
		draft->note_count++;
}

/* A From field while its authors are replaced. */
struct replacement {
	const struct draft *draft;
	const char *body;
	size_t len;
	size_t done; /* so much of it is in out */
	bool replaced;
	bool tangled; /* authors that overlap, or are malformed: left alone */
	struct text out;
};

static void
copy(struct replacement *r, size_t end)
{
	if (end > r->done)
		text_printf(
		    &r->out, "%.*s", (int)(end - r->done), r->body + r->done);
	r->done = end > r->done ? end : r->done;
}

/* Between commas, or the ends of a group or the field, and nothing else? */
static bool
stands_alone(const struct replacement *r, const struct author *author)
{
	size_t begin = author->begin, end = author->end;

	while (begin > 0 && text_is_white(r->body[begin - 1]))
		begin--;
	while (end < r->len && text_is_white(r->body[end]))
		end++;
	return (begin == 0 || strchr(",:;", r->body[begin - 1]) != NULL) &&
	    (end == r->len || strchr(",;", r->body[end]) != NULL);
}

static void
replace_author(void *arg, const struct author *author)
{
	struct replacement *r = arg;
	char sender[FIELD_LINE_MAX];
	struct text text;

	if (author->guessed)
		return;
	if (author->malformed || author->begin < r->done)
		r->tangled = true;
	if (r->tangled)
		return;
	copy(r, author->begin);
	text_init(&text, sender, sizeof(sender));
	if (stands_alone(r, author) &&
	    put_sender(&text, r->draft, &author->mailbox) && !text.overflow) {
		text_put(&r->out, sender);
		r->done = author->end;
		r->replaced = true;
	}
	copy(r, author->end);
}

/* A line end before a blank changes nothing that is read (RFC 5322 2.2.3). */
static void
put_folded(struct text *out, const char *value)
{
	size_t column = 0;

	for (; *value != '\0'; value++) {
		const size_t word = strcspn(value + 1, " \t\n");

		if (text_is_blank(*value) && column > 0 &&
		    column + word > FIELD_LINE_MAX) {
			text_put(out, "\n");
			column = 0;
		}
		text_printf(out, "%c", *value);
		column = *value == '\n' ? 0 : column + 1;
	}
}

/* The body of From field number i with the names of the directory. */
static void
resolve(struct draft *draft, size_t i)
{
	const char *body = draft->from[i] + strspn(draft->from[i], " \t\r\n");
	struct replacement r = { .draft = draft, .body = body };
	char *raw = arena_alloc(draft->arena, 1, REPLACED_MAX);
	char *folded = arena_alloc(draft->arena, 1, REPLACED_MAX);
	struct text out;

	if (raw == NULL || folded == NULL) {
		draft->failed = true;
		return;
	}
	r.len = strlen(body);
	text_init(&r.out, raw, REPLACED_MAX);
	draft->failed |= !author_each(body, r.len, replace_author, &r);
	copy(&r, r.len);
	text_init(&out, folded, REPLACED_MAX);
	put_folded(&out, raw);
	if (!r.replaced || r.tangled || r.out.overflow || out.overflow)
		return;
	draft->from[i] = folded;
	add(draft, EDIT_REPLACE, "From", (unsigned)i + 1, folded);
}

/* What an unverified sender's name is worth is for the connector to say. */
static void
name_senders(struct draft *draft)
{
	const struct judged *judged = &draft->transaction->judged;
	const enum resolution resolution =
	    judged->connector->resolve_anonymous_senders;

	if (judged->identity != IDENTITY_ANONYMOUS ||
	    judged->policy->directory == NULL)
		return;
	for (size_t i = 0; i < draft->transaction->header.from_count; i++)
		if (resolution == RESOLVE_YES)
			resolve(draft, i);
		else if (resolution == RESOLVE_ANNOTATE)
			draft->failed |= !author_each(draft->from[i],
			    strlen(draft->from[i]), note_sender, draft);
}

/* ---- the stamp ----------------------------------------------------------- */

static void
insert_stamp_field(
    struct draft *draft, enum stamp_field field, const char *value)
{
	insert(draft, stamp_field_names[field], value);
}

/* 0, or -1 without memory or when it cannot be signed. */
static int
sign(struct draft *draft, const struct eom_info *info, const char *auth_as,
    const char *auth_source)
{
	const struct judged *judged = &draft->transaction->judged;
	const struct stamp stamp = {
		.connector = judged->connector->name,
		.auth_as = auth_as,
		.auth_source = auth_source != NULL ? auth_source : "",
		.queue_id = info->queue_id != NULL ? info->queue_id : "",
		.time = info->now,
		.from = draft->from,
		.from_count = draft->transaction->header.from_count,
	};
	char *value = NULL;

	/* Explaining, there is no message to vouch for. */
	if (draft->session->server->live) {
		value = arena_alloc(draft->arena, 1, STAMP_VALUE_MAX);
		if (value == NULL ||
		    stamp_sign(value, judged->policy->stamp_keys, &stamp) != 0)
			return -1;
	}
	insert_stamp_field(draft, STAMP_FIELD_STAMP, value);
	return 0;
}

/* Each goes to the top, so what is to be read first is inserted last. */
static int
insert_stamp(struct draft *draft, const struct eom_info *info)
{
	const struct judged *judged = &draft->transaction->judged;
	const char *auth_as =
	    identity_auth_as(judged->identity, judged->rights, judged->facts);
	const char *server = info->server_name;
	char *source = arena_alloc(draft->arena, 1, DOMAIN_MAX + 1);

	if (source == NULL)
		return -1;
	if (server == NULL ||
	    domain_canonical(source, server, strlen(server)) != NULL)
		source = NULL;
	if (judged->policy->stamp_keys != NULL &&
	    sign(draft, info, auth_as, source) != 0)
		return -1;
	if (source != NULL || !draft->session->server->live)
		insert_stamp_field(draft, STAMP_FIELD_AUTH_SOURCE, source);
	insert_stamp_field(draft, STAMP_FIELD_AUTH_AS, auth_as);
	insert_stamp_field(draft, STAMP_FIELD_NAME, judged->connector->name);
	return 0;
}

/* Room for all edits there can be. 0, or -1 without memory. */
static int
begin(struct draft *draft)
{
	struct header *header = &draft->transaction->header;
	const size_t most = header->doomed_fields + header->from_count +
	    NOTES_MAX + STAMP_FIELD_COUNT;

	if (header->arena == NULL)
		header->arena = arena_new();
	draft->arena = header->arena;
	if (draft->arena == NULL)
		return -1;
	draft->items = arena_alloc(draft->arena, most, sizeof(*draft->items));
	memcpy(draft->from, header->from, sizeof(draft->from));
	return draft->items != NULL ? 0 : -1;
}

int
session_make_edits(const struct session *session, const struct eom_info *info,
    struct edits *edits)
{
	struct draft draft = {
		.session = session,
		.transaction = session->transaction,
	};

	if (begin(&draft) != 0)
		return -1;
	delete_forged(&draft);
	name_senders(&draft);
	for (size_t i = draft.note_count; i > 0; i--)
		insert(&draft, "Sender", draft.notes[i - 1]);
	if (draft.transaction->judged.connector->stamp &&
	    insert_stamp(&draft, info) != 0)
		return -1;
	*edits = (struct edits){ draft.items, draft.count };
	return draft.failed ? -1 : 0;
}
