/*
 * log.c - any bytes in every field of the operator log and the protocol log.
 *
 * An input is four bytes (see shape) and texts that a NUL ends, for the fields
 * in the order of the table below. Holds: a record is one line of printable
 * ASCII that nothing was cut off, it reads back by the naive readers below as
 * what was put in, and no cell of the protocol log begins as a formula does.
 */
#include "fuzz.h"
#include "log.h"
#include "protolog_parts.h"
#include "text.h"

#define FIELD_COUNT 10
#define CELL_COUNT 9
#define CELL_MAX PROTOLOG_RECORD_MAX

enum field { QUEUE, HOST, REPLY, FROM, TO, HELO, AUTH, TLS, CERT, AUTHOR };

/*
 * How long each may become: MTAs' queue ids, our own replies and canonical
 * names are short, and everything else is cut by the encoder.
 */
static const size_t longest[FIELD_COUNT] = { 64, 4096, 200, 4096, 4096, 4096,
	4096, 4096, 60, 4096 };

static const char *const connectors[] = { NULL, "a", "branch office",
	"x41-._ 9", "=cmd", "-a",
	"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn" };
static const char *const clients[] = { "203.0.113.9", "2001:db8::9", NULL,
	"::" };
static const char *const stages[] = { "connect", "helo", "mail", "rcpt",
	"eom" };
static const char *const verdicts[] = { "accept", "reject", "would-tempfail" };

struct shape {
	const char *connector;
	struct addr client;
	unsigned number;
	const char *stage;
	const char *verdict;
	const char *text[FIELD_COUNT]; /* NULL: the input has ended */
};

/* --- what the encoder is to have made of a text, backwards --- */

static bool
is_printable(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] < ' ' || s[i] > '~')
			return false;
	return true;
}

static int
hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* Undoes \xHH, in place. Returns the new length. */
static size_t
decode(char *s, size_t len)
{
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] != '\\') {
			s[out++] = s[i];
			continue;
		}
		must(i + 3 < len && s[i + 1] == 'x' &&
			hex_digit(s[i + 2]) >= 0 && hex_digit(s[i + 3]) >= 0,
		    "a backslash begins \\xHH");
		s[out++] =
		    (char)(hex_digit(s[i + 2]) * 16 + hex_digit(s[i + 3]));
		i += 3;
	}
	return out;
}

/* Is this what a field shows of text? */
static void
must_show(const char *encoded, size_t len, const char *text)
{
	const size_t whole = text != NULL ? strlen(text) : 0;
	const size_t shown = whole < TEXT_FIELD_MAX ? whole : TEXT_FIELD_MAX;
	char *copy = fuzz_text(encoded, len);

	must(is_printable(encoded, len), "a field is printable ASCII");
	len = decode(copy, len);
	must(len == shown + (whole > shown ? 3 : 0) &&
		(shown == 0 || memcmp(copy, text, shown) == 0) &&
		(whole == shown || memcmp(copy + shown, "...", 3) == 0),
	    "a field reads back as what was put in");
	free(copy);
}

/* --- the operator log --- */

static void
expect(const char **at, const char *words)
{
	must(strncmp(*at, words, strlen(words)) == 0,
	    "the keys of a line stand in their order");
	*at += strlen(words);
}

/* The key, then the text up to the first of the marks. */
static void
read_field(const char **at, const char *key, const char *text,
    const char *marks, const char *behind)
{
	size_t len;

	expect(at, key);
	len = strcspn(*at, marks);
	must_show(*at, len, text);
	*at += len;
	expect(at, behind);
}

static void
read_queue(const char **at, const char *id)
{
	const size_t len = strcspn(*at, " ");

	must(len > 0 && (*at)[len - 1] == ':', "a queue id ends in ': '");
	must_show(*at, len - 1, id != NULL && *id != '\0' ? id : "NOQUEUE");
	*at += len + 1;
}

static void
read_connector(const char **at, const char *name)
{
	const char *quote =
	    name != NULL && strchr(name, ' ') != NULL ? "\"" : "";

	expect(at, "connector=");
	expect(at, quote);
	expect(at, name != NULL ? name : "-");
	expect(at, quote);
}

