/*
 * stats.c - bugevents.stats: the numbers that tell how things are.
 *
 * Model: names as Prometheus has them, one row for each.  Counters are kept in
 * shared memory by whoever counts, since the server's start; the rest is looked up
 * when it is asked for.
 */
#include "postgres.h"

#include "clients/clients.h"
#include "extension/settings.h"
#include "fmgr.h"
#include "funcapi.h"
#include "journal/journal.h"
#include "queue/queue.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(bugevents_stats);

static void
put(ReturnSetInfo *result, const char *name, double value)
{
	Datum		values[3] = {CStringGetTextDatum(name), CStringGetTextDatum(""), Float8GetDatum(value)};
	bool		nulls[3] = {0};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static int
connections(void)
{
	BeClient	client;
	int			count = 0;

	for (int i = 0; i < be_clients_capacity(); i++)
		count += be_clients_get(i, &client);
	return count;
}

static int64
journal_bytes(void)
{
	int64		size = 0;

	for (int table = 0; table < BE_TABLE_STREAM; table++)
		size += DatumGetInt64(DirectFunctionCall1(pg_total_relation_size,
												  ObjectIdGetDatum(be_journal_table(table))));
	return size;
}

/* Since when the journal holds what was published; 0 when it is empty. */
static double
journal_oldest_seconds(void)
{
	int			newest = be_queue_segment();
	TimestampTz at;

	for (int i = 1; i <= BE_SEGMENTS; i++)
		if (be_journal_first_at((newest + i) % BE_SEGMENTS, &at))
			return (GetCurrentTimestamp() - at) / 1e6;
	return 0;
}

Datum
bugevents_stats(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	be_settings_require_preload();
	InitMaterializedSRF(fcinfo, 0);
	put(result, "bugevents_connections", connections());
	put(result, "bugevents_queue_bytes", be_queue_used());
	put(result, "bugevents_queue_overflows_total", be_queue_overflows());
	put(result, "bugevents_journal_bytes", journal_bytes());
	put(result, "bugevents_journal_oldest_seconds", journal_oldest_seconds());
	return (Datum) 0;
}
