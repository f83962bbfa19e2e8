/*
 * delivery_counters.c - how often a channel's deliveries ended how, for the metrics.
 */
#include "server/shared/delivery_counters.h"

#include "port/atomics.h"

typedef struct Result
{
	const char *state;
	const char *name;
} Result;

static const Result results[] = {
	{"sent", "sent"}, {"waiting", "retry"}, {"dead", "dead"}, {"uncertain", "uncertain"}};

#define SIZE (sizeof(pg_atomic_uint64) * BEV_CHANNELS * lengthof(results))

static pg_atomic_uint64 *counts;

static void
init(void *memory, LWLock *lock pg_attribute_unused())
{
	counts = memory;
	for (size_t i = 0; i < BEV_CHANNELS * lengthof(results); i++)
		pg_atomic_init_u64(&counts[i], 0);
}

const BevSharedArea bev_delivery_counters_area = {
	.name = "bugevents deliveries", .size = SIZE, .init = init};

void
bev_delivery_counters_count(BevDeliveryChannel kind, const char *state)
{
	for (size_t i = 0; i < lengthof(results); i++)
		if (strcmp(results[i].state, state) == 0)
			pg_atomic_fetch_add_u64(&counts[kind * lengthof(results) + i], 1);
}

int
bev_delivery_counters_results(void)
{
	return lengthof(results);
}

uint64
bev_delivery_counters_get(BevDeliveryChannel kind, int result, const char **name)
{
	*name = results[result].name;
	return pg_atomic_read_u64(&counts[kind * lengthof(results) + result]);
}
