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
		{"1.1.1.1", "2.2.2.2:8080", "1.1.1.1", "1.1.1.1"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char name[160];
		char found[BEV_ADDRESS_LEN];
		BevSpan forwarded = {cases[i].forwarded, (uint32_t) strlen(cases[i].forwarded)};

		bev_address_origin(cases[i].peer, forwarded, cases[i].trusted, found);
		snprintf(name, sizeof(name), "from %s, forwarded \"%s\", trusted \"%s\"", cases[i].peer,
		         cases[i].forwarded, cases[i].trusted);
		tap_is(found, strlen(found), cases[i].wanted, name);
	}
}

static void
test_buckets(void)
{
	BevAddresses *addresses = bev_addresses_create();
	uint64_t now = 1000000;
	int passed = 0;
	char address[32];

	for (int i = 0; i < 20; i++)
		passed += bev_addresses_handshake(addresses, "10.0.0.1", 12, now) == 0;
	tap_ok(passed == 12, "as many at once as in a minute");
	tap_ok(bev_addresses_handshake(addresses, "10.0.0.1", 12, now) == 5,
	       "then one each five seconds");
	tap_ok(bev_addresses_handshake(addresses, "10.0.0.2", 12, now) == 0,
	       "another address is another bucket");
	tap_ok(bev_addresses_handshake(addresses, "10.0.0.1", 12, now + 5000) == 0,
	       "later there is one again");
	tap_ok(bev_addresses_handshake(addresses, "10.0.0.1", 0, now) == 0, "0 is no limit");
	tap_ok(bev_addresses_handshake(addresses, "nobody", 1, now) == 0 &&
	           bev_addresses_handshake(addresses, "nobody", 1, now) == 0,
	       "what is no address is not limited");

	tap_ok(bev_addresses_blocked(addresses, "10.0.0.1", 2, now) == 0,
	       "failures are another bucket");
	bev_addresses_failure(addresses, "10.0.0.1", 2, now);
	tap_ok(bev_addresses_blocked(addresses, "10.0.0.1", 2, now) == 0, "one is left");
	bev_addresses_failure(addresses, "10.0.0.1", 2, now);
	tap_ok(bev_addresses_blocked(addresses, "10.0.0.1", 2, now) == 30, "none is left");
	tap_ok(bev_addresses_blocked(addresses, "10.0.0.1", 2, now) == 30, "looking takes nothing");
	tap_ok(bev_addresses_blocked(addresses, "10.0.0.1", 2, now + 30000) == 0,
	       "after a while one may try again");

	bev_addresses_failure(addresses, "2001:db8:0:1::1", 1, now);
	tap_ok(bev_addresses_blocked(addresses, "2001:db8:0:1:ffff::9", 1, now) > 0,
	       "a network of IPv6 is one");
	tap_ok(bev_addresses_blocked(addresses, "2001:db8:0:2::1", 1, now) == 0,
	       "... the next one another");

	/* Who comes again and again is not forgotten for those who come once. */
	bev_addresses_failure(addresses, "10.9.9.9", 1, now);
	for (int i = 0; i < 100000; i++)
	{
		snprintf(address, sizeof(address), "11.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
		bev_addresses_handshake(addresses, address, 5, ++now);
		bev_addresses_blocked(addresses, "10.9.9.9", 1, now);
	}
	tap_ok(bev_addresses_blocked(addresses, "10.9.9.9", 1, 1001000) > 0,
	       "a hundred thousand others");
	bev_addresses_free(addresses);
}

int
main(void)
{
	test_listed();
	test_origin();
	test_buckets();
	return tap_done();
}
