/*
 * setting_check.c - checks of settings that stay text.
 */
#include "setting_check.h"

#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "domain.h"
#include "socket_name.h"
#include "text.h"

/* sun_path less its terminator. */
#define SOCKET_PATH_MAX 107
/* RFC 5321 4.5.3.1.5, less CR and LF. */
#define BANNER_MAX 510

static bool
wrong(struct text *why, const char *sentence)
{
	text_put(why, sentence);
	return false;
}

static bool
begins_with(const char *s, const char *prefix)
{
	return text_ncasecmp(s, prefix, strlen(prefix)) == 0;
}

/* The port in the len bytes at s, 0 for anything else. */
static unsigned
port_of(const char *s, size_t len)
{
	unsigned port = 0;

	if (len == 0 || len > 5 || s[0] == '0')
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (!text_is_digit(s[i]))
			return 0;
		port = port * 10 + (unsigned)(s[i] - '0');
	}
	return port <= UINT16_MAX ? port : 0;
}

/* The address inside "[...]", or host itself. */
static const char *
without_brackets(char buf[DOMAIN_MAX + 1], const char *host)
{
	const size_t len = strlen(host);

	if (len < 2 || len > DOMAIN_MAX || host[0] != '[' ||
	    host[len - 1] != ']')
		return host;
	memcpy(buf, host + 1, len - 2);
	buf[len - 2] = '\0';
	return buf;
}

static enum addr_family
family_of(const char *host)
{
	char buf[DOMAIN_MAX + 1];
	struct addr addr;

	if (addr_parse(&addr, without_brackets(buf, host)) != NULL)
		return ADDR_NONE;
	return addr.family;
}

/*
 * What the system would read as an address, such as 127.1, 0x7f.1 or 010.0.0.1,
 * and not as the one it seems to be: "0" is every address of the machine.
 */
static bool
is_number(const char *host)
{
	const char *dot = strrchr(host, '.');
	const char *last = dot != NULL ? dot + 1 : host;

	return text_is_digit(last[0]) &&
	    (last[strspn(last, "0123456789")] == '\0' ||
		begins_with(last, "0x"));
}

static bool
check_socket_host(enum addr_family family, const char *host, struct text *why)
{
	const bool six = family == ADDR_IPV6;
	const enum addr_family found = family_of(host);
	char name[DOMAIN_MAX + 1];
	struct addr addr;

	if (found == family)
		return true;
	if (found != ADDR_NONE) {
		text_printf(why, "%s takes an %s address; write %s",
		    six ? "inet6:" : "inet:", six ? "IPv6" : "IPv4",
		    six ? "inet:PORT@HOST" : "inet6:PORT@HOST");
		return false;
	}
	if (is_number(host))
		return wrong(why, addr_parse(&addr, host));
	if (host[0] == '[' ||
	    domain_canonical(name, host, strlen(host)) != NULL)
		return wrong(why,
		    "the host is no address and no name; write PORT@HOST, "
		    "such as inet:8891@127.0.0.1");
	return true;
}

/* Postfix writes HOST:PORT, libmilter PORT@HOST. */
static bool
respell(const char *rest, struct text *why)
{
	const char *colon = strrchr(rest, ':');

	if (colon == NULL || colon == rest ||
	    port_of(colon + 1, strlen(colon + 1)) == 0)
		return wrong(why,
		    "no host is named; write PORT@HOST, such as "
		    "inet:8891@127.0.0.1");
	text_put(why, "this is how Postfix names it; write ");
	text_put(why,
	    memchr(rest, ':', (size_t)(colon - rest)) != NULL ? "inet6:"
							      : "inet:");
	text_printf(why, "%s@", colon + 1);
	text_put_safe(why, rest, (size_t)(colon - rest), TEXT_PROSE);
	return false;
}

static bool
check_inet(enum addr_family family, const char *rest, struct text *why)
{
	const char *at = strchr(rest, '@');

	if (at == NULL)
		return respell(rest, why);
	if (port_of(rest, (size_t)(at - rest)) == 0)
		return wrong(why,
		    "the port is not a number from 1 to 65535; write "
		    "PORT@HOST, such as inet:8891@127.0.0.1");
	return check_socket_host(family, at + 1, why);
}

/* The last part of a path. */
static bool
is_folder(const char *name)
{
	return name[0] == '\0' || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0;
}

/* A path that is absolute. */
static bool
check_socket_name(const char *path, struct text *why)
{
	if (strlen(path) > SOCKET_PATH_MAX) {
		text_printf(why,
		    "the path has %zu bytes, a socket's has at most %d; "
		    "choose a shorter one",
		    strlen(path), SOCKET_PATH_MAX);
		return false;
	}
	if (is_folder(strrchr(path, '/') + 1))
		return wrong(why, "the path is a folder; name the socket");
	return true;
}

static bool
check_socket_path(const char *path, struct text *why)
{
	if (path[0] != '/')
		return wrong(why,
		    "the path is not absolute; write unix:/PATH, with the "
		    "queue folder in front where Postfix is chrooted");
	if (strpbrk(path, " \t,") != NULL)
		return wrong(why,
		    "the path has a blank or a comma, where the MTA would end "
		    "it; write one socket, and a path without them");
	return check_socket_name(path, why);
}

