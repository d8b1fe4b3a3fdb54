/*
 * edits.c - a header as it comes, and what of it goes.
 *
 * The first line names a world of the table below by its first byte, '0' and
 * up; then one line a field, "NAME: VALUE" (a VT in it stands for a line feed).
 * Holds: just the forged fields are deleted, each by its index among those of
 * its name, the highest first; deletions come before replacements and these
 * before insertions; no edit has a line end where none may be; a message is
 * refused when, and only when, it goes beyond a limit.
 */
#include "firewall.h"
#include "fuzz.h"
#include "text.h"

#define PLAYED_RECIPIENTS \
	"alice@example.com login=alice name=\"Alice Doe\" " \
	"aliases=a.doe@example.com\n" \
	"juergen@example.com name=\"J\xc3\xbcrgen\"\n" \
	"\"o'neil, jr\"@example.com name=\"O'Neil \\\"Jr\\\"\"\n"
#include "../played.h"

#define FIELDS_MAX 1200
#define NAME_LENGTH_MAX 256 /* longer ones cannot be deleted */

#define WORLD(more) \
	"[organization]\naccepted_domains = example.com\n" \
	"[directory]\nrecipients = recipients.txt\n" \
	"[connector c]\nbindings = 0.0.0.0:25\n" \
	"remote_ip_ranges = 203.0.113.0/24\n" more
#define ANONYMOUS "permission_groups = anonymous_users\n"

/* Each with what is forged there, in lower case, whole or as a beginning. */
/* clang-format off */
static const struct world {
	const char *config;
	const char *beginnings[8];
	bool routing; /* Received goes as a whole name */
} worlds[] = {
	{ WORLD(ANONYMOUS "stamp = no\n"),
	    { "x-connector-", "x-ms-exchange-organization-",
	    "x-ms-exchange-forest-", "x-ms-exchange-crosspremises-" },
	    false },
	{ WORLD(ANONYMOUS "accept_headers_routing = -anonymous\n"
		"protected_headers = X-Ours-, X-Spam\n"),
	    { "x-connector-", "x-ms-exchange-organization-",
	    "x-ms-exchange-forest-", "x-ms-exchange-crosspremises-",
	    "x-ours-", "x-spam", "resent-" }, true },
	{ WORLD("auth_mechanism = external_authoritative\n"
		"permission_groups = exchange_servers\n"
		"accept_headers_organization = externally_secured\n"
		"accept_headers_forest = externally_secured\n"
		"protected_headers = X-Ours-\n"),
	    { "x-connector-" }, false },
	{ WORLD(ANONYMOUS "resolve_anonymous_senders = annotate\n"),
	    { "x-connector-", "x-ms-exchange-organization-",
	    "x-ms-exchange-forest-", "x-ms-exchange-crosspremises-" },
	    false },
	{ WORLD(ANONYMOUS "resolve_anonymous_senders = yes\n"),
	    { "x-connector-", "x-ms-exchange-organization-",
	    "x-ms-exchange-forest-", "x-ms-exchange-crosspremises-" },
	    false },
};
/* clang-format on */

struct field {
	char *name; /* the whole line, cut at its colon */
	char *value;
	size_t len; /* of the name, without blanks behind it */
	bool forged;
	bool told; /* its name was deleted */
};

struct header {
	const struct world *world;
	struct field fields[FIELDS_MAX];
	size_t count;
};

static bool
is_forged(const struct world *world, const struct field *field)
{
	for (size_t i = 0; world->beginnings[i] != NULL; i++) {
		const size_t len = strlen(world->beginnings[i]);

		if (field->len >= len &&
		    strncasecmp(field->name, world->beginnings[i], len) == 0)
			return true;
	}
	return world->routing && field->len == strlen("received") &&
	    strncasecmp(field->name, "received", field->len) == 0;
}

static void
take_field(struct header *header, struct fuzz_input line)
{
	struct field *field = &header->fields[header->count];
	char *text = fuzz_text(line.data, line.size);
	char *colon = strchr(text, ':');

	for (char *p = text; *p != '\0'; p++)
		if (*p == '\v')
			*p = '\n';
	field->name = text;
	field->value = colon != NULL ? colon + 1 : text + strlen(text);
	if (colon != NULL)
		*colon = '\0';
	field->len = strlen(field->name);
	while (field->len > 0 && text_is_blank(field->name[field->len - 1]))
		field->len--;
	field->told = false;
	field->forged = is_forged(header->world, field);
	header->count++;
}

static bool
same_name(const struct field *a, const struct field *b)
{
	return a->len == b->len && strncasecmp(a->name, b->name, a->len) == 0;
}

static bool
is_called(const struct field *field, const char *name)
{
	return field->len == strlen(name) &&
	    strncasecmp(field->name, name, field->len) == 0;
}

