/*
 * row_versions.c - the versions of rows that the transaction logged, at hand to be read.
 *
 * Model: the log (changes/change_log.h) has where the versions are, and of small ones copies.  An
 * old version is read as of a snapshot of before, a new one as of a snapshot of now: the first is a
 * copy of the second one in which our own commands were not yet.
 *
 * Concurrency: versions are fetched whatever their visibility: our own, and those that we have
 * superseded, which nobody prunes while we run.  The locks on tables are those that the transaction
 * has; where tables follow others there is one more, taken before the snapshot: it keeps apart
 * those who commit a changed lookup and those who looked into it (test/specs/looked_into.spec).
 *
 * Failure: where a relation has another file than when its rows were logged, the versions are
 * gone; that is prevented (flush.c), and if it happens all the same, an event tells to read
 * again.
 *
 * Cost: a transaction of a few rows doesn't even open the relation: the log has copies, the mapping
 * has slots.  Else a version is a fetch, of which the page is often at hand.  There is no snapshot
 * unless expressions, or values out of line, need one.
 */
#include "server/capture/row_versions.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "server/attach/attached.h"
#include "server/attach/attachment.h"
#include "server/attach/follows.h"
#include "server/base/compat.h"
#include "server/base/slot.h"
#include "server/capture/dependents.h"
#include "server/capture/notice.h"

/* ---- relations ---- */

static Trigger *
find_trigger(Relation rel, Oid trigger)
{
	for (int i = 0; rel->trigdesc && i < rel->trigdesc->numtriggers; i++)
		if (rel->trigdesc->triggers[i].tgoid == trigger)
			return &rel->trigdesc->triggers[i];
	return NULL;
}

/* Whoever shows its rows has to read them again. */
static void
lose(BevVersionTable *table)
{
	Trigger *trigger = table->rel ? bev_attached_trigger(table->rel) : NULL;

	table->is_lost = true;
	if (trigger)
		bev_notice_publish(bev_notice_name(RelationGetRelid(table->rel)),
		                   bev_attachment_read(trigger->tgargs[0], RelationGetRelid(table->rel)),
		                   BEV_NOTICE_RELOAD);
}

static void
use_mapping(BevVersionTable *table, BevMapping *mapping)
{
	table->mapping = mapping;
	table->slots[BEV_OLD] = mapping->slots[BEV_OLD];
	table->slots[BEV_NEW] = mapping->slots[BEV_NEW];
}

static void
use_own_slots(BevVersionTable *table, Trigger *trigger)
{
	if (table->logged->kind == BEV_LOGGED_SYSTEM)
		table->type = pstrdup(trigger->tgargs[0]);
	table->slots[BEV_OLD] = table_slot_create(table->rel, NULL);
	table->slots[BEV_NEW] = table_slot_create(table->rel, NULL);
}

/* The transaction has a lock since it wrote. */
static void
open_table(BevVersions *versions, BevVersionTable *table)
{
	MemoryContext old = MemoryContextSwitchTo(versions->context);
	Trigger *trigger;

	table->rel = try_table_open(table->logged->relid, NoLock);
	trigger = table->rel ? find_trigger(table->rel, table->logged->trigger) : NULL;
	if (trigger == NULL || BEV_RELATION_FILE(table->rel) != table->logged->file)
		lose(table);
	else if (table->logged->kind != BEV_LOGGED_ATTACHED)
		use_own_slots(table, trigger);
	else if (table->mapping == NULL)
		use_mapping(table, bev_mapping_get(table->rel, trigger));
	MemoryContextSwitchTo(old);
}

/* It is opened only if what is kept of it isn't enough. */
BevVersionTable *
bev_versions_table(BevVersions *versions, uint32 entry)
{
	uint32 number = versions->entries[entry].table;
	BevVersionTable *table = &versions->tables[number];
	BevMapping *mapping;

	if (table->is_known)
		return table;
	table->is_known = true;
	table->logged = bev_change_log_get_table(number);
	mapping = table->logged->kind == BEV_LOGGED_ATTACHED ?
	              bev_mapping_known(table->logged->relid, table->logged->trigger) :
	              NULL;
	if (mapping && mapping->file == table->logged->file)
		use_mapping(table, mapping);
	if (mapping == NULL || mapping->file != table->logged->file || mapping->expressions)
		open_table(versions, table);
	return table;
}

static void
clear(TupleTableSlot *slot)
{
	if (!TTS_EMPTY(slot))
		ExecClearTuple(slot);
}

/* Slots keep buffers pinned; those of mappings live on. */
static void
close_table(BevVersionTable *table)
{
	for (int side = BEV_OLD; side <= BEV_NEW; side++)
	{
		if (table->slots[side] == NULL)
			continue;
		if (table->mapping == NULL)
			ExecDropSingleTupleTableSlot(table->slots[side]);
		else
		{
			clear(table->slots[side]);
			clear(table->mapping->copy_slots[side]);
		}
	}
	if (table->rel)
		table_close(table->rel, NoLock);
}

/* ---- snapshots ---- */

/*
 * What is there when the transaction has committed.  In REPEATABLE READ and SERIALIZABLE others
 * have committed since its snapshot; the row is published among what they published.  It may be
 * that no conflict ends a SERIALIZABLE one: it comes before them in some order, but behind
 * them in the stream (test/specs/looked_into.spec).
 */
