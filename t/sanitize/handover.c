/*
 * handover.c - shows ThreadSanitizer how libmilter hands a session from one
 * worker to the next, for libmilter itself is not instrumented: a callback sees
 * all that the session's callbacks before it have done. Linked into the daemon
 * with -Wl,--wrap=smfi_register when it is built with SAN=thread.
 */
#include <libmilter/mfapi.h>

extern void __tsan_acquire(void *what);
extern void __tsan_release(void *what);
extern int __real_smfi_register(struct smfiDesc desc);
int __wrap_smfi_register(struct smfiDesc desc);

static struct smfiDesc real;

/* A callback of that name between the two; arguments with and without types. */
#define HAND_OVER(name, types, arguments) \
	static sfsistat hand_over_##name types \
	{ \
		sfsistat status; \
\
		__tsan_acquire(ctx); \
		status = real.xxfi_##name arguments; \
		__tsan_release(ctx); \
		return status; \
	}

HAND_OVER(connect, (SMFICTX * ctx, char *host, _SOCK_ADDR *sa), (ctx, host, sa))
HAND_OVER(helo, (SMFICTX * ctx, char *name), (ctx, name))
HAND_OVER(envfrom, (SMFICTX * ctx, char **argv), (ctx, argv))
HAND_OVER(envrcpt, (SMFICTX * ctx, char **argv), (ctx, argv))
HAND_OVER(header, (SMFICTX * ctx, char *name, char *value), (ctx, name, value))
HAND_OVER(eoh, (SMFICTX * ctx), (ctx))
HAND_OVER(
    body, (SMFICTX * ctx, unsigned char *bytes, size_t len), (ctx, bytes, len))
HAND_OVER(eom, (SMFICTX * ctx), (ctx))
HAND_OVER(abort, (SMFICTX * ctx), (ctx))
HAND_OVER(close, (SMFICTX * ctx), (ctx))
HAND_OVER(unknown, (SMFICTX * ctx, const char *command), (ctx, command))
HAND_OVER(data, (SMFICTX * ctx), (ctx))
HAND_OVER(negotiate,
    (SMFICTX * ctx, unsigned long f0, unsigned long f1, unsigned long f2,
	unsigned long f3, unsigned long *p0, unsigned long *p1,
	unsigned long *p2, unsigned long *p3),
    (ctx, f0, f1, f2, f3, p0, p1, p2, p3))

int
__wrap_smfi_register(struct smfiDesc desc)
{
	real = desc;
	desc.xxfi_connect = hand_over_connect;
	desc.xxfi_helo = hand_over_helo;
	desc.xxfi_envfrom = hand_over_envfrom;
	desc.xxfi_envrcpt = hand_over_envrcpt;
	desc.xxfi_header = hand_over_header;
	desc.xxfi_eoh = hand_over_eoh;
	desc.xxfi_body = hand_over_body;
	desc.xxfi_eom = hand_over_eom;
	desc.xxfi_abort = hand_over_abort;
	desc.xxfi_close = hand_over_close;
	desc.xxfi_unknown = hand_over_unknown;
	desc.xxfi_data = hand_over_data;
	desc.xxfi_negotiate = hand_over_negotiate;
	return __real_smfi_register(desc);
}
