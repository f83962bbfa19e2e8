/*
 * counter.c - the names of what gateways count.
 */
#include "common/pipe/counter.h"

#include <string.h>

const BeCounterName be_counter_names[BE_COUNTER_KINDS] = {
#define COUNTER(name, metric, label, value) {metric, label, value},
	BE_COUNTERS(COUNTER)
#undef COUNTER
};

int
be_counter_find(BeCounter first, BeCounter last, const char *value)
{
	for (int i = (int) first; i <= (int) last; i++)
		if (strcmp(be_counter_names[i].value, value) == 0)
			return i;
	return -1;
}
