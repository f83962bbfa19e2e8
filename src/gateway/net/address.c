/*
 * address.c - the addresses that clients come from, and what each may do in a minute.
 *
 * Model: an IPv4 address, or the first 64 bits of an IPv6 one, since whoever has
 * one has all of them.  They are kept in a table of SETS x WAYS places; a new address takes
 * the place in its set that was quiet for longest.  So memory is bounded; who has a great many
 * networks can make us forget some, and is as limited as an address in each.
 *
 * Other gateways: each has buckets of its own, and what is taken from one is taken from those of
 * the others as soon as they hear of it, by way of the dispatcher and without waiting.  It is told
 * by the sixteenth of a bucket, so below a rate of 32 one by one.  What N gateways let pass
 * together is therefore a bucket, at most N - 1 portions, and what came while the news was on
 * its way; as much again as a bucket for each gateway only if all of it came at one moment.
 */
#include "gateway/net/address.h"
#include "common/program/hash.h"
#include "common/program/memory.h"
#include "common/pipe/bucket.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETS 1024
#define WAYS 4

/* What there may be in a minute is told in so many. */
#define PORTIONS 16

#define LOOPBACK "127.0.0.0/8,::1"

/* Both kinds as IPv6; IPv4 is mapped. */
typedef BevNetwork Ip;

typedef struct Entry
{
	Ip ip;
	bool used;
	uint64_t seen_at;
	BevBucket bucket[BEV_SPENT_KINDS];
	uint32_t untold[BEV_SPENT_KINDS]; /* that were taken here */
} Entry;

struct BevAddresses
{
	void (*spent)(void *owner, const BevSpentMessage *spent);
	void *owner;
	Entry entry[SETS][WAYS];
};

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool
is_mapped(const Ip *ip)
{
	return memcmp(ip->byte, mapped, sizeof(mapped)) == 0;
}

