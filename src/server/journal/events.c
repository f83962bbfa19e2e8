/*
 * events.c - bugevents.events(): the journal, one row per event.
 *
 * Model: what it returns is exactly what a client that resumes at "since" would
 * get.  Rows of transactions that are visible while one with a lower seq is
 * still committing are therefore not returned yet; whoever polls with the last
 * seq seen misses nothing.
 *
 * Failure: JSON that jsonb can't hold (a number beyond numeric's range, a character that the
 * database's encoding hasn't) is left out: null, and one warning for all of it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/event/event.h"
#include "server/base/settings.h"
#include "server/base/subtransaction.h"
#include "server/base/compat.h"
#include "funcapi.h"
#include "server/journal/journal.h"
#include "server/journal/journal_reader.h"
#include "server/journal/stream_row.h"
#include "mb/pg_wchar.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

enum
{
	EVENTS_SEQ,
	EVENTS_XID,
	EVENTS_COMMITTED_AT,
	EVENTS_TYPE,
	EVENTS_ACTION,
	EVENTS_AUDIENCE,
	EVENTS_PAYLOAD,
	EVENTS_CHANGES,
	EVENTS_ACTOR,
	EVENTS_COLUMNS
};

typedef struct Output
{
	ReturnSetInfo *result;
	MemoryContext row; /* reset for each event */
	int64 left;        /* rows that may still be returned */
	int64 left_out;    /* texts that aren't jsonb */
	uint64 left_out_at;
	char *left_out_why;
} Output;

BEV_FUNCTION_INFO_V1(bugevents_events);

/* Records are UTF-8, whatever the database is. */
static char *
span_text(BevSpan span)
{
	char *text = pnstrdup(span.data, span.len);

	return pg_any_to_server(text, span.len, PG_UTF8);
}

typedef struct Parsing
{
	BevSpan text;
	Datum json;
} Parsing;

static void
parse_step(void *arg)
{
	Parsing *parsing = arg;

	parsing->json = DirectFunctionCall1(jsonb_in, CStringGetDatum(span_text(parsing->text)));
}

static void
leave_out(Output *output, uint64 seq, const ErrorData *error)
{
	if (output->left_out++ > 0)
		return;
	output->left_out_at = seq;
	output->left_out_why = MemoryContextStrdup(MemoryContextGetParent(output->row), error->message);
}

/* False: there is none, or none that jsonb can hold. */
static bool
span_jsonb(Output *output, uint64 seq, BevSpan span, Datum *json)
{
	Parsing parsing = {.text = span};
	ErrorData *error;

	if (span.len == 0)
		return false;
	error = bev_subtransaction_error(parse_step, &parsing);
	if (error)
		leave_out(output, seq, error);
	*json = parsing.json;
	return error == NULL;
}

/* A blank between the principals, and quotes around one that has a blank or comma in it. */
static char *
audience_text(BevSpan audience)
{
	StringInfoData out;
	BevSpan line;

	initStringInfo(&out);
	while (bev_audience_next(&audience, &line))
	{
		bool quoted =
			memchr(line.data, ' ', line.len) != NULL || memchr(line.data, ',', line.len) != NULL;

		appendStringInfo(&out, "%s%s", out.len > 0 ? " " : "", quoted ? "\"" : "");
		appendBinaryStringInfo(&out, line.data, (int) line.len);
		appendStringInfoString(&out, quoted ? "\"" : "");
	}
	return span_text((BevSpan){out.data, (uint32_t) out.len});
}

