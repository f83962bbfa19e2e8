/*
 * samples_view.c - bugevents.samples: the server's numbers in the last hour.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "server/base/compat.h"
#include "server/base/settings.h"
#include "server/shared/samples.h"
#include "utils/array.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

BEV_FUNCTION_INFO_V1(bugevents_samples);

enum
{
	SAMPLE_AT,
	SAMPLE_CONNECTIONS,
	SAMPLE_LAGGING,
	SAMPLE_QUEUE_BYTES,
	SAMPLE_JOURNAL_BYTES,
	SAMPLE_PROJECTOR_LAG,
	SAMPLE_WAITING,
	SAMPLE_DEAD,
	SAMPLE_CAPTURED,
	SAMPLE_DELIVERED,
	SAMPLE_BYTES_SENT,
	SAMPLE_ERRORS,
	SAMPLE_OVERFLOWS,
	SAMPLE_DELAYS,
	SAMPLE_COLUMNS
};

static Datum
delays_datum(const BevSample *sample)
{
	Datum delays[BEV_ALERT_DELAYS];

	for (int i = 0; i < BEV_ALERT_DELAYS; i++)
		delays[i] = Int64GetDatum(sample->delays[i]);
	return PointerGetDatum(
		construct_array(delays, BEV_ALERT_DELAYS, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static void
put_sample(ReturnSetInfo *result, const BevSample *sample)
{
	Datum values[SAMPLE_COLUMNS] = {[SAMPLE_AT] = TimestampTzGetDatum(sample->at),
	                                [SAMPLE_CONNECTIONS] = Int64GetDatum(sample->connections),
	                                [SAMPLE_LAGGING] = Int64GetDatum(sample->lagging),
	                                [SAMPLE_QUEUE_BYTES] = Int64GetDatum(sample->queue_bytes),
	                                [SAMPLE_JOURNAL_BYTES] = Int64GetDatum(sample->journal_bytes),
	                                [SAMPLE_PROJECTOR_LAG] = Int64GetDatum(sample->projector_lag),
	                                [SAMPLE_WAITING] = Int64GetDatum(sample->waiting),
	                                [SAMPLE_DEAD] = Int64GetDatum(sample->dead),
	                                [SAMPLE_CAPTURED] = Int64GetDatum(sample->captured),
	                                [SAMPLE_DELIVERED] = Int64GetDatum(sample->delivered),
	                                [SAMPLE_BYTES_SENT] = Int64GetDatum(sample->bytes_sent),
	                                [SAMPLE_ERRORS] = Int64GetDatum(sample->errors),
	                                [SAMPLE_OVERFLOWS] = Int64GetDatum(sample->overflows),
	                                [SAMPLE_DELAYS] = delays_datum(sample)};
	bool nulls[SAMPLE_COLUMNS] = {[SAMPLE_PROJECTOR_LAG] = sample->projector_lag < 0};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
bugevents_samples(PG_FUNCTION_ARGS)
{
	BevSample sample;

	bev_settings_require_served();
	InitMaterializedSRF(fcinfo, 0);
	for (int place = 0; place < BEV_SAMPLES; place++)
		if (bev_samples_get(place, &sample))
			put_sample((ReturnSetInfo *) fcinfo->resultinfo, &sample);
	return (Datum) 0;
}
