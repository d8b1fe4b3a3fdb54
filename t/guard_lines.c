/*
 * guard_lines.c - the printed lines of both guards, read again as each MTA
 * reads them, let in exactly the clients that may relay: for random policies
 * and clients.
 */
#include <arpa/inet.h>

#include "guard.h"
#include "tap.h"
#include "town.h"

/* The lines of a table that are no comment. */
struct lines {
	char *text;
	char **items;
	size_t count;
};

static void
print_lines(struct lines *lines, const struct guard *guard,
    int (*print)(const struct guard *guard, const char *hash, FILE *out))
{
	size_t len, room = 0;
	FILE *out = open_memstream(&lines->text, &len);

	*lines = (struct lines){ 0 };
	if (out == NULL || print(guard, "0123abc", out) != 0 ||
	    fclose(out) != 0)
		give_up("guard_print", "failed");
	for (char *at = strtok(lines->text, "\n"); at; at = strtok(NULL, "\n"))
		room += *at != '#';
	lines->items = calloc(room + 1, sizeof(*lines->items));
	for (char *at = lines->text; at < lines->text + len;
	     at += strlen(at) + 1)
		if (*at != '#' && *at != '\0')
			lines->items[lines->count++] = at;
}

static void
free_lines(struct lines *lines)
{
	free(lines->items);
	free(lines->text);
}

/* ---- Postfix: cidr(5) ---- */

struct bytes {
	unsigned char at[16];
	unsigned count;
};

static struct bytes
bytes_of(const char *text)
{
	struct bytes bytes = { { 0 }, strchr(text, ':') ? 16 : 4 };

	if (inet_pton(bytes.count == 16 ? AF_INET6 : AF_INET, text, bytes.at) !=
	    1)
		give_up(text, "no address");
	return bytes;
}

/* Is the client in "address/bits" or "address/bits OK"? */
static bool
cidr_matches(const char *line, const struct bytes *client)
{
	char address[64];
	unsigned bits;
	struct bytes net;

	if (sscanf(line, "%63[^/]/%u", address, &bits) != 2)
		give_up(line, "no line of a cidr table");
	net = bytes_of(address);
	if (net.count != client->count)
		return false;
	for (unsigned i = 0; i < bits; i++)
		if (((net.at[i / 8] ^ client->at[i / 8]) >> (7 - i % 8)) & 1)
			return false;
	return true;
}

static bool
postfix_allows(const struct lines *lines, const char *client)
{
	const struct bytes bytes = bytes_of(client);

	for (size_t i = 0; i < lines->count; i++) {
		const char *line = lines->items[i];

		if (strcmp(line, "endif") == 0)
			continue;
		if (strncmp(line, "if ", 3) != 0) {
			if (strcmp(strchr(line, ' '), " OK") != 0)
				give_up(line, "not OK");
			if (cidr_matches(line, &bytes))
				return true;
		} else if (!cidr_matches(line + 3, &bytes)) {
			while (strcmp(lines->items[i], "endif") != 0)
				i++;
		}
	}
	return false;
}

/* ---- Sendmail: LookUpAddress of proto.m4 ---- */

static int
text_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
sort_lines(struct lines *lines)
{
	qsort(lines->items, lines->count, sizeof(*lines->items), text_order);
}

static bool
map_has(const struct lines *lines, const char *key)
{
	char line[128], *wanted = line;

	snprintf(line, sizeof(line), "Connect:%s\tRELAY", key);
	return bsearch(&wanted, lines->items, lines->count,
		   sizeof(*lines->items), text_order) != NULL;
}

/* {client_addr}: Sendmail writes all eight groups of an IPv6 address. */
static void
sendmail_spelling(char *out, size_t size, const char *client)
{
	const struct bytes bytes = bytes_of(client);
	size_t len = 0;

	if (bytes.count == 4) {
		snprintf(out, size, "%s", client);
		return;
	}
	len += (size_t)snprintf(out, size, "IPv6");
	for (unsigned i = 0; i < 16; i += 2)
		len += (size_t)snprintf(out + len, size - len, ":%x",
		    (unsigned)bytes.at[i] << 8 | bytes.at[i + 1]);
}