/* The limits, one by one, each counted over the whole header. */
static bool
is_too_much(const struct header *header)
{
	size_t forged = 0, hops = 0, from = 0, bytes = 0, signs = 0, all = 0;

	for (size_t i = 0; i < header->count; i++) {
		const struct field *field = &header->fields[i];

		forged += field->forged;
		if (field->forged && field->len > NAME_LENGTH_MAX)
			return true;
		hops += is_called(field, "Received");
		all += strlen(field->name) + strlen(field->value) + 4;
		for (const char *p = field->value; *p != '\0'; p++)
			all += *p == '\n';
		if (field->forged || !is_called(field, "From"))
			continue;
		from++;
		bytes += strlen(field->value);
		for (const char *p = field->value; *p != '\0'; p++)
			signs += *p == '@' || *p == '%' || *p == '!';
	}
	return forged > FIREWALL_FIELDS_MAX || hops > 60 || all > 262144 ||
	    from > FIREWALL_FROM_FIELDS_MAX ||
	    bytes > FIREWALL_FROM_BYTES_MAX || signs > FIREWALL_FROM_SIGNS_MAX;
}

/* All of one name, the highest index first; the edits that it takes. */
static size_t
check_name(
    struct header *header, size_t first, const struct edits *edits, size_t at)
{
	const struct field *field = &header->fields[first];
	unsigned count = 0;

	for (size_t i = first; i < header->count; i++)
		if (same_name(field, &header->fields[i])) {
			header->fields[i].told = true;
			count++;
		}
	for (unsigned i = count; i > 0; i--, at++) {
		must(at < edits->count && edits->items[at].kind == EDIT_DELETE,
		    "every forged field is deleted");
		must(edits->items[at].index == i,
		    "the highest index goes first");
		must(strlen(edits->items[at].name) == field->len &&
			strncasecmp(edits->items[at].name, field->name,
			    field->len) == 0,
		    "by its name");
	}
	return at;
}

static void
check_others(const struct edits *edits, size_t at)
{
	enum edit_kind last = EDIT_REPLACE;

	for (; at < edits->count; at++) {
		const struct edit *edit = &edits->items[at];

		must(edit->kind != EDIT_DELETE, "no honest field is deleted");
		must(edit->kind >= last, "insertions come last");
		last = edit->kind;
		if (edit->kind == EDIT_REPLACE) {
			must(strcmp(edit->name, "From") == 0 &&
				edit->index > 0 && edit->value != NULL,
			    "only a From field is replaced");
			continue;
		}
		must(strncmp(edit->name, "X-Connector-", 12) == 0,
		    "what is inserted is ours");
		must(
		    edit->value == NULL || strpbrk(edit->value, "\r\n") == NULL,
		    "in one line");
	}
}

static void
check_edits(struct header *header, const struct edits *edits)
{
	size_t at = 0;

	for (size_t i = 0; i < header->count; i++)
		if (header->fields[i].forged && !header->fields[i].told)
			at = check_name(header, i, edits, at);
	check_others(edits, at);
}

static void
begin_message(struct session *session)
{
	static const char *const no_parameters[] = { NULL };
	struct connect_info info = { .host = "mail.client.test",
		.client_port = 41022,
		.client_resolve = "OK" };
	const struct mail_info mail = { .path = "<a@client.test>",
		.parameters = no_parameters };
	const struct rcpt_info rcpt = { .path = "<alice@example.com>",
		.parameters = no_parameters,
		.rcpt_addr = "alice@example.com",
		.rcpt_mailer = "smtp" };
	struct reply reply;

	must(addr_parse(&info.client, "203.0.113.9") == NULL &&
		endpoint_parse(&info.listener, "192.0.2.25:25") == NULL,
	    "the addresses of this target are some");
	must(session_connect(session, &info, &reply) &&
		session_helo(session, "mail.client.test", &reply) &&
		session_mail(session, &mail, &reply) &&
		session_rcpt(session, &rcpt, &reply),
	    "the message of this target is taken");
}

static void
play(struct server *server, struct header *header)
{
	static const struct eom_info info = { .queue_id = "4fXyz1",
		.server_name = "mx.example.com",
		.now = 1781517600 };
	struct session *session = session_new(server);
	struct edits edits;
	struct reply reply;
	bool taken;

	if (session == NULL)
		exit(1);
	begin_message(session);
	for (size_t i = 0; i < header->count; i++)
		session_header(
		    session, header->fields[i].name, header->fields[i].value);
	session_body(session, 100);
	taken = session_eom(session, &info, &edits, &reply);
	must(taken == !is_too_much(header),
	    "a message is refused beyond a limit, and only there");
	if (taken)
		check_edits(header, &edits);
	must(!taken || session_done(session, true, &reply), "it is done");
	session_free(session);
}

static struct server *
server_for(size_t world)
{
	static struct server servers[nitems(worlds)];

	fuzz_silence_log();
	if (servers[world].snapshots == NULL)
		servers[world] = impatient_server_of(worlds[world].config);
	return &servers[world];
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = fuzz_input(data, size), line;
	struct header *header = fuzz_alloc(sizeof(*header));
	const size_t world = (fuzz_take_byte(&input) - '0') % nitems(worlds);

	*header = (struct header){ .world = &worlds[world] };
	if (fuzz_take_line(&input, &line))
		while (
		    header->count < FIELDS_MAX && fuzz_take_line(&input, &line))
			take_field(header, line);
	play(server_for(world), header);
	while (header->count > 0)
		free(header->fields[--header->count].name);
	free(header);
	return 0;
}
