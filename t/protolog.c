/*
 * protolog.c - records as lines, and files that begin, turn over and go.
 *
 * With "generate FOLDER COUNT SEED" it is no test, but writes so many records
 * with fields as hostile as can be, and what they were: see protolog.t.
 */
#include <errno.h>
#include <sys/utsname.h>
#include <time.h>

#include "logbook.h"
#include "random.h"
#include "tap.h"

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define FIVE_HUNDRED FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY

/* 2024-05-06T07:12:01Z, and midnight before and after. */
#define MORNING 1714979521
#define MIDNIGHT 1714953600
#define NEXT_MIDNIGHT (MIDNIGHT + SECONDS_PER_DAY)

/* clang-format off */
#define HEAD \
	"2024-05-06T07:12:01.004Z,MX1\\Internet,08DC6D9A11C20A01,7," \
	"198.51.100.5:25,203.0.113.9:41022,"

static const struct {
	const char *data, *context;
	enum protocol_event event;
	const char *line;
	const char *what;
} cases[] = {
	{ NULL, NULL, PROTOCOL_CONNECT, HEAD "+,,\r\n", "a connection" },
	{ NULL, "Remote", PROTOCOL_DISCONNECT, HEAD "-,,Remote\r\n",
	    "its end" },
	{ "EHLO out.example.net", NULL, PROTOCOL_RECEIVED,
	    HEAD "<,EHLO out.example.net,\r\n", "a command" },
	{ "250 2.1.0 Sender OK", "", PROTOCOL_SENT,
	    HEAD ">,250 2.1.0 Sender OK,\r\n", "a reply" },
	{ "SMTPSubmit SMTPAcceptAnySender", "Set Session Permissions",
	    PROTOCOL_INFORMATION, HEAD "*,SMTPSubmit SMTPAcceptAnySender,"
	    "Set Session Permissions\r\n", "a remark" },
	{ "MAIL FROM:<a@b.test> SIZE=1", NULL, PROTOCOL_RECEIVED,
	    HEAD "<,MAIL FROM:<a@b.test> SIZE=1,\r\n",
	    "what starts no formula stays" },
	{ "=1+1", "=2", PROTOCOL_RECEIVED, HEAD "<,\\x3d1+1,\\x3d2\r\n",
	    "a formula" },
	{ "+1", "-1", PROTOCOL_RECEIVED, HEAD "<,\\x2b1,\\x2d1\r\n",
	    "signs begin formulas" },
	{ "@SUM(A1)", "\t=1", PROTOCOL_RECEIVED,
	    HEAD "<,\\x40SUM(A1),\\x09=1\r\n", "so do @ and TAB" },
	{ "=", "@", PROTOCOL_RECEIVED, HEAD "<,\\x3d,\\x40\r\n",
	    "even all alone" },
	{ "==", " =", PROTOCOL_RECEIVED, HEAD "<,\\x3d=, =\r\n",
	    "only the first is one" },
	{ "a,b", ",", PROTOCOL_RECEIVED, HEAD "<,\"a,b\",\",\"\r\n",
	    "fields with commas are quoted" },
	{ "=a,b", "-,-", PROTOCOL_RECEIVED,
	    HEAD "<,\"\\x3da,b\",\"\\x2d,-\"\r\n", "formulas with commas" },
	{ "\"", "a\",\"b", PROTOCOL_RECEIVED,
	    HEAD "<,\\x22,\"a\\x22,\\x22b\"\r\n", "quotes are encoded" },
	{ "a\r\n2024-05-06T07:12:01.004Z,x", "\n", PROTOCOL_RECEIVED,
	    HEAD "<,\"a\\x0d\\x0a2024-05-06T07:12:01.004Z,x\",\\x0a\r\n",
	    "no line end passes" },
	{ "\\x41", "\\", PROTOCOL_RECEIVED, HEAD "<,\\x5cx41,\\x5c\r\n",
	    "nothing passes for encoded" },
	{ "\x1b[31m\x7f", "\xc3\xa9\xff", PROTOCOL_RECEIVED,
	    HEAD "<,\\x1b[31m\\x7f,\\xc3\\xa9\\xff\r\n",
	    "terminals and high bytes" },
	{ "%s%n", "; | ' #", PROTOCOL_RECEIVED, HEAD "<,%s%n,; | ' #\r\n",
	    "what means nothing here stays" },
	{ FIVE_HUNDRED "0123456789ab", FIVE_HUNDRED "0123456789abc",
	    PROTOCOL_RECEIVED, HEAD "<," FIVE_HUNDRED "0123456789ab,"
	    FIVE_HUNDRED "0123456789ab...\r\n", "512 bytes are kept of more" },
	{ "=" FIVE_HUNDRED "0123456789a", "=" FIVE_HUNDRED "0123456789ab",
	    PROTOCOL_RECEIVED, HEAD "<,\\x3d" FIVE_HUNDRED "0123456789a,\\x3d"
	    FIVE_HUNDRED "0123456789a...\r\n", "and of a formula as many" },
};

