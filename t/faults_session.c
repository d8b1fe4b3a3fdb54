/*
 * faults_session.c - whole sessions while memory fails, at each allocation
 * there is: what is refused is never accepted, what is accepted is so with all
 * its edits or deferred, and nothing of it is left.
 */
#include "faults.h"

#define PLAYED_RECIPIENTS \
	"alice@example.com\n" \
	"ann@example.com name=\"Ann \xc3\x96ther\" login=ann@example.com\n" \
	"list@\xc3\xbc.test internal_only\n"
#include "logbook.h"
#include "plays.h"

#include "log.h"

#define HOUR_NS 3600000000000LL

#define CONFIG \
	"[milter]\nstamp_key_file = stamp.key\nmax_sessions = 100\n" \
	"[organization]\naccepted_domains = example.com, \xc3\xbc.test\n" \
	"tls_receive_domain_secure_list = partner.example\n" \
	"[directory]\nrecipients = recipients.txt\n" \
	"[group staff]\nmembers = joe@example.com\n" \
	"[defaults]\ntarpit_interval = 0s\nprotocol_logging_level = verbose\n" \
	"[connector gate]\nusage = internet\nbindings = 0.0.0.0:25\n" \
	"remote_ip_ranges = 0.0.0.0/0\ncheck_header_from = yes\n" \
	"resolve_anonymous_senders = annotate\nstamp = yes\n" \
	"submit = -host:bad.client.test\n" \
	"[connector names]\nusage = internet\nbindings = 0.0.0.0:25\n" \
	"remote_ip_ranges = 203.0.113.0/24\nstamp = yes\n" \
	"resolve_anonymous_senders = yes\nreject_single_label_recipient_" \
	"domains = yes\n" \
	"[connector limits]\nbindings = 0.0.0.0:25\n" \
	"remote_ip_ranges = 198.51.100.0/24\n" \
	"permission_groups = anonymous_users\nmessage_rate_limit = 1\n" \
	"message_rate_source = all\nmax_recipients_per_message = 1\n" \
	"max_message_size = 64K\nmax_hop_count = 2\n" \
	"max_inbound_connection_per_source = 1\nmax_protocol_errors = 1\n" \
	"[connector users]\nusage = client\nbindings = 0.0.0.0:587\n" \
	"remote_ip_ranges = 10.0.0.0/8\nrequire_tls = no\n" \
	"accept_any_sender = group:staff\n" \
	"[connector partner]\nusage = partner\nbindings = 0.0.0.0:25\n" \
	"remote_ip_ranges = 10.3.0.0/16\nrequire_tls = yes\n"

#define STRANGER \
	{ .verb = CONNECT, .text = "192.0.2.9" }, \
	{ \
		.verb = HELO, .text = "mail.client.test" \
	}
#define LIMITED \
	{ .verb = CONNECT, .text = "198.51.100.9" }, \
	{ \
		.verb = HELO, .text = "mail.client.test" \
	}
#define FROM(path) \
	{ \
		.verb = MAIL, .text = "<" path ">" \
	}
#define TO(path) \
	{ \
		.verb = RCPT, .text = "<" path ">", .resolved = path \
	}
#define HEAD(name, body) \
	{ \
		.verb = HEADER, .text = name, .value = body \
	}
#define USER(name) \
	{ \
		.verb = MAIL, .text = "<" name ">", .auth_type = "PLAIN", \
		.auth_authen = name, .tls = "TLSv1.3" \
	}
#define AT_587 \
	{ \
		.verb = CONNECT, .text = "10.1.2.3", \
		.listener = "192.0.2.25:587" \
	}
#define CERTIFIED(path) \
	{ \
		.verb = MAIL, .text = "<" path ">", .tls = "TLSv1.3", \
		.verify = "OK", .cn_subject = "mail.partner.example", \
		.cert_subject = "/CN=mail.partner.example" \
	}

struct scene {
	const char *what;
	const char *codes; /* of each refusal and each message, in order */
	struct move moves[MOVES_MAX];
};