static void
put_event(Output *output, const BevJournalRun *run, uint64 seq, const BevEvent *event)
{
	Datum values[EVENTS_COLUMNS];
	bool nulls[EVENTS_COLUMNS] = {0};

	values[EVENTS_SEQ] = Int64GetDatum(seq);
	values[EVENTS_XID] = UInt64GetDatum(run->xid);
	values[EVENTS_COMMITTED_AT] = TimestampTzGetDatum(run->at);
	values[EVENTS_TYPE] = CStringGetTextDatum(span_text(event->field[BEV_EVENT_TYPE]));
	values[EVENTS_ACTION] = CStringGetTextDatum(span_text(event->field[BEV_EVENT_ACTION]));
	values[EVENTS_AUDIENCE] = CStringGetTextDatum(audience_text(event->field[BEV_EVENT_AUDIENCE]));
	nulls[EVENTS_PAYLOAD] =
		!span_jsonb(output, seq, event->field[BEV_EVENT_PAYLOAD], &values[EVENTS_PAYLOAD]);
	nulls[EVENTS_CHANGES] =
		!span_jsonb(output, seq, event->field[BEV_EVENT_CHANGES], &values[EVENTS_CHANGES]);
	nulls[EVENTS_ACTOR] = event->field[BEV_EVENT_ACTOR].len == 0;
	values[EVENTS_ACTOR] = CStringGetTextDatum(span_text(event->field[BEV_EVENT_ACTOR]));
	tuplestore_putvalues(output->result->setResult, output->result->setDesc, values, nulls);
}

static bool
put_run(void *arg, const BevJournalRun *run)
{
	Output *output = arg;
	const char *record = run->records;
	Size size = run->size;

	for (uint32 i = 0; i < run->count && output->left > 0; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(output->row);
		BevEvent event;

		if (!bev_event_read(record, size, &event))
			ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
			                errmsg("bugevents' journal is damaged at seq " UINT64_FORMAT,
			                       run->first_seq + i)));
		put_event(output, run, run->first_seq + i, &event);
		record += event.size;
		size -= event.size;
		output->left--;
		MemoryContextSwitchTo(old);
		MemoryContextReset(output->row);
	}
	return output->left > 0;
}

static void
tell_left_out(const Output *output)
{
	if (output->left_out > 0)
		ereport(WARNING, (errmsg_plural("left out " INT64_FORMAT " value that jsonb cannot hold",
		                                "left out " INT64_FORMAT " values that jsonb cannot hold",
		                                output->left_out, output->left_out),
		                  errdetail("The first one is of event " UINT64_FORMAT ": %s",
		                            output->left_out_at, output->left_out_why)));
}

/*
 * Was something behind since dropped, before we read or while we did?  From 0 on
 * means from the oldest that there is.
 */
static void
check_history(uint64 since)
{
	BevStreamRow row;

	PushActiveSnapshot(GetLatestSnapshot());
	if (since != 0 && bev_stream_row_read(&row) && since < row.dropped)
		ereport(ERROR,
		        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		         errmsg("events after seq " UINT64_FORMAT " are not complete any more", since),
		         errdetail("Retention has dropped those up to seq " UINT64_FORMAT ".", row.dropped),
		         errhint("Read from " UINT64_FORMAT " on, after reading the tables anew.",
		                 row.dropped)));
	PopActiveSnapshot();
}

Datum
bugevents_events(PG_FUNCTION_ARGS)
{
	int64 since = PG_GETARG_INT64(0);
	int32 max = PG_GETARG_INT32(1);
	Output output = {.result = (ReturnSetInfo *) fcinfo->resultinfo, .left = max};

	bev_settings_require_preload();
	if (since < 0)
		ereport(ERROR,
		        (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("since must not be negative")));
	if (max < 0)
		ereport(ERROR,
		        (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("max must not be negative")));

	InitMaterializedSRF(fcinfo, 0);
	if (max == 0 || !OidIsValid(bev_journal_table(BEV_TABLE_SEGMENT)))
		return (Datum) 0;

	output.row =
		AllocSetContextCreate(CurrentMemoryContext, "bugevents event", ALLOCSET_DEFAULT_SIZES);
	bev_journal_read_settled(since, PG_INT64_MAX, put_run, &output);
	check_history(since);
	tell_left_out(&output);
	return (Datum) 0;
}
