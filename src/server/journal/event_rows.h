/*
 * event_rows.h - events of the journal as rows of a function's result.
 */
#ifndef BEV_SERVER_JOURNAL_EVENT_ROWS_H
#define BEV_SERVER_JOURNAL_EVENT_ROWS_H

#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "nodes/pg_list.h"
#include "server/journal/journal_reader.h"

typedef struct BevEventRows
{
	ReturnSetInfo *result;
	MemoryContext row; /* reset for each event */
	int64 left;        /* rows that may still be returned */
	int64 count;       /* that are */
	uint64 last;       /* seq of the last event that was looked at */
	List *types;       /* of these only, as UTF-8; NIL: of any */
	int64 left_out;    /* texts that aren't jsonb */
	uint64 left_out_at;
	char *left_out_why;
} BevEventRows;

/*
 * The result of the function that is called, of up to max rows: seq, xid, committed_at, type,
 * action, audience, payload, changes, actor, and replay if the function has such a column.  Throws
 * where max is negative.
 */
extern void bev_event_rows_begin(BevEventRows *rows, FunctionCallInfo fcinfo, int64 max);

/* The sink of bev_journal_read(); arg is the BevEventRows. */
extern bool bev_event_rows_put(void *arg, const BevJournalRun *run);

/* Warn of what was left out, if anything was. */
extern void bev_event_rows_end(const BevEventRows *rows);

#endif /* BEV_SERVER_JOURNAL_EVENT_ROWS_H */
