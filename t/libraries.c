/*
 * libraries.c - libcrypto, libidn2 and libc that refuse what they never refuse
 * by themselves, at each call there is: nothing is signed, found or canonical
 * by accident, and the next one who asks is served.
 */
#include <dlfcn.h>
#include <idn2.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <sys/mman.h>

#include "author.h"
#include "diag.h"
#include "digest.h"
#include "directory.h"
#include "domain.h"
#include "scarcity.h"
#include "secret.h"
#include "stamp.h"
#include "tap.h"

#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* --- calls that fail when they are told to --- */

enum call {
	NO_CALL,
	DEFAULT_CONTEXT,
	FETCH_MD,
	FETCH_MAC,
	RANDOM,
	MD_CONTEXT,
	MD_INIT,
	MD_UPDATE,
	MD_FINAL,
	MD_WHOLE,
	MAC_CONTEXT,
	MAC_INIT,
	MAC_UPDATE,
	MAC_FINAL,
	ADVICE,
	LOCALE,
	IDN_MEMORY,
	IDN_RULE,
	ALLOCATION, /* the first of all */
};

static struct {
	enum call call;
	int left;    /* calls that succeed before it */
	bool short_; /* succeeds, but with fewer bytes */
} broken;

static pthread_barrier_t together;
static bool racing;

static void
break_call(enum call call, int left, bool short_)
{
	broken.call = call;
	broken.left = left;
	broken.short_ = short_;
	if (call == ALLOCATION)
		scarcity_begin(1, false);
}

static void
mend(void)
{
	broken.call = NO_CALL;
	(void)scarcity_end();
}

static bool
fails(enum call call)
{
	return broken.call == call && !broken.short_ && broken.left-- == 0;
}

static bool
is_short(enum call call)
{
	return broken.call == call && broken.short_;
}

/* The real one, in its library. */
static void
find_real(void *function, const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (found == NULL)
		exit(2);
	memcpy(function, &found, sizeof(found));
}

