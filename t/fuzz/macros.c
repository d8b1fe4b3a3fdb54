/*
 * macros.c - any words of an MTA, and what they make of a session.
 *
 * An input is lines "MACRO VALUE"; see the table of macros. Holds: facts are
 * what the naive readings of naive.h and below say; in a session that is played
 * with them nobody gets another connector, relays or is let in but as these
 * say; a mapped client is its IPv4 one; and what the MTA does not tell lets
 * nothing pass that was refused, but for what one is by login or certificate,
 * where the two macros of a login count for nothing one without the other.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "fuzz.h"
#include "naive.h"
#include "played.h"

enum macro {
	CLIENT,
	HOST,
	PORT,
	RESOLVE,
	IF_ADDR,
	DAEMON_ADDR,
	DAEMON_PORT,
	TLS,
	AUTH_TYPE,
	AUTH_AUTHEN,
	VERIFY,
	CN_SUBJECT,
	CERT_SUBJECT,
	RCPT_MAILER,
	RCPT_ADDR,
	FROM,
	TO,
	MACRO_COUNT
};

static const char *const names[MACRO_COUNT] = {
	[CLIENT] = "client",
	[HOST] = "host",
	[PORT] = "port",
	[RESOLVE] = "client_resolve",
	[IF_ADDR] = "if_addr",
	[DAEMON_ADDR] = "daemon_addr",
	[DAEMON_PORT] = "daemon_port",
	[TLS] = "tls_version",
	[AUTH_TYPE] = "auth_type",
	[AUTH_AUTHEN] = "auth_authen",
	[VERIFY] = "verify",
	[CN_SUBJECT] = "cn_subject",
	[CERT_SUBJECT] = "cert_subject",
	[RCPT_MAILER] = "rcpt_mailer",
	[RCPT_ADDR] = "rcpt_addr",
	[FROM] = "from",
	[TO] = "to",
};

static const char *const ours[] = { "ours.example", "*.ours.example", NULL };

static const char configuration[] =
    "[organization]\n"
    "accepted_domains = ours.example, *.ours.example\n"
    "tls_receive_domain_secure_list = partner.example\n"
    "[group staff]\n"
    "members = ann, bob@ours.example\n"
    "[connector all]\n"
    "bindings = 0.0.0.0:25, [::]:25\n"
    "remote_ip_ranges = 0.0.0.0/0, ::/0\n"
    "accept_open_relay = yes\n"
    "permission_groups = anonymous_users, exchange_users, "
    "exchange_servers, partners\n"
    "auth_mechanism = tls, integrated, basic_auth, exchange_server\n"
    "domain_secure_enabled = yes\n"
    "server_identities = login:mx1, cert:mx1.ours.example\n"
    "accept_any_recipient = host:relay.example, -user:eve\n"
    "[connector inside]\n"
    "bindings = 192.0.2.25:25\n"
    "remote_ip_ranges = 198.51.100.0/24, 2001:db8:1::/48\n"
    "permission_groups = exchange_users\n"
    "auth_mechanism = tls, basic_auth, basic_auth_require_tls\n"
    "accept_any_recipient = -users, group:staff\n"
    "require_tls = yes\n";

/* A set of macros; NULL: not told. */
struct told {
	const char *value[MACRO_COUNT];
	bool mapped; /* the client's IPv4 address comes as an IPv6 one */
};

/* What came of a session, as bits and names. */
struct result {
	const char *connector;
	enum identity identity;
	struct rights rights;
	bool connect;
	bool mail;
	bool rcpt;
};

/* --- readings of our own --- */

/* Digits alone, 1 to 65535; else 0. */
static unsigned
port_of(const char *text)
{
	unsigned port = 0;

	if (text == NULL || *text == '\0')
		return 0;
	for (; *text >= '0' && *text <= '9' && port <= UINT16_MAX; text++)
		port = port * 10 + (unsigned)(*text - '0');
	return *text == '\0' && port <= UINT16_MAX ? port : 0;
}

/* An address by inet_pton(3), in 16 bytes, IPv4 as a mapped one. */
struct naive_addr {
	bool known;
	unsigned char bytes[16];
};

