/*
 * tally_test.c - which abuses are told: by address, by kind, by the minute.
 */
#include <stdio.h>
#include <string.h>

#include "common/pipe/tally.h"
#include "tap.h"

static char told[100000];
static int lines;
static uint64_t sum;

static void
tell(uint32_t kind, const char *address, int gateway, uint64_t times)
{
	size_t len = strlen(told);

	snprintf(told + len, sizeof(told) - len, "%u %s %d %d;", kind, address, gateway, (int) times);
	lines++;
	sum += times;
}

static BevTally tally;
static uint64_t now;

static void
begin(void)
{
	memset(&tally, 0, sizeof(tally));
	tally.tell = tell;
	now = 1000000;
	bev_tally_begin(&tally, now);
	told[0] = '\0';
	lines = 0;
	sum = 0;
}

static void
note(uint32_t kind, const char *address, uint32_t times)
{
	BevAbuseMessage abuse = {.kind = kind, .times = times};

	snprintf(abuse.address, sizeof(abuse.address), "%s", address);
	bev_tally_add(&tally, &abuse, 3, now);
}

static void
pass(uint64_t ms)
{
	now += ms;
	bev_tally_due(&tally, now);
}

/* What was told since the last time. */
static void
is_told(const char *wanted, const char *name)
{
	tap_is(told, strlen(told), wanted, name);
	told[0] = '\0';
}

static void
test_one_address(void)
{
	begin();
	note(1, "a", 1);
	is_told("1 a 3 1;", "the first one is told at once");
	note(1, "a", 2);
	note(1, "a", 3);
	pass(59999);
	is_told("", "those of the minute after it are not");
	pass(1);
	is_told("1 a 3 5;", "they are when it is over, added up");
	note(1, "a", 1);
	is_told("", "and so on");
	pass(60000);
	is_told("1 a 3 1;", "minute by minute");
	pass(60000);
	is_told("", "nothing came, nothing is told");
	note(1, "a", 1);
	is_told("1 a 3 1;", "then it is a first one again");
}

static void
test_noise(void)
{
	begin();
	for (int i = 0; i < 10000; i++)
		note(1, "a", 1);
	note(2, "a", 1);
	note(1, "b", 1);
	is_told("1 a 3 1;2 a 3 1;1 b 3 1;",
	        "noise hides nothing that its address does else, nor what others do");
}

static void
test_many_addresses(void)
{
	char address[16];

	begin();
	for (int i = 0; i < 100000; i++)
	{
		snprintf(address, sizeof(address), "%d", i);
		note(1, address, 1);
	}
	tap_ok(lines == BEV_TALLY_TOLD, "of many addresses, so many are told");
	told[0] = '\0';
	note(2, "a", 1);
	is_told("2 a 3 1;", "another kind is not concerned");
	pass(1000);
	is_told("1  0 99980;", "the others are added up");
	note(1, "", 7);
	is_told("", "those without an address belong to them");
	pass(1000);
	is_told("", "and are told");
	pass(59000);
	is_told("1  0 7;", "once a minute");
	tap_ok(sum == 100008, "none was lost");
}

/* All kinds, all the time, from everywhere. */
static void
test_bound(void)
{
	char address[16];
	uint64_t noted = 0;

	begin();
	for (int minute = 0; minute < 10; minute++)
		for (int second = 0; second < 60; second++)
		{
			for (int i = 0; i < 500; i++, noted++)
			{
				snprintf(address, sizeof(address), "%d", (int) (noted % 7919));
				note(noted % BEV_ABUSE_KINDS, address, 1);
			}
			told[0] = '\0';
			pass(1000);
			told[0] = '\0';
		}
	tap_ok(lines <= BEV_ABUSE_KINDS * (11 * BEV_TALLY_TOLD + 10),
	       "the lines of ten minutes are bounded");
	for (int i = 0; i < 3; i++)
	{
		pass(60000);
		told[0] = '\0';
	}
	tap_ok(sum == noted, "each was told in the end");
}

int
main(void)
{
	test_one_address();
	test_noise();
	test_many_addresses();
	test_bound();
	return tap_done();
}