#define REAL(name) \
	__typeof__(&name) real; \
	find_real(&real, #name)

OSSL_LIB_CTX *
OSSL_LIB_CTX_get0_global_default(void)
{
	REAL(OSSL_LIB_CTX_get0_global_default);
	if (racing)
		(void)pthread_barrier_wait(&together);
	return fails(DEFAULT_CONTEXT) ? NULL : real();
}

EVP_MD *
EVP_MD_fetch(OSSL_LIB_CTX *context, const char *name, const char *properties)
{
	REAL(EVP_MD_fetch);
	return fails(FETCH_MD) ? NULL : real(context, name, properties);
}

EVP_MAC *
EVP_MAC_fetch(OSSL_LIB_CTX *context, const char *name, const char *properties)
{
	REAL(EVP_MAC_fetch);
	return fails(FETCH_MAC) ? NULL : real(context, name, properties);
}

int
RAND_bytes(unsigned char *bytes, int len)
{
	REAL(RAND_bytes);
	return fails(RANDOM) ? 0 : real(bytes, len);
}

EVP_MD_CTX *
EVP_MD_CTX_new(void)
{
	REAL(EVP_MD_CTX_new);
	return fails(MD_CONTEXT) ? NULL : real();
}

int
EVP_DigestInit_ex(EVP_MD_CTX *context, const EVP_MD *type, ENGINE *engine)
{
	REAL(EVP_DigestInit_ex);
	return fails(MD_INIT) ? 0 : real(context, type, engine);
}

int
EVP_DigestUpdate(EVP_MD_CTX *context, const void *bytes, size_t len)
{
	REAL(EVP_DigestUpdate);
	return fails(MD_UPDATE) ? 0 : real(context, bytes, len);
}

int
EVP_DigestFinal_ex(EVP_MD_CTX *context, unsigned char *sum, unsigned *len)
{
	REAL(EVP_DigestFinal_ex);
	const int result = fails(MD_FINAL) ? 0 : real(context, sum, len);

	*len -= is_short(MD_FINAL);
	return result;
}

int
EVP_Digest(const void *bytes, size_t len, unsigned char *sum, unsigned *sum_len,
    const EVP_MD *type, ENGINE *engine)
{
	REAL(EVP_Digest);
	const int result =
	    fails(MD_WHOLE) ? 0 : real(bytes, len, sum, sum_len, type, engine);

	*sum_len -= is_short(MD_WHOLE);
	return result;
}

EVP_MAC_CTX *
EVP_MAC_CTX_new(EVP_MAC *mac)
{
	REAL(EVP_MAC_CTX_new);
	return fails(MAC_CONTEXT) ? NULL : real(mac);
}

int
EVP_MAC_init(EVP_MAC_CTX *context, const unsigned char *key, size_t len,
    const OSSL_PARAM params[])
{
	REAL(EVP_MAC_init);
	return fails(MAC_INIT) ? 0 : real(context, key, len, params);
}

int
EVP_MAC_update(EVP_MAC_CTX *context, const unsigned char *bytes, size_t len)
{
	REAL(EVP_MAC_update);
	return fails(MAC_UPDATE) ? 0 : real(context, bytes, len);
}

int
EVP_MAC_final(
    EVP_MAC_CTX *context, unsigned char *sum, size_t *sum_len, size_t room)
{
	REAL(EVP_MAC_final);
	const int result =
	    fails(MAC_FINAL) ? 0 : real(context, sum, sum_len, room);

	*sum_len -= is_short(MAC_FINAL);
	return result;
}

int
madvise(void *pages, size_t size, int advice)
{
	REAL(madvise);
	return fails(ADVICE) ? -1 : real(pages, size, advice);
}

/* Short: there is one, but it knows only ASCII. */
locale_t
newlocale(int mask, const char *name, locale_t base)
{
	REAL(newlocale);
	if (fails(LOCALE))
		return (locale_t)0;
	return real(mask, is_short(LOCALE) ? "C" : name, base);
}

/* Short: a name, but another one. */
int
idn2_to_ascii_8z(const char *name, char **ascii, int flags)
{
	REAL(idn2_to_ascii_8z);
	int result;

	if (fails(IDN_MEMORY))
		return IDN2_MALLOC;
	if (fails(IDN_RULE))
		return IDN2_CONTEXTJ;
	result = real(name, ascii, flags);
	if (is_short(IDN_RULE) && broken.left-- <= 0)
		(*ascii)[strlen(*ascii) - 1] = 'x';
	return result;
}

/* --- digests and hashes --- */

static bool
sums(void)
{
	unsigned char sum[DIGEST_SIZE];

	return digest_of(sum, "x", 1) == 0;
}

static bool
sums_parts(void)
{
	char hex[DIGEST_HEX_MAX] = "?";
	struct digest *digest = digest_new();

	if (digest == NULL)
		return false;
	digest_add(digest, "x", 1);
	if (digest_finish(digest, hex) == 0)
		return strncmp(hex, "2d711642", 8) == 0;
	ok(hex[0] == '\0', "half a digest is none");
	return false;
}

static bool
signs(void)
{
	unsigned char sum[DIGEST_SIZE];

	return digest_hmac(sum, (const unsigned char *)KEY, 32, "x", 1) == 0;
}

static bool
hashes(void)
{
	struct keyed *keyed = keyed_new();
	uint64_t hash[2] = { 1, 1 };
	bool done;

	if (keyed == NULL)
		return false;
	done = keyed_hash(keyed, hash, "x", 1) == 0;
	keyed_free(keyed);
	if (!done)
		ok(hash[0] == 0 && hash[1] == 0,
		    "what could not be hashed is 0");
	return done;
}

/* --- those who ask --- */

static struct directory *directory;
static struct stamp_keys *keys;
static char stamped[STAMP_VALUE_MAX];

static const char file[] = "alice@example.com\n";
static const char key_file[] = "k " KEY "\n";
static const char *const authors[] = { "alice@example.com" };
static const struct stamp sample = {
	.connector = "c",
	.auth_as = "Anonymous",
	.auth_source = "mx.example.com",
	.queue_id = "4f",
	.time = 1,
	.from = authors,
	.from_count = 1,
};

/* True, or the problems that are to be told. */
static bool
loads(const char *want, struct diags *diags, bool done)
{
	char *text = NULL;
	size_t size;
	FILE *out;

	mend();
	out = open_memstream(&text, &size);
	diags_print(diags, out);
	fclose(out);
	is_str(text, done ? "" : want, "and what is said of it");
	free(text);
	diags_free(diags);
	return done;
}

static bool
loads_directory(void)
{
	struct diags *diags = diags_new();
	struct directory *one = directory_load("r", file, strlen(file), diags);
	const bool done = one != NULL;

	directory_free(one);
	return loads("r:0: error: out of memory\n", diags, done);
}

static bool
finds(void)
{
	struct listing listing;
	const enum answer answer =
	    directory_find(directory, "alice", "example.com", &listing);

	ok(answer != ANSWER_NO, "nobody is unknown by accident");
	return answer == ANSWER_YES;
}

static bool
parses_keys(void)
{
	struct diags *diags = diags_new();
	struct stamp_keys *some =
	    stamp_keys_parse("k", key_file, strlen(key_file), diags);
	const bool done = some != NULL;

	stamp_keys_free(some);
	return loads("k:0: error: out of memory\n", diags, done);
}

static bool
stamps(void)
{
	char value[STAMP_VALUE_MAX];
	const bool done = stamp_sign(value, keys, &sample) == 0;

	ok(done == (value[0] != '\0'), "half a stamp is none");
	return done;
}

static bool
verifies(void)
{
	char queue_id[STAMP_VALUE_MAX];
	struct stamp stamp = sample;
	const char *wrong = stamp_verify(stamped, keys, &stamp, queue_id);

	ok(wrong == NULL || wrong == stamp_unchecked,
	    "a stamp is good, or cannot be told");
	return wrong == NULL;
}

/* --- the plays --- */

/* clang-format off */
static const struct play {
	const char *what;
	bool (*act)(void);
	enum call call;
	int left;
	bool short_;
} plays[] = {
	/* what is fetched once: these come first */
	{ "no context", sums, DEFAULT_CONTEXT, 0, false },
	{ "no memory", sums, ALLOCATION, 0, false },
	{ "no SHA-256", sums, FETCH_MD, 0, false },
	{ "no HMAC", sums, FETCH_MAC, 0, false },
	{ "no SipHash", sums, FETCH_MAC, 1, false },
	{ "no random bytes", sums, RANDOM, 0, false },
	{ "no SHA-256 for parts", sums_parts, FETCH_MD, 0, false },
	{ "no SHA-256 to sign with", signs, FETCH_MD, 0, false },
	{ "no SHA-256, nor SipHash", hashes, FETCH_MD, 0, false },
	{ NULL, NULL, NO_CALL, 0, false },
	{ "parts: no memory", sums_parts, ALLOCATION, 0, false },
	{ "parts: no context", sums_parts, MD_CONTEXT, 0, false },
	{ "parts: no beginning", sums_parts, MD_INIT, 0, false },
	{ "parts: a part is lost", sums_parts, MD_UPDATE, 0, false },
	{ "parts: no end", sums_parts, MD_FINAL, 0, false },
	{ "parts: a shorter sum", sums_parts, MD_FINAL, 0, true },
	{ "at once: none", sums, MD_WHOLE, 0, false },
	{ "at once: a shorter sum", sums, MD_WHOLE, 0, true },
	{ "HMAC: no context", signs, MAC_CONTEXT, 0, false },
	{ "HMAC: no beginning", signs, MAC_INIT, 0, false },
	{ "HMAC: a part is lost", signs, MAC_UPDATE, 0, false },
	{ "HMAC: no end", signs, MAC_FINAL, 0, false },
	{ "HMAC: a shorter sum", signs, MAC_FINAL, 0, true },
	{ "hash: no memory", hashes, ALLOCATION, 0, false },
	{ "hash: no context", hashes, MAC_CONTEXT, 0, false },
	{ "hash: no key", hashes, RANDOM, 0, false },
	{ "hash: no beginning", hashes, MAC_INIT, 0, false },
	{ "hash: a part is lost", hashes, MAC_UPDATE, 0, false },
	{ "hash: no end", hashes, MAC_FINAL, 0, false },
	{ "hash: a shorter sum", hashes, MAC_FINAL, 0, true },
	{ "a directory without digests", loads_directory, MD_WHOLE, 0, false },
	{ "a recipient without digests", finds, MD_WHOLE, 0, false },
	{ "keys in memory that would be dumped", parses_keys, ADVICE, 0,
	    false },
	{ "a stamp without memory", stamps, ALLOCATION, 0, false },
	{ "a stamp without HMAC", stamps, MAC_FINAL, 0, false },
	{ "a stamp unverified without memory", verifies, ALLOCATION, 0,
	    false },
	{ "a stamp unverified without HMAC", verifies, MAC_INIT, 0, false },
};
/* clang-format on */

static const struct play *
play_up_to_break(const struct play *play, const struct play *end)
{
	for (; play < end && play->what != NULL; play++) {
		bool done;

		break_call(play->call, play->left, play->short_);
		done = play->act();
		mend();
		ok(!done, "%s", play->what);
	}
	return play + 1;
}

static void *
sum_in_thread(void *arg)
{
	*(bool *)arg = sums();
	return NULL;
}

/* Both fetch it; one of them was faster. */
static void
test_race(void)
{
	bool done[2] = { false, false };
	pthread_t threads[2];

	racing = true;
	pthread_barrier_init(&together, NULL, 2);
	for (size_t i = 0; i < 2; i++)
		if (pthread_create(
			&threads[i], NULL, sum_in_thread, &done[i]) != 0)
			exit(2);
	for (size_t i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	racing = false;
	pthread_barrier_destroy(&together);
	ok(done[0] && done[1], "two who are the first both get their digest");
}

static void
test_after(void)
{
	static bool (*const acts[])(void) = { sums, sums_parts, signs, hashes,
		loads_directory, finds, parses_keys, stamps, verifies };

	for (size_t i = 0; i < nitems(acts); i++)
		ok(acts[i](), "and with all that is needed it is done");
	keyed_free(NULL);
}

/* --- secrets --- */

static void
test_secret(void)
{
	ok(secret_new(0) == NULL, "no pages, no secret");
	break_call(ADVICE, 0, false);
	ok(secret_new(64) == NULL, "nor where it would be dumped");
	mend();
}

/* --- the locale: it is found once and for all --- */

static void
test_locale(void)
{
	static const char want[] = "r:0: error: out of memory, or no locale "
				   "C.UTF-8 on this system\n";
	struct diags *diags = diags_new();

	break_call(LOCALE, 0, false);
	ok(directory_load("r", file, strlen(file), diags) == NULL,
	    "a directory without a locale");
	(void)loads(want, diags, false);
	diags = diags_new();
	break_call(LOCALE, 0, true);
	ok(directory_load("r", file, strlen(file), diags) == NULL,
	    "with one of ASCII alone");
	(void)loads(want, diags, false);
}

/* --- names --- */

#define BOOKS \
	"b\xc3\xbc" \
	"cher.example"

static const char *
canonical(enum call call, int left, bool short_)
{
	char out[DOMAIN_MAX + 1] = "?";
	const char *wrong;

	break_call(call, left, short_);
	wrong = domain_canonical(out, BOOKS, strlen(BOOKS));
	mend();
	is_str(out, wrong != NULL ? "" : "xn--bcher-kva.example", "the name");
	return wrong;
}

static void
count(void *arg, const struct author *author)
{
	*(size_t *)arg += author->mailbox.kind != MAILBOX_INVALID;
}

/* From no call to as many as there are: then it is whole. */
static void
test_author(const char *field)
{
	unsigned wrong = 0;
	int calls = 0;

	for (bool whole = false; !whole; calls++) {
		size_t found = 0;
		bool done;

		break_call(IDN_MEMORY, calls, false);
		done = author_each(field, strlen(field), count, &found);
		whole = broken.left >= 0;
		wrong += done != whole;
		mend();
	}
	ok(wrong == 0 && calls > 3, "%s: each of %d names lost is told", field,
	    calls - 1);
}

static void
test_names(void)
{
	static const char routed[] = "<@" BOOKS ":alice@example.com>";
	const char *no_idn = canonical(IDN_RULE, 0, false);
	struct mailbox mailbox;

	/* Nothing else asks the linker for it. */
	printf("# libidn2 %s\n", idn2_check_version(NULL));
	ok(no_idn != NULL && no_idn != domain_no_memory, "a rule says no");
	for (int i = 0; i < 3; i++) {
		is_str(canonical(IDN_MEMORY, i, false), domain_no_memory,
		    "no memory for a name");
		is_str(canonical(IDN_RULE, i, false), no_idn,
		    "a rule that does not hold every time");
	}
	is_str(canonical(IDN_RULE, 1, true), no_idn,
	    "a name that depends on the rules");
	is_str(canonical(IDN_RULE, 2, true), no_idn,
	    "a canonical name that has another one");
	is_str(canonical(NO_CALL, 0, false), NULL, "else it is a name");
	break_call(IDN_MEMORY, 0, false);
	is_str(mailbox_parse(&mailbox, routed, strlen(routed)),
	    domain_no_memory, "no memory for a route");
	mend();
	test_author("Alice <alice@" BOOKS ">");
	test_author("alice@" BOOKS " (");
	test_author("alice%" BOOKS);
}

int
main(void)
{
	const struct play *end = plays + nitems(plays);
	const struct play *play;
	struct diags *diags = diags_new();

	/* libcrypto sets itself up. */
	EVP_MD_free(EVP_MD_fetch(NULL, "SHA256", NULL));
	test_locale();
	play = play_up_to_break(plays, end);
	test_race();
	directory = directory_load("r", file, strlen(file), diags);
	keys = stamp_keys_parse("k", key_file, strlen(key_file), diags);
	if (directory == NULL || keys == NULL ||
	    stamp_sign(stamped, keys, &sample) != 0)
		return 2;
	(void)play_up_to_break(play, end);
	test_after();
	test_secret();
	test_names();
	directory_free(directory);
	stamp_keys_free(keys);
	diags_free(diags);
	return done();
}