bool
check_socket(const char *value, struct text *why)
{
	struct socket_name name;

	if (socket_name_parse(&name, value))
		return name.family == ADDR_NONE
		    ? check_socket_path(name.rest, why)
		    : check_inet(name.family, name.rest, why);
	if (value[0] == '/') {
		text_put(why, "the kind of socket is missing; write unix:");
		text_put_safe(why, value, strlen(value), TEXT_PROSE);
		return false;
	}
	return wrong(why,
	    "no kind of socket is named; write unix:PATH, inet:PORT@HOST or "
	    "inet6:PORT@HOST");
}

bool
check_account(const char *value, struct text *why)
{
	const char *colon = strchr(value, ':');

	if (strpbrk(value, " \t,/") != NULL || colon == value ||
	    (colon != NULL && (colon[1] == '\0' || strchr(colon + 1, ':'))))
		return wrong(why, "not an account; write USER or USER:GROUP");
	return true;
}

bool
check_group(const char *value, struct text *why)
{
	if (strpbrk(value, " \t,/:") != NULL)
		return wrong(why, "not a group; write the name of one");
	return true;
}

bool
check_path(const char *value, struct text *why)
{
	if (value[0] != '\0' && value[0] != '/')
		return wrong(
		    why, "the path is not absolute; begin it with '/'");
	return true;
}

bool
check_control_socket(const char *value, struct text *why)
{
	struct socket_name name;

	if (value[0] == '\0')
		return true;
	if (socket_name_parse(&name, value))
		return wrong(why,
		    "the control socket is a path, never of another machine; "
		    "write /PATH alone");
	return check_path(value, why) && check_socket_name(value, why);
}

bool
check_banner(const char *value, struct text *why)
{
	if (value[0] != '\0' && strncmp(value, "220 ", 4) != 0 &&
	    strcmp(value, "220") != 0)
		return wrong(why,
		    "a banner begins with 220; write '220 ' in front of it");
	if (strlen(value) > BANNER_MAX)
		return wrong(why,
		    "a banner has at most 510 bytes, for the line of a reply "
		    "ends at 512 (RFC 5321)");
	for (const char *s = value; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			return wrong(why,
			    "a banner is printable ASCII (RFC 5321); write "
			    "other letters without accents");
	return true;
}

bool
check_login(const char *value, struct text *why)
{
	if (strchr(value, '*') != NULL)
		return wrong(why, CHECK_LOGIN_STAR);
	if (begins_with(value, "user:") || begins_with(value, "group:"))
		return wrong(why,
		    "a login stands here by itself; leave out 'user:', and "
		    "write the logins of a group one by one");
	return true;
}

bool
check_domain(const char *value, struct text *why)
{
	char name[DOMAIN_MAX + 1];
	const char *problem;

	if (strchr(value, '*') != NULL)
		return wrong(why,
		    "no wildcards stand here; write each domain, such as "
		    "example.com");
	problem = domain_canonical(name, value, strlen(value));
	return problem == NULL || wrong(why, problem);
}

bool
check_host(const char *value, struct text *why)
{
	return value[0] == '\0' || check_domain(value, why);
}

/* Letters and digits are names, and % and ! would make a routed form. */
bool
check_delimiter(const char *value, struct text *why)
{
	if (strlen(value) > 1 ||
	    strspn(value, "#$&'*+-/=?^_`{|}~") != strlen(value))
		return wrong(why,
		    "not a delimiter; write one character, such "
		    "as +");
	return true;
}

#define STAMP_PREFIX_MAX 64

/* RFC 5322 3.6.8. */
static bool
is_field_name(const char *value)
{
	for (; *value != '\0'; value++)
		if (*value <= ' ' || *value > '~' || *value == ':')
			return false;
	return true;
}

bool
check_stamp_prefix(const char *value, struct text *why)
{
	const size_t len = strlen(value);

	if (len > STAMP_PREFIX_MAX)
		return wrong(why, "a prefix has at most 64 bytes");
	if (strchr(value, '*') != NULL)
		return wrong(why,
		    "no wildcards stand here; X-Connector- is every field "
		    "whose name begins so");
	if (!is_field_name(value) || len < strlen("X-?-") ||
	    !begins_with(value, "X-") || value[len - 1] != '-')
		return wrong(why,
		    "not a prefix of field names; write X-NAME-, such as "
		    "X-Connector-");
	return true;
}

/* What no mail can do without; a dash at the end stands for all such names. */
static const char *const vital_fields[] = { "From", "Sender", "Reply-To", "To",
	"Cc", "Bcc", "Subject", "Date", "Message-ID", "In-Reply-To",
	"References", "Received", "Return-Path", "MIME-Version", "Content-Type",
	"Content-Transfer-Encoding", "Content-", "DKIM-Signature" };

/* Would a field of this name go with all that begin with prefix? */
static bool
would_strip(const char *prefix, const char *field)
{
	const bool many = field[strlen(field) - 1] == '-';

	return begins_with(field, prefix) ||
	    (many && begins_with(prefix, field));
}

bool
check_protected(const char *value, struct text *why)
{
	if (strchr(value, '*') != NULL)
		return wrong(why,
		    "no wildcards stand here; X-Internal- is every field "
		    "whose name begins so");
	if (!is_field_name(value))
		return wrong(why,
		    "not the beginning of a field name; write one such as "
		    "X-Internal-");
	for (size_t i = 0; i < nitems(vital_fields); i++)
		if (would_strip(value, vital_fields[i])) {
			text_printf(why,
			    "would strip %s from every message; write the "
			    "beginning of other names, such as X-Internal-",
			    vital_fields[i]);
			return false;
		}
	if (strlen(value) < 2)
		return wrong(why,
		    "too short for the beginning of a field name; write one "
		    "such as X-Internal-");
	return true;
}