/* *bits becomes 128, or what stands behind a slash if that is allowed. */
static bool
parse(const char *text, size_t len, Ip *ip, int *bits)
{
	char copy[BEV_ADDRESS_LEN + 4];
	char *slash;
	char *end;
	long prefix = -1;

	if (len == 0 || len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (bits && (slash = strchr(copy, '/')) != NULL)
	{
		*slash = '\0';
		prefix = strtol(slash + 1, &end, 10);
		if (end == slash + 1 || *end != '\0' || prefix < 0)
			return false;
	}
	if (inet_pton(AF_INET, copy, ip->byte + 12) == 1)
	{
		memcpy(ip->byte, mapped, sizeof(mapped));
		prefix = prefix < 0 ? 128 : prefix > 32 ? -1 : prefix + 96;
	}
	else if (inet_pton(AF_INET6, copy, ip->byte) == 1)
		prefix = prefix < 0 ? 128 : prefix > 128 ? -1 : prefix;
	else
		return false;
	if (bits)
		*bits = (int) prefix;
	return prefix >= 0;
}

static bool
same_network(const Ip *a, const Ip *b, int bits)
{
	int whole = bits / 8;
	int rest = bits % 8;

	return memcmp(a->byte, b->byte, (size_t) whole) == 0 &&
	       (rest == 0 || ((a->byte[whole] ^ b->byte[whole]) >> (8 - rest)) == 0);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static BevSpan
without_blanks(BevSpan span)
{
	while (span.len > 0 && is_blank(*span.data))
	{
		span.data++;
		span.len--;
	}
	while (span.len > 0 && is_blank(span.data[span.len - 1]))
		span.len--;
	return span;
}

/* The next item between commas, without blanks; false: none is left. */
static bool
next_item(BevSpan *rest, BevSpan *item)
{
	const char *comma;
	uint32_t len;

	if (rest->len == 0)
		return false;
	comma = memchr(rest->data, ',', rest->len);
	len = comma ? (uint32_t) (comma - rest->data) : rest->len;
	*item = without_blanks((BevSpan){rest->data, len});
	rest->data += comma ? len + 1 : len;
	rest->len -= comma ? len + 1 : len;
	return true;
}

static bool
is_listed(const Ip *ip, const char *list)
{
	BevSpan rest = {list, (uint32_t) strlen(list)};
	BevSpan item;
	Ip network;
	int bits;

	while (next_item(&rest, &item))
		if (parse(item.data, item.len, &network, &bits) && same_network(ip, &network, bits))
			return true;
	return false;
}

bool
bev_address_listed(const char *address, const char *list)
{
	Ip ip;

	return parse(address, strlen(address), &ip, NULL) && is_listed(&ip, list);
}

bool
bev_address_is_loopback(const char *address)
{
	return bev_address_listed(address, LOOPBACK);
}

/* The last item of a list, which is shortened by it. */
static bool
last_item(BevSpan *rest, BevSpan *item)
{
	uint32_t from = rest->len;

	if (rest->len == 0)
		return false;
	while (from > 0 && rest->data[from - 1] != ',')
		from--;
	*item = without_blanks((BevSpan){rest->data + from, rest->len - from});
	rest->len = from > 0 ? from - 1 : 0;
	return true;
}

/* The same of all lines. */
static bool
last_forwarded(BevForwarded *rest, BevSpan *item)
{
	while (rest->lines > 0)
	{
		if (last_item(&rest->line[rest->lines - 1], item))
			return true;
		rest->lines--;
	}
	return false;
}

static bool
is_port(BevSpan text)
{
	for (uint32_t i = 1; i < text.len; i++)
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	return text.len > 1 && text.len <= 6 && text.data[0] == ':';
}

/* Some proxies write ports, and brackets around IPv6: "192.0.2.1:4711", "[2001:db8::1]:4711". */
static BevSpan
without_port(BevSpan item)
{
	const char *end = item.data + item.len;
	bool has_bracket = item.len > 0 && item.data[0] == '[';
	const char *cut = item.len ? memchr(item.data, has_bracket ? ']' : ':', item.len) : NULL;
	BevSpan port;

	if (cut == NULL)
		return item;
	port = (BevSpan){cut + has_bracket, (uint32_t) (end - cut) - has_bracket};
	if (!is_port(port) && !(has_bracket && port.len == 0))
		return item; /* of IPv6 without brackets, too */
	return (BevSpan){item.data + has_bracket, (uint32_t) (cut - item.data) - has_bracket};
}

bool
bev_address_origin(const char *peer, const BevForwarded *forwarded, const char *trusted,
                   char dst[BEV_ADDRESS_LEN])
{
	BevForwarded rest = *forwarded;
	BevSpan item;
	Ip ip;

	snprintf(dst, BEV_ADDRESS_LEN, "%s", peer);
	if (*trusted == '\0' || !bev_address_listed(peer, trusted))
		return true;
	while (last_forwarded(&rest, &item))
	{
		item = without_port(item);
		if (!parse(item.data, item.len, &ip, NULL))
			return false;
		memcpy(dst, item.data, item.len);
		dst[item.len] = '\0';
		if (!is_listed(&ip, trusted))
			return true;
	}
	return true;
}

/* Whoever has an IPv6 address has all that share its first half. */
static void
widen(Ip *ip)
{
	if (!is_mapped(ip))
		memset(ip->byte + 8, 0, 8);
}

BevNetwork
bev_address_network(const char *address)
{
	Ip ip;

	if (!parse(address, strlen(address), &ip, NULL))
		return (Ip){{0}};
	widen(&ip);
	return ip;
}

/* ---- buckets ---- */

BevAddresses *
bev_addresses_create(void (*spent)(void *owner, const BevSpentMessage *spent), void *owner)
{
	BevAddresses *addresses = bev_alloc(sizeof(*addresses));

	addresses->spent = spent;
	addresses->owner = owner;
	return addresses;
}

void
bev_addresses_free(BevAddresses *addresses)
{
	free(addresses);
}

/*
 * NULL: it is not limited, being no address, or of this machine: a proxy, a health
 * check, a service beside the database.
 */
static Entry *
find(BevAddresses *addresses, const char *address, uint64_t now)
{
	Ip ip;
	Entry *set;
	Entry *oldest;

	if (!parse(address, strlen(address), &ip, NULL) || is_listed(&ip, LOOPBACK))
		return NULL;
	widen(&ip);
	set = addresses->entry[bev_hash((BevSpan){(const char *) ip.byte, sizeof(ip)}) % SETS];
	oldest = set;
	for (int i = 0; i < WAYS; i++)
	{
		if (set[i].used && memcmp(&set[i].ip, &ip, sizeof(ip)) == 0)
		{
			set[i].seen_at = now;
			return &set[i];
		}
		if (!set[i].used || (oldest->used && set[i].seen_at < oldest->seen_at))
			oldest = &set[i];
	}
	*oldest = (Entry){.ip = ip, .used = true, .seen_at = now};
	for (int kind = 0; kind < BEV_SPENT_KINDS; kind++)
		bev_bucket_fill(&oldest->bucket[kind], UINT32_MAX, now);
	return oldest;
}

/* One was taken. */
static void
tell_spent(BevAddresses *addresses, Entry *entry, const char *address, BevSpentKind kind,
           uint32_t per_minute)
{
	BevSpentMessage message = {.kind = kind, .times = ++entry->untold[kind]};

	if (addresses->spent == NULL || message.times < per_minute / PORTIONS)
		return;
	snprintf(message.address, sizeof(message.address), "%s", address);
	addresses->spent(addresses->owner, &message);
	entry->untold[kind] = 0;
}

double
bev_addresses_take(BevAddresses *addresses, const char *address, BevSpentKind kind,
                   uint32_t per_minute, uint64_t now)
{
	Entry *entry = per_minute ? find(addresses, address, now) : NULL;
	double wait = entry ? bev_bucket_take(&entry->bucket[kind], per_minute, now) : 0;

	if (entry && wait == 0)
		tell_spent(addresses, entry, address, kind, per_minute);
	return wait;
}

double
bev_addresses_blocked(BevAddresses *addresses, const char *address, BevSpentKind kind,
                      uint32_t per_minute, uint64_t now)
{
	Entry *entry = per_minute ? find(addresses, address, now) : NULL;
	BevBucket copy;

	if (entry == NULL)
		return 0;
	copy = entry->bucket[kind]; /* only looked at */
	return bev_bucket_take(&copy, per_minute, now);
}

void
bev_addresses_spend(BevAddresses *addresses, const BevSpentMessage *spent, uint32_t per_minute,
                    uint64_t now)
{
	Entry *entry = per_minute ? find(addresses, spent->address, now) : NULL;

	if (entry)
		bev_bucket_spend(&entry->bucket[spent->kind], per_minute, spent->times, now);
}
