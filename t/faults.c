/*
 * faults.c - a configuration is loaded, replaced and built anew while memory
 * fails, at each allocation there is: it is loaded whole, or not at all and it
 * is said why.
 */
#include "faults.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "digest.h"
#include "explain.h"
#include "guard.h"
#include "logbook.h"
#include "snapshot.h"

#define TODAY 20260615

/* Allocations of libcrypto's context, which crashed, and more. */
#define FIRST_USE 200
#define TOMORROW 20260616

/* Of every kind of section, list and file one. */
static const char main_file[] =
    "; all of it\n"
    "[milter]\nsocket = unix:/run/connector-milter/milter.sock\n"
    "control_socket = /run/connector-milter/control.sock\n"
    "connectors = connectors.d, extra.ini\nstamp_key_file = stamp.key\n"
    "max_sessions = 100\nsyslog_facility = local3\n"
    "[organization]\nname = Example\naccepted_domains = @domains\n"
    "internal_relay_domains = \"legacy.example\"\n"
    "own_hosts = 192.0.2.25, 2001:db8::25\n"
    "tls_receive_domain_secure_list = partner.example\n"
    "[directory]\nrecipients = recipients\nrecipient_delimiter = +\n"
    "[group staff]\nmembers = joe@example.com, ann@example.com\n"
    "[group boss]\nmembers = @bosses\n"
    "[protocol_log]\nmax_file_size = 1M\n"
    "[back_pressure]\nmemory = 88 94 89 84\n"
    "[defaults]\ntarpit_interval = 0s\nmax_message_size = 10M\n";
static const char gate_file[] =
    "[connector gate]\nusage = internet\nbindings = 0.0.0.0:25, [::]:25\n"
    "remote_ip_ranges = 0.0.0.0/0, ::/0\n"
    "accept_any_sender = -host:bad.client.test\n"
    "[connector old]\nbindings = 0.0.0.0:25\nremote_ip_ranges = 10.9.0.0/16\n"
    "permission_groups = anonymous_users\nexpires = 2026-06-15\n";
static const char mail_file[] =
    "[connector mail]\nusage = client\nbindings = 192.0.2.25:587\n"
    "remote_ip_ranges = @ranges\n"
    "accept_any_sender = group:staff, group:boss, user:tom@example.com\n"
    "message_rate_limit = 30 # a minute\nmessage_rate_source = user\n"
    "[connector partner]\nusage = partner\nbindings = 0.0.0.0:25\n"
    "remote_ip_ranges = 203.0.113.128/28\nrequire_tls = yes\n"
    "check_header_from = yes\n";
static const char extra_file[] =
    "[connector scanner]\nbindings = 0.0.0.0:25\n"
    "remote_ip_ranges = 10.20.0.0/24, 10.20.2.1-10.20.2.9\n"
    "permission_groups = anonymous_users\naccept_any_recipient = anonymous\n"
    "allowed_senders = scan@example.com, x@\xc3\xbc.example\n"
    "relay_from = scan@example.com\nrelay_to = \xc3\xbc.test\n";
static const char people_file[] =
    "alice@example.com\n"
    "ann@example.com login=ann@example.com name=\"Ann Other\"\n"
    "\xc3\x84nne@example.com\nlist@example.com internal_only\n";

static const struct {
	const char *name;
	const char *text;
	mode_t mode;
} files[] = {
	{ "main.ini", main_file, 0644 },
	{ "connectors.d/gate.ini", gate_file, 0644 },
	{ "connectors.d/mail.ini", mail_file, 0644 },
	{ "extra.ini", extra_file, 0644 },
	{ "connectors.d/ranges", "10.1.0.0/16\n2001:db8:5::/48\n", 0644 },
	{ "domains", "example.com\n*.example.com\n\xc3\xbc.test\n", 0644 },
	{ "bosses", "kim@example.com\nlee@example.com\n", 0644 },
	{ "recipients", people_file, 0644 },
	{ "stamp.key",
	    "2026a ababababababababababababababababababababababababababababab"
	    "ababab\n",
	    0600 },
};

static char path[LOGBOOK_PATH_MAX];

static void
write_files(void)
{
	char name[LOGBOOK_PATH_MAX];

	logbook_begin();
	mkdir(logbook_path(name, "connectors.d"), 0755);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		logbook_write(files[i].name, files[i].text);
		chmod(logbook_path(name, files[i].name), files[i].mode);
	}
	logbook_path(path, "main.ini");
}

/* --- what a configuration is like --- */

static const char *const recipients[] = { "<alice@example.com>",
	"<list@example.com>", "<nobody@example.com>", "<x@foreign.test>",
	"<x@xn--tda.test>" };