/* clang-format off */
static const struct scene scenes[] = {
	{ "an allowed message with every edit", "250", { STRANGER,
	    FROM("x@client.test"), TO("alice@example.com"),
	    HEAD("From", "Ann <ann@foreign.test>"),
	    { .verb = HEADER, .text = "X-Connector-Name", .value = "forged", .times = 3 },
	    HEAD("X-MS-Exchange-Organization-SCL", "-1"),
	    HEAD("Received", "from a by b; now"), { .verb = EOM, .text = "" } } },
	{ "names for senders", "250", {
	    { .verb = CONNECT, .text = "203.0.113.9" }, { .verb = HELO, .text = "mail.client.test" },
	    FROM("x@client.test"), TO("alice@example.com"),
	    HEAD("From", "x@client.test"), { .verb = EOM, .text = "" } } },
	{ "two messages of one session", "250 250", { STRANGER,
	    FROM("x@client.test"), TO("alice@example.com"), { .verb = EOM, .text = "" },
	    FROM("y@client.test"), TO("ann@example.com"),
	    HEAD("From", "y@client.test"), { .verb = EOM, .text = "" } } },
	{ "a message given up, and one sent", "250", { STRANGER,
	    FROM("x@client.test"), TO("alice@example.com"), { .verb = ABORT, .text = "" },
	    FROM("x@client.test"), TO("alice@example.com"), { .verb = EOM, .text = "" } } },
	{ "a sender of ours", "550", { STRANGER,
	    FROM("alice@example.com"), TO("ann@example.com"), { .verb = EOM, .text = "" } } },
	{ "a sender of ours in another alphabet", "550", { STRANGER,
	    FROM("boss@xn--tda.test"), TO("ann@example.com"), { .verb = EOM, .text = "" } } },
	{ "an author of ours", "550", { STRANGER,
	    FROM("x@client.test"), TO("ann@example.com"),
	    HEAD("From", "Boss <boss@\xc3\xbc.test>"), { .verb = EOM, .text = "" } } },
	{ "an author of ours among others", "550", { STRANGER,
	    FROM("x@client.test"), TO("ann@example.com"),
	    HEAD("From", "x@client.test"),
	    HEAD("From", "a@b.test, \"Q\" <boss@example.com>"),
	    { .verb = EOM, .text = "" } } },
	{ "a host that is denied", "530", {
	    { .verb = CONNECT, .text = "192.0.2.9", .host = "bad.client.test" },
	    { .verb = HELO, .text = "bad.client.test" },
	    FROM("x@client.test"), TO("alice@example.com"), { .verb = EOM, .text = "" } } },
	{ "a foreign recipient", "550", { STRANGER,
	    FROM("x@client.test"), TO("x@xn--bcher-kva.example"),
	    { .verb = EOM, .text = "" } } },
	{ "an unknown recipient", "550", { STRANGER,
	    FROM("x@client.test"), TO("nobody@example.com"), { .verb = EOM, .text = "" } } },
	{ "a list for our own people", "550", { STRANGER,
	    FROM("x@client.test"), TO("list@\xc3\xbc.test"), { .verb = EOM, .text = "" } } },
	{ "a route", "550", { STRANGER,
	    FROM("x@client.test"), TO("x%foreign.test@example.com"),
	    { .verb = EOM, .text = "" } } },
	{ "nobody who logged in", "530", { AT_587, { .verb = HELO, .text = "pc" },
	    FROM("joe@example.com"), TO("x@foreign.test"), { .verb = EOM, .text = "" } } },
	{ "a login as somebody else", "550", { AT_587, { .verb = HELO, .text = "pc" },
	    { .verb = MAIL, .text = "<ann@example.com>", .auth_type = "PLAIN",
		.auth_authen = "tom@example.com", .tls = "TLSv1.3" },
	    TO("x@foreign.test"), { .verb = EOM, .text = "" } } },
	{ "a login of the group", "250", { AT_587, { .verb = HELO, .text = "pc" },
	    { .verb = MAIL, .text = "<x@foreign.test>", .auth_type = "PLAIN",
		.auth_authen = "joe@example.com", .tls = "TLSv1.3" },
	    TO("x@foreign.test"), { .verb = EOM, .text = "" } } },
	{ "a login of another group", "550", { AT_587, { .verb = HELO, .text = "pc" },
	    { .verb = MAIL, .text = "<x@foreign.test>", .auth_type = "PLAIN",
		.auth_authen = "ann@example.com", .tls = "TLSv1.3" },
	    TO("x@foreign.test"), { .verb = EOM, .text = "" } } },
	{ "a partner", "250", {
	    { .verb = CONNECT, .text = "10.3.0.1" }, { .verb = HELO, .text = "mail.partner.example" },
	    CERTIFIED("a@partner.example"), TO("alice@example.com"),
	    { .verb = EOM, .text = "" } } },
	{ "a partner as somebody else", "550", {
	    { .verb = CONNECT, .text = "10.3.0.1" }, { .verb = HELO, .text = "mail.partner.example" },
	    CERTIFIED("a@elsewhere.example"), TO("alice@example.com"),
	    { .verb = EOM, .text = "" } } },
	{ "a partner without TLS", "530", {
	    { .verb = CONNECT, .text = "10.3.0.1" }, { .verb = HELO, .text = "mail.partner.example" },
	    FROM("a@partner.example"), TO("alice@example.com"),
	    { .verb = EOM, .text = "" } } },
	{ "a client of nobody's", "421", {
	    { .verb = CONNECT, .text = "192.0.2.9", .listener = "192.0.2.25:26" },
	    { .verb = HELO, .text = "x" },
	    FROM("a@b.test"), TO("alice@example.com"), { .verb = EOM, .text = "" } } },
	{ "a second message within the minute", "250 421", { LIMITED,
	    FROM("x@client.test"), TO("alice@example.com"), { .verb = EOM, .text = "" },
	    FROM("x@client.test"), TO("alice@example.com"), { .verb = EOM, .text = "" } } },
	{ "one recipient too many", "452", { LIMITED,
	    FROM("x@client.test"), TO("alice@example.com"),
	    TO("ann@example.com"), { .verb = EOM, .text = "" } } },
	{ "a message that says it is too large", "552", { LIMITED,
	    { .verb = MAIL, .text = "<x@client.test>", .parameter = "SIZE=70000" },
	    TO("alice@example.com"), { .verb = EOM, .text = "" } } },
	{ "a message that is too large", "552", { LIMITED,
	    FROM("x@client.test"), TO("alice@example.com"),
	    { .verb = HEADER, .text = "Subject", .value = "as long as the others",
		.times = 3000 }, { .verb = EOM, .text = "" } } },
	{ "a loop", "554", { LIMITED,
	    FROM("x@client.test"), TO("alice@example.com"),
	    { .verb = HEADER, .text = "Received", .value = "from a by b; now", .times = 3 },
	    { .verb = EOM, .text = "" } } },
	{ "a local submission", "250", {
	    { .verb = CONNECT, .text = "127.0.0.1", .local = true },
	    FROM("x@client.test"), TO("alice@example.com"), { .verb = EOM, .text = "" } } },
};
/* clang-format on */

