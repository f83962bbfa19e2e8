/*
 * event_rows.c - events of the journal as rows of a function's result.
 *
 * Memory: a context that is reset for each event; the rows are in the result's tuplestore.
 *
 * Failure: JSON that jsonb can't hold (a number beyond numeric's range, a character that the
 * database's encoding hasn't) is left out: null, and one warning for all of it.
 */
#include "server/journal/event_rows.h"

#include "common/event/access.h"
#include "common/event/event.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "server/base/subtransaction.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
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
	EVENTS_REPLAY, /* not of every function */
	EVENTS_COLUMNS
};

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
leave_out(BevEventRows *rows, uint64 seq, const ErrorData *error)
{
	if (rows->left_out++ > 0)
		return;
	rows->left_out_at = seq;
	rows->left_out_why = MemoryContextStrdup(MemoryContextGetParent(rows->row), error->message);
}

/* False: there is none, or none that jsonb can hold. */
static bool
span_jsonb(BevEventRows *rows, uint64 seq, BevSpan span, Datum *json)
{
	Parsing parsing = {.text = span};
	ErrorData *error;

	if (span.len == 0)
		return false;
	error = bev_subtransaction_error(parse_step, &parsing);
	if (error)
		leave_out(rows, seq, error);
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
put_event(BevEventRows *rows, const BevJournalRun *run, uint64 seq, const BevEvent *event)
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
		!span_jsonb(rows, seq, event->field[BEV_EVENT_PAYLOAD], &values[EVENTS_PAYLOAD]);
	nulls[EVENTS_CHANGES] =
		!span_jsonb(rows, seq, event->field[BEV_EVENT_CHANGES], &values[EVENTS_CHANGES]);
	nulls[EVENTS_ACTOR] = event->field[BEV_EVENT_ACTOR].len == 0;
	values[EVENTS_ACTOR] = CStringGetTextDatum(span_text(event->field[BEV_EVENT_ACTOR]));
	values[EVENTS_REPLAY] = BoolGetDatum(bev_access_is_replay(event->field[BEV_EVENT_ACCESS]));
	tuplestore_putvalues(rows->result->setResult, rows->result->setDesc, values, nulls);
}

/* Of the types that are asked for, if any are. */
static bool
is_wanted(const BevEventRows *rows, BevSpan type)
{
	ListCell *cell;

	if (rows->types == NIL)
		return true;
	foreach (cell, rows->types)
		if (bev_span_is(type, lfirst(cell)))
			return true;
	return false;
}

static void
take_event(BevEventRows *rows, const BevJournalRun *run, const BevEvent *event)
{
	MemoryContext old = MemoryContextSwitchTo(rows->row);

	if (is_wanted(rows, event->field[BEV_EVENT_TYPE]))
	{
		put_event(rows, run, rows->last, event);
		rows->left--;
		rows->count++;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(rows->row);
}

bool
bev_event_rows_put(void *arg, const BevJournalRun *run)
{
	BevEventRows *rows = arg;
	const char *record = run->records;
	Size size = run->size;
	BevEvent event;

	for (uint32 i = 0; i < run->count && rows->left > 0; i++)
	{
		rows->last = run->first_seq + i;
		if (!bev_event_read(record, size, &event))
			ereport(ERROR,
			        (errcode(ERRCODE_DATA_CORRUPTED),
			         errmsg("bugevents' journal is damaged at seq " UINT64_FORMAT, rows->last)));
		take_event(rows, run, &event);
		record += event.size;
		size -= event.size;
	}
	return rows->left > 0;
}

void
bev_event_rows_begin(BevEventRows *rows, FunctionCallInfo fcinfo, int64 max)
{
	if (max < 0)
		ereport(ERROR,
		        (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("max must not be negative")));
	InitMaterializedSRF(fcinfo, 0);
	*rows = (BevEventRows){.result = (ReturnSetInfo *) fcinfo->resultinfo,
	                       .left = max,
	                       .row = AllocSetContextCreate(CurrentMemoryContext, "bugevents event",
	                                                    ALLOCSET_DEFAULT_SIZES)};
}

void
bev_event_rows_end(const BevEventRows *rows)
{
	if (rows->left_out > 0)
		ereport(WARNING, (errmsg_plural("left out " INT64_FORMAT " value that jsonb cannot hold",
		                                "left out " INT64_FORMAT " values that jsonb cannot hold",
		                                rows->left_out, rows->left_out),
		                  errdetail("The first one is of event " UINT64_FORMAT ": %s",
		                            rows->left_out_at, rows->left_out_why)));
}