static const struct {
	const char *server, *connector;
	struct endpoint local, remote;
	const char *ids;
	const char *what;
} heads[] = {
	{ "MX1", "Default Frontend", { { ADDR_IPV6, 1 }, 25 },
	    { { ADDR_IPV6, ~(addr_value)0 }, 65535 },
	    "MX1\\Default Frontend,00000000000000FF,0,[::1]:25,"
	    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535,",
	    "IPv6" },
	{ "MX1", "a, b", { { ADDR_IPV4, 1 }, 25 }, { { ADDR_IPV4, 2 }, 0 },
	    "\"MX1\\a, b\",00000000000000FF,0,0.0.0.1:25,0.0.0.2:0,",
	    "a connector with a comma" },
	{ "MX1", "a\\b\xc3\xbc", { { ADDR_NONE, 0 }, 25 },
	    { { ADDR_NONE, 0 }, 0 },
	    "MX1\\a\\x5cb\\xc3\\xbc,00000000000000FF,0,,,",
	    "what is not known is empty" },
	{ "=MX\n", "@", { { ADDR_NONE, 0 }, 25 }, { { ADDR_NONE, 0 }, 0 },
	    "\\x3dMX\\x0a\\@,00000000000000FF,0,,,",
	    "nor is a host name believed" },
	{ "", NULL, { { ADDR_NONE, 0 }, 25 }, { { ADDR_NONE, 0 }, 0 },
	    "\\,00000000000000FF,0,,,", "no names" },
};

static const struct {
	const char *text;
	bool is_ours;
} names[] = {
	{ "RECV20240506-1.log", true },
	{ "RECV20240229-10.log", true },
	{ "RECV20240506-999999999.log", true },
	{ "RECV20240506-1000000000.log", false },
	{ "RECV20240506-0.log", false },
	{ "RECV20240506-01.log", false },
	{ "RECV20240506--1.log", false },
	{ "RECV20240506-+1.log", false },
	{ "RECV20240506- 1.log", false },
	{ "RECV20240506-1.LOG", false },
	{ "RECV20240506-1.log.gz", false },
	{ "RECV20240506-1.log~", false },
	{ "RECV20240506-1", false },
	{ "RECV20240506-.log", false },
	{ "RECV20240506.log", false },
	{ "RECV20240230-1.log", false },
	{ "RECV20241301-1.log", false },
	{ "RECV20240500-1.log", false },
	{ "RECV2024050607-1.log", false },
	{ "RECV240506-1.log", false },
	{ "RECV 2024506-1.log", false },
	{ "recv20240506-1.log", false },
	{ "SEND20240506-1.log", false },
	{ "", false },
};
/* clang-format on */

static char line[PROTOLOG_RECORD_MAX];