static struct naive_addr
address_of(const char *text)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct naive_addr addr = { .known = false };

	if (text == NULL)
		return addr;
	memcpy(addr.bytes, mapped, sizeof(mapped));
	addr.known = inet_pton(AF_INET, text, addr.bytes + 12) == 1;
	if (!addr.known)
		addr.known = inet_pton(AF_INET6, text, addr.bytes) == 1;
	return addr;
}

static bool
is_ipv4(const struct naive_addr *addr)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	return addr->known && memcmp(addr->bytes, mapped, 12) == 0;
}

static bool
is_any(const struct naive_addr *addr)
{
	static const unsigned char none[16];

	return memcmp(addr->bytes + 12, none, 4) == 0 &&
	    (is_ipv4(addr) || memcmp(addr->bytes, none, 12) == 0);
}

static bool
is_loopback(const struct naive_addr *addr)
{
	const struct naive_addr one = address_of("::1");

	return addr->known &&
	    ((is_ipv4(addr) && addr->bytes[12] == 127) ||
		memcmp(addr->bytes, one.bytes, 16) == 0);
}

/* Design 4.1: {if_addr}, else {daemon_addr}, else loopback for loopback. */
static struct naive_addr
listener_of(const struct told *told, const struct naive_addr *client)
{
	static const enum macro order[] = { IF_ADDR, DAEMON_ADDR };
	struct naive_addr addr;

	for (size_t i = 0; i < nitems(order); i++) {
		const char *text = told->value[order[i]];
		const bool prefixed =
		    text != NULL && naive_begins(text, "IPv6:");

		addr = address_of(prefixed ? text + 5 : text);
		/* IPv4 behind the prefix is nothing. */
		if (prefixed && strchr(text + 5, ':') == NULL)
			addr.known = false;
		if (addr.known && !is_any(&addr))
			return addr;
	}
	addr.known = false;
	if (is_loopback(client))
		addr = address_of(is_ipv4(client) ? "127.0.0.1" : "::1");
	return addr;
}

static bool
equals(const struct addr *got, const struct naive_addr *want)
{
	const enum addr_family family = !want->known ? ADDR_NONE
	    : is_ipv4(want)                          ? ADDR_IPV4
						     : ADDR_IPV6;
	addr_value value = 0;

	for (size_t i = family == ADDR_IPV4 ? 12 : 0; i < 16; i++)
		value = value << 8 | want->bytes[i];
	return got->family == family &&
	    (family == ADDR_NONE || got->value == value);
}

static enum mechanism
mechanism_of(const char *type, const char *authen)
{
	static const char *const basic[] = { "PLAIN", "LOGIN", "XOAUTH2",
		"OAUTHBEARER" };
	static const char *const integrated[] = { "NTLM", "GSSAPI",
		"GSS-SPNEGO", "CRAM-MD5", "DIGEST-MD5" };

	if (!naive_logged_in(type, authen))
		return MECHANISM_NONE;
	for (size_t i = 0; i < nitems(basic); i++)
		if (naive_same(type, basic[i]))
			return MECHANISM_BASIC;
	for (size_t i = 0; i < nitems(integrated); i++)
		if (naive_same(type, integrated[i]))
			return MECHANISM_INTEGRATED;
	if (naive_begins(type, "SCRAM-"))
		return MECHANISM_INTEGRATED;
	return naive_same(type, "XCLIENT") ? MECHANISM_XCLIENT
					   : MECHANISM_OTHER;
}

/* --- facts --- */

static struct addr
client_of(const struct told *told)
{
	const struct naive_addr addr = address_of(told->value[CLIENT]);
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct addr client, want;

	if (!addr.known)
		return addr_from_sockaddr(NULL);
	memcpy(&six.sin6_addr, addr.bytes, 16);
	memcpy(&four.sin_addr, addr.bytes + 12, 4);
	client = addr_from_sockaddr((const struct sockaddr *)&six);
	must(equals(&client, &addr), "a client has the address it comes from");
	if (!is_ipv4(&addr))
		return client;
	want = addr_from_sockaddr((const struct sockaddr *)&four);
	must(client.family == want.family && client.value == want.value,
	    "a mapped client is its IPv4 one");
	/* As a caller might that forgot to unmap it. */
	if (told->mapped)
		must(addr_parse(&client,
			 inet_ntop(AF_INET6, addr.bytes,
			     (char[INET6_ADDRSTRLEN]){ 0 },
			     INET6_ADDRSTRLEN)) == NULL,
		    "a mapped address parses");
	return client;
}

