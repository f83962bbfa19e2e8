/*
 * served_stream.c - which stream is served, and what is due for its journal.
 *
 * Model: the extension's tables say which stream there is; none without an extension, or with one
 * that isn't this library's, or with bugevents.enabled off.  Another one begins with CREATE
 * EXTENSION, and when the database was written to while it was not served; the gateways are
 * replaced then.
 *
 * Concurrency: the dispatcher's alone.  Where somebody has locked one of the tables, nothing is
 * known, and the stream stays what it was (test/t/112_locks.pl).
 *
 * Failure: what says that positions from before are refused is committed before the stream that
 * goes on says so; a crash in between begins it once more.
 */
#include "server/dispatcher/served_stream.h"

#include "server/base/clock.h"
#include "server/base/settings.h"
#include "server/base/worker_registry.h"
#include "server/dispatcher/alerts.h"
#include "server/dispatcher/condition.h"
#include "server/dispatcher/gauges.h"
#include "server/dispatcher/look.h"
#include "server/journal/era.h"
#include "server/journal/journal.h"
#include "server/journal/retention.h"
#include "server/journal/sequence.h"
#include "server/journal/stream_row.h"
#include "server/journal/unserved.h"
#include "server/queue/enabled.h"
#include "server/responder/responder_queue.h"
#include "server/shared/counters.h"
#include "server/shared/progress.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define PROJECTOR_PATIENCE \
	60000 /* ms; a server that starts, or a projector that is started again */

static BevServed served; /* as it was found last */

/* ---- its history ---- */

/* It doesn't run, but is expected to, and may not have read what is old. */
static bool
projector_is_awaited(void)
{
	static TimestampTz since = 0;

	if (since == 0 || bev_worker_registry_is_running(BEV_WORKER_PROJECTOR))
		since = GetCurrentTimestamp();
	return bev_projector && !bev_worker_registry_is_running(BEV_WORKER_PROJECTOR) &&
	       !bev_clock_has_come(TimestampTzPlusMilliseconds(since, PROJECTOR_PATIENCE),
	                           PROJECTOR_PATIENCE);
}

/* The seq behind which history must stay for the gateways' and the projector's sake. */
static uint64
needed_history(void)
{
	uint64 needed = bev_queue_settled();
	uint64 projected;

	if (projector_is_awaited())
		needed = 0;
	else if (bev_worker_registry_is_running(BEV_WORKER_PROJECTOR))
		needed = bev_progress_get_gathered(&projected) ? Min(needed, projected) : 0;

	return bev_gateways_sent(needed);
}

static bool drops = false; /* history is being dropped */

static void
note_dropped(uint64 settled pg_attribute_unused(),
             const BevAnswerMessage *message pg_attribute_unused(),
             BevSpan rest pg_attribute_unused())
{
	drops = false;
}

/* A responder does what takes time. */
static void
keep_journal_within_bounds(void)
{
	uint64 needed = needed_history();
	char text[24];

	if (drops || !bev_retention_is_due(needed))
		return;
	snprintf(text, sizeof(text), UINT64_FORMAT, needed);
	drops = bev_questions_add_own(BEV_VERB_RETENTION, text, strlen(text), note_dropped);
}

/* ---- where it begins, and ends ---- */

/* A seq that is nobody's: behind every position that anybody has. */
static uint64
skip_seq(void)
{
	BevReservation none;

	(void) bev_queue_reserve(1, 0, bev_queue_segment(), &none);
	bev_queue_withdraw(&none);
	return none.first_seq;
}

/*
 * Bring the switch in line with bugevents.enabled.  True: the stream may be served.
 *
 * Turning it off takes two checks: that positions from before will be refused has
 * to be committed first, or a crash would forget that something is missing.  On
 * again, those from in between are refused, too; who reads by SQL may have one.
 */
static bool
follow_setting(void)
{
	static bool renewed = false;
	static bool begins = false;

	if (!bev_enabled)
	{
		if (bev_enabled_is_on() && renewed)
		{
			bev_enabled_turn_off();
			ereport(LOG, (errmsg("bugevents is disabled: nothing is captured, nobody is served")));
		}
		else if (bev_enabled_is_on())
			bev_stream_row_renew(bev_queue_settled());
		renewed = true;
		return false;
	}
	renewed = false;
	if (!bev_enabled_is_on())
	{
		bev_enabled_turn_on();
		begins = true;
		ereport(
			LOG,
			(errmsg("bugevents is enabled again, and waits for transactions that began before")));
	}
	if (bev_enabled_is_settling())
		return false;
	if (!begins)
		return true;
	bev_stream_row_renew(skip_seq());
	begins = false;
	return false;
}

