/*
 * address_test.c - addresses, lists of them, and what each may do in a minute.
 */
#include "gateway/net/address.h"

#include <stdio.h>
#include <string.h>

#include "tap.h"

static void
test_listed(void)
{
	static const struct
	{
		const char *address;
		const char *list;
		bool listed;
	} cases[] = {
		{"10.0.0.1", "10.0.0.1", true},
		{"10.0.0.1", "10.0.0.2", false},
		{"10.0.0.1", " 10.0.0.2 ,\t10.0.0.1", true},
		{"10.9.8.7", "10.0.0.0/8", true},
		{"11.9.8.7", "10.0.0.0/8", false},
		{"10.1.2.3", "10.1.2.0/30", true},
		{"10.1.2.4", "10.1.2.0/30", false},
		{"1.2.3.4", "0.0.0.0/0", true},
		{"::1", "0.0.0.0/0", false},
		{"::ffff:10.1.2.3", "10.0.0.0/8", true},
		{"fd00::1", "fd00::/8", true},
		{"fe00::1", "fd00::/8", false},
		{"2001:db8::1", "2001:DB8::1", true},
		{"2001:db8::1", "2001:db8::/127", true},
		{"2001:db8::2", "2001:db8::/127", false},
		{"10.0.0.1", "", false},
		{"10.0.0.1", ",,", false},
		{"10.0.0.1", "10.0.0.0/33", false},
		{"10.0.0.1", "10.0.0.0/-1", false},
		{"10.0.0.1", "10.0.0.0/8x", false},
		{"10.0.0.1", "10.0.0", false},
		{"10.0.0.1/8", "10.0.0.0/8", false},
		{"", "0.0.0.0/0", false},
		{"not an address", "0.0.0.0/0", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char name[128];

		snprintf(name, sizeof(name), "\"%s\" is %slisted in \"%s\"", cases[i].address,
		         cases[i].listed ? "" : "not ", cases[i].list);
		tap_ok(bev_address_listed(cases[i].address, cases[i].list) == cases[i].listed, name);
	}
	tap_ok(bev_address_is_loopback("127.0.0.1") && bev_address_is_loopback("127.9.9.9") &&
	           bev_address_is_loopback("::1") && bev_address_is_loopback("::ffff:127.0.0.1"),
	       "loopback");
	tap_ok(!bev_address_is_loopback("128.0.0.1") && !bev_address_is_loopback("::2") &&
	           !bev_address_is_loopback(""),
	       "not loopback");
}

/* The lines of a text. */
static BevForwarded
lines_of(const char *text)
{
	BevForwarded forwarded = {0};
	const char *end;

	for (; (end = strchr(text, '\n')) != NULL; text = end + 1)
		forwarded.line[forwarded.lines++] = (BevSpan){text, (uint32_t) (end - text)};
	forwarded.line[forwarded.lines++] = (BevSpan){text, (uint32_t) strlen(text)};
	return forwarded;
}

static void
test_origin(void)
{
	static const struct
	{
		const char *peer;
		const char *forwarded;
		const char *trusted;
		const char *wanted;
	} cases[] = {
		{"1.1.1.1", "2.2.2.2", "", "1.1.1.1"},
		{"1.1.1.1", "2.2.2.2", "3.3.3.3", "1.1.1.1"},
		{"1.1.1.1", "2.2.2.2", "1.1.1.1", "2.2.2.2"},
		{"1.1.1.1", "", "1.1.1.1", "1.1.1.1"},
		{"1.1.1.1", "9.9.9.9, 2.2.2.2", "1.1.1.1", "2.2.2.2"},
		{"1.1.1.1", "9.9.9.9, 2.2.2.2 , 1.1.1.2", "1.1.1.0/24", "2.2.2.2"},
		{"1.1.1.1", "1.1.1.3,1.1.1.2", "1.1.1.0/24", "1.1.1.3"},
		{"1.1.1.1", "2.2.2.2, nonsense", "1.1.1.1", "1.1.1.1"},
		{"1.1.1.1", "nonsense, 2.2.2.2", "1.1.1.1", "2.2.2.2"},
		{"1.1.1.1", "2.2.2.2,", "1.1.1.1", "1.1.1.1"},
		{"1.1.1.1", "2001:db8::1", "1.1.1.1", "2001:db8::1"},
		{"::1", "10.0.0.9", "::1", "10.0.0.9"},
		{"1.1.1.1", "2.2.2.2:8080", "1.1.1.1", "2.2.2.2"},
		{"1.1.1.1", "2.2.2.2:", "1.1.1.1", "1.1.1.1"},
		{"1.1.1.1", "2.2.2.2:808080", "1.1.1.1", "1.1.1.1"},
		{"1.1.1.1", "2.2.2.2:8o", "1.1.1.1", "1.1.1.1"},
		{"1.1.1.1", "[2001:db8::1]:8080", "1.1.1.1", "2001:db8::1"},
		{"1.1.1.1", "[2001:db8::1]", "1.1.1.1", "2001:db8::1"},
		{"1.1.1.1", "[2001:db8::1", "1.1.1.1", "1.1.1.1"},
		{"1.1.1.1", "[2001:db8::1]x", "1.1.1.1", "1.1.1.1"},
		{"1.1.1.1", "[]:80", "1.1.1.1", "1.1.1.1"},
		{"1.1.1.1", "unknown", "1.1.1.1", "1.1.1.1"},
		{"1.1.1.1", "2.2.2.2, unknown, 1.1.1.2", "1.1.1.0/24", "1.1.1.2"},
		{"1.1.1.1", "9.9.9.9\n2.2.2.2", "1.1.1.1", "2.2.2.2"},
		{"1.1.1.1", "2.2.2.2\n1.1.1.3, 1.1.1.2", "1.1.1.0/24", "2.2.2.2"},
		{"1.1.1.1", "2.2.2.2\n\n", "1.1.1.1", "2.2.2.2"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char name[160];
		char found[BEV_ADDRESS_LEN];
		BevForwarded forwarded = lines_of(cases[i].forwarded);

		bev_address_origin(cases[i].peer, &forwarded, cases[i].trusted, found);
		snprintf(name, sizeof(name), "from %s, forwarded \"%s\", trusted \"%s\"", cases[i].peer,
		         cases[i].forwarded, cases[i].trusted);
		tap_is(found, strlen(found), cases[i].wanted, name);
	}
}

static void
test_buckets(void)
{
	BevAddresses *addresses = bev_addresses_create(NULL, NULL);
	uint64_t now = 1000000;
	int passed = 0;
	char address[32];

	for (int i = 0; i < 20; i++)
		passed += bev_addresses_take(addresses, "10.0.0.1", BEV_SPENT_HANDSHAKE, 12, now) == 0;
	tap_ok(passed == 12, "as many at once as in a minute");
	tap_ok(bev_addresses_take(addresses, "10.0.0.1", BEV_SPENT_HANDSHAKE, 12, now) == 5,
	       "then one each five seconds");
	tap_ok(bev_addresses_take(addresses, "10.0.0.2", BEV_SPENT_HANDSHAKE, 12, now) == 0,
	       "another address is another bucket");
	tap_ok(bev_addresses_take(addresses, "10.0.0.1", BEV_SPENT_HANDSHAKE, 12, now + 5000) == 0,
	       "later there is one again");
	tap_ok(bev_addresses_take(addresses, "10.0.0.1", BEV_SPENT_HANDSHAKE, 0, now) == 0,
	       "0 is no limit");
	tap_ok(bev_addresses_take(addresses, "nobody", BEV_SPENT_HANDSHAKE, 1, now) == 0 &&
	           bev_addresses_take(addresses, "nobody", BEV_SPENT_HANDSHAKE, 1, now) == 0,
	       "what is no address is not limited");

	tap_ok(bev_addresses_blocked(addresses, "10.0.0.1", BEV_SPENT_FAILURE, 2, now) == 0,
	       "failures are another bucket");
	bev_addresses_take(addresses, "10.0.0.1", BEV_SPENT_FAILURE, 2, now);
	tap_ok(bev_addresses_blocked(addresses, "10.0.0.1", BEV_SPENT_FAILURE, 2, now) == 0,
	       "one is left");
	bev_addresses_take(addresses, "10.0.0.1", BEV_SPENT_FAILURE, 2, now);
	tap_ok(bev_addresses_blocked(addresses, "10.0.0.1", BEV_SPENT_FAILURE, 2, now) == 30,
	       "none is left");
	tap_ok(bev_addresses_blocked(addresses, "10.0.0.1", BEV_SPENT_FAILURE, 2, now) == 30,
	       "looking takes nothing");
	tap_ok(bev_addresses_blocked(addresses, "10.0.0.1", BEV_SPENT_FAILURE, 2, now + 30000) == 0,
	       "after a while one may try again");

	bev_addresses_take(addresses, "2001:db8:0:1::1", BEV_SPENT_FAILURE, 1, now);
	tap_ok(bev_addresses_blocked(addresses, "2001:db8:0:1:ffff::9", BEV_SPENT_FAILURE, 1, now) > 0,
	       "a network of IPv6 is one");
	tap_ok(bev_addresses_blocked(addresses, "2001:db8:0:2::1", BEV_SPENT_FAILURE, 1, now) == 0,
	       "... the next one another");

	/* Who comes again and again is not forgotten for those who come once. */
	bev_addresses_take(addresses, "10.9.9.9", BEV_SPENT_FAILURE, 1, now);
	for (int i = 0; i < 100000; i++)
	{
		snprintf(address, sizeof(address), "11.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
		bev_addresses_take(addresses, address, BEV_SPENT_HANDSHAKE, 5, ++now);
		bev_addresses_blocked(addresses, "10.9.9.9", BEV_SPENT_FAILURE, 1, now);
	}
	tap_ok(bev_addresses_blocked(addresses, "10.9.9.9", BEV_SPENT_FAILURE, 1, 1001000) > 0,
	       "a hundred thousand others");
	bev_addresses_free(addresses);
}

/* Whether a chain could be read. */
static void
test_readable(void)
{
	char found[BEV_ADDRESS_LEN];
	BevForwarded chain = lines_of("2.2.2.2");
	BevForwarded unknown = lines_of("2.2.2.2, unknown");
	BevForwarded behind = lines_of("unknown, 2.2.2.2");
	BevForwarded none = {0};

	tap_ok(bev_address_origin("1.1.1.1", &chain, "1.1.1.1", found), "a chain is read");
	tap_ok(!bev_address_origin("1.1.1.1", &unknown, "1.1.1.1", found), "one with unknown is not");
	tap_ok(bev_address_origin("1.1.1.1", &behind, "1.1.1.1", found),
	       "what a client wrote in front is not looked at");
	tap_ok(bev_address_origin("1.1.1.1", &none, "1.1.1.1", found), "a proxy asks for itself");
	tap_ok(bev_address_origin("1.1.1.1", &unknown, "", found), "who is no proxy is the origin");
}

/* Three gateways; what each is told of the others is on its way until it is passed on. */
static BevAddresses *gateway[3];
static BevSpentMessage under_way[1000];
static int from[1000];
static int count;

static void
spent(void *owner, const BevSpentMessage *message)
{
	from[count] = (int) (intptr_t) owner;
	under_way[count++] = *message;
}

static void
pass_on(uint32_t per_minute, uint64_t now)
{
	for (int i = 0; i < count; i++)
		for (int g = 0; g < 3; g++)
			if (g != from[i])
				bev_addresses_spend(gateway[g], &under_way[i], per_minute, now);
	count = 0;
}

/* How many of so many attempts pass, at one gateway after the other. */
static int
attempts(int n, uint32_t per_minute, bool at_once)
{
	uint64_t now = 1000000;
	int passed = 0;

	for (int g = 0; g < 3; g++)
		gateway[g] = bev_addresses_create(spent, (void *) (intptr_t) g);
	for (int i = 0; i < n; i++)
	{
		passed += bev_addresses_take(gateway[i % 3], i % 2 ? "2001:db8::1" : "2001:db8::2",
		                             BEV_SPENT_FAILURE, per_minute, now) == 0;
		if (!at_once)
			pass_on(per_minute, now);
	}
	pass_on(per_minute, now);
	for (int g = 0; g < 3; g++)
		passed +=
			bev_addresses_take(gateway[g], "2001:db8::3", BEV_SPENT_FAILURE, per_minute, now) == 0;
	count = 0;
	for (int g = 0; g < 3; g++)
		bev_addresses_free(gateway[g]);
	return passed;
}

static void
test_gateways(void)
{
	int passed;

	tap_ok(attempts(100, 30, false) == 30, "a low rate is exact over all gateways");
	passed = attempts(3000, 600, false);
	tap_ok(passed >= 600 && passed <= 600 + 2 * 600 / 16, "a high one within what wasn't told yet");
	tap_ok(attempts(12, 30, true) == 12 + 3, "nobody waits for the news");
	tap_ok(attempts(90, 30, true) == 90, "all at one moment: a bucket for each");
}

int
main(void)
{
	test_listed();
	test_origin();
	test_readable();
	test_buckets();
	test_gateways();
	return tap_done();
}