static void
check_listener(const struct told *told, const struct endpoint *got)
{
	const struct naive_addr client = address_of(told->value[CLIENT]);
	const unsigned port = port_of(told->value[DAEMON_PORT]);
	struct naive_addr want = listener_of(told, &client);

	want.known = want.known && port != 0;
	must(equals(&got->addr, &want), "a listener is where it was told");
	must(!want.known || got->port == port, "and has the port that was");
}

static void
check_certificate(const char *const *value)
{
	char name[DOMAIN_MAX + 1], naive[DOMAIN_MAX + 1];
	bool sure;
	const char *got = facts_certificate(
	    name, value[VERIFY], value[CN_SUBJECT], value[CERT_SUBJECT]);
	const char *want = naive_certificate(naive, value[VERIFY],
	    value[CN_SUBJECT], value[CERT_SUBJECT], &sure);

	must(got == NULL || (want != NULL && strcmp(got, want) == 0),
	    "a certificate has no name but its own");
	must(got != NULL || want == NULL || !sure,
	    "a certificate has the name that was verified");
}

static void
check_facts(const struct told *told)
{
	const char *const *value = told->value;
	const struct addr client = client_of(told);
	const struct endpoint listener = facts_listener(
	    value[IF_ADDR], value[DAEMON_ADDR], value[DAEMON_PORT], &client);
	const char *resolve = value[RESOLVE];

	check_listener(told, &listener);
	check_certificate(value);
	must(facts_mechanism(value[AUTH_TYPE], value[AUTH_AUTHEN]) ==
		mechanism_of(value[AUTH_TYPE], value[AUTH_AUTHEN]),
	    "logged in is who has both macros and is not anonymous");
	must((facts_tls(value[TLS]) == TLS_OFF) ==
		(value[TLS] == NULL || value[TLS][0] == '\0'),
	    "TLS is what has a version");
	must((facts_client_resolved(resolve) == ANSWER_YES) ==
		(resolve != NULL && naive_same(resolve, "OK")),
	    "a name is verified by OK alone");
	must((facts_client_resolved(resolve) == ANSWER_UNKNOWN) ==
		(resolve == NULL || *resolve == '\0' ||
		    naive_same(resolve, "TEMP")),
	    "TEMP and silence are not known");
}

/* --- a session --- */

static void
note(void *arg, const struct judged *judged, const struct decision *decision,
    const char *recipient UNUSED)
{
	struct result *result = arg;

	result->connector =
	    judged->connector != NULL ? judged->connector->name : NULL;
	if (decision->stage < STAGE_MAIL)
		return;
	result->identity = judged->identity;
	result->rights = judged->rights;
}

static struct server *
server_of_all(void)
{
	static struct server server;

	if (server.snapshots == NULL) {
		server = server_of(configuration);
		explain_only(&server);
		server.observer.decided = note;
	}
	return &server;
}

static bool
is_local(const struct told *told)
{
	return facts_local_submission(told->value[HOST],
	    (uint16_t)port_of(told->value[PORT]), told->value[DAEMON_PORT]);
}

static bool
play_connect(struct session *session, const struct told *told)
{
	const char *const *value = told->value;
	const struct addr unmapped = addr_unmap(client_of(told));
	struct connect_info info = {
		.host = value[HOST],
		.client = client_of(told),
		.client_port = (uint16_t)port_of(value[PORT]),
		.client_resolve = value[RESOLVE],
		.local_submission = is_local(told),
	};
	struct reply reply;

	info.listener = facts_listener(
	    value[IF_ADDR], value[DAEMON_ADDR], value[DAEMON_PORT], &unmapped);
	return session_connect(session, &info, &reply);
}

