/*
 * log.c - one record, one line, whatever a client says.
 */
#include "log.h"

#include "domain.h"
#include "tap.h"

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define FIVE_HUNDRED FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY

/* Behind the head of every line of these cases. */
#define HEAD(id, name) \
	id ": connector=" name " client=c.test[192.0.2.9]:41022 " \
	   "listener=192.0.2.25:25 stage=rcpt verdict=reject rule=relay "

static const struct addr client = { ADDR_IPV4, 0xc0000209 };
static const struct endpoint listener = { { ADDR_IPV4, 0xc0000219 }, 25 };

/* Too large for a frame of its own. */
static char line[LOG_LINE_MAX];

/* clang-format off */
static const struct {
	const char *queue_id;
	const char *connector;
	const char *from, *to, *helo, *auth, *tls;
	const char *line;
	const char *what;
} cases[] = {
	{ "4Tq1", "internet", "a@b.test", "c@d.test", "x.test", "joe",
	    "TLSv1.3", HEAD("4Tq1", "internet") "reply=\"550 5.7.54 text\" "
	    "from=<a@b.test> to=<c@d.test> helo=<x.test> identity=user "
	    "auth=joe tls=TLSv1.3", "an ordinary line" },
	{ NULL, NULL, NULL, NULL, NULL, NULL, NULL,
	    HEAD("NOQUEUE", "-") "reply=\"550 5.7.54 text\" from=<> to=<> "
	    "helo=<> identity=user auth= tls=", "what is not known is empty" },
	{ "", "internet", "", "", "", "", "",
	    HEAD("NOQUEUE", "internet") "reply=\"550 5.7.54 text\" from=<> "
	    "to=<> helo=<> identity=user auth= tls=",
	    "an empty queue id is none" },
	{ "4Tq1", "Default Frontend", NULL, NULL, NULL, NULL, NULL,
	    HEAD("4Tq1", "\"Default Frontend\"") "reply=\"550 5.7.54 text\" "
	    "from=<> to=<> helo=<> identity=user auth= tls=",
	    "a name with a blank stands in quotes" },
	{ "4Tq1", "internet", "a\r\n4Tq2: connector=x", "b\n", "\rc", "d\v",
	    "e\f", HEAD("4Tq1", "internet") "reply=\"550 5.7.54 text\" "
	    "from=<a\\x0d\\x0a4Tq2:\\x20connector=x> to=<b\\x0a> "
	    "helo=<\\x0dc> identity=user auth=d\\x0b tls=e\\x0c",
	    "no line end passes" },
	{ "4Tq1", "internet", "a> to=<b", "c d", "\"q\"", "\\", "\\x41",
	    HEAD("4Tq1", "internet") "reply=\"550 5.7.54 text\" "
	    "from=<a\\x3e\\x20to=\\x3cb> to=<c\\x20d> helo=<\\x22q\\x22> "
	    "identity=user auth=\\x5c tls=\\x5cx41",
	    "nothing can end its field or look like a key" },
	{ "4Tq1", "internet", "\x1b[31mred", "\x7f", "\x80\xff", "\x01",
	    "\xc3\xa9", HEAD("4Tq1", "internet") "reply=\"550 5.7.54 text\" "
	    "from=<\\x1b[31mred> to=<\\x7f> helo=<\\x80\\xff> identity=user "
	    "auth=\\x01 tls=\\xc3\\xa9",
	    "terminals and high bytes" },
	{ "4Tq1", "internet", "%s%n%d", "100%", "${x}", "$(id)", "`id`",
	    HEAD("4Tq1", "internet") "reply=\"550 5.7.54 text\" "
	    "from=<%s%n%d> to=<100%> helo=<${x}> identity=user auth=$(id) "
	    "tls=`id`", "no format is interpreted" },
	{ "id\nNOQUEUE", "internet", NULL, NULL, NULL, NULL, NULL,
	    HEAD("id\\x0aNOQUEUE", "internet") "reply=\"550 5.7.54 text\" "
	    "from=<> to=<> helo=<> identity=user auth= tls=",
	    "nor is a queue id believed" },
	{ "4Tq1", "internet", FIVE_HUNDRED "0123456789ab",
	    FIVE_HUNDRED "0123456789abc", NULL, NULL, NULL,
	    HEAD("4Tq1", "internet") "reply=\"550 5.7.54 text\" from=<"
	    FIVE_HUNDRED "0123456789ab> to=<" FIVE_HUNDRED "0123456789ab...> "
	    "helo=<> identity=user auth= tls=",
	    "512 bytes are shown, of more with three dots" },
};

