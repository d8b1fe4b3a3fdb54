/*
 * ctl_mta.h - what the files of connectorctl mta share.
 *
 * ctl_mta.c finds the part that was asked for, ctl_mta_postfix.c and
 * ctl_mta_sendmail.c print what their MTA must be told. Every printer writes to
 * out and returns 0, or -1 when there was no memory or writing failed.
 */
#ifndef CTL_MTA_H
#define CTL_MTA_H

#include <stdio.h>

#include "ctl.h"

int mta_postfix(const struct config *config, FILE *out) NODISCARD;
int mta_postfix_guard(const struct config *config, FILE *out) NODISCARD;
int mta_sendmail(const struct config *config, FILE *out) NODISCARD;
int mta_sendmail_guard(const struct config *config, FILE *out) NODISCARD;

/* [milter] socket, read for somebody who wants to connect to it. */
struct mta_socket {
	const char *path; /* of a unix socket; NULL: port and host */
	enum addr_family family;
	char port[6];
	char host[DOMAIN_MAX + 1]; /* name, or address without brackets */
};

/* host is loopback where libmilter listens everywhere. */
void mta_socket(struct mta_socket *out, const struct config *config);

/* Does any live connector ask who a client's certificate was issued to? */
bool mta_certificates(const struct policy *policy);

#endif
