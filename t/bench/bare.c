/*
 * bare.c - what any filter costs that has our callbacks and does nothing:
 * libmilter, and every callback says "go on".
 *
 * It negotiates what it is told, the very words of the filter it is compared
 * with (load -p prints them).
 */
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "compiler.h"
#include "socket.h"

static const char usage_text[] =
    "usage: bare socket word reply actions steps [stage=macros]...\n"
    "  recipients with this word are refused: CODE DSN TEXT\n";

static struct {
	const char *word;
	char code[4];
	char dsn[12];
	char text[512];
	unsigned long actions;
	unsigned long steps;
	char **lists;
} plan;

static sfsistat
go_on(unsigned long silent)
{
	return plan.steps & silent ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions UNUSED,
    unsigned long steps UNUSED, unsigned long f2 UNUSED,
    unsigned long f3 UNUSED, unsigned long *actions_out,
    unsigned long *steps_out, unsigned long *f2_out, unsigned long *f3_out)
{
	for (char **list = plan.lists; *list != NULL; list++)
		if (smfi_setsymlist(ctx, atoi(*list), strchr(*list, '=') + 1) !=
		    MI_SUCCESS)
			return SMFIS_REJECT;
	*actions_out = plan.actions;
	*steps_out = plan.steps;
	*f2_out = 0;
	*f3_out = 0;
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *ctx UNUSED, char *host UNUSED, _SOCK_ADDR *sa UNUSED)
{
	return go_on(SMFIP_NR_CONN);
}

static sfsistat
on_helo(SMFICTX *ctx UNUSED, char *name UNUSED)
{
	return go_on(SMFIP_NR_HELO);
}

static sfsistat
on_mail(SMFICTX *ctx UNUSED, char **argv UNUSED)
{
	return go_on(SMFIP_NR_MAIL);
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **argv)
{
	if (strstr(argv[0], plan.word) == NULL)
		return go_on(SMFIP_NR_RCPT);
	if (smfi_setreply(ctx, plan.code, plan.dsn, plan.text) != MI_SUCCESS)
		return SMFIS_TEMPFAIL;
	return SMFIS_REJECT;
}

static sfsistat
on_data(SMFICTX *ctx UNUSED)
{
	return go_on(SMFIP_NR_DATA);
}

static sfsistat
on_header(SMFICTX *ctx UNUSED, char *name UNUSED, char *value UNUSED)
{
	return go_on(SMFIP_NR_HDR);
}

static sfsistat
on_eoh(SMFICTX *ctx UNUSED)
{
	return go_on(SMFIP_NR_EOH);
}

static sfsistat
on_body(SMFICTX *ctx UNUSED, unsigned char *bytes UNUSED, size_t len UNUSED)
{
	return go_on(SMFIP_NR_BODY);
}

static sfsistat
on_unknown(SMFICTX *ctx UNUSED, const char *line UNUSED)
{
	return go_on(SMFIP_NR_UNKN);
}

static sfsistat
on_end(SMFICTX *ctx UNUSED)
{
	return SMFIS_CONTINUE;
}

static int
serve(char *socket)
{
	static char name[] = "bare";
	struct smfiDesc desc = {
		.xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = plan.actions,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_header = on_header,
		.xxfi_eoh = on_eoh,
		.xxfi_body = on_body,
		.xxfi_eom = on_end,
		.xxfi_abort = on_end,
		.xxfi_close = on_end,
		.xxfi_unknown = on_unknown,
		.xxfi_data = on_data,
		.xxfi_negotiate = on_negotiate,
	};

	if (smfi_register(desc) != MI_SUCCESS ||
	    smfi_setconn(socket) != MI_SUCCESS ||
	    smfi_opensocket(1) != MI_SUCCESS)
		return 1;
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}

int
main(int argc, char **argv)
{
	if (argc < 6 ||
	    sscanf(argv[3], "%3s %11s %511[^\n]", plan.code, plan.dsn,
		plan.text) != 3) {
		fputs(usage_text, stderr);
		return 2;
	}
	plan.word = argv[2];
	plan.actions = strtoul(argv[4], NULL, 0);
	plan.steps = strtoul(argv[5], NULL, 0);
	plan.lists = &argv[6];
	raise_descriptors();
	umask(0);
	return serve(argv[1]);
}
