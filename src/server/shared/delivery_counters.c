/*
 * delivery_counters.c - how a channel's deliveries go, for metrics and alerts.
 *
 * Model: the courier writes, whoever is asked for metrics and the dispatcher read.  Numbers of rows
 * are as old as the courier's last look at them.
 */
#include "server/shared/delivery_counters.h"

#include "port/atomics.h"
#include "utils/timestamp.h"

typedef struct Result
{
	const char *state;
	const char *name;
} Result;

static const Result results[] = {{"sent", "sent"},
                                 {"waiting", "retry"},
                                 {"dead", "dead"},
                                 {"uncertain", "uncertain"},
                                 {"skipped", "skipped"}};

typedef struct Channel
{
	pg_atomic_uint64 counts[lengthof(results)];
	pg_atomic_uint64 rows[BEV_DELIVERY_GAUGES];
	pg_atomic_uint64 failing_since; /* TimestampTz; 0: it is not */
} Channel;

typedef struct Deliveries
{
	Channel channels[BEV_CHANNELS];
	pg_atomic_uint32 copied;
} Deliveries;

static Channel *channels;
static pg_atomic_uint32 *copied;

static void
init(void *memory, LWLock *lock pg_attribute_unused())
{
	channels = ((Deliveries *) memory)->channels;
	copied = &((Deliveries *) memory)->copied;
	pg_atomic_init_u32(copied, 0);
	for (int kind = 0; kind < BEV_CHANNELS; kind++)
	{
		for (size_t i = 0; i < lengthof(results); i++)
			pg_atomic_init_u64(&channels[kind].counts[i], 0);
		for (int i = 0; i < BEV_DELIVERY_GAUGES; i++)
			pg_atomic_init_u64(&channels[kind].rows[i], 0);
		pg_atomic_init_u64(&channels[kind].failing_since, 0);
	}
}

const BevSharedArea bev_delivery_counters_area = {
	.name = "bugevents deliveries", .size = sizeof(Deliveries), .init = init};

void
bev_delivery_counters_count(BevDeliveryChannel kind, const char *state)
{
	for (size_t i = 0; i < lengthof(results); i++)
		if (strcmp(results[i].state, state) == 0)
			pg_atomic_fetch_add_u64(&channels[kind].counts[i], 1);
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
	return pg_atomic_read_u64(&channels[kind].counts[result]);
}

void
bev_delivery_counters_set_rows(BevDeliveryChannel kind, BevDeliveryGauge gauge, uint64 rows)
{
	pg_atomic_write_u64(&channels[kind].rows[gauge], rows);
}

uint64
bev_delivery_counters_rows(BevDeliveryChannel kind, BevDeliveryGauge gauge)
{
	return pg_atomic_read_u64(&channels[kind].rows[gauge]);
}

void
bev_delivery_counters_set_failing(BevDeliveryChannel kind, TimestampTz since)
{
	pg_atomic_write_u64(&channels[kind].failing_since, (uint64) since);
}

TimestampTz
bev_delivery_counters_failing_since(BevDeliveryChannel kind)
{
	return (TimestampTz) pg_atomic_read_u64(&channels[kind].failing_since);
}

void
bev_delivery_counters_set_copied(bool is)
{
	pg_atomic_write_u32(copied, is);
}

bool
bev_delivery_counters_copied(void)
{
	return pg_atomic_read_u32(copied) != 0 && bev_delivery_channel_is_any_on();
}

double
bev_delivery_counters_outage(BevDeliveryChannel kind)
{
	TimestampTz since = bev_delivery_counters_failing_since(kind);

	if (since == 0 || !bev_delivery_channel_is_on(kind))
		return 0;
	return TimestampDifferenceMilliseconds(since, GetCurrentTimestamp()) / 1000.0;
}