/* The keys that need something to say. */
static const struct {
	unsigned recipients;
	const char *certificate, *author;
	const char *end;
	const char *what;
} ends[] = {
	{ 0, NULL, NULL, "auth= tls=TLSv1.3", "nothing to say" },
	{ 1, NULL, NULL, "auth= tls=TLSv1.3", "one recipient is not counted" },
	{ 2, NULL, NULL, "auth= tls=TLSv1.3 nrcpt=2", "recipients" },
	{ 1, "mx.b.test", NULL, "auth= tls=TLSv1.3 cert=mx.b.test",
	    "a certificate" },
	{ 0, NULL, "ceo@c.test", "auth= tls=TLSv1.3 author=<ceo@c.test>",
	    "an author" },
	{ 2, "mx.b.test", "ceo@c.test", "auth= tls=TLSv1.3 nrcpt=2 "
	    "cert=mx.b.test author=<ceo@c.test>", "all of them, in order" },
	{ 0, "a b", "a> cert=x\n", "auth= tls=TLSv1.3 cert=a\\x20b "
	    "author=<a\\x3e\\x20cert=x\\x0a>", "nothing can end its field" },
};
/* clang-format on */

static void
check_cases(void)
{
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct log_record record = {
			.queue_id = cases[i].queue_id,
			.connector = cases[i].connector,
			.client_name = "c.test",
			.client = client,
			.client_port = 41022,
			.listener = listener,
			.stage = "rcpt",
			.verdict = "reject",
			.rule = "relay",
			.reply = "550 5.7.54 text",
			.from = cases[i].from,
			.to = cases[i].to,
			.helo = cases[i].helo,
			.identity = "user",
			.auth = cases[i].auth,
			.tls = cases[i].tls,
		};

		is_str(log_format(line, &record), cases[i].line, cases[i].what);
	}
}

static void
check_ends(void)
{
	for (size_t i = 0; i < nitems(ends); i++) {
		const struct log_record record = {
			.tls = "TLSv1.3",
			.recipients = ends[i].recipients,
			.certificate = ends[i].certificate,
			.author = ends[i].author,
		};
		const char *end;

		end = strstr(log_format(line, &record), "auth=");
		is_str(end, ends[i].end, ends[i].what);
	}
}

/* The bytes that an encoded value stands for. */
static size_t
decode(char *out, const char *text, const char *end)
{
	size_t len = 0;

	while (text < end) {
		unsigned byte;

		if (text[0] == '\\' && sscanf(text, "\\x%2x", &byte) == 1) {
			out[len++] = (char)byte;
			text += 4;
		} else {
			out[len++] = *text++;
		}
	}
	return len;
}

/* Every byte comes back from the line, and the line is one. */
static void
check_round_trip(void)
{
	char bytes[256], back[256];
	struct log_record record = { .from = bytes };
	const char *start, *end;

	for (unsigned i = 1; i < sizeof(bytes); i++)
		bytes[i - 1] = (char)i;
	bytes[sizeof(bytes) - 1] = '\0';
	log_format(line, &record);
	start = strstr(line, " from=<");
	end = strstr(line, "> to=<");
	ok(start != NULL && end != NULL, "the field has its brackets");
	if (start == NULL || end == NULL)
		return;
	start += strlen(" from=<");
	is_int((long long)decode(back, start, end), sizeof(bytes) - 1,
	    "all 255 bytes are in the line");
	ok(memcmp(back, bytes, sizeof(bytes) - 1) == 0,
	    "and each is what it was");
	ok(strpbrk(line, "\r\n") == NULL, "in one line");
}

/* The worst a client can do to every field at once. */
static void
check_worst(void)
{
	char junk[700], name[65], certificate[DOMAIN_MAX + 1];
	struct log_record record = {
		.queue_id = "4TqWORST",
		.connector = name,
		.client_name = junk,
		.client = { ADDR_IPV6, ~(addr_value)0 },
		.client_port = 65535,
		.listener = { { ADDR_IPV6, ~(addr_value)0 }, 65535 },
		.stage = "rcpt",
		.verdict = "reject",
		.rule = "authoritative_domain_sender",
		.reply = FIVE_HUNDRED,
		.from = junk,
		.to = junk,
		.helo = junk,
		.identity = "externally_secured",
		.auth = junk,
		.tls = junk,
		.recipients = 4294967295,
		.certificate = certificate,
		.author = junk,
	};

	memset(junk, '\n', sizeof(junk) - 1);
	junk[sizeof(junk) - 1] = '\0';
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	memset(certificate, 'c', sizeof(certificate) - 1);
	certificate[sizeof(certificate) - 1] = '\0';
	log_format(line, &record);
	ok(strpbrk(line, "\r\n") == NULL, "the longest line is one line");
	ok(strstr(line, " identity=externally_secured auth=\\x0a") != NULL &&
		strstr(line, " tls=\\x0a") != NULL &&
		strstr(line, " nrcpt=4294967295 cert=c") != NULL &&
		strcmp(line + strlen(line) - 4, "...>") == 0,
	    "the longest line has all its keys");
}

int
main(void)
{
	check_cases();
	check_ends();
	check_round_trip();
	check_worst();
	return done();
}