static bool
play_mail(struct session *session, const char *const *value)
{
	const struct mail_info info = {
		.path = value[FROM] != NULL ? value[FROM] : "<>",
		.tls_version = value[TLS],
		.auth_type = value[AUTH_TYPE],
		.auth_authen = value[AUTH_AUTHEN],
		.verify = value[VERIFY],
		.cn_subject = value[CN_SUBJECT],
		.cert_subject = value[CERT_SUBJECT],
	};
	struct reply reply;

	return session_mail(session, &info, &reply);
}

static bool
play_rcpt(struct session *session, const char *const *value)
{
	const struct rcpt_info info = {
		.path = value[TO] != NULL ? value[TO] : "<a@foreign.example>",
		.rcpt_addr = value[RCPT_ADDR],
		.rcpt_mailer = value[RCPT_MAILER],
	};
	struct reply reply;

	return session_rcpt(session, &info, &reply);
}

static struct result
play(const struct told *told)
{
	struct server *server = server_of_all();
	struct result result = { .connector = NULL };
	struct session *session;

	server->observer.arg = &result;
	session = session_new(server);
	if (session == NULL)
		exit(1);
	result.connect = play_connect(session, told);
	result.mail = result.connect && play_mail(session, told->value);
	result.rcpt = result.mail && play_rcpt(session, told->value);
	session_free(session);
	return result;
}

/* --- what may have come of it --- */

/* The connector by design 4.1: an exact binding hides the wildcard ones. */
static const char *
connector_of(const struct told *told)
{
	static const unsigned char inside4[] = { 198, 51, 100 };
	static const unsigned char inside6[] = { 0x20, 1, 0x0d, 0xb8, 0, 1 };
	const struct naive_addr exact = address_of("192.0.2.25");
	const struct naive_addr client = address_of(told->value[CLIENT]);
	const struct naive_addr listener = listener_of(told, &client);

	if (!client.known || !listener.known ||
	    port_of(told->value[DAEMON_PORT]) != 25)
		return NULL;
	if (memcmp(listener.bytes, exact.bytes, 16) != 0)
		return "all";
	return (is_ipv4(&client) &&
		   memcmp(client.bytes + 12, inside4, 3) == 0) ||
		memcmp(client.bytes, inside6, 6) == 0
	    ? "inside"
	    : NULL;
}

/* A verified name need not be one of mail, but has to be what DNS has. */
static bool
is_from_relay_host(const char *const *value)
{
	char *name;
	size_t len;
	bool relay;

	if (value[RESOLVE] == NULL || !naive_same(value[RESOLVE], "OK") ||
	    value[HOST] == NULL)
		return false;
	len = strlen(value[HOST]);
	len -= len > 0 && value[HOST][len - 1] == '.';
	name = fuzz_text(value[HOST], len);
	for (size_t i = 0; i < len; i++)
		name[i] = naive_lower(name[i]);
	relay = naive_within(name, "relay.example");
	free(name);
	return relay;
}

/* May a session of the connector "all" relay? */
static bool
may_relay(const char *const *value)
{
	char name[DOMAIN_MAX + 1];
	bool sure;
	const bool login =
	    naive_logged_in(value[AUTH_TYPE], value[AUTH_AUTHEN]);
	const bool tls = value[TLS] != NULL && value[TLS][0] != '\0';
	const char *certificate = naive_certificate(
	    name, value[VERIFY], value[CN_SUBJECT], value[CERT_SUBJECT], &sure);

	if (login && naive_same(value[AUTH_AUTHEN], "eve"))
		return false;
	return login || is_from_relay_host(value) ||
	    (tls && certificate != NULL &&
		strcmp(certificate, "mx1.ours.example") == 0);
}

/* Of the connector "inside", where all others are denied it: deny wins. */
static bool
may_send_inside(const char *const *value)
{
	return value[TLS] != NULL && value[TLS][0] != '\0' &&
	    mechanism_of(value[AUTH_TYPE], value[AUTH_AUTHEN]) !=
	    MECHANISM_NONE;
}

static bool
is_bare_postmaster(const char *path)
{
	return naive_same(path, "postmaster") ||
	    naive_same(path, "<postmaster>");
}

