/*
 * startup_test.c - who has many connections without a token, who is the oldest, whose turn it is.
 */
#include <stdio.h>
#include <stdlib.h>

#include "gateway/net/startup.h"
#include "tap.h"

#define MANY 300

static BevStartups *startups;
static BevStartup one[MANY];

static void
add(int i, const char *address)
{
	one[i] = (BevStartup){0};
	bev_startups_add(startups, &one[i], address);
}

static void
remove_all(void)
{
	for (int i = 0; i < MANY; i++)
		bev_startups_remove(startups, &one[i]);
}

static void
test_addresses(void)
{
	add(0, "192.0.2.1");
	add(1, "192.0.2.1");
	add(2, "192.0.2.2");
	tap_ok(bev_startups_count(startups) == 3, "all are counted");
	tap_ok(bev_startups_count_alike(&one[0]) == 2 && bev_startups_count_alike(&one[2]) == 1,
	       "each address has its own");
	tap_ok(bev_startups_least_alike(&one[1]) == &one[0], "the oldest of an address");
	bev_startups_remove(startups, &one[0]);
	bev_startups_remove(startups, &one[0]);
	tap_ok(bev_startups_count(startups) == 2, "one goes once");
	tap_ok(bev_startups_least_alike(&one[1]) == &one[1], "then the next is the oldest");
	add(3, "2001:db8:0:1::1");
	add(4, "2001:db8:0:1:ffff::2");
	add(5, "2001:db8:0:2::1");
	tap_ok(bev_startups_count_alike(&one[4]) == 2, "a network of IPv6 is one address");
	add(6, "");
	add(7, "nonsense");
	tap_ok(bev_startups_count_alike(&one[7]) == 2, "what is no address is one, too");
	remove_all();
	tap_ok(bev_startups_count(startups) == 0, "all are gone");
}

static void
test_many(void)
{
	char address[32];

	for (int i = 0; i < 40; i++)
	{
		snprintf(address, sizeof(address), "192.0.2.%d", i);
		add(i, address);
	}
	for (int i = 40; i < 140; i++)
		add(i, "203.0.113.1");
	for (int i = 140; i < 160; i++)
		add(i, "203.0.113.2");
	for (int i = 40; i < 109; i++)
	{
		BevStartup *oldest = bev_startups_least_of_many(startups, NULL);

		if (oldest != &one[i])
		{
			tap_ok(false, "who has the most loses the oldest");
			break;
		}
		bev_startups_remove(startups, oldest);
	}
	tap_ok(bev_startups_count_alike(&one[139]) == 31,
	       "who has the most loses the oldest, until others have about as many");
	for (int i = 0; i < 48; i++)
		bev_startups_remove(startups, bev_startups_least_of_many(startups, NULL));
	tap_ok(bev_startups_count_alike(&one[0]) == 1 && bev_startups_count(startups) == 43,
	       "who has one loses it last");
	remove_all();
}

/* Who waits for us is not dropped for a newcomer, if there are others. */
static void
test_ready(void)
{
	for (int i = 0; i < 5; i++)
		add(i, "203.0.113.1");
	for (int i = 0; i < 3; i++)
		bev_startups_set_ready(startups, &one[i]);
	tap_ok(bev_startups_least_alike(&one[0]) == &one[3], "who waits for its peer goes first");
	bev_startups_set_ready(startups, &one[3]);
	bev_startups_set_ready(startups, &one[4]);
	tap_ok(bev_startups_least_alike(&one[0]) == &one[4], "then the last in the queue");
	tap_ok(bev_startups_next_ready(startups) == &one[0] &&
	           bev_startups_least_alike(&one[4]) == &one[0],
	       "whose turn is over waits for its peer again");
	remove_all();
	add(0, "192.0.2.1");
	add(1, "192.0.2.2");
	tap_ok(bev_startups_least_of_many(startups, &one[1]) == &one[0],
	       "of those that have one each, the first goes");
	bev_startups_set_ready(startups, &one[0]);
	tap_ok(bev_startups_least_of_many(startups, &one[1]) == &one[1],
	       "but for the sake of those that have work, the newcomer");
	remove_all();
}

/* Whose turns follow, by their number. */
static bool
turns_are(const int *wanted, int count)
{
	for (int i = 0; i < count; i++)
		if (bev_startups_next_ready(startups) != &one[wanted[i]])
			return false;
	return !bev_startups_any_ready(startups) && bev_startups_next_ready(startups) == NULL;
}

static void
test_turns(void)
{
	for (int i = 0; i < 5; i++)
		add(i, "203.0.113.1");
	add(5, "192.0.2.1");
	add(6, "192.0.2.2");
	for (int i = 0; i < 7; i++)
		bev_startups_set_ready(startups, &one[i]);
	bev_startups_set_ready(startups, &one[0]);
	tap_ok(bev_startups_any_ready(startups), "there is work");
	tap_ok(turns_are((int[]){0, 5, 6, 1, 2, 3, 4}, 7),
	       "one of each address, then the next; each has one turn");
	bev_startups_set_ready(startups, &one[3]);
	bev_startups_set_ready(startups, &one[1]);
	bev_startups_set_ready(startups, &one[5]);
	bev_startups_remove(startups, &one[3]);
	tap_ok(turns_are((int[]){5, 1}, 2), "who goes has no turn, and takes that of its address");
	bev_startups_set_ready(startups, &one[1]);
	bev_startups_remove(startups, &one[1]);
	tap_ok(turns_are(NULL, 0), "nobody is left");
	remove_all();
}

int
main(void)
{
	startups = bev_startups_create();
	test_addresses();
	test_many();
	test_ready();
	test_turns();
	bev_startups_free(startups);
	return tap_done();
}