static void
check_lines(void)
{
	struct protocol_record record = {
		.time = { MORNING, 4999999 },
		.connector = "Internet",
		.session = 0x08DC6D9A11C20A01,
		.sequence = 7,
		.local = { { ADDR_IPV4, 0xc6336405 }, 25 },
		.remote = { { ADDR_IPV4, 0xcb007109 }, 41022 },
	};
	size_t len;

	for (size_t i = 0; i < nitems(cases); i++) {
		record.event = cases[i].event;
		record.data = cases[i].data;
		record.context = cases[i].context;
		len = protolog_format(line, "MX1", &record);
		is_str(line, cases[i].line, cases[i].what);
		is_int((long long)len, (long long)strlen(line), "its length");
	}
}

static void
check_heads(void)
{
	struct protocol_record record = { .session = 255,
		.event = PROTOCOL_CONNECT };
	char want[300];

	for (size_t i = 0; i < nitems(heads); i++) {
		record.connector = heads[i].connector;
		record.local = heads[i].local;
		record.remote = heads[i].remote;
		protolog_format(line, heads[i].server, &record);
		snprintf(want, sizeof(want),
		    "1970-01-01T00:00:00.000Z,%s+,,\r\n", heads[i].ids);
		is_str(line, want, heads[i].what);
	}
}

/* Every field as long as it can be, whoever names connectors. */
static void
check_longest(void)
{
	char junk[700];
	const struct protocol_record record = {
		.time = { MORNING, 999999999 },
		.connector = junk,
		.session = UINT64_MAX,
		.sequence = UINT32_MAX,
		.local = { { ADDR_IPV6, ~(addr_value)0 }, 65535 },
		.remote = { { ADDR_IPV6, ~(addr_value)0 }, 65535 },
		.event = PROTOCOL_INFORMATION,
		.data = junk,
		.context = junk,
	};
	char server[65];
	size_t len;

	memset(server, '-', sizeof(server) - 1);
	server[sizeof(server) - 1] = '\0';
	memset(junk, '\n', sizeof(junk) - 1);
	junk[0] = ',';
	junk[sizeof(junk) - 1] = '\0';
	len = protolog_format(line, server, &record);
	ok(len > 3 * (TEXT_FIELD_MAX - 1) * 4, "the longest line is long");
	is_str(line + len - 14, "\\x0a\\x0a...\"\r\n", "and has its end");
}

static void
check_header(void)
{
	static const struct timespec time = { MORNING, 123456789 };
	static const char want[] =
	    "#Software: Microsoft Exchange Server format (connector-milter)\r\n"
	    "#Version: " VERSION "\r\n"
	    "#Log-type: SMTP Receive Protocol Log\r\n"
	    "#Date: 2024-05-06T07:12:01.123Z\r\n"
	    "#Fields: date-time,connector-id,session-id,sequence-number,"
	    "local-endpoint,remote-endpoint,event,data,context\r\n";
	char header[PROTOLOG_HEADER_MAX];

	is_int((long long)protolog_header(header, &time), sizeof(want) - 1,
	    "the length of the header");
	is_str(header, want, "the header");
}

static void
check_names(void)
{
	char again[PROTOLOG_NAME_MAX];
	struct protolog_name name;

	for (size_t i = 0; i < nitems(names); i++) {
		const bool is_ours = protolog_name_parse(&name, names[i].text);

		ok(is_ours == names[i].is_ours, "'%s' is %sours", names[i].text,
		    names[i].is_ours ? "" : "not ");
		if (is_ours)
			is_str(protolog_name_format(again, &name),
			    names[i].text, "and is written so");
	}
}

static void
is_list(const char *want, const char *what)
{
	char list[2000];

	is_str(logbook_list(list, sizeof(list)), want, what);
}

static void
is_lines(const char *name, int records, const char *what)
{
	is_int(logbook_lines(name), records < 0 ? -1 : records + 5, what);
}

