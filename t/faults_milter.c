/*
 * faults_milter.c - milter.c above a libmilter whose calls fail one by one, and
 * all from one on, and whose memory does: what is refused stays refused, and no
 * message passes whose header was not edited as it had to be.
 */
#include "faults.h"
#include "played.h"

#include <arpa/inet.h>
#include <libmilter/mfapi.h>
#include <netinet/in.h>

/* Its callbacks are told to libmilter alone. */
#include "../milter/milter.c"

#define CONFIG \
	"[organization]\naccepted_domains = example.com\n" \
	"[connector gate]\nusage = internet\nbindings = 0.0.0.0:25\n" \
	"remote_ip_ranges = 0.0.0.0/0\nstamp = yes\ntarpit_interval = 0s\n" \
	"check_header_from = yes\nsubmit = -user:eve\n" \
	"permission_groups = anonymous_users, exchange_users\n" \
	"auth_mechanism = tls, basic_auth\n" \
	"accept_any_sender = users\n"

/* --- libmilter --- */

static struct smfiDesc callbacks;
static void *private_data;
static unsigned deletions, insertions;
static const char *login; /* NULL: nobody logged in */
static bool nameless;     /* the MTA does not say what it calls itself */

/* The call that fails, counted down; and those behind it. */
static struct {
	long left;
	bool lasting, on;
	unsigned failed;
} calls;

static bool
refuses(void)
{
	if (!calls.on || --calls.left > 0 ||
	    (calls.failed > 0 && !calls.lasting))
		return false;
	calls.failed++;
	return true;
}

int
smfi_register(struct smfiDesc desc)
{
	callbacks = desc;
	return MI_SUCCESS;
}

int
smfi_setconn(char *spec)
{
	(void)spec;
	return MI_SUCCESS;
}

int
smfi_opensocket(bool remove)
{
	(void)remove;
	return MI_SUCCESS;
}

int
smfi_main(void)
{
	return MI_SUCCESS;
}

int
smfi_settimeout(int seconds)
{
	(void)seconds;
	return MI_SUCCESS;
}

int
smfi_setbacklog(int backlog)
{
	(void)backlog;
	return MI_SUCCESS;
}

int
smfi_version(unsigned *major, unsigned *minor, unsigned *patch)
{
	*major = *minor = *patch = 8;
	return MI_SUCCESS;
}

int
smfi_setreply(SMFICTX *ctx, char *code, char *dsn, char *text)
{
	(void)ctx, (void)code, (void)dsn, (void)text;
	return refuses() ? MI_FAILURE : MI_SUCCESS;
}

int
smfi_setpriv(SMFICTX *ctx, void *data)
{
	(void)ctx;
	/* That a connection ends is no thing that can fail. */
	if (data != NULL && refuses())
		return MI_FAILURE;
	private_data = data;
	return MI_SUCCESS;
}

void *
smfi_getpriv(SMFICTX *ctx)
{
	(void)ctx;
	return private_data;
}

int
smfi_setsymlist(SMFICTX *ctx, int stage, char *names)
{
	(void)ctx, (void)stage, (void)names;
	return refuses() ? MI_FAILURE : MI_SUCCESS;
}

int
smfi_chgheader(SMFICTX *ctx, char *name, int index, char *value)
{
	(void)ctx, (void)name, (void)index, (void)value;
	if (refuses())
		return MI_FAILURE;
	deletions++;
	return MI_SUCCESS;
}

int
smfi_insheader(SMFICTX *ctx, int index, char *name, char *value)
{
	(void)ctx, (void)index, (void)name, (void)value;
	if (refuses())
		return MI_FAILURE;
	insertions++;
	return MI_SUCCESS;
}

char *
smfi_getsymval(SMFICTX *ctx, char *name)
{
	static char values[][32] = { "{daemon_port}", "25", "{daemon_addr}",
		"192.0.2.25", "{client_resolve}", "OK", "j", "mx.example.com",
		"i", "4Tq1", "{rcpt_addr}", "alice@example.com",
		"{rcpt_mailer}", "smtp", "{tls_version}", "TLSv1.3" };

	(void)ctx;
	/* Who does not log in is another client, and may do other things. */
	if (login != NULL && strcmp(name, "{auth_authen}") == 0)
		return (char *)(uintptr_t)login;
	if (login != NULL && strcmp(name, "{auth_type}") == 0)
		return values[6]; /* any word */
	if (refuses()) {
		nameless |= strcmp(name, "j") == 0;
		return NULL;
	}
	for (size_t i = 0; i < nitems(values); i += 2)
		if (strcmp(values[i], name) == 0)
			return values[i + 1];
	return NULL;
}

/* --- sessions --- */

static const struct part {
	const char *what;
	const char *from, *to, *login;
	sfsistat want;
	const char *author;
	unsigned forged;
} parts[] = {
	{ "an allowed message", "<x@client.test>", "<alice@example.com>", NULL,
	    SMFIS_CONTINUE, "x@client.test", 2 },
	{ "a foreign recipient", "<x@client.test>", "<x@foreign.test>", NULL,
	    SMFIS_REJECT, "x@client.test", 0 },
	{ "a sender of ours", "<boss@example.com>", "<alice@example.com>", NULL,
	    SMFIS_REJECT, "x@client.test", 0 },
	{ "an author of ours", "<x@client.test>", "<alice@example.com>", NULL,
	    SMFIS_REJECT, "boss@example.com", 2 },
	{ "a login that may not submit", "<x@client.test>",
	    "<alice@example.com>", "eve", SMFIS_REJECT, "x@client.test", 0 },
};

