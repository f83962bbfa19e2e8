/*
 * counter.c - the names of what gateways count.
 */
#include "common/pipe/counter.h"

#include <string.h>

const BevCounterName bev_counter_names[BEV_COUNTER_KINDS] = {
#define COUNTER(name, metric, label, value) {metric, label, value},
	BEV_COUNTERS(COUNTER)
#undef COUNTER
};

int
bev_counter_find(BevCounter first, BevCounter last, const char *value)
{
	for (int i = (int) first; i <= (int) last; i++)
		if (strcmp(bev_counter_names[i].value, value) == 0)
			return i;
	return -1;
}
