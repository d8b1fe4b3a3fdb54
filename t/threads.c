/*
 * threads.c - many sessions at a time while configurations change under them:
 * every verdict is that of one whole configuration.
 *
 * Each configuration gives connector, range, relay, reply style and edits of
 * the header that belong together. A session that saw parts of two would show a
 * mixture.
 */
#include <pthread.h>
#include <stdatomic.h>

#define PLAYED_RECIPIENTS "alice@example.com name=\"Alice Doe\"\n"
#include "played.h"
#include "tap.h"

#define READERS 8
#define REPLACEMENTS 200
/* At least so many messages are judged, however slow the machine is. */
#define MESSAGES_MIN 2000

/* clang-format off */
static const struct {
	const char *text;
	const char *accepted; /* the one recipient that is taken here */
	const char *reply;    /* the reply to all others */
	const char *connector;
	size_t edits; /* that the header of a message needs */
} configs[] = {
	{ "[organization]\naccepted_domains = a.example\n"
	    "[connector alpha]\nbindings = 0.0.0.0:25\n"
	    "remote_ip_ranges = 10.0.0.0/8\n"
	    "permission_groups = anonymous_users\n",
	    "<x@a.example>",
	    "550 5.7.54 SMTP; Unable to relay recipient in non-accepted "
	    "domain [connector alpha, rule relay]", "alpha", 8 },
	{ "[milter]\nreply_style = 2010\nstamp_key_file = stamp.key\n"
	    "[organization]\naccepted_domains = b.example\n"
	    "[directory]\nrecipients = recipients.txt\n"
	    "[connector beta]\nbindings = 0.0.0.0:25\n"
	    "remote_ip_ranges = 10.20.0.0/16\n"
	    "resolve_anonymous_senders = yes\n"
	    "permission_groups = anonymous_users\n",
	    "<x@b.example>",
	    "550 5.7.1 Unable to relay [connector beta, rule relay]",
	    "beta", 10 },
	{ "[milter]\nidentify_connector = no\n"
	    "[organization]\naccepted_domains = c.example\n"
	    "[directory]\nrecipients = recipients.txt\n"
	    "[connector gamma]\nbindings = 0.0.0.0:25\n"
	    "remote_ip_ranges = 10.20.0.0-10.20.0.99\n"
	    "resolve_anonymous_senders = annotate\n"
	    "permission_groups = anonymous_users\n",
	    "<x@c.example>",
	    "550 5.7.54 SMTP; Unable to relay recipient in non-accepted "
	    "domain", "gamma", 9 },
};
/* clang-format on */

static struct server server;
static atomic_bool stopping;
static atomic_long messages, mixed, strange;

/* Which configuration answers like this? -1: none. */
static int
config_like(const bool *accepted, const char *reply)
{
	for (size_t i = 0; i < nitems(configs); i++) {
		bool fits = strcmp(reply, configs[i].reply) == 0;

		for (size_t k = 0; k < nitems(configs); k++)
			fits = fits && accepted[k] == (k == i);
		if (fits)
			return (int)i;
	}
	return -1;
}

/* The connector that the stamp names, or NULL. */
static const char *
stamped_as(const struct edits *edits)
{
	for (size_t i = 0; i < edits->count; i++)
		if (edits->items[i].kind == EDIT_INSERT &&
		    strcmp(edits->items[i].name, "X-Connector-Name") == 0)
			return edits->items[i].value;
	return NULL;
}

/* The header and its edits, by the configuration that judged the recipients. */
static void
end_message(struct session *session, int config)
{
	const struct eom_info info = { "4Tq1", "mx.example.com", 1781524800 };
	struct edits edits;
	struct reply reply;
	const char *name;

	session_header(session, "From", "Boss <alice@example.com>");
	for (unsigned i = 0; i < 5; i++) {
		session_header(session, "X-Connector-Name", "forged");
		session_header(session, "Subject", "x");
	}
	if (!session_eom(session, &info, &edits, &reply)) {
		atomic_fetch_add(&strange, 1);
		return;
	}
	name = stamped_as(&edits);
	/* Deletions, the From, and the stamp with its signature. */
	if (config < 0 || name == NULL ||
	    strcmp(name, configs[config].connector) != 0 ||
	    edits.count != configs[config].edits)
		atomic_fetch_add(&mixed, 1);
	if (!session_done(session, true, &reply))
		atomic_fetch_add(&strange, 1);
}