static const struct part *part;
static bool memory; /* it is what fails */

static char *
plain(const char *text)
{
	return (char *)(uintptr_t)text;
}

static sfsistat
end_of_header(SMFICTX *ctx)
{
	sfsistat answer = callbacks.xxfi_data(ctx);

	if (answer == SMFIS_CONTINUE)
		answer = callbacks.xxfi_header(
		    ctx, plain("From"), plain(part->author));
	for (unsigned i = 0; i < part->forged && answer == SMFIS_CONTINUE; i++)
		answer = callbacks.xxfi_header(
		    ctx, plain("X-Connector-Name"), plain("forged"));
	return answer == SMFIS_CONTINUE ? callbacks.xxfi_eoh(ctx) : answer;
}

/* As libmilter calls; the first answer that is not to go on, or the last. */
static sfsistat
converse(SMFICTX *ctx)
{
	struct sockaddr_in peer = { .sin_family = AF_INET,
		.sin_port = htons(41022),
		.sin_addr = { htonl(0xcb007109) } };
	char *from[] = { plain(part->from), NULL };
	char *to[] = { plain(part->to), NULL };
	unsigned long got[4];
	sfsistat answer = callbacks.xxfi_negotiate(
	    ctx, 0x1ff, 0x1fffff, 0, 0, &got[0], &got[1], &got[2], &got[3]);

	if (answer != SMFIS_CONTINUE)
		return SMFIS_TEMPFAIL; /* the MTA's default */
	answer = callbacks.xxfi_connect(
	    ctx, plain("mail.client.test"), (_SOCK_ADDR *)&peer);
	if (answer == SMFIS_CONTINUE)
		answer = callbacks.xxfi_helo(ctx, plain("mail.client.test"));
	if (answer == SMFIS_CONTINUE)
		answer = callbacks.xxfi_envfrom(ctx, from);
	if (answer == SMFIS_CONTINUE)
		answer = callbacks.xxfi_envrcpt(ctx, to);
	if (answer == SMFIS_CONTINUE)
		answer = end_of_header(ctx);
	return answer == SMFIS_CONTINUE ? callbacks.xxfi_eom(ctx) : answer;
}

static void
check(sfsistat answer)
{
	const bool failed = memory ? fault.failed > 0 : calls.failed > 0;

	if (answer == SMFIS_CONTINUE && part->want != SMFIS_CONTINUE)
		complain("it is accepted");
	else if (answer == SMFIS_CONTINUE &&
	    (deletions != part->forged ||
		(insertions != 3 && !(nameless && insertions == 2))))
		complain("it is accepted with %u deletions, %u insertions",
		    deletions, insertions);
	else if (answer != part->want && answer != SMFIS_TEMPFAIL &&
	    !(failed && !memory && answer == SMFIS_REJECT))
		complain("the answer is %d", (int)answer);
	else if (answer != part->want && !failed)
		complain("without need the answer is %d", (int)answer);
}

static void
attempt(void)
{
	static int anything;
	SMFICTX *ctx = (SMFICTX *)(void *)&anything;
	sfsistat answer;

	deletions = insertions = 0;
	nameless = false;
	login = part->login;
	if (memory)
		starve();
	calls.left = (long)fault.k;
	calls.lasting = fault.lasting;
	calls.failed = 0;
	calls.on = !memory && fault.k > 0;
	answer = converse(ctx);
	(void)callbacks.xxfi_close(ctx);
	calls.on = false;
	if (memory)
		feed();
	else
		fault.failed = calls.failed;
	check(answer);
}

/* --- what else milter.c asks for --- */

int
process_next_descriptor(void)
{
	return 3;
}

void
process_tune(int listener)
{
	(void)listener;
}

size_t
process_descriptors(void)
{
	return 1024;
}

int
milter_stop_init(void)
{
	return 0;
}

int
milter_thread_init(struct live *live, size_t room)
{
	(void)live, (void)room;
	return 0;
}

void
milter_note_no_memory(void)
{
}

bool
milter_answer_begin(void)
{
	return true;
}

void
milter_answer_end(void)
{
}

static void
be_quiet(void)
{
	stderr = fopen("/dev/null", "w");
	if (stderr == NULL || setvbuf(stderr, NULL, _IONBF, 0) != 0)
		exit(2);
}

int
main(void)
{
	static struct server server;

	be_quiet();
	server = impatient_server_of(CONFIG);
	if (milter_open("inet:0@127.0.0.1", &server) != 0)
		return 2;
	for (size_t i = 0; i < nitems(parts); i++) {
		part = &parts[i];
		memory = false;
		enumerate_things(part->what, "calls of libmilter", attempt);
		memory = true;
		enumerate(part->what, attempt);
	}
	is_int(atomic_load(&server.live->sessions), 0, "no session is left");
	server_free(&server);
	return done();
}