static void
check_days(void)
{
	const struct protocol_log_settings settings = logbook_settings();
	struct protolog *protolog = logbook_open(&settings);
	struct stat st = { 0 };
	char path[LOGBOOK_PATH_MAX];

	is_lines("RECV20240506-1.log", 0, "a start begins a file");
	logbook_put(protolog, MIDNIGHT, "first");
	logbook_put(protolog, NEXT_MIDNIGHT - 1, "last");
	is_list("RECV20240506-1.log", "a day has a file");
	logbook_put(protolog, NEXT_MIDNIGHT, "next");
	is_list("RECV20240506-1.log RECV20240507-1.log", "the next another");
	logbook_put(protolog, NEXT_MIDNIGHT - 1, "late");
	is_lines("RECV20240506-1.log", 2, "a day has its records");
	is_lines("RECV20240507-1.log", 2, "one that is late is in the next");
	logbook_put(protolog, NEXT_MIDNIGHT - 61, "set back");
	is_list("RECV20240506-1.log RECV20240506-2.log RECV20240507-1.log",
	    "a clock that was set back makes a new file");
	logbook_put(protolog, NEXT_MIDNIGHT + 1, "and forth");
	is_list("RECV20240506-1.log RECV20240506-2.log RECV20240507-1.log "
		"RECV20240507-2.log",
	    "and no file is written again");
	stat(logbook_path(path, "RECV20240507-2.log"), &st);
	is_int(st.st_mode & 07777, 0640, "its group may read it");
	is_int((long long)protolog_written(protolog), 6, "records are counted");
	is_int((long long)protolog_dropped(protolog), 0, "and none was lost");
	protolog_free(protolog);
	logbook_empty();
}

/* As two starts a day, with what others left there. */
static void
check_numbers(void)
{
	const struct protocol_log_settings settings = logbook_settings();
	struct protolog *protolog;
	char path[LOGBOOK_PATH_MAX], *text;

	logbook_write("RECV20240506-1.log", "old\n");
	logbook_write("RECV20240506-9.log", "old\n");
	logbook_write("RECV20240505-30.log", "old\n");
	logbook_write("RECV20240506-40.log.gz", "old\n");
	if (symlink("victim", logbook_path(path, "RECV20240506-10.log")) != 0 ||
	    mkdir(logbook_path(path, "RECV20240506-11.log"), 0755) != 0)
		perror(path);
	protolog = logbook_open(&settings);
	logbook_put(protolog, MORNING, "a");
	is_lines("RECV20240506-12.log", 1, "the next number is the first free");
	/* Planted while it runs, where nobody looks. */
	if (symlink("victim", logbook_path(path, "RECV20240506-13.log")) != 0)
		perror(path);
	logbook_write("RECV20240506-14.log", "old\n");
	protolog_reopen(protolog);
	is_lines("RECV20240506-15.log", -1, "reopened, there is no new file");
	logbook_put(protolog, MORNING, "b");
	logbook_put(protolog, MORNING, "c");
	is_lines("RECV20240506-15.log", 2, "before there is a record");
	is_lines("RECV20240506-12.log", 1, "which the last file has not");
	is_lines("victim", -1, "and no link was followed");
	text = logbook_read("RECV20240506-14.log");
	is_str(text, "old\n", "nor was a file written that had been there");
	free(text);
	protolog_free(protolog);
	logbook_empty();
}

#define ROW(n) "RECV20240506-" #n ".log"