/* "NAME[ADDRESS]:PORT": a name may hold brackets as well. */
static void
read_client(const char **at, const struct shape *shape)
{
	char address[ADDR_TEXT_MAX], behind[ADDR_TEXT_MAX + 16];
	size_t len, tail;

	expect(at, " client=");
	len = strcspn(*at, " ");
	snprintf(behind, sizeof(behind), "[%s]:%u",
	    addr_format(address, &shape->client), shape->number);
	tail = strlen(behind);
	must(len >= tail && memcmp(*at + len - tail, behind, tail) == 0,
	    "the client's address stands behind its name");
	must_show(*at, len - tail, shape->text[HOST]);
	*at += len;
	expect(at, " listener=192.0.2.25:25");
}

static void
read_line(const char *line, const struct shape *shape)
{
	const char *const *text = shape->text;
	const char *at = line;

	must(is_printable(line, strlen(line)), "a line is printable ASCII");
	read_queue(&at, text[QUEUE]);
	read_connector(&at, shape->connector);
	read_client(&at, shape);
	read_field(&at, " stage=", shape->stage, " ", "");
	read_field(&at, " verdict=", shape->verdict, " ", "");
	read_field(&at, " rule=", "relay", " ", "");
	read_field(&at, " reply=\"", text[REPLY], "\"", "\"");
	read_field(&at, " from=<", text[FROM], ">", ">");
	read_field(&at, " to=<", text[TO], ">", ">");
	read_field(&at, " helo=<", text[HELO], ">", ">");
	read_field(&at, " identity=", "anonymous", " ", "");
	read_field(&at, " auth=", text[AUTH], " ", "");
	read_field(&at, " tls=", text[TLS], " ", "");
	if (shape->number > 1) {
		char count[32];

		snprintf(count, sizeof(count), " nrcpt=%u", shape->number);
		expect(&at, count);
	}
	if (text[CERT] != NULL)
		read_field(&at, " cert=", text[CERT], " ", "");
	if (text[AUTHOR] != NULL)
		read_field(&at, " author=<", text[AUTHOR], ">", ">");
	must(*at == '\0', "nothing stands behind the last key");
}

static void
check_operator_log(const struct shape *shape)
{
	struct log_record record = {
		.queue_id = shape->text[QUEUE],
		.connector = shape->connector,
		.client_name = shape->text[HOST],
		.client = shape->client,
		.client_port = shape->number,
		.stage = shape->stage,
		.verdict = shape->verdict,
		.rule = "relay",
		.reply = shape->text[REPLY],
		.from = shape->text[FROM],
		.to = shape->text[TO],
		.helo = shape->text[HELO],
		.identity = "anonymous",
		.auth = shape->text[AUTH],
		.tls = shape->text[TLS],
		.recipients = shape->number,
		.certificate = shape->text[CERT],
		.author = shape->text[AUTHOR],
	};
	char *line = fuzz_alloc(LOG_LINE_MAX);

	must(endpoint_parse(&record.listener, "192.0.2.25:25") == NULL,
	    "a listener parses");
	read_line(log_format(line, &record), shape);
	free(line);
}

/* --- the protocol log --- */

/*
 * The cells of a line, by RFC 4180: a quote at the beginning of a cell begins a
 * quoted one, in which two quotes are one. Returns how many there are.
 */
static size_t
split(char cells[CELL_COUNT][CELL_MAX], const char *line, size_t len)
{
	size_t count = 0, i = 0;

	for (;;) {
		const bool quoted = i < len && line[i] == '"';
		size_t out = 0;

		must(count < CELL_COUNT, "a record has nine cells");
		for (i += quoted; i < len; i++) {
			if (quoted && line[i] == '"' && i + 1 < len &&
			    line[i + 1] == '"')
				i++;
			else if (line[i] == (quoted ? '"' : ','))
				break;
			must(quoted || line[i] != '"',
			    "a quote stands in quoted cells alone");
			cells[count][out++] = line[i];
		}
		cells[count++][out] = '\0';
		must(!quoted || i < len, "a quoted cell is closed");
		i += quoted;
		if (i >= len)
			return count;
		must(line[i] == ',', "a comma parts cells");
		i++;
	}
}