/* How many of the lines are found when the last part is taken away each time.
 */
static unsigned
sendmail_finds(const struct lines *lines, const char *client)
{
	char key[64], *end;
	unsigned found = 0;

	sendmail_spelling(key, sizeof(key), client);
	for (;;) {
		found += map_has(lines, key);
		end = strrchr(key, strchr(key, ':') != NULL ? ':' : '.');
		if (end == NULL)
			return found;
		*end = '\0';
	}
}

/* ---- random ---- */

/* Ranges that begin and end within octets and groups, far apart and near. */
static struct range
wide_range(uint64_t *seed)
{
	const bool six = random_below(seed, 2) == 0;
	const unsigned step = six ? 16 : 8, steps = six ? 6 : 3;
	const unsigned shift = (unsigned)(random_below(seed, steps) * step +
	    random_below(seed, 3) * step / 4);
	const addr_value last = six ? ~(addr_value)0 : 0xffffffff;
	addr_value lo = six ? (addr_value)0x20010db8 << 96 : 10u << 24;
	addr_value hi;

	lo += (addr_value)random_below(seed, 40) << shift;
	hi = lo + ((addr_value)random_below(seed, 20) << shift) +
	    random_below(seed, 4);
	if (random_below(seed, 200) == 0)
		lo = 0;
	if (random_below(seed, 200) == 0)
		hi = last;
	return (struct range){ six ? ADDR_IPV6 : ADDR_IPV4, lo, hi, "" };
}

/* An address near an end of some range, or anywhere. */
static struct addr
random_client(uint64_t *seed, const struct town *town)
{
	const struct connector *connector =
	    &town->connectors[random_below(seed, TOWN)];
	const struct addrset *set = &connector->remote_ip_ranges;
	struct range near = wide_range(seed);
	struct addr client;

	if (set->count > 0)
		near = set->ranges[random_below(seed, set->count)];
	client.family = near.family;
	client.value = random_below(seed, 2) ? near.lo : near.hi;
	client.value += random_below(seed, 3);
	client.value -= 1;
	if (client.family == ADDR_IPV4)
		client.value = (uint32_t)client.value;
	return client;
}

struct score {
	unsigned cases, allowed;
	unsigned postfix, sendmail, twice; /* mistakes */
};

static void
test_town(uint64_t *seed, struct score *score)
{
	struct arena *arena = arena_new();
	struct lines cidr, map;
	struct guard *guard;
	struct town town;

	random_town(seed, arena, &town, wide_range);
	guard = guard_build(&town.policy);
	if (guard == NULL)
		give_up("guard_build", "no memory");
	print_lines(&cidr, guard, guard_print_postfix);
	print_lines(&map, guard, guard_print_sendmail);
	sort_lines(&map);
	for (unsigned i = 0; i < 100; i++, score->cases++) {
		const struct addr client = random_client(seed, &town);
		const bool want = relays_somewhere(&town, &client);
		char text[ADDR_TEXT_MAX];
		unsigned found;

		addr_format(text, &client);
		found = sendmail_finds(&map, text);
		score->postfix += postfix_allows(&cidr, text) != want;
		score->sendmail += (found > 0) != want;
		score->twice += found > 1;
		score->allowed += want;
	}
	free_lines(&map);
	free_lines(&cidr);
	guard_free(guard);
	arena_free(arena);
}

int
main(void)
{
	struct score score = { 0 };
	uint64_t seed = 20260311;

	printf("# seed %llu\n", (unsigned long long)seed);
	for (unsigned n = 0; n < 400; n++)
		test_town(&seed, &score);
	is_int(score.postfix, 0,
	    "Postfix lets in who relays on some listener, and nobody else");
	is_int(score.sendmail, 0,
	    "Sendmail lets in who relays on some listener, and nobody else");
	is_int(score.twice, 0, "no line of Sendmail's covers another");
	ok(score.allowed > score.cases / 10 &&
		score.allowed < score.cases / 10 * 9,
	    "%u of %u random clients may", score.allowed, score.cases);
	return done();
}
