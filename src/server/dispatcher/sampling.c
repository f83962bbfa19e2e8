/*
 * sampling.c - noting the server's numbers for the last hour (server/shared/samples.h).
 *
 * Cost: once in BEV_SAMPLE_INTERVAL some fifty numbers, and a look at each place for a client.
 */
#include "postgres.h"

#include "server/dispatcher/sampling.h"

#include "server/base/clock.h"
#include "server/queue/queue.h"
#include "server/shared/clients.h"
#include "server/shared/counters.h"
#include "server/shared/delivery_counters.h"
#include "server/shared/progress.h"
#include "server/shared/samples.h"
#include "utils/timestamp.h"

static int64
count_captured(void)
{
	const char *type;
	const char *action;
	int64 sum = 0;

	for (int kind = 0; kind < bev_counters_captures(); kind++)
		sum += bev_counters_capture(kind, &type, &action);
	return sum;
}

static int64
count_errors(void)
{
	int64 sum = 0;

	for (int i = BEV_COUNT_ERROR_missing_token; i <= BEV_COUNT_ERROR_internal_error; i++)
		sum += bev_counters_get((BevCounter) i);
	return sum;
}

static int64
projector_lag(void)
{
	uint64 next = bev_queue_next_seq();
	uint64 done;

	if (!bev_progress_get(&done))
		return -1;
	return next <= done + 1 ? 0 : next - 1 - done;
}

static void
note_deliveries(BevSample *sample)
{
	for (BevDeliveryChannel kind = 0; kind < BEV_CHANNELS; kind++)
	{
		sample->waiting += bev_delivery_counters_rows(kind, BEV_DELIVERY_WAITING);
		sample->dead += bev_delivery_counters_rows(kind, BEV_DELIVERY_DEAD);
	}
}

static BevSample
take_sample(void)
{
	int lagging;
	TimestampTz oldest;
	BevSample sample = {.at = GetCurrentTimestamp(),
	                    .connections = bev_clients_count(&lagging),
	                    .lagging = lagging,
	                    .queue_bytes = bev_queue_used(),
	                    .journal_bytes = bev_counters_journal(&oldest),
	                    .projector_lag = projector_lag(),
	                    .captured = count_captured(),
	                    .delivered = bev_counters_get(BEV_COUNT_DELIVERED),
	                    .bytes_sent = bev_counters_get(BEV_COUNT_BYTES_SENT),
	                    .errors = count_errors(),
	                    .overflows = bev_queue_overflows()};

	note_deliveries(&sample);
	sample.lagging = lagging;
	for (int i = 0; i < BEV_ALERT_DELAYS; i++)
		sample.delays[i] = bev_counters_get((BevCounter) (BEV_COUNT_DELAY_1MS + i));
	return sample;
}

void
bev_sampling_run(void)
{
	static TimestampTz next = 0;
	BevSample sample;

	if (!bev_clock_every(&next, BEV_SAMPLE_INTERVAL))
		return;
	sample = take_sample();
	bev_samples_add(&sample);
}