static void
check_sizes(void)
{
	struct protocol_log_settings settings = logbook_settings();
	char header[PROTOLOG_HEADER_MAX];
	const struct timespec time = { MORNING, 0 };
	const long long header_len = (long long)protolog_header(header, &time);
	struct protolog *protolog = logbook_open(&settings);
	struct stat st = { 0 };
	char path[LOGBOOK_PATH_MAX];
	long long len;

	logbook_put(protolog, MORNING, "1234567");
	stat(logbook_path(path, ROW(1)), &st);
	len = st.st_size - header_len;
	settings.max_file_size = header_len + 3 * len;
	protolog_configure(protolog, &settings);
	for (unsigned i = 0; i < 6; i++)
		logbook_put(protolog, MORNING, "1234567");
	is_lines(ROW(1), 3, "a file takes what fits, and its header counts");
	is_lines(ROW(2), 3, "up to the last byte");
	is_lines(ROW(3), 1, "then there is another");
	settings.max_file_size--;
	protolog_configure(protolog, &settings);
	for (unsigned i = 0; i < 2; i++)
		logbook_put(protolog, MORNING, "1234567");
	is_lines(ROW(3), 2, "new settings hold for the file that is there");
	is_lines(ROW(4), 1, "to the byte");
	settings.max_file_size = 1;
	protolog_configure(protolog, &settings);
	for (unsigned i = 0; i < 2; i++)
		logbook_put(protolog, MORNING, "1234567");
	is_lines(ROW(4), 1, "no file is large enough");
	is_lines(ROW(5), 1, "yet each takes a record");
	is_lines(ROW(6), 1, "and no more");
	protolog_free(protolog);
	logbook_empty();
}

/* A file of so many bytes that was written at a time. */
static void
leave_file(const char *name, off_t size, time_t modified)
{
	const struct timespec times[2] = { { modified, 0 }, { modified, 0 } };
	char path[LOGBOOK_PATH_MAX];

	logbook_write(name, "");
	if (truncate(logbook_path(path, name), size) != 0 ||
	    utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) != 0)
		perror(path);
}

static void
purge(long long max_age, long long max_size, const struct protolog_name *keep)
{
	struct protocol_log_settings settings = logbook_settings();
	const int folder = protolog_folder_open(logbook_folder);

	settings.max_age = max_age;
	settings.max_directory_size = max_size;
	is_int(protolog_folder_purge(folder, keep, &settings, MORNING), 0,
	    "old files are removed");
	close(folder);
}

static void
leave_files(void)
{
	static const struct timespec old[2] = { { 1, 0 }, { 1, 0 } };
	char path[LOGBOOK_PATH_MAX];

	leave_file(ROW(1), 1000, MORNING - 50);
	leave_file(ROW(2), 1000, MORNING - 40);
	leave_file(ROW(3), 1000, MORNING - 30);
	leave_file(ROW(4), 1000, MORNING - 30);
	leave_file("RECV20240507-1.log", 1000, MORNING - 100);
	leave_file("RECV20240506-99.log.gz", 1000, 1);
	leave_file("notes", 1000, 1);
	if (symlink("notes", logbook_path(path, ROW(5))) != 0 ||
	    utimensat(AT_FDCWD, path, old, AT_SYMLINK_NOFOLLOW) != 0 ||
	    mkdir(logbook_path(path, ROW(6)), 0755) != 0 ||
	    utimensat(AT_FDCWD, path, old, AT_SYMLINK_NOFOLLOW) != 0)
		perror(path);
}

/* Which of our files are still there, in words; the rest has to be. */
static void
is_left(const char *want, const char *what)
{
	static const char *const ours[] = { ROW(1), ROW(2), ROW(3), ROW(4),
		"RECV20240507-1.log", ROW(7), ROW(8) };
	static const char *const words[] = { "1", "2", "3", "4", "tomorrow",
		"7", "8" };
	static const char *const foreign[] = { ROW(5), ROW(6),
		"RECV20240506-99.log.gz", "notes" };
	char left[100], path[LOGBOOK_PATH_MAX];
	struct text text;
	struct stat st;

	text_init(&text, left, sizeof(left));
	for (size_t i = 0; i < nitems(ours); i++)
		if (lstat(logbook_path(path, ours[i]), &st) == 0)
			text_printf(
			    &text, "%s%s", text.len > 0 ? " " : "", words[i]);
	for (size_t i = 0; i < nitems(foreign); i++)
		if (lstat(logbook_path(path, foreign[i]), &st) != 0)
			text_printf(&text, ", without %s", foreign[i]);
	is_str(left, want, what);
}

