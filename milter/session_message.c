/*
 * session_message.c - the header as it comes, and the end of the message.
 */
#include "session_parts.h"

#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "author.h"
#include "received.h"

static bool
is_named(const char *name, const char *wanted)
{
	return firewall_name_length(name) == strlen(wanted) &&
	    text_ncasecmp(name, wanted, strlen(wanted)) == 0;
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
	const struct connector *connector =
	    session->transaction->judged.connector;
	const size_t len = strlen(body);

	header->from_signs += count_signs(body);
	if (header->from_signs > FIREWALL_FROM_SIGNS_MAX ||
	    !keep(header, body, len))
		return false;
	/* Reading costs more than all the rest; else nobody asks for them. */
	if (connector->check_header_from != HEADER_CHECK_NO &&
	    !author_each(body, len, note_author, session))
		header->failed = true;
	session->facts.authors_told = true;
	return true;
}

/* Lines of a folded field end in LF, or in the CR LF that they came with. */
static long long
field_bytes(const char *name, const char *value)
{
	long long bytes = (long long)strlen(name) + (long long)strlen(value) +
	    (long long)strlen(": \r\n");

	for (const char *p = strchr(value, '\n'); p != NULL;
	     p = strchr(p + 1, '\n'))
		bytes += p == value || p[-1] != '\r';
	return bytes;
}

/* Was the field made by this server? */
static bool
is_local_hop(const struct transaction *transaction, const char *value)
{
	const struct judged *judged = &transaction->judged;
	const struct organization *organization = &judged->policy->organization;
	struct received_by by;

	received_by(&by, value);
	if (by.addr.family != ADDR_NONE)
		return addrset_contains(&organization->own_hosts, &by.addr);
	return by.name[0] != '\0' &&
	    ((transaction->server_name != NULL &&
		 text_casecmp(by.name, transaction->server_name) == 0) ||
		strcmp(by.name, judged->connector->fqdn) == 0);
}

/* Every field counts, also those that will be taken out. */
static void
count_field(struct session *session, const char *name, const char *value)
{
	struct facts *facts = &session->facts;

	facts->header_bytes += field_bytes(name, value);
	if (!is_named(name, "Received"))
		return;
	facts->hops++;
	/* Beyond the limit on hops nobody asks whose they are. */
	if (facts->hops <=
		session->transaction->judged.connector->max_hop_count &&
	    is_local_hop(session->transaction, value))
		facts->local_hops++;
}

/*
 * Once the message is going to be refused whatever comes, no more of it is
 * looked at: so a header may be as long as it likes.
 */
static void
read_field(struct session *session, const char *name, const char *value)
{
	struct transaction *transaction = session->transaction;
	struct facts *facts = &session->facts;

	count_field(session, name, value);
	if (transaction->unjudged || facts->header_overfull ||
	    transaction->header.failed)
		return;
	if (firewall_strips(&transaction->judged, name))
		facts->header_overfull = !doom(&transaction->header, name);
	else if (is_named(name, "From"))
		facts->header_overfull = !read_from(session, value);
}

void
session_header(struct session *session, const char *name, const char *value)
{
	if (!session_wake(session))
		return;
	read_field(session, name, value);
	session_rest(session);
}

void
session_body(struct session *session, size_t len)
{
	if (session->transaction != NULL)
		session->transaction->body_bytes += (long long)len;
}

/* What only the end of a message can tell. */
static void
sum_up(struct session *session)
{
	const struct transaction *transaction = session->transaction;
	struct facts *facts = &session->facts;

	facts->authors_told = true;
	facts->message_told = true;
	facts->message_bytes = facts->header_bytes + (long long)strlen("\r\n") +
	    transaction->body_bytes;
}

/* The rules of the end of the message: true to go on. */
static bool
judge_message(
    struct session *session, const struct command *command, struct reply *reply)
{
	struct transaction *transaction = session->transaction;
	struct decision decision;

	if (session->server->live != NULL)
		sum_up(session);
	if (transaction->unjudged)
		return true;
	if (transaction->header.failed)
		return session_refuse_internal(
		    session, STAGE_EOM, command, reply);
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

/* The rules and the edits of a message that was judged: true to go on. */
static bool
answer_message(struct session *session, const struct eom_info *info,
    struct edits *edits, struct reply *reply)
{
	struct transaction *transaction = session->transaction;
	const struct command command = { .queue_id = info->queue_id };

	/* A message without an accepted recipient was never judged. */
	if (!session_wake(session) || transaction->recipients == 0)
		return session_refuse_internal(
		    session, STAGE_EOM, &command, reply);
	if (!judge_message(session, &command, reply) ||
	    !edit(session, info, edits, &command, reply))
		return false;
	transaction->queue_id =
	    strndup(info->queue_id != NULL ? info->queue_id : "", QUEUE_ID_MAX);
	transaction->ended = transaction->queue_id != NULL;
	return transaction->ended ||
	    session_refuse_internal(session, STAGE_EOM, &command, reply);
}

bool
session_eom(struct session *session, const struct eom_info *info,
    struct edits *edits, struct reply *reply)
{
	*edits = (struct edits){ NULL, 0 };
	if (session->local_submission)
		return true;
	if (!answer_message(session, info, edits, reply)) {
		session_abort(session);
		session_end_command(session);
		return false;
	}
	return true;
}

bool
session_done(struct session *session, bool edited, struct reply *reply)
{
	const struct transaction *transaction = session->transaction;
	struct command command = { NULL, NULL };
	bool done;

	if (session->local_submission) {
		session_abort(session);
		return true;
	}
	if (transaction != NULL && transaction->ended)
		command.queue_id = transaction->queue_id;
	done = edited && command.queue_id != NULL;
	if (done) {
		session_log_acceptance(session);
		session_protocol_message(session);
	} else {
		(void)session_refuse_internal(
		    session, STAGE_EOM, &command, reply);
	}
	session_abort(session);
	session_end_command(session);
	return done;
}