static void
check_outcome(const struct told *told, const struct result *result)
{
	const char *const *value = told->value;
	const char *connector = connector_of(told);
	const char *to = value[TO] != NULL ? value[TO] : "";
	const bool by_mta =
	    facts_refused_by_mta(value[RCPT_MAILER], value[RCPT_ADDR]);
	bool may;

	if (is_local(told))
		return;
	must(result->connector == NULL ||
		(connector != NULL &&
		    strcmp(connector, result->connector) == 0),
	    "a client gets the connector of its address and listener");
	must(!result->mail || connector != NULL,
	    "nobody sends without a connector");
	if (!result->mail)
		return;
	must(result->identity != IDENTITY_EXTERNALLY_SECURED,
	    "nobody is secured externally here");
	may = strcmp(connector, "all") == 0 && may_relay(value);
	must(strcmp(connector, "all") == 0 || may_send_inside(value),
	    "nobody sends inside but by TLS and login");
	must(rights_have(result->rights, RIGHT_ACCEPT_ANY_RECIPIENT) !=
		    ANSWER_YES ||
		may,
	    "nobody has the right to relay but whom the connector gives it");
	must(!result->rcpt || may || by_mta || is_bare_postmaster(to) ||
		naive_in_domains(to, ours),
	    "nobody relays without the right to");
}

/* --- with less --- */

static bool
is_same(const struct result *a, const struct result *b)
{
	return a->connect == b->connect && a->mail == b->mail &&
	    a->rcpt == b->rcpt && a->identity == b->identity &&
	    a->rights.held == b->rights.held &&
	    a->rights.unknown == b->rights.unknown &&
	    (a->connector == b->connector ||
		(a->connector != NULL && b->connector != NULL &&
		    strcmp(a->connector, b->connector) == 0));
}

static struct result
play_without(const struct told *told, enum macro macro, const char *instead)
{
	struct told less = *told;
	struct result result;

	less.value[macro] = instead;
	result = play(&less);
	check_outcome(&less, &result);
	return result;
}

static void
check_with_less(const struct told *told, const struct result *before)
{
	static const enum macro strict[] = { CLIENT, HOST, RESOLVE,
		DAEMON_PORT };
	const struct result no_type = play_without(told, AUTH_TYPE, NULL);
	const struct result no_login = play_without(told, AUTH_AUTHEN, NULL);
	const struct result anonymous =
	    play_without(told, AUTH_TYPE, "anonymous");

	must(is_same(&no_type, &no_login) && is_same(&no_type, &anonymous),
	    "half a login is none, and an anonymous one");
	for (size_t i = 0; i < nitems(strict); i++) {
		const struct result after = play_without(told, strict[i], NULL);

		must((before->mail || !after.mail) &&
			(before->rcpt || !after.rcpt || !before->mail),
		    "what is not told lets nothing pass that was refused");
		must((after.rights.held & ~before->rights.held) == 0 ||
			!after.mail,
		    "what is not told gives no right");
	}
	for (unsigned i = TLS; i < MACRO_COUNT; i++)
		if (told->value[i] != NULL)
			(void)play_without(told, i, NULL);
}

static void
check_told(struct told *told)
{
	const struct result result = play(told);
	struct result mapped;

	check_facts(told);
	check_outcome(told, &result);
	told->mapped = true;
	mapped = play(told);
	told->mapped = false;
	must(is_same(&result, &mapped), "a mapped client is its IPv4 one");
	if (!is_local(told))
		check_with_less(told, &result);
}

/* "MACRO VALUE"; the first of two lines of one macro counts. */
static void
take(struct told *told, const struct fuzz_input *line)
{
	for (unsigned i = 0; i < MACRO_COUNT; i++) {
		const size_t len = strlen(names[i]);

		if (line->size > len && line->data[len] == ' ' &&
		    memcmp(line->data, names[i], len) == 0 &&
		    told->value[i] == NULL)
			told->value[i] = fuzz_text(
			    line->data + len + 1, line->size - len - 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = fuzz_input(data, size), line;
	struct told told = { .mapped = false };

	while (fuzz_take_line(&input, &line))
		take(&told, &line);
	check_told(&told);
	for (unsigned i = 0; i < MACRO_COUNT; i++)
		free((void *)(uintptr_t)told.value[i]);
	return 0;
}