/* clang-format off */
static const struct {
	long long max_age, max_size;
	unsigned long keep; /* of 2024-05-06 */
	const char *left;
	const char *what;
} purges[] = {
	{ UNLIMITED, UNLIMITED, 4, "1 2 3 4 tomorrow", "nothing is too old or large" },
	{ 100, 5000, 4, "1 2 3 4 tomorrow", "nor is what just fits" },
	{ 99, UNLIMITED, 4, "1 2 3 4", "by the time of writing, not the name" },
	{ 39, UNLIMITED, 4, "3 4", "by age" },
	{ 1, UNLIMITED, 4, "4", "by age, but for the newest" },
	{ 0, UNLIMITED, 4, "1 2 3 4 tomorrow", "an age of 0 is no age" },
	{ UNLIMITED, 4999, 4, "1 2 3 4", "by size, the oldest first" },
	{ UNLIMITED, 2000, 4, "3 4", "by size, as many as it takes" },
	{ UNLIMITED, 1999, 4, "4", "of the same age the first" },
	{ UNLIMITED, 0, 4, "4", "by size, but for the newest" },
	{ UNLIMITED, 1000, 1, "1", "the newest, however old it is" },
	{ 45, 2000, 4, "3 4", "by age and size" },
};
/* clang-format on */

static void
check_purges(void)
{
	for (size_t i = 0; i < nitems(purges); i++) {
		const struct protolog_name keep = { MIDNIGHT / SECONDS_PER_DAY,
			purges[i].keep };

		leave_files();
		purge(purges[i].max_age, purges[i].max_size, &keep);
		is_left(purges[i].left, purges[i].what);
		logbook_empty();
	}
}

/* Settings, not names of files, that another reload gives. */
static void
check_settings(void)
{
	struct protocol_log_settings settings = logbook_settings();
	struct protolog *protolog = protolog_new();
	char other[LOGBOOK_PATH_MAX], own[LOGBOOK_PATH_MAX];

	if (protolog == NULL)
		exit(2);
	ok(!protolog_is_on(protolog) && !protolog_is_dead(protolog) &&
		!protolog_is_required(protolog),
	    "a new log is off, and not dead");
	logbook_put(protolog, MORNING, "nowhere");
	settings.directory = "";
	settings.required = true;
	protolog_configure(protolog, &settings);
	ok(!protolog_is_on(protolog) && !protolog_is_dead(protolog),
	    "without a folder it stays off, and is not dead");
	logbook_put(protolog, MORNING, "nowhere");
	is_list("", "and there is nothing");
	settings = logbook_settings();
	settings.required = true;
	snprintf(own, sizeof(own), "%s", logbook_folder);
	settings.directory = own;
	protolog_configure(protolog, &settings);
	memset(own, 'x', sizeof(own) - 1);
	ok(protolog_is_on(protolog) && !protolog_is_dead(protolog) &&
		protolog_is_required(protolog),
	    "with a folder it is on");
	logbook_put(protolog, MORNING, "here");
	is_lines(ROW(1), 1, "and keeps the folder's name itself");
	if (mkdir(logbook_path(other, "other"), 0755) != 0)
		perror(other);
	settings.directory = other;
	settings.required = false;
	protolog_configure(protolog, &settings);
	logbook_put(protolog, MORNING, "there");
	logbook_put(protolog, MORNING, "there");
	ok(!protolog_is_required(protolog), "other settings are obeyed");
	is_lines(ROW(1), 1, "the old folder is left");
	is_lines("other/" ROW(1), 2, "for the new one");
	settings.directory = "";
	protolog_configure(protolog, &settings);
	logbook_put(protolog, MORNING, "nowhere");
	ok(!protolog_is_on(protolog) && !protolog_is_dead(protolog),
	    "it can be turned off");
	is_lines("other/" ROW(1), 2, "and then writes nothing");
	is_int((long long)protolog_written(protolog), 3, "what it wrote");
	is_int((long long)protolog_dropped(protolog), 0, "what it lost");
	protolog_free(protolog);
	protolog_free(NULL);
	logbook_empty();
}

