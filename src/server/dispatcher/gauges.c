/*
 * gauges.c - what metrics say of tables, noted in shared memory.
 *
 * Model: so that whoever reads metrics reads shared memory only.  The journal's size is noted
 * each time, what pg_trigger has to be read for every CATALOG_INTERVAL.
 */
#include "postgres.h"

#include "server/dispatcher/gauges.h"

#include "catalog/pg_trigger.h"
#include "nodes/pg_list.h"
#include "server/attach/attached.h"
#include "server/attach/attachment.h"
#include "server/base/clock.h"
#include "server/journal/consumers.h"
#include "server/journal/journal.h"
#include "server/shared/counters.h"
#include "storage/lmgr.h"

#define CATALOG_INTERVAL 10000 /* ms */

/* When the oldest of the journal was published; 0: there is none. */
static TimestampTz
journal_oldest(void)
{
	TimestampTz oldest = 0;
	TimestampTz at;

	for (int i = 0; i < BEV_SEGMENTS; i++)
		if (bev_journal_first_at(i, &at) && (oldest == 0 || at < oldest))
			oldest = at;
	return oldest;
}

static void
note_undecided(void)
{
	uint64 count = 0;
	ListCell *cell;

	foreach (cell, bev_attached_tables())
	{
		BevAttached *attached = lfirst(cell);
		const BevAttachment *attachment = bev_attachment_read(attached->argument, attached->relid);

		count += !attachment->decides && attachment->entity->id != BEV_OWN_KIND;
	}
	bev_counters_set_undecided(count);
}

static void
note_consumers(void)
{
	uint64 slowest;
	int count;

	if (bev_consumers_look(&count, &slowest))
		bev_counters_set_consumers(count, slowest);
}

void
bev_gauges_note(void)
{
	static TimestampTz next = 0;

	bev_counters_set_journal(bev_journal_bytes(), journal_oldest());
	note_consumers();
	if (bev_clock_every(&next, CATALOG_INTERVAL) &&
	    ConditionalLockRelationOid(TriggerRelationId, AccessShareLock))
		note_undecided();
}
