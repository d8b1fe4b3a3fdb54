/*
 * session.c - any sequence of what an MTA may tell of two clients.
 *
 * The first byte says which configuration is in use; then come lines, a letter
 * and fields that TABs part (VT stands for a line end in a field):
 *
 *	1, 2	of which client the lines below tell
 *	c	connect: CLIENT LISTENER HOST {client_resolve}
 *	l	connect, of a local submission
 *	h	HELO: NAME
 *	m	MAIL: PATH PARAMETER {tls_version} {auth_type} {auth_authen}
 *		{cert_subject}
 *	r	RCPT: PATH {rcpt_addr} {rcpt_mailer} PARAMETER
 *	f	a field: NAME VALUE
 *	b	so many bytes of the body
 *	u	an unknown command
 *	e, x	end of the message, and the MTA makes the edits, or not
 *	d	the word that they are made, out of order
 *	a	abort
 *	s	a reload: which configuration
 *	t	so many milliseconds pass
 *
 * Holds: what is accepted is allowed by the naive reading in session_policy.h
 * of the configuration that was in use at MAIL; no message without a judged
 * MAIL and an accepted recipient; no forged field is left; every answer is a
 * reply that fits its verdict and one printable line of the log.
 */
#define PLAYED_RECIPIENTS \
	"alice@ours.example login=alice name=\"Alice\"\n" \
	"all@ours.example internal_only\nbob@a.ours.example\n"

#include "fuzz.h"
#include "played.h"
#include "session_policy.h"

#define CLIENTS 2
#define FIELDS_MAX 6
#define START_NS 1000000000LL
#define LINES_MAX 200

/* What is known of a client, and what was answered. */
struct model {
	struct session *session;
	bool local;
	struct known known;
	char *texts[4]; /* that known points to */
	char certificate[DOMAIN_MAX + 1];
	long long connected; /* ns */
	unsigned errors;
	const struct meaning *meaning; /* at MAIL; NULL: no transaction */
	const struct policy *policy;   /* the same */
	unsigned accepted;             /* recipients */
	long long bytes;
	unsigned hops;
	unsigned forged; /* fields that nobody may bring */
	bool spoofed;    /* the header names one of ours as author */
};

struct run {
	struct model models[CLIENTS];
	struct model *model;
	unsigned refused; /* answers to be found in the log */
	unsigned delivered;
};

/*
 * Kept from one input to the next, for making one takes long; at the beginning
 * of each it is as if it were new.
 */
static struct server server;
static unsigned in_use; /* its configuration */

static void
renew_server(unsigned number)
{
	if (server.snapshots == NULL)
		server = impatient_server_of(meanings[number].text);
	else if (number != in_use)
		reload(&server, meanings[number].text);
	in_use = number;
	snapshots_collect(server.snapshots);
	played_ns = START_NS;
}

/* --- answers --- */

static void
check_reply(const struct reply *reply)
{
	const char *text = reply->text;

	must((reply->code[0] == '4' || reply->code[0] == '5') &&
		strlen(reply->code) == 3,
	    "a refusal has a code of the 4xx or 5xx kind");
	must(
	    reply->dsn[0] == reply->code[0], "its status code is of that kind");
	must(*text != '\0', "it has words");
	for (; *text != '\0'; text++)
		must(*text >= ' ' && *text <= '~', "they are printable");
}

static bool
answered(struct run *run, bool go_on, const struct reply *reply)
{
	if (!go_on) {
		check_reply(reply);
		run->refused++;
	}
	return go_on;
}

static const struct policy *
newest_policy(void)
{
	struct snapshot *snapshot = snapshots_pin(server.snapshots);
	const struct policy *policy = config_policy(snapshot_config(snapshot));

	snapshots_unpin(server.snapshots, snapshot);
	return policy;
}

static void
note(void *arg, const struct judged *judged, const struct decision *decision,
    const char *recipient UNUSED)
{
	struct run *run = arg;
	struct model *model = run->model;

	if (decision->stage == STAGE_RCPT || decision->stage == STAGE_EOM) {
		must(judged->policy == model->policy,
		    "a message is judged as its MAIL was");
		return;
	}
	must(judged->policy == newest_policy(),
	    "all else is judged by the newest configuration");
	if (decision->stage == STAGE_MAIL)
		model->policy = judged->policy;
}

/* --- a transaction --- */

static void
end_transaction(struct model *model)
{
	model->meaning = NULL;
	model->policy = NULL;
	model->accepted = 0;
	model->bytes = 0;
	model->hops = 0;
	model->forged = 0;
	model->spoofed = false;
}

static char *
keep(struct model *model, unsigned which, const char *text)
{
	free(model->texts[which]);
	model->texts[which] =
	    text != NULL ? fuzz_text(text, strlen(text)) : NULL;
	return model->texts[which];
}