/* The room itself removes old files: at the start, turning over, each minute */
static void
check_purging(void)
{
	struct protocol_log_settings settings = logbook_settings();
	struct protolog *protolog;

	leave_files();
	settings.max_age = 35;
	protolog = logbook_open(&settings);
	is_left("3 4 7", "at the start");
	settings.max_age = UNLIMITED;
	settings.max_directory_size = 2500;
	protolog_configure(protolog, &settings);
	is_left("3 4 7", "there is room for two and the newest");
	settings.max_directory_size = 1500;
	protolog_configure(protolog, &settings);
	is_left("4 7", "with new settings");
	leave_file(ROW(1), 1000, MORNING - 30);
	logbook_shift += 58;
	logbook_put(protolog, MORNING, "x");
	is_left("1 4 7", "not each time");
	logbook_shift += 2;
	logbook_put(protolog, MORNING, "x");
	is_left("4 7", "but each minute");
	protolog_reopen(protolog);
	logbook_shift += 1;
	settings.max_directory_size = 800;
	protolog_configure(protolog, &settings);
	leave_file(ROW(1), 1000, MORNING - 30);
	logbook_put(protolog, MORNING, "x");
	logbook_shift += 1;
	logbook_put(protolog, MORNING, "x");
	is_left("8", "and when a file begins, which stays");
	protolog_free(protolog);
	logbook_empty();
}

/* Never the same twice, and never back, whatever the clock does. */
static void
check_sessions(void)
{
	struct protolog *protolog = protolog_new();
	uint64_t last, id = 0;
	bool rising = true;

	if (protolog == NULL)
		exit(2);
	logbook_now = MORNING;
	last = protolog_session_id(protolog);
	ok(last == 0x08DC6D9BD32BF680, "a session is the time in ticks");
	logbook_now = MORNING + 1;
	ok(protolog_session_id(protolog) == last + 10000000,
	    "of 100 nanoseconds");
	logbook_now = MIDNIGHT;
	ok(protolog_session_id(protolog) == last + 10000001,
	    "a clock that goes back changes nothing");
	logbook_now = 0;
	for (unsigned i = 0; i < 100000; i++) {
		id = protolog_session_id(protolog);
		rising = rising && id > last;
		last = id;
	}
	ok(rising, "100,000 sessions have their own");
	ok(id >> 56 == 8, "of 16 digits, as those of Exchange");
	logbook_now = MORNING;
	protolog_free(protolog);
}

/* As it stands in records. */
static void
check_server(void)
{
	const struct protocol_log_settings settings = logbook_settings();
	struct protolog *protolog = logbook_open(&settings);
	struct utsname machine;
	char want[300] = "";
	char *text, *last;

	uname(&machine);
	machine.nodename[strcspn(machine.nodename, ".")] = '\0';
	for (char *s = machine.nodename; *s != '\0'; s++)
		if (strchr("abcdefghijklmnopqrstuvwxyz", *s))
			*s = (char)(*s - 'a' + 'A');
	snprintf(want, sizeof(want),
	    "2024-05-06T07:12:01.000Z,%s\\gate,0000000000000001,0,"
	    "127.0.0.1:25,192.0.2.9:41022,<,NOOP,\r\n",
	    machine.nodename);
	logbook_put(protolog, MORNING, "NOOP");
	text = logbook_read(ROW(1));
	last = text != NULL ? strstr(text, "context\r\n") : NULL;
	is_str(last != NULL ? last + 9 : NULL, want, "a record in its file");
	free(text);
	protolog_free(protolog);
	logbook_empty();
}