static const struct scene *scene;
static struct server server;
static char *want; /* what comes of it with memory */

/* One line for each refusal and each message. */
static struct {
	char text[16384];
	size_t len;
	char codes[64];
} result;

static void
note(const char *code, const char *text)
{
	const size_t room = sizeof(result.text) - result.len;
	const int n =
	    snprintf(result.text + result.len, room, "%s %s\n", code, text);

	if (n < 0 || (size_t)n >= room)
		exit(2);
	result.len += (size_t)n;
	if (result.codes[0] != '\0')
		strcat(result.codes, " ");
	strcat(result.codes, code);
}

/* What the test itself needs is not what fails. */
static void
note_message(const struct edits *edits)
{
	const bool on = scarcity.on;
	char *text, *copy;

	scarcity.on = false;
	text = edits_text(edits);
	copy = strdup(text != NULL ? text : "");
	for (char *c = copy; *c != '\0'; c++)
		if (*c == '\n')
			*c = '|';
	note("250", copy);
	free(copy);
	free(text);
	scarcity.on = on;
}

static bool
end_message(struct session *session, struct reply *reply)
{
	const struct eom_info info = { "4Tq1", "mx.example.com", PLAYED_NOW };
	struct edits edits;

	if (!session_eom(session, &info, &edits, reply))
		return false;
	/* They are the session's, and gone when it is done. */
	note_message(&edits);
	if (session_done(session, true, reply))
		return true;
	complain("it is deferred when all is done");
	return false;
}

