/*
 * served_stream.c - which stream is served, and what is due for its journal.
 *
 * Model: the extension's tables say which stream there is; none without an extension, or with one
 * that isn't this library's, or with bugevents.enabled off.  Another one begins with CREATE
 * EXTENSION, and when the database was written to while it was not served; the gateways are
 * replaced then.
 *
 * A standby serves the stream of its primary, as far as its journal is decided (standby.c), and
 * writes nothing.  When the primary begins another era, and when this server is promoted and begins
 * its own, the stream goes on under another name.  What was decided when it was promoted stays the
 * tip until the era has its record: then the rest of the old one is read, and behind it the first
 * of the new one (test/t/214_serving_standby.pl).
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
#include "server/dispatcher/standby.h"
#include "server/dispatcher/gauges.h"
#include "server/dispatcher/look.h"
#include "server/dispatcher/sampling.h"
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

static BevServed served;
static BevServed found; /* by a look */

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

/* Those that ended, for the gateways, which judge positions. */
static void
read_eras(void)
{
	BevPastEra *eras;
	int n = bev_era_list(found.dropped, &eras);

	if (found.eras)
		pfree(found.eras);
	found.eras = MemoryContextAlloc(TopMemoryContext, Max(n, 1) * sizeof(BevPastEra));
	memcpy(found.eras, eras, n * sizeof(BevPastEra));
	found.era_count = n;
}

/* ---- looking ---- */

/* What a look found. */
typedef enum Finding
{
	NOTHING_KNOWN, /* somebody has locked one of the tables, or ... */
	TO_COME,       /* ... it is just being written: look again, soon */
	NO_STREAM,
	A_STREAM /* in found */
} Finding;

static void
take_found(const BevStreamRow *row)
{
	strlcpy(found.id, DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&row->id))),
	        sizeof(found.id));
	found.dropped = row->dropped;
	if (strcmp(found.id, served.id) != 0)
		read_eras();
}

/* As a primary: do for its journal what is due. */
static Finding
look_as_primary(void)
{
	BevStreamRow row;

	if (!try_lock_marks())
		return NOTHING_KNOWN;
	if (!bev_condition_extension_fits())
		return NO_STREAM;
	if (begins_anew())
		return TO_COME;
	if (!bev_stream_row_read(&row))
		return NO_STREAM;
	bev_sequence_begin();
	keep_journal_within_bounds();
	bev_gauges_note();
	bev_alerts_run();
	bev_sampling_run();
	if (!follow_setting())
		return NO_STREAM;
	if (!bev_era_is_recorded(&row, skip_seq))
		return TO_COME;
	found.follows = false;
	take_found(&row);
	return A_STREAM;
}

/* Nothing is written here, and the primary says what there is. */
static Finding
look_as_standby(void)
{
	BevStreamRow row;

	if (!bev_enabled || !bev_serve_on_standby || !bev_condition_extension_fits() ||
	    !bev_standby_look(&row, &found.tip))
		return NO_STREAM;
	bev_gauges_note();
	bev_alerts_run();
	bev_sampling_run();
	found.follows = true;
	take_found(&row);
	return A_STREAM;
}

static Finding
look(void)
{
	MemoryContext context = CurrentMemoryContext;
	Finding finding = NOTHING_KNOWN;

	if (bev_look_begin())
		finding = bev_standby_is_one() ? look_as_standby() : look_as_primary();
	if (finding == NOTHING_KNOWN)
		bev_counters_skip();
	bev_look_end(context);
	return finding;
}

/* ---- how far it is ---- */

uint64
bev_served_stream_tip(void)
{
	return bev_served_stream()->tip;
}

const BevServed *
bev_served_stream(void)
{
	if (!served.follows)
		served.tip = bev_queue_settled();
	return &served;
}

/* It doesn't go back, whatever a look finds. */
static void
advance(uint64 tip)
{
	served.tip = Max(served.tip, tip);
	bev_queue_follow(served.tip);
}

static bool
is_served(const BevStreamRow *row)
{
	return strcmp(DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&row->id))),
	              served.id) == 0;
}

bool
bev_served_stream_follow(void)
{
	MemoryContext context = CurrentMemoryContext;
	BevStreamRow row;
	uint64 tip;
	bool same = true;

	if (!bev_look_begin())
		bev_counters_skip();
	else if ((same = bev_standby_look(&row, &tip) && is_served(&row)))
		advance(tip);
	bev_look_end(context);
	return same;
}

bool
bev_served_stream_is_to_be_taken_over(void)
{
	return served.follows && !bev_standby_is_one();
}

/* ---- change ---- */

/* So that the workers for it look: what they work for is gone, or another one. */
static void
tell_workers(void)
{
	bev_worker_registry_wake(BEV_WORKER_PROJECTOR);
	bev_worker_registry_wake(BEV_WORKER_COURIER);
}

static void
take_over_found(void)
{
	BevPastEra *eras = served.eras;

	served = found;
	found.eras = eras;
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
	served.id[0] = '\0';
	served.follows = false;
	tell_workers();
}

/* CREATE EXTENSION lets it begin. */
static void
begin_stream(void)
{
	take_over_found();
	if (served.follows)
		bev_queue_follow(served.tip);
	ereport(LOG, (errmsg("bugevents stream %s of database \"%s\" begins at seq " UINT64_FORMAT "%s",
	                     served.id, bev_database, bev_served_stream_tip(),
	                     served.follows ? ", as the primary has it" : "")));
	tell_workers();
	bev_gateways_begin(&served);
}

/*
 * Is what is served part of what was found?  A primary that was started again, or a standby that
 * was promoted, goes on with the history that it has under another name.
 */
static bool
goes_on(void)
{
	uint64 tip = bev_served_stream_tip();

	if (!served.follows || tip < found.dropped)
		return false;
	for (int i = 0; i < found.era_count; i++)
		if (strcmp(found.eras[i].id, served.id) == 0)
			return tip <= found.eras[i].upto;
	return false;
}

static void
rename_stream(void)
{
	uint64 tip = served.tip;

	ereport(LOG,
	        (errmsg("bugevents stream %s goes on as %s behind seq " UINT64_FORMAT "%s", served.id,
	                found.id, tip, found.follows ? "" : ", which this server gives out")));
	take_over_found();
	served.tip = tip;
	tell_workers();
	bev_gateways_rename(&served);
}

static void
change_stream(void)
{
	if (*served.id && goes_on())
		rename_stream();
	else
	{
		if (*served.id)
			end_stream();
		begin_stream();
	}
}

bool
bev_served_stream_look_after(void)
{
	Finding finding = look();

	if (finding == NO_STREAM && *served.id)
		end_stream();
	else if (finding == A_STREAM && strcmp(found.id, served.id) != 0)
		change_stream();
	else if (finding == A_STREAM)
		served.dropped = Max(served.dropped, found.dropped);
	return finding == TO_COME;
}

void
bev_served_stream_look_what_is_dropped(void)
{
	BevStreamRow row;

	if (bev_stream_row_read(&row))
		served.dropped = Max(served.dropped, row.dropped);
}