/* Has the session lasted too long, or erred too often? */
static bool
is_over(const struct model *model, const struct meaning *meaning)
{
	return !meaning->monitors &&
	    (played_ns - model->connected > meaning->ms * 1000000 ||
		model->errors > meaning->errors);
}

/* --- what is told; a field that is not there is NULL --- */

static bool
is_relay_host(const char *host, const char *resolve)
{
	const size_t len = host != NULL ? strlen(host) : 0;
	char *name;
	bool relay;

	if (len == 0 || resolve == NULL || !naive_same(resolve, "OK"))
		return false;
	name = fuzz_text(host, len - (host[len - 1] == '.'));
	for (char *p = name; *p != '\0'; p++)
		*p = naive_lower(*p);
	relay = naive_within(name, "relay.example");
	free(name);
	return relay;
}

static void
tell_connect(struct run *run, const char *const *field)
{
	struct model *model = run->model;
	struct connect_info info = {
		.host = field[2],
		.client_port = 41022,
		.client_resolve = field[3],
	};
	struct reply reply;
	bool go_on;

	memset(&model->known, 0, sizeof(model->known));
	if (field[0] == NULL || addr_parse(&info.client, field[0]) != NULL)
		info.client.family = ADDR_NONE;
	if (field[1] == NULL ||
	    endpoint_parse(&info.listener, field[1]) != NULL)
		info.listener.addr.family = ADDR_NONE;
	memcpy(model->known.client, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
	model->known.connected = field[0] != NULL &&
	    (inet_pton(AF_INET, field[0], model->known.client + 12) == 1 ||
		inet_pton(AF_INET6, field[0], model->known.client) == 1);
	model->known.listener = info.listener.addr.family != ADDR_NONE &&
	    strcmp(strrchr(field[1], ':'), ":25") == 0;
	model->known.relay_host = is_relay_host(field[2], field[3]);
	model->local = false;
	model->connected = played_ns;
	model->errors = 0;
	end_transaction(model);
	go_on = session_connect(model->session, &info, &reply);
	must(go_on || !model->known.connected,
	    "a client is turned away for want of an address alone");
	run->refused += !go_on;
}

static void
tell_local(struct run *run)
{
	const struct connect_info info = {
		.host = "localhost",
		.client_resolve = "OK",
		.local_submission = true,
	};
	struct reply reply;

	run->model->local = true;
	end_transaction(run->model);
	must(session_connect(run->model->session, &info, &reply),
	    "local mail is not judged");
}

static void
tell_helo(struct run *run, const char *const *field)
{
	struct reply reply;
	const bool go_on = session_helo(
	    run->model->session, field[0] != NULL ? field[0] : "", &reply);

	end_transaction(run->model);
	if (!answered(run, go_on, &reply))
		must(strcmp(reply.code, "421") == 0,
		    "HELO is refused to end a session alone");
}

/* Puts what MAIL says into known, and info beside it. */
static void
learn(struct model *model, struct mail_info *info, const char *const *field)
{
	struct known *known = &model->known;
	bool sure;

	known->tls = field[2] != NULL && field[2][0] != '\0';
	known->login = naive_logged_in(field[3], field[4])
	    ? keep(model, 0, field[4])
	    : NULL;
	known->certificate =
	    naive_certificate(model->certificate, NULL, NULL, field[5], &sure);
	known->from = keep(model, 1, field[0] != NULL ? field[0] : "");
	info->path = known->from;
	info->tls_version = field[2];
	info->auth_type = field[3];
	info->auth_authen = field[4];
	info->cert_subject = field[5];
	info->server_name = "mx.ours.example";
}

static void
tell_mail(struct run *run, const char *const *field)
{
	const struct meaning *meaning = &meanings[in_use];
	const char *const parameters[] = { field[1], NULL };
	struct mail_info info = { .parameters = parameters };
	struct model *model = run->model;
	struct reply reply;
	bool go_on;

	end_transaction(model);
	learn(model, &info, field);
	go_on = session_mail(model->session, &info, &reply);
	if (!answered(run, go_on, &reply) || model->local)
		return;
	model->meaning = meaning;
	must(model->known.connected && model->known.listener,
	    "nobody sends who is not connected where a connector serves");
	must(meaning->may_send(&model->known), "nobody sends who may not");
	must(!is_over(model, meaning), "nobody sends when the session is over");
}

static void
tell_rcpt(struct run *run, const char *const *field)
{
	const char *const parameters[] = { field[3], NULL };
	const char *path = field[0] != NULL ? field[0] : "";
	const struct rcpt_info info = {
		.path = path,
		.parameters = parameters,
		.rcpt_addr = field[1],
		.rcpt_mailer = field[2],
		.rcpt_host = "5.7.1",
	};
	struct model *model = run->model;
	const struct meaning *meaning = model->meaning;
	struct reply reply;

	if (!answered(
		run, session_rcpt(model->session, &info, &reply), &reply) ||
	    model->local)
		return;
	must(meaning != NULL, "no recipient without a MAIL");
	if (facts_refused_by_mta(field[2], field[1]))
		return;
	model->accepted++;
	must(may_receive(meaning, &model->known, path),
	    "nobody receives but whom the client may write to");
	must(meaning->monitors || model->accepted <= meaning->recipients,
	    "no more recipients than there may be");
	must(!is_over(model, meaning), "no recipient when the session is over");
}

/* --- the message --- */

/* Nothing but a plain address, or one in brackets. */
static bool
is_plain_author(const char *value)
{
	return value[strspn(value, "abcdefghijklmnopqrstuvwxyz<>@.")] == '\0';
}

static void
tell_field(struct run *run, const char *const *field)
{
	const char *name = field[0] != NULL ? field[0] : "";
	const char *value = field[1] != NULL ? field[1] : "";
	struct model *model = run->model;

	session_header(model->session, name, value);
	if (model->meaning == NULL)
		return;
	model->bytes += (long long)(strlen(name) + strlen(value));
	model->hops += naive_same(name, "Received");
	model->forged += naive_begins(name, "X-Connector-");
	model->spoofed = model->spoofed ||
	    (naive_same(name, "From") && is_plain_author(value) &&
		naive_in_domains(value, ours));
}

static void
tell_body(struct run *run, const char *const *field)
{
	const unsigned long len =
	    field[0] != NULL ? strtoul(field[0], NULL, 10) % 10000000 : 0;

	session_body(run->model->session, len);
	run->model->bytes += (long long)len;
}

/* Deletions come first, of each name from the highest index down. */
static unsigned
count_forged(const struct edits *edits)
{
	unsigned forged = 0;

	for (size_t i = 0; i < edits->count; i++) {
		const struct edit *edit = &edits->items[i];
		const struct edit *last = i > 0 ? edit - 1 : NULL;

		must(edit->kind == EDIT_INSERT || edit->index > 0,
		    "fields are counted from 1");
		must(last == NULL || last->kind <= edit->kind,
		    "deletions, replacements and insertions in this order");
		must(last == NULL || edit->kind != EDIT_DELETE ||
			!naive_same(last->name, edit->name) ||
			last->index == edit->index + 1,
		    "of a name the highest is deleted first, and none left "
		    "out");
		forged += edit->kind == EDIT_DELETE &&
		    naive_begins(edit->name, "X-Connector-");
	}
	return forged;
}

static const char *
inserted(const struct edits *edits, const char *name)
{
	for (size_t i = 0; i < edits->count; i++)
		if (edits->items[i].kind == EDIT_INSERT &&
		    strcmp(edits->items[i].name, name) == 0)
			return edits->items[i].value;
	return NULL;
}

static void
check_message(const struct model *model, const struct edits *edits)
{
	const struct meaning *meaning = model->meaning;
	const char *as;

	must(meaning != NULL, "no message without a MAIL");
	must(model->accepted > 0, "no message without a recipient");
	if (meaning->monitors) {
		must(edits->count == 0, "what is watched is left alone");
		return;
	}
	must(model->bytes <= meaning->bytes || is_server(&model->known) ||
		is_in_net(&model->known, 10, 2),
	    "no message that is too large");
	must(model->hops <= meaning->hops, "no message that loops");
	must(!model->spoofed || !meaning->judges_author,
	    "no message in the name of one of ours");
	must(count_forged(edits) == model->forged, "no forged field is left");
	as = inserted(edits, "X-Connector-AuthAs");
	must(as != NULL, "the message is stamped");
	must(strcmp(as, "Anonymous") == 0 || !meaning->is_always_anonymous ||
		model->known.login != NULL,
	    "a stranger is stamped as one");
}

static void
tell_end(struct run *run, const char *const *field, bool edited)
{
	const struct eom_info info = {
		.queue_id = field[0],
		.server_name = "mx.ours.example",
		.now = 1781524800,
	};
	struct model *model = run->model;
	struct edits edits;
	struct reply reply;
	bool done;

	if (answered(run, session_eom(model->session, &info, &edits, &reply),
		&reply)) {
		if (!model->local)
			check_message(model, &edits);
		done = answered(
		    run, session_done(model->session, edited, &reply), &reply);
		must(done == (edited || model->local),
		    "a message is taken with its edits alone");
		run->delivered += done && !model->local;
	}
	end_transaction(model);
}

static void
tell_done(struct run *run)
{
	struct reply reply;

	must(answered(run, session_done(run->model->session, true, &reply),
		 &reply) == run->model->local,
	    "no message that has not ended");
	end_transaction(run->model);
}

static void
tell_reload(const char *const *field)
{
	in_use = field[0] != NULL
	    ? (unsigned char)field[0][0] % (unsigned)nitems(meanings)
	    : 0;
	reload(&server, meanings[in_use].text);
	snapshots_collect(server.snapshots);
	must(snapshots_count(server.snapshots) <= 1 + CLIENTS,
	    "old configurations go with their messages");
}

static void
tell_unknown(struct run *run, const char *const *field)
{
	session_unknown(run->model->session, field[0] != NULL ? field[0] : "");
	run->model->errors += !run->model->local;
}

static void
tell_time(const char *const *field)
{
	played_ns += field[0] != NULL
	    ? (long long)(strtoul(field[0], NULL, 10) % 1000000000) * 1000000
	    : 0;
}

static void
tell(struct run *run, char verb, const char *const *field)
{
	switch (verb) {
	case '1':
	case '2':
		run->model = &run->models[verb - '1'];
		break;
	case 'c':
		tell_connect(run, field);
		break;
	case 'l':
		tell_local(run);
		break;
	case 'h':
		tell_helo(run, field);
		break;
	case 'm':
		tell_mail(run, field);
		break;
	case 'r':
		tell_rcpt(run, field);
		break;
	case 'f':
		tell_field(run, field);
		break;
	case 'b':
		tell_body(run, field);
		break;
	case 'u':
		tell_unknown(run, field);
		break;
	case 'e':
	case 'x':
		tell_end(run, field, verb == 'e');
		break;
	case 'd':
		tell_done(run);
		break;
	case 'a':
		session_abort(run->model->session);
		end_transaction(run->model);
		break;
	case 's':
		tell_reload(field);
		break;
	case 't':
		tell_time(field);
		break;
	default:
		break;
	}
}

static void
tell_line(struct run *run, struct fuzz_input *line)
{
	const char verb = (char)fuzz_take_byte(line);
	char *field[FIELDS_MAX] = { NULL };
	struct fuzz_input piece;

	for (unsigned i = 0;
	     i < FIELDS_MAX && fuzz_take_until(line, '\t', &piece); i++) {
		field[i] = fuzz_text(piece.data, piece.size);
		for (char *p = field[i]; *p != '\0'; p++)
			if (*p == '\v')
				*p = '\n';
	}
	tell(run, verb, (const char *const *)field);
	for (unsigned i = 0; i < FIELDS_MAX; i++)
		free(field[i]);
}

/* --- the log --- */

static unsigned
count(const char *text, const char *words)
{
	unsigned found = 0;

	while ((text = strstr(text, words)) != NULL) {
		found++;
		text += strlen(words);
	}
	return found;
}

static void
check_log(const struct run *run, const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		must(*p == '\n' || (*p >= ' ' && *p <= '~'),
		    "the log is printable");
	must(count(text, " verdict=accept rule=- ") +
		    count(text, " verdict=accept rule= ") ==
		run->delivered,
	    "each message that was taken is logged, and no other");
	must(count(text, " verdict=reject ") +
		    count(text, " verdict=tempfail ") -
		    count(text, " verdict=reject rule=mta ") -
		    count(text, " verdict=tempfail rule=mta ") ==
		run->refused,
	    "each refusal is logged, and no other");
}

static void
begin(struct run *run, unsigned number)
{
	renew_server(number);
	server.observer.decided = note;
	server.observer.arg = run;
	run->model = &run->models[0];
	for (unsigned i = 0; i < CLIENTS; i++) {
		run->models[i].session = session_new(&server);
		if (run->models[i].session == NULL)
			exit(1);
	}
}

static void
end(struct run *run)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		session_free(run->models[i].session);
		for (unsigned k = 0; k < nitems(run->models[i].texts); k++)
			free(run->models[i].texts[k]);
	}
	snapshots_collect(server.snapshots);
	must(snapshots_count(server.snapshots) == 1,
	    "no configuration is left behind");
	must(atomic_load(&server.live->sessions) == 0,
	    "no session is left behind");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = fuzz_input(data, size), line;
	const unsigned number =
	    fuzz_take_byte(&input) % (unsigned)nitems(meanings);
	struct run run = { .refused = 0 };
	FILE *saved = stderr;
	char *text = NULL;
	size_t len = 0;

	begin(&run, number);
	stderr = open_memstream(&text, &len);
	if (stderr == NULL)
		exit(1);
	for (unsigned i = 0; i < LINES_MAX && fuzz_take_line(&input, &line);
	     i++)
		tell_line(&run, &line);
	fclose(stderr);
	stderr = saved;
	end(&run);
	check_log(&run, text);
	free(text);
	return 0;
}