static bool
make_move(struct session *session, const struct move *move, struct reply *reply)
{
	return move->verb == EOM
	    ? end_message(session, reply)
	    : play_move(&server, session, move, reply, scene->what);
}

/* Until the first refusal, as an MTA without hope would. */
static void
play_scene(void)
{
	struct session *session = session_new(&server);
	struct reply reply;

	result.len = 0;
	result.text[0] = result.codes[0] = '\0';
	if (session == NULL) {
		note("451", "no session");
		return;
	}
	for (const struct move *move = scene->moves; move->verb != END;
	     move++) {
		char line[REPLY_LINE_MAX];

		if (make_move(session, move, &reply))
			continue;
		note(reply.code, reply_line(line, &reply));
		break;
	}
	session_free(session);
}

/* The same as with memory, or from some command on a 4xx. */
static void
check_result(void)
{
	const char *got = result.text;
	size_t same = 0;

	if (strcmp(got, want) == 0)
		return;
	for (size_t i = 0; got[i] == want[i]; i++)
		if (got[i] == '\n')
			same = i + 1;
	if (fault.failed == 0)
		complain("without need it became %s", got);
	else if (got[same] != '4' || strchr(got + same, '\n')[1] != '\0')
		complain("it became %s", got);
}

static void
check_counters(void)
{
	struct limits_usage usage;

	limits_usage(server.live->limits, &usage, played_ns);
	if (atomic_load(&server.live->sessions) != 0 ||
	    atomic_load(&server.live->transactions) != 0 || usage.sources != 0)
		complain("%ld sessions, %ld transactions, %zu sources are left",
		    atomic_load(&server.live->sessions),
		    atomic_load(&server.live->transactions),
		    (size_t)usage.sources);
	snapshots_collect(server.snapshots);
	if (snapshots_count(server.snapshots) != 1)
		complain("a configuration is still pinned");
}

static void
try_scene(void)
{
	/* Rates are forgotten. */
	played_ns += HOUR_NS;
	starve();
	play_scene();
	feed();
	if (want == NULL)
		want = strdup(result.text);
	check_result();
	check_counters();
	/* And nobody after it notices. */
	if (fault.failed > 0) {
		played_ns += HOUR_NS;
		play_scene();
		if (strcmp(result.text, want) != 0)
			complain("the next one becomes %s", result.text);
	}
}

static void
test_scene(const struct scene *next)
{
	scene = next;
	want = NULL;
	try_scene();
	if (!is_str(result.codes, scene->codes, scene->what))
		printf("# %s", want);
	enumerate(scene->what, try_scene);
	free(want);
}

/* The log is written by who speaks, and nobody reads it. */
static void
be_quiet(void)
{
	FILE *nowhere = fopen("/dev/null", "w");

	if (nowhere == NULL || setvbuf(nowhere, NULL, _IONBF, 0) != 0)
		exit(2);
	stderr = nowhere;
}

int
main(void)
{
	struct protocol_log_settings settings = logbook_settings();

	be_quiet();
	logbook_begin();
	server = impatient_server_of(CONFIG);
	settings.directory = logbook_folder;
	protolog_configure(server.live->protolog, &settings);
	for (size_t i = 0; i < nitems(scenes); i++)
		test_scene(&scenes[i]);
	server_free(&server);
	logbook_end();
	return done();
}
