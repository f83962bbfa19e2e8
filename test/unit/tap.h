/*
 * tap.h - the few lines of the Test Anything Protocol that a unit program needs.
 */
#ifndef BEV_TEST_UNIT_TAP_H
#define BEV_TEST_UNIT_TAP_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count;
static int tap_failed;

static inline bool
tap_ok(bool good, const char *name)
{
	tap_count++;
	tap_failed += !good;
	printf("%s %d - ", good ? "ok" : "not ok", tap_count);
	for (; *name; name++)
		putchar(*name < ' ' && *name > 0 ? ' ' : *name); /* one line */
	putchar('\n');
	fflush(stdout);
	return good;
}

static inline bool
tap_is(const char *got, size_t len, const char *wanted, const char *name)
{
	bool good = len == strlen(wanted) && memcmp(got, wanted, len) == 0;

	tap_ok(good, name);
	if (!good)
		printf("#   got:    %.*s\n#   wanted: %s\n", (int) len, got, wanted);
	return good;
}

static inline int
tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed > 0;
}

#endif /* BEV_TEST_UNIT_TAP_H */
