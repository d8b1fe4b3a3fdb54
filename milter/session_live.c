/*
 * session_live.c - what a session is counted by and waits for: slots, rates,
 * errors, the clock and the tarpit.
 */
#include "session_parts.h"

#include <string.h>

#define MILLISECOND_NS 1000000LL

void
session_start_clock(struct session *session)
{
	const struct live *live = session->server->live;

	if (live != NULL)
		session->connected = session->answered = live->now();
}

void
session_begin_command(struct session *session)
{
	const struct live *live = session->server->live;
	struct facts *facts = &session->facts;
	long long now;

	if (live == NULL)
		return;
	now = live->now();
	facts->age = (now - session->connected) / MILLISECOND_NS;
	facts->silence = (now - session->answered) / MILLISECOND_NS;
}

void
session_end_command(struct session *session)
{
	const struct live *live = session->server->live;

	if (live != NULL)
		session->answered = live->now();
}

/* Counted first and asked then: two that come at once cannot both be last. */
void
session_admit(struct session *session, const struct config *config)
{
	struct live *live = session->server->live;

	if (live == NULL)
		return;
	session->counted = true;
	session->facts.admitted = atomic_fetch_add(&live->sessions, 1) <
		config_milter(config)->max_sessions &&
	    !atomic_load(&live->draining) && !atomic_load(&live->stopping) &&
	    !live_is_scarce(live);
	if (session->facts.admitted)
		return;
	session->counted = false;
	atomic_fetch_sub(&live->sessions, 1);
}

void
session_leave(struct session *session)
{
	struct live *live = session->server->live;

	if (live == NULL)
		return;
	limits_leave(live->limits, &session->slot);
	session->source.count = 0;
	if (session->counted)
		atomic_fetch_sub(&live->sessions, 1);
	session->counted = false;
}

void
session_take_slot(struct session *session, const struct snapshot *snapshot,
    const struct judged *judged)
{
	struct live *live = session->server->live;
	struct facts *facts = &session->facts;

	if (live == NULL)
		return;
	session->tally = judged->connector != NULL
	    ? snapshot_tally(snapshot, judged->connector)
	    : NULL;
	facts->slot = SLOT_HELD;
	if (session->tally == NULL || !facts->admitted) {
		limits_leave(live->limits, &session->slot);
		return;
	}
	if (session->source.count == 0)
		limits_source(live->limits, &session->source, &facts->client);
	facts->slot = limits_enter(live->limits, &session->slot, session->tally,
	    judged->connector, &session->source);
}

/*
 * Counted first and asked then: who stops looks the other way round, so that
 * either we see the stop or it waits for us.
 */
void
session_begin_transaction(struct session *session)
{
	struct live *live = session->server->live;

	if (live == NULL)
		return;
	atomic_fetch_add(&live->transactions, 1);
	session->begun = true;
	session->facts.stopping = atomic_load(&live->stopping);
	/* That the connection passed before says nothing any more. */
	if (session->facts.stopping)
		session->passed = 0;
}

void
session_end_transaction(struct session *session)
{
	if (session->begun)
		atomic_fetch_sub(&session->server->live->transactions, 1);
	session->begun = false;
}

/* A required log that cannot be written is a resource that ran out. */
static enum pressure
pressure_on(const struct live *live, const struct connector *connector)
{
	if (connector->protocol_logging_level == LOGGING_VERBOSE &&
	    protolog_is_required(live->protolog) &&
	    protolog_is_dead(live->protolog))
		return PRESSURE_HIGH;
	return gauge_level(live->gauge, live->now());
}

/*
 * The login, else the sender (exchange-semantics 6.3). A null sender is nobody:
 * its client stands for it.
 */
static void
user_source(
    struct session *session, struct limits *limits, struct client_source *user)
{
	const struct facts *facts = &session->facts;
	char address[MAILBOX_MAX + 1];
	struct text text;

	if (facts->login != NULL) {
		limits_source_of_name(limits, user, 'l', facts->login);
		return;
	}
	if (facts->sender->kind == MAILBOX_NULL) {
		*user = session->source;
		return;
	}
	text_init(&text, address, sizeof(address));
	text_printf(
	    &text, "%s@%s", facts->sender->local, facts->sender->domain);
	limits_source_of_name(limits, user, 's', address);
}

void
session_count_message(struct session *session, const struct judged *judged,
    struct limits_message *message)
{
	const struct connector *connector = judged->connector;
	const struct client_source *sources[2];
	struct live *live = session->server->live;
	struct facts *facts = &session->facts;
	struct client_source user;
	size_t count = 0;

	message->count = 0;
	if (live == NULL)
		return;
	facts->pressure = pressure_on(live, connector);
	if (connector->message_rate_limit == UNLIMITED ||
	    connector->message_rate_source == RATE_NONE)
		return;
	if (connector->message_rate_source != RATE_USER)
		sources[count++] = &session->source;
	if (connector->message_rate_source != RATE_IP_ADDRESS) {
		user_source(session, live->limits, &user);
		sources[count++] = &user;
	}
	facts->rate_exceeded = !limits_take(live->limits, message,
	    session->tally, connector, sources, count, live->now());
}

void
session_take_back(struct session *session, struct limits_message *message)
{
	if (message->count > 0)
		limits_refund(session->server->live->limits, message);
}

/* Only strangers wait, and only for a definite no. */
static bool
is_tarpitted(const struct judged *judged, const struct reply *reply)
{
	return reply->code[0] == '5' && judged->connector != NULL &&
	    judged->identity == IDENTITY_ANONYMOUS &&
	    judged->connector->tarpit_interval > 0;
}

void
session_punish(struct session *session, const struct judged *judged,
    const struct reply *reply)
{
	struct live *live = session->server->live;
	struct snapshot *snapshot;
	long long seconds, slots;

	if (live == NULL)
		return;
	session->facts.protocol_errors += strcmp(reply->code, "501") == 0;
	if (is_tarpitted(judged, reply) && live_may_wait(live)) {
		snapshot = snapshots_pin(session->server->snapshots);
		slots = config_milter(snapshot_config(snapshot))->max_tarpits;
		snapshots_unpin(session->server->snapshots, snapshot);
		seconds = judged->connector->tarpit_interval;
		if (tarpit_hold(
			live->tarpit, &session->source, slots, seconds * 1000))
			session_protocol_tarpit(session, seconds, reply);
	}
	session_protocol_sent(session, reply);
}

void
session_unknown(struct session *session, const char *command)
{
	if (session->server->live == NULL)
		return;
	session->facts.protocol_errors++;
	session_protocol_unknown(session, command);
	session_end_command(session);
}