/*
 * Was this database written to while another one was served?  Then this is another stream, from
 * the next look on: positions from before are refused by what is committed.
 */
static bool
begins_anew(void)
{
	if (!bev_unserved_take())
		return false;
	bev_sequence_begin();
	bev_stream_row_renew(skip_seq());
	ereport(LOG, (errmsg("bugevents begins another stream: database \"%s\" was written to while it "
	                     "was not served",
	                     bev_database)));
	return true;
}

/* What begins another stream is written to them. */
static bool
try_lock_marks(void)
{
	Oid stream = bev_journal_table(BEV_TABLE_STREAM);
	Oid unserved = bev_journal_table(BEV_TABLE_UNSERVED);
	Oid eras = bev_journal_table(BEV_TABLE_ERAS);

	return (!OidIsValid(stream) || ConditionalLockRelationOid(stream, RowExclusiveLock)) &&
	       (!OidIsValid(unserved) || ConditionalLockRelationOid(unserved, RowExclusiveLock)) &&
	       (!OidIsValid(eras) || ConditionalLockRelationOid(eras, RowExclusiveLock));
}

/* ---- its eras ---- */

static bool gap = false; /* seqs went by that nobody published, since the last note */

void
bev_served_stream_take(const BevQueueItem *item)
{
	static uint64 last = 0;

	gap |= !item->committed || item->first_seq != last + 1;
	last = item->first_seq + item->n - 1;
}

/*
 * What the journal's rows can't say: that nothing is to come in a gap.  At leisure: without it, one
 * who goes on from a copy of the journal may refuse a position that is good.
 */
static void
note_how_far(const BevStreamRow *row)
{
	if (gap)
		bev_era_reached(&row->id, bev_queue_settled());
	gap = false;
}

/* Those that ended, for the gateways, which judge positions. */
static void
read_eras(void)
{
	BevPastEra *eras;
	int n = bev_era_list(served.dropped, &eras);

	if (served.eras)
		pfree(served.eras);
	served.eras = MemoryContextAlloc(TopMemoryContext, Max(n, 1) * sizeof(BevPastEra));
	memcpy(served.eras, eras, n * sizeof(BevPastEra));
	served.era_count = n;
}

/* ---- looking ---- */

/*
 * The stream's id, or nothing; and do for its journal what is due.  False: somebody has locked
 * one of the tables, and nothing is known.
 */
static bool
read_stream(char *id, bool *anew)
{
	MemoryContext context = CurrentMemoryContext;
	BevStreamRow row;
	bool locked;

	*id = '\0';
	*anew = false;
	locked = bev_look_begin() && try_lock_marks();
	if (!locked)
		bev_counters_skip();
	else if (bev_condition_extension_fits() && !(*anew = begins_anew()) &&
	         bev_stream_row_read(&row))
	{
		bev_sequence_begin();
		served.dropped = row.dropped;
		keep_journal_within_bounds();
		bev_gauges_note();
		bev_alerts_run();
		if (follow_setting() && bev_era_is_recorded(&row, skip_seq))
		{
			note_how_far(&row);
			if (*served.id == '\0')
				read_eras();
			strlcpy(id, DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&row.id))),
			        sizeof(served.id));
		}
	}
	bev_look_end(context);
	return locked;
}

/*
 * When it was dropped or is another one, the gateways start anew: whatever they and their clients
 * know is void.
 */
static void
end_stream(void)
{
	ereport(LOG, (errmsg("bugevents stream %s ended", served.id)));
	bev_gateways_replace();
}

static void
begin_stream(void)
{
	ereport(LOG, (errmsg("bugevents stream %s of database \"%s\" begins at seq " UINT64_FORMAT,
	                     served.id, bev_database, bev_queue_settled())));
	bev_gateways_begin(&served);
}

/* CREATE EXTENSION lets it begin. */
static void
change_stream(const char *id)
{
	if (*served.id)
		end_stream();
	strlcpy(served.id, id, sizeof(served.id));
	/* What they work for is gone, or another one. */
	bev_worker_registry_wake(BEV_WORKER_PROJECTOR);
	bev_worker_registry_wake(BEV_WORKER_COURIER);
	if (*served.id)
		begin_stream();
}

bool
bev_served_stream_look_after(void)
{
	char id[sizeof(served.id)];
	bool anew;

	if (read_stream(id, &anew) && strcmp(id, served.id) != 0)
		change_stream(id);
	return anew;
}

void
bev_served_stream_look_what_is_dropped(void)
{
	BevStreamRow row;

	if (bev_stream_row_read(&row))
		served.dropped = Max(served.dropped, row.dropped);
}

const BevServed *
bev_served_stream(void)
{
	return &served;
}