/*
 * A text without NUL of hostile bytes. The first 255 * 255 are all pairs there
 * are.
 */
static size_t
draw(uint64_t *state, char *buf, size_t number)
{
	static const char sharp[] = ",,\"\"=+-@\t\r\n\\\\x0.;|' ";
	const size_t kind = random_below(state, 1000);
	size_t len = random_below(state, 25);

	if (number < 255 * 255) {
		buf[0] = (char)(number / 255 + 1);
		buf[1] = (char)(number % 255 + 1);
		return 2;
	}
	if (kind < 3)
		len = TEXT_FIELD_MAX - 2 + random_below(state, 5);
	if (kind >= 3 && kind < 6)
		len = TEXT_FIELD_MAX + random_below(state, 200);
	for (size_t i = 0; i < len; i++)
		buf[i] = kind % 2 == 0
		    ? (char)(random_below(state, 255) + 1)
		    : sharp[random_below(state, sizeof(sharp) - 1)];
	if (kind < 300 && len > 0)
		buf[0] = "=+-@\t\r"[random_below(state, 6)];
	if (kind >= 950 && len > 3)
		memcpy(buf + len - 3, "...", 3);
	return len;
}

/*
 * One record more, and for a reader of the log what it was. Waits for the disk.
 */
static void
put_drawn(struct protolog *protolog, struct protocol_record *record,
    uint64_t *state, size_t number)
{
	static const char *const connectors[] = { "gate", "Default Frontend",
		"a,b", "=x" };
	char data[1024], context[1024];
	const size_t data_len = draw(state, data, number);
	const size_t context_len = draw(state, context, number + 255);

	data[data_len] = context[context_len] = '\0';
	record->data = data;
	record->context = context;
	record->connector = connectors[number % nitems(connectors)];
	record->event = (enum protocol_event) "+-><*"[number % 5];
	record->sequence++;
	if (number == 0 || random_below(state, 20) == 0) {
		record->session = protolog_session_id(protolog);
		record->sequence = 0;
	}
	clock_gettime(CLOCK_REALTIME, &record->time);
	while (protolog_is_dead(protolog))
		usleep(1000);
	protolog_put(protolog, record);
	fwrite(data, 1, data_len + 1, stdout);
	fwrite(context, 1, context_len + 1, stdout);
}

static int
generate(const char *folder, size_t count, uint64_t seed)
{
	struct protocol_log_settings settings = logbook_settings();
	struct protocol_record record = {
		.remote = { { ADDR_IPV6, 9 }, 41022 },
	};
	struct protolog *protolog;
	uint64_t state = seed;

	settings.directory = folder;
	settings.max_file_size = 10485760;
	protolog = logbook_open(&settings);
	if (protolog_start(protolog) != 0)
		return 2;
	for (size_t i = 0; i < count; i++)
		put_drawn(protolog, &record, &state, i);
	protolog_stop(protolog, 10000);
	fprintf(stderr, "%lu written, %lu lost\n", protolog_written(protolog),
	    protolog_dropped(protolog));
	protolog_free(protolog);
	return fflush(stdout) != 0;
}

int
main(int argc, char *argv[])
{
	if (argc == 5 && strcmp(argv[1], "generate") == 0)
		return generate(argv[2], strtoul(argv[3], NULL, 10),
		    strtoul(argv[4], NULL, 10));
	logbook_now = MORNING;
	logbook_begin();
	check_lines();
	check_heads();
	check_longest();
	check_header();
	check_names();
	check_days();
	check_numbers();
	check_sizes();
	check_purges();
	check_purging();
	check_settings();
	check_sessions();
	check_server();
	logbook_end();
	return done();
}