/* One of each connector, and of none. */
static const struct {
	const char *client, *listener, *name, *from, *auth, *tls, *cert;
} askers[] = {
	{ .client = "198.51.100.9",
	    .listener = "192.0.2.25:25",
	    .name = "a.client.test",
	    .from = "<s@client.test>" },
	{ .client = "198.51.100.9",
	    .listener = "192.0.2.25:25",
	    .name = "bad.client.test",
	    .from = "<s@client.test>" },
	{ .client = "2001:db8::9",
	    .listener = "[2001:db8::25]:25",
	    .from = "<ann@example.com>" },
	{ .client = "10.1.2.3",
	    .listener = "192.0.2.25:587",
	    .from = "<kim@example.com>",
	    .auth = "lee@example.com",
	    .tls = "TLSv1.3" },
	{ .client = "10.1.2.3",
	    .listener = "192.0.2.25:587",
	    .from = "<joe@example.com>",
	    .auth = "bob@example.com",
	    .tls = "TLSv1.3" },
	{ .client = "203.0.113.130",
	    .listener = "192.0.2.25:25",
	    .from = "<a@partner.example>",
	    .tls = "TLSv1.3",
	    .cert = "mail.partner.example" },
	{ .client = "10.20.2.3",
	    .listener = "192.0.2.25:25",
	    .from = "<x@\xc3\xbc.example>" },
	{ .client = "10.9.2.3",
	    .listener = "192.0.2.25:25",
	    .from = "<x@client.test>" },
	{ .client = "10.20.2.3",
	    .listener = "192.0.2.25:26",
	    .from = "<x@client.test>" },
};

static void
describe_answer(struct snapshots *snapshots, size_t i, FILE *out)
{
	struct question question = {
		.client_port = 41022,
		.client_name = askers[i].name,
		.helo = "client.test",
		.from = askers[i].from,
		.auth = askers[i].auth,
		.tls = askers[i].tls,
		.cert_subject = askers[i].cert,
		.header_from = "Ann <ann@example.com>",
		.size = 1000,
		.recipients = recipients,
		.recipient_count = sizeof(recipients) / sizeof(recipients[0]),
	};
	struct explanation *answer;

	if (addr_parse(&question.client, askers[i].client) ||
	    endpoint_parse(&question.listener, askers[i].listener))
		exit(2);
	answer = explain(snapshots, &question);
	if (answer == NULL)
		exit(2);
	explanation_text(answer, out);
	explanation_json(answer, out);
	explanation_free(answer);
}

/* All that can be asked of it; freed by the caller. */
static char *
describe(struct snapshots *snapshots)
{
	struct snapshot *snapshot = snapshots_pin(snapshots);
	const struct config *config = snapshot_config(snapshot);
	struct guard *guard = guard_build(config_policy(config));
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL || guard == NULL ||
	    guard_print_postfix(guard, config_hash(config), out) != 0 ||
	    guard_print_sendmail(guard, config_hash(config), out) != 0)
		exit(2);
	fprintf(out, "%d %d %s %lld %lld\n", config_today(config),
	    config_expires(config), config_milter(config)->control_socket,
	    config_milter(config)->max_sessions,
	    config_protocol_log(config)->max_file_size);
	for (size_t i = 0; i < sizeof(askers) / sizeof(askers[0]); i++)
		describe_answer(snapshots, i, out);
	fclose(out);
	guard_free(guard);
	snapshots_unpin(snapshots, snapshot);
	return text;
}

/* --- loading --- */

static char *whole;    /* how it is with memory */
static char *next_day; /* and a day later */

static struct config *
load(struct diags *diags)
{
	struct config *config;

	starve();
	config = config_load(path, TODAY, diags);
	feed();
	return config;
}

/* What follows from a section that memory failed to keep. */
static bool
is_consequence(const char *line)
{
	return strstr(line, ": warning: ") != NULL;
}

static bool
is_about_memory(const char *line)
{
	return strstr(line, "out of memory") != NULL ||
	    strstr(line, "Cannot allocate memory") != NULL;
}

/* It is about memory, and about nothing else. */
static void
check_problems(const struct diags *diags)
{
	char text[8192] = "";
	FILE *out = fmemopen(text, sizeof(text) - 1, "w");

	if (out == NULL)
		exit(2);
	diags_print(diags, out);
	fclose(out);
	if (!is_about_memory(text))
		complain("it is not loaded, and nobody says why");
	for (char *line = strtok(text, "\n"); line != NULL;
	     line = strtok(NULL, "\n"))
		if (!is_about_memory(line) && !is_consequence(line))
			complain("it says %s", line);
}