static Snapshot
take_snapshot(void)
{
	return IsolationUsesXactSnapshot() ? GetLatestSnapshot() : GetTransactionSnapshot();
}

/* Before the snapshot, so that what it shows holds when the transaction has committed. */
static void
lock_lookups(BevVersions *versions)
{
	List *looked_into = NIL;
	List *changed = NIL;

	if (bev_follows_list() == NIL)
		return;
	for (uint32 i = 0; i < versions->count; i++)
	{
		const BevLoggedTable *logged = bev_change_log_get_table(i);

		if (logged->kind == BEV_LOGGED_ATTACHED)
			looked_into = lappend_oid(looked_into, logged->root);
		else if (logged->kind == BEV_LOGGED_LOOKUP)
			changed = lappend_oid(changed, logged->root);
	}
	bev_dependents_lock(looked_into, changed);
}

void
bev_versions_need_snapshots(BevVersions *versions)
{
	Snapshot snapshot;

	if (versions->snapshots[BEV_NEW])
		return;
	if (versions->commits)
		lock_lookups(versions);
	CommandCounterIncrement();
	snapshot = take_snapshot();
	PushCopiedSnapshot(snapshot);
	versions->snapshots[BEV_OLD] = GetActiveSnapshot();
	versions->snapshots[BEV_OLD]->curcid = bev_change_log_before();
	PushActiveSnapshot(snapshot);
	versions->snapshots[BEV_NEW] = GetActiveSnapshot();
}

static void
drop_snapshots(const BevVersions *versions)
{
	if (versions->snapshots[BEV_NEW] == NULL)
		return;
	PopActiveSnapshot();
	PopActiveSnapshot();
}

/* ---- versions ---- */

static bool
has_values_out_of_line(TupleTableSlot *slot)
{
	bool copied;
	HeapTuple tuple = bev_slot_tuple(slot, &copied);
	bool has = HeapTupleHasExternal(tuple);

	if (copied)
		heap_freetuple(tuple);
	return has;
}

/*
 * As table_tuple_fetch_row_version(), whatever the visibility, but the page that the slot has
 * pinned already isn't looked for again: rows that were changed together often are together.
 * Nor is it locked: a version of ours stays where it is as long as the page is pinned.
 */
static bool
fetch_from_page(Relation rel, ItemPointer tid, TupleTableSlot *slot)
{
	BufferHeapTupleTableSlot *own = (BufferHeapTupleTableSlot *) slot;
	Page page = BufferGetPage(own->buffer);
	ItemId item = PageGetItemId(page, ItemPointerGetOffsetNumber(tid));

	if (!ItemIdIsNormal(item))
		return false;
	own->base.tupdata = (HeapTupleData){.t_len = ItemIdGetLength(item),
	                                    .t_self = *tid,
	                                    .t_tableOid = RelationGetRelid(rel),
	                                    .t_data = (HeapTupleHeader) PageGetItem(page, item)};
	ExecStoreBufferHeapTuple(&own->base.tupdata, slot, own->buffer);
	return true;
}

static bool
has_page(TupleTableSlot *slot, ItemPointer tid)
{
	Buffer buffer;

	if (TTS_EMPTY(slot) || !TTS_IS_BUFFERTUPLE(slot))
		return false;
	buffer = ((BufferHeapTupleTableSlot *) slot)->buffer;
	return BufferIsValid(buffer) && BufferGetBlockNumber(buffer) == ItemPointerGetBlockNumber(tid);
}

static TupleTableSlot *
fetch_version(BevVersions *versions, BevVersionTable *table, ItemPointerData tid, BevSide side)
{
	TupleTableSlot *slot;

	if (table->rel == NULL)
		open_table(versions, table);
	slot = table->slots[side];
	if (table->is_lost)
		return NULL;
	if (has_page(slot, &tid) ? fetch_from_page(table->rel, &tid, slot) :
	                           table_tuple_fetch_row_version(table->rel, &tid, SnapshotAny, slot))
		return slot;
	lose(table);
	return NULL;
}

bool
bev_versions_get(BevVersions *versions, uint32 entry, BevSide side)
{
	const BevLogged *logged = &versions->entries[entry];
	BevVersionTable *table = bev_versions_table(versions, entry);
	HeapTuple copy = bev_change_log_copy(logged, side == BEV_NEW);
	TupleTableSlot *slot;

	if (table->is_lost)
		return false;
	if (copy && table->mapping)
		slot = ExecStoreHeapTuple(copy, table->mapping->copy_slots[side], false);
	else
		slot = fetch_version(versions, table, side == BEV_OLD ? logged->old : logged->new, side);
	if (slot == NULL)
		return false;
	table->versions[side] = slot;
	if ((table->mapping && table->mapping->expressions) || has_values_out_of_line(slot))
		bev_versions_need_snapshots(versions);
	return true;
}

/* ---- all of them ---- */

void
bev_versions_begin(BevVersions *versions, MemoryContext context, bool commits)
{
	*versions = (BevVersions){.context = context, .commits = commits};
	versions->entries = bev_change_log_entries(&versions->n);
	versions->count = bev_change_log_tables();
	versions->tables = palloc0(sizeof(BevVersionTable) * Max(versions->count, 1));
}

void
bev_versions_end(const BevVersions *versions, bool formed)
{
	for (uint32 i = 0; i < versions->count; i++)
		close_table(&versions->tables[i]);
	if (formed)
		drop_snapshots(versions);
}