/* SERVER\NAME. */
static void
check_connector(const char *cell, const char *server, const char *name)
{
	const size_t tail = 1 + (name != NULL ? strlen(name) : 0);
	const size_t len = strlen(cell);

	must(len >= tail && cell[len - tail] == '\\' &&
		(name == NULL || strcmp(cell + len - tail + 1, name) == 0),
	    "the connector stands behind the server");
	must_show(cell, len - tail, server);
}

static void
check_cells(char cells[CELL_COUNT][CELL_MAX], const struct shape *shape,
    const struct protocol_record *record, const char *server)
{
	char number[32], remote[ENDPOINT_TEXT_MAX];
	const bool known = record->remote.addr.family != ADDR_NONE;

	check_connector(cells[1], server, shape->connector);
	snprintf(number, sizeof(number), "%u", record->sequence);
	must(strlen(cells[0]) == strlen("2026-06-15T12:00:00.000Z"),
	    "the first cell is a time");
	must(strlen(cells[2]) == 16, "the third cell is a session");
	must(strcmp(cells[3], number) == 0, "the fourth cell is a number");
	must(strcmp(cells[4], "") == 0, "an unknown endpoint is empty");
	must(strcmp(cells[5],
		 known ? endpoint_format(remote, &record->remote) : "") == 0,
	    "the sixth cell is the client");
	must(cells[6][0] == (char)record->event && cells[6][1] == '\0',
	    "the seventh cell is the event");
	must_show(cells[7], strlen(cells[7]), record->data);
	must_show(cells[8], strlen(cells[8]), record->context);
	for (unsigned i = 0; i < CELL_COUNT; i++)
		must(i == 6 || cells[i][0] == '\0' ||
			strchr("=+-@\t\r", cells[i][0]) == NULL,
		    "no cell begins as a formula does");
}

static void
check_protocol_log(const struct shape *shape)
{
	static const char events[] = "+-><*";
	const struct protocol_record record = {
		.time = { .tv_sec = 1781524800 + shape->number },
		.connector = shape->connector,
		.session = (uint64_t)shape->number << 40,
		.sequence = shape->number,
		.remote = { shape->client, 41022 },
		.event = (enum protocol_event)events[shape->number % 5],
		.data = shape->text[FROM],
		.context = shape->text[TO],
	};
	const char *server =
	    shape->text[QUEUE] != NULL ? shape->text[QUEUE] : "gateway";
	char(*cells)[CELL_MAX] = fuzz_alloc(CELL_COUNT * sizeof(*cells));
	char *line = fuzz_alloc(PROTOLOG_RECORD_MAX);
	const size_t len = protolog_format(line, server, &record);

	must(len == strlen(line) && len > 2 &&
		memcmp(line + len - 2, "\r\n", 2) == 0,
	    "a record ends in CR LF");
	must(is_printable(line, len - 2), "a record is printable ASCII");
	must(split(cells, line, len - 2) == CELL_COUNT,
	    "a record has nine cells");
	check_cells(cells, shape, &record, server);
	free(line);
	free(cells);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = fuzz_input(data, size), piece;
	struct shape shape = { .client = { .family = ADDR_NONE } };
	char *copies[FIELD_COUNT] = { NULL };
	const char *client;

	shape.connector =
	    connectors[fuzz_take_byte(&input) % nitems(connectors)];
	client = clients[fuzz_take_byte(&input) % nitems(clients)];
	if (client != NULL)
		must(addr_parse(&shape.client, client) == NULL,
		    "a client parses");
	shape.number = fuzz_take_byte(&input);
	shape.stage = stages[shape.number % nitems(stages)];
	shape.verdict = verdicts[fuzz_take_byte(&input) % nitems(verdicts)];
	for (size_t i = 0;
	     i < FIELD_COUNT && fuzz_take_until(&input, '\0', &piece); i++) {
		const size_t len =
		    piece.size < longest[i] ? piece.size : longest[i];

		shape.text[i] = copies[i] = fuzz_text(piece.data, len);
	}
	check_operator_log(&shape);
	check_protocol_log(&shape);
	for (size_t i = 0; i < FIELD_COUNT; i++)
		free(copies[i]);
	return 0;
}