/* Takes config. */
static void
check_whole(struct config *config)
{
	struct snapshots *snapshots = snapshots_new(config);
	char *text;

	if (snapshots == NULL)
		exit(2);
	text = describe(snapshots);
	if (whole == NULL)
		whole = text;
	else if (strcmp(text, whole) != 0)
		complain("it is loaded in part");
	if (text != whole)
		free(text);
	snapshots_free(snapshots);
}

static void
try_load(void)
{
	struct diags *diags = diags_new();
	struct config *config = load(diags);

	if (config == NULL)
		check_problems(diags);
	else if (diags_count(diags, SEVERITY_ERROR) > 0)
		complain("it is loaded in spite of errors");
	if (config != NULL)
		check_whole(config);
	diags_free(diags);
}

/* --- replacing --- */

static struct snapshots *store;

static void
check_store(const char *want, const char *other)
{
	char *text = describe(store);

	if (strcmp(text, want) != 0 &&
	    (other == NULL || strcmp(text, other) != 0))
		complain("what is in use is neither old nor new");
	free(text);
	snapshots_collect(store);
	if (snapshots_count(store) != 1)
		complain(
		    "%zu configurations are in memory", snapshots_count(store));
}

/* As the keeper does it. */
static void
replace(struct config *config)
{
	if (config != NULL && snapshots_replace(store, config) != 0)
		config_free(config);
	snapshots_collect(store);
}

static void
try_replace(void)
{
	struct diags *diags = diags_new();

	starve();
	replace(config_load(path, TODAY, diags));
	feed();
	check_store(whole, NULL);
	diags_free(diags);
}

static void
turn_back(void)
{
	struct snapshot *snapshot = snapshots_pin(store);
	struct config *back = config_on_day(snapshot_config(snapshot), TODAY);

	snapshots_unpin(store, snapshot);
	if (back == NULL)
		complain("the day after that finds no configuration");
	replace(back);
}

static void
try_next_day(void)
{
	struct snapshot *snapshot = snapshots_pin(store);
	const struct config *config = snapshot_config(snapshot);
	struct config *next;

	starve();
	next = config_on_day(config, TOMORROW);
	snapshots_unpin(store, snapshot);
	replace(next);
	feed();
	if (next_day == NULL)
		next_day = describe(store);
	if (fault.failed == 0)
		check_store(next_day, NULL);
	else
		check_store(next_day, whole);
	turn_back();
	check_store(whole, NULL);
}

/* --- libraries --- */

static unsigned long
allocations_of_hmac(void)
{
	static const unsigned char key[DIGEST_SIZE];
	const unsigned long room = 1000000;
	unsigned char sum[DIGEST_SIZE];

	scarcity_begin(room + 1, false);
	if (digest_hmac(sum, key, sizeof(key), "x", 1) != 0)
		exit(2);
	(void)scarcity_end();
	return room - (unsigned long)scarcity.left;
}

/* A process that has never used libcrypto, without memory: it must not crash.
 */
static bool
survives(unsigned long k, bool lasting)
{
	unsigned char sum[DIGEST_SIZE];
	const pid_t pid = fork();
	int status;

	if (pid == 0) {
		scarcity_begin(k, lasting);
		status = digest_of(sum, "x", 1) == 0 ? 0 : 1;
		(void)scarcity_end();
		_exit(status);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status);
}

static void
test_first_use(void)
{
	unsigned crashed = 0;

	for (unsigned long k = 1; k <= FIRST_USE; k++)
		crashed += !survives(k, false) || !survives(k, true);
	is_int(crashed, 0, "no failure while libcrypto sets itself up crashes");
}

static void
test_library(void)
{
	unsigned char sum[DIGEST_SIZE];

	unsigned long first, later;

	ok(digest_of(sum, "x", 1) == 0, "libcrypto works");
	first = allocations_of_hmac();
	later = allocations_of_hmac();
	ok(first == later && first > 0,
	    "then nothing of it is left to set up: %lu allocations of the "
	    "first signature, %lu of the next",
	    first, later);
}

int
main(void)
{
	struct diags *diags = diags_new();
	struct config *first;

	write_files();
	test_first_use();
	test_library();
	enumerate("loading", try_load);
	first = config_load(path, TODAY, diags);
	if (first == NULL) {
		diags_print(diags, stdout);
		return 2;
	}
	store = snapshots_new(first);
	if (store == NULL)
		return 2;
	enumerate("a reload", try_replace);
	enumerate("midnight", try_next_day);
	snapshots_free(store);
	diags_free(diags);
	free(whole);
	free(next_day);
	logbook_end();
	return done();
}
