/*
 * session_message.c - the header as it comes, and the end of the message.
 */
#include "session_parts.h"

#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "author.h"

static bool
is_from(const char *name)
{
	return firewall_name_length(name) == 4 &&
	    text_ncasecmp(name, "From", 4) == 0;
}

/* The arena of the header. NULL without memory. */
static struct arena *
memory_of(struct header *header)
{
	if (header->arena == NULL)
		header->arena = arena_new();
	return header->arena;
}

/* The entry of a name, a new one where it is the first. NULL: no memory. */
static struct doomed *
doomed_of(struct header *header, const char *name, size_t len)
{
	struct doomed **link = &header->doomed;
	struct arena *arena = memory_of(header);
	struct doomed *doomed;

	for (; *link != NULL; link = &(*link)->next)
		if (text_ncasecmp((*link)->name, name, len) == 0 &&
		    (*link)->name[len] == '\0')
			return *link;
	if (arena == NULL)
		return NULL;
	doomed = arena_alloc(arena, 1, sizeof(*doomed));
	if (doomed == NULL)
		return NULL;
	doomed->name = arena_strndup(arena, name, len);
	if (doomed->name == NULL)
		return NULL;
	*link = doomed;
	return doomed;
}

/* The field has to go. False: there are too many of them. */
static bool
doom(struct header *header, const char *name)
{
	const size_t len = firewall_name_length(name);
	struct doomed *doomed;

	if (header->doomed_fields == FIREWALL_FIELDS_MAX ||
	    len > FIELD_NAME_MAX)
		return false;
	doomed = doomed_of(header, name, len);
	if (doomed == NULL) {
		header->failed = true;
		return true;
	}
	doomed->count++;
	header->doomed_fields++;
	return true;
}

/* Keeps the body of a From field that stays. False: there are too many. */
static bool
keep(struct header *header, const char *body, size_t len)
{
	struct arena *arena = memory_of(header);
	char *copy;

	if (header->from_count == FIREWALL_FROM_FIELDS_MAX ||
	    len > FIREWALL_FROM_BYTES_MAX - header->from_bytes)
		return false;
	copy = arena != NULL ? arena_strndup(arena, body, len) : NULL;
	if (copy == NULL) {
		header->failed = true;
		return true;
	}
	header->from[header->from_count++] = copy;
	header->from_bytes += len;
	return true;
}

static void
note_author(void *arg, const struct author *author)
{
	struct session *session = arg;
	const struct judged *judged = &session->transaction->judged;
	struct mailbox mailbox = author->mailbox;
	unsigned claim;

	session_complete(&mailbox, judged);
	claim = session_claim(judged, &mailbox);
	/* What nobody but some MTA would read as an address of ours. */
	if (author->guessed &&
	    !(claim & (CLAIM_OWN | CLAIM_LISTED | CLAIM_UNKNOWN)))
		return;
	session->facts.author_claims |= (uint64_t)1 << claim;
	session_note_author(session->transaction, &mailbox, claim);
}

/* Each may be of an address, and takes time to read. */
static size_t
count_signs(const char *body)
{
	size_t count = 0;

	for (; *body != '\0'; body++)
		count += *body == '@' || *body == '%' || *body == '!';
	return count;
}

/* Reads a From field. False: there are too many, or too much is in them. */
static bool
read_from(struct session *session, const char *body)
{
	struct header *header = &session->transaction->header;
	const size_t len = strlen(body);

	header->from_signs += count_signs(body);
	if (header->from_signs > FIREWALL_FROM_SIGNS_MAX ||
	    !keep(header, body, len))
		return false;
	if (!author_each(body, len, note_author, session))
		header->failed = true;
	session->facts.authors_told = true;
	return true;
}

/*
 * Once the message is going to be refused whatever comes, no more of it is
 * looked at: so a header may be as long as it likes.
 */
void
session_header(struct session *session, const char *name, const char *value)
{
	struct transaction *transaction = session->transaction;
	struct facts *facts = &session->facts;

	if (transaction == NULL || transaction->unjudged ||
	    facts->header_overfull || transaction->header.failed)
		return;
	if (firewall_strips(&transaction->judged, name))
		facts->header_overfull = !doom(&transaction->header, name);
	else if (is_from(name))
		facts->header_overfull = !read_from(session, value);
}

/* The rules of the end of the message: true to go on. */
static bool
judge_message(
    struct session *session, const struct command *command, struct reply *reply)
{
	struct transaction *transaction = session->transaction;
	struct facts *facts = &session->facts;
	struct decision decision;

	if (transaction->unjudged)
		return true;
	if (transaction->header.failed)
		return session_refuse_internal(
		    session, STAGE_EOM, command, reply);
	if (session->server->live)
		facts->authors_told = true;
	session_decide(
	    session, STAGE_EOM, &transaction->judged, &decision, command);
	return decision.verdict == VERDICT_ACCEPT ||
	    session_refuse(
		session, &transaction->judged, &decision, command, reply);
}

/* What a connector only monitors is not touched. */
static bool
edit(struct session *session, const struct eom_info *info, struct edits *edits,
    const struct command *command, struct reply *reply)
{
	struct transaction *transaction = session->transaction;

	if (session_monitors(session, &transaction->judged) ||
	    session_make_edits(session, info, edits) == 0)
		return true;
	return session_refuse_internal(session, STAGE_EOM, command, reply);
}

bool
session_eom(struct session *session, const struct eom_info *info,
    struct edits *edits, struct reply *reply)
{
	struct transaction *transaction = session->transaction;
	const struct command command = { .queue_id = info->queue_id };
	bool go_on;

	*edits = (struct edits){ NULL, 0 };
	if (session->local_submission)
		return true;
	/* A message without an accepted recipient was never judged. */
	go_on = transaction != NULL && transaction->recipients > 0;
	if (go_on)
		go_on = judge_message(session, &command, reply) &&
		    edit(session, info, edits, &command, reply);
	else
		(void)session_refuse_internal(
		    session, STAGE_EOM, &command, reply);
	if (!go_on) {
		session_abort(session);
		return false;
	}
	transaction->ended = true;
	if (info->queue_id != NULL)
		snprintf(transaction->queue_id, sizeof(transaction->queue_id),
		    "%s", info->queue_id);
	return true;
}

bool
session_done(struct session *session, bool edited, struct reply *reply)
{
	const struct transaction *transaction = session->transaction;
	struct command command = { NULL, NULL };
	bool done;

	if (session->local_submission)
		return true;
	if (transaction != NULL && transaction->ended)
		command.queue_id = transaction->queue_id;
	done = edited && command.queue_id != NULL;
	if (done)
		session_log_acceptance(session);
	else
		(void)session_refuse_internal(
		    session, STAGE_EOM, &command, reply);
	session_abort(session);
	return done;
}