/* One message to the recipient of each configuration. */
static void
send_message(struct session *session)
{
	char line[REPLY_LINE_MAX] = "", first[REPLY_LINE_MAX] = "";
	bool accepted[nitems(configs)];
	struct reply reply;
	const struct mail_info mail = { .path = "<s@client.test>" };

	if (!session_mail(session, &mail, &reply)) {
		atomic_fetch_add(&strange, 1);
		return;
	}
	for (size_t i = 0; i < nitems(configs); i++) {
		const struct rcpt_info rcpt = {
			.path = configs[i].accepted,
			.rcpt_addr = configs[i].accepted,
		};

		accepted[i] = session_rcpt(session, &rcpt, &reply);
		if (accepted[i])
			continue;
		reply_line(line, &reply);
		if (first[0] == '\0')
			memcpy(first, line, sizeof(first));
		if (strcmp(line, first) != 0)
			atomic_fetch_add(&mixed, 1);
	}
	if (config_like(accepted, line) < 0)
		atomic_fetch_add(&mixed, 1);
	end_message(session, config_like(accepted, line));
	atomic_fetch_add(&messages, 1);
}

static void *
serve(void *arg)
{
	(void)arg;
	while (!atomic_load(&stopping)) {
		const struct connect_info info = {
			.host = "client.test",
			.client = { ADDR_IPV4, 0x0a140007 },
			.client_port = 41022,
			.client_resolve = "OK",
			.listener = { { ADDR_IPV4, 0xc0000219 }, 25 },
		};
		struct session *session = session_new(&server);
		struct reply reply;

		if (session == NULL ||
		    !session_connect(session, &info, &reply) ||
		    !session_helo(session, "client.test", &reply))
			atomic_fetch_add(&strange, 1);
		for (unsigned i = 0; session != NULL && i < 3; i++)
			send_message(session);
		session_free(session);
	}
	return NULL;
}

/* Refusals are logged as ever, but nobody wants to read them. */
static void
be_quiet(void)
{
	FILE *nowhere = fopen("/dev/null", "w");

	if (nowhere == NULL || setvbuf(nowhere, NULL, _IONBF, 0) != 0)
		return;
	stderr = nowhere;
}

/* The housekeeper: replaces and collects. */
static void
replace_often(void)
{
	for (unsigned i = 1;
	     i <= REPLACEMENTS || atomic_load(&messages) < MESSAGES_MIN; i++) {
		reload(&server, configs[i % nitems(configs)].text);
		snapshots_collect(server.snapshots);
	}
}

int
main(void)
{
	pthread_t threads[READERS];
	size_t started = 0;

	be_quiet();
	server = impatient_server_of(configs[0].text);
	while (started < READERS &&
	    pthread_create(&threads[started], NULL, serve, NULL) == 0)
		started++;
	is_int((long long)started, READERS, "so many threads");
	replace_often();
	atomic_store(&stopping, true);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	ok(atomic_load(&messages) >= MESSAGES_MIN,
	    "%ld messages were judged during the changes",
	    atomic_load(&messages));
	is_int(atomic_load(&mixed), 0, "none by parts of two configurations");
	is_int(atomic_load(&strange), 0, "none was refused as a whole");
	is_int(atomic_load(&server.live->sessions), 0, "no session is left");
	snapshots_collect(server.snapshots);
	is_int((long long)snapshots_count(server.snapshots), 1,
	    "no old configuration is left");
	server_free(&server);
	return done();
}
