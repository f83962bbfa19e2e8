/*
 * integer.h - texts that are integers as PostgreSQL writes them.
 */
#ifndef BEV_SERVER_ENCODE_INTEGER_H
#define BEV_SERVER_ENCODE_INTEGER_H

#include "postgres.h"

#include "utils/builtins.h"

/* Is it what an integer of up to 64 bits looks like when it is written? */
static inline bool
bev_is_integer(const char *text, int64 *value)
{
	char written[MAXINT8LEN + 1];
	char *end;

	errno = 0;
	*value = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		return false;
	pg_lltoa(*value, written);
	return strcmp(written, text) == 0;
}

#endif /* BEV_SERVER_ENCODE_INTEGER_H */
