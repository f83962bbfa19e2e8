/*
 * forming.c - events of what the transaction changed.
 *
 * Model: the log (changes/change_log.h) says which versions of which rows there were.  They are
 * linked, so that each row has one that it began with and one that it ends with
 * (changes/net_change.h), and only these are looked at:
 *
 *	 entries --link, join--> net changes --fetch--> two versions --evaluate--> two rows --> events
 *
 * The new row is what a SELECT would find when the transaction has committed, the old one what it
 * would have found before it wrote; so each is evaluated as of a snapshot.  That of the old row
 * is a copy of the other one in which our own commands were not yet: what others committed is the
 * same in both, hence what differs is what this transaction did.
 *
 * When: at PRE_COMMIT and PRE_PREPARE, before a seq is taken, and for some reasons earlier
 * (flush.c); then "before" is where the last time ended.
 *
 * Concurrency: versions are fetched whatever their visibility: our own, and those that we have
 * superseded, which nobody prunes while we run.  The locks on tables are those that the transaction
 * has; where tables follow others there is one more, taken before the snapshot: it keeps apart
 * those who commit a changed lookup and those who looked into it (test/specs/looked_into.spec).
 *
 * Memory: two contexts of the session.  One has what is linked, the other one is
 * emptied after each row.
 *
 * Failure: where a relation has another file than when its rows were logged, the versions are
 * gone; that is prevented (flush.c), and if it happens all the same, an event tells to read
 * again.  An expression that fails spoils its value only (attach/evaluation.h).
 *
 * Cost: without expressions no SQL, no snapshot (but for values out of line) and no lock.  A
 * transaction of a few rows doesn't even open the relation: the log has copies, the mapping has
 * slots.  Else a row costs its encoding and the fetch of two versions, of which the page is often
 * at hand.
 *
 * What an operator asks
 *	Why does a commit take long?	Its expressions do: each row's are given 2 s, then the event is
 *									published without them, with a warning in the log.
 */
#include "server/capture/forming.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "server/attach/attached.h"
#include "server/attach/attachment.h"
#include "server/attach/follows.h"
#include "server/attach/mapping.h"
#include "server/base/compat.h"
#include "server/base/slot.h"
#include "server/capture/access_change.h"
#include "server/capture/dependents.h"
#include "server/capture/notice.h"
#include "server/capture/provisional.h"
#include "server/capture/record.h"
#include "server/capture/row_change.h"
#include "server/capture/row_event.h"
#include "server/capture/system_row.h"
#include "server/changes/change_log.h"
#include "server/changes/net_change.h"

typedef enum Side
{
	OLD,
	NEW
} Side;

/* A relation whose rows are looked at. */
typedef struct Table
{
	bool is_known;
	bool is_lost; /* the versions can't be found any more */
	Relation rel; /* NULL: not opened yet; or it is gone */
	const BevLoggedTable *logged;
	const char *type;            /* of a table of bugevents' own */
	BevMapping *mapping;         /* of an attached one */
	TupleTableSlot *slots[2];    /* for versions that are fetched */
	TupleTableSlot *versions[2]; /* by side: the slot that has it */
} Table;

typedef struct Forming
{
	const BevLogged *entries;
	Table *tables; /* by number in the log */
	uint32 count;
	Snapshot snapshots[2]; /* by side; NULL: not needed yet */
	bool commits;          /* the transaction ends with this */
	BevNetChanges changes;
	BevDependents dependents;
	MemoryContext context;
	MemoryContext row_context;
} Forming;

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
lose(Table *table)
{
	Trigger *trigger = table->rel ? bev_attached_trigger(table->rel) : NULL;

	table->is_lost = true;
	if (trigger)
		bev_notice_publish(bev_notice_name(RelationGetRelid(table->rel)),
		                   bev_attachment_read(trigger->tgargs[0], RelationGetRelid(table->rel)),
		                   BEV_NOTICE_RELOAD);
}

static void
use_mapping(Table *table, BevMapping *mapping)
{
	table->mapping = mapping;
	table->slots[OLD] = mapping->slots[OLD];
	table->slots[NEW] = mapping->slots[NEW];
}

static void
use_own_slots(Table *table, Trigger *trigger)
{
	if (table->logged->kind == BEV_LOGGED_SYSTEM)
		table->type = pstrdup(trigger->tgargs[0]);
	table->slots[OLD] = table_slot_create(table->rel, NULL);
	table->slots[NEW] = table_slot_create(table->rel, NULL);
}

/* The transaction has a lock since it wrote. */
static void
open_table(Forming *forming, Table *table)
{
	MemoryContext old = MemoryContextSwitchTo(forming->context);
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
static Table *
table_of(Forming *forming, uint32 entry)
{
	uint32 number = forming->entries[entry].table;
	Table *table = &forming->tables[number];
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
		open_table(forming, table);
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
close_table(Table *table)
{
	for (int side = OLD; side <= NEW; side++)
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

static void
close_tables(Forming *forming)
{
	for (uint32 i = 0; i < forming->count; i++)
		close_table(&forming->tables[i]);
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
lock_lookups(Forming *forming)
{
	List *looked_into = NIL;
	List *changed = NIL;

	if (bev_follows_list() == NIL)
		return;
	for (uint32 i = 0; i < forming->count; i++)
	{
		const BevLoggedTable *logged = bev_change_log_get_table(i);

		if (logged->kind == BEV_LOGGED_ATTACHED)
			looked_into = lappend_oid(looked_into, logged->root);
		else if (logged->kind == BEV_LOGGED_LOOKUP)
			changed = lappend_oid(changed, logged->root);
	}
	bev_dependents_lock(looked_into, changed);
}

static void
need_snapshots(Forming *forming)
{
	Snapshot snapshot;

	if (forming->snapshots[NEW])
		return;
	if (forming->commits)
		lock_lookups(forming);
	CommandCounterIncrement();
	snapshot = take_snapshot();
	PushCopiedSnapshot(snapshot);
	forming->snapshots[OLD] = GetActiveSnapshot();
	forming->snapshots[OLD]->curcid = bev_change_log_before();
	PushActiveSnapshot(snapshot);
	forming->snapshots[NEW] = GetActiveSnapshot();
}

static void
drop_snapshots(Forming *forming)
{
	if (forming->snapshots[NEW] == NULL)
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
fetch_version(Forming *forming, Table *table, ItemPointerData tid, Side side)
{
	TupleTableSlot *slot;

	if (table->rel == NULL)
		open_table(forming, table);
	slot = table->slots[side];
	if (table->is_lost)
		return NULL;
	if (has_page(slot, &tid) ? fetch_from_page(table->rel, &tid, slot) :
	                           table_tuple_fetch_row_version(table->rel, &tid, SnapshotAny, slot))
		return slot;
	lose(table);
	return NULL;
}

/* An entry's version, in the table's slot for the side; false: it, or the table, is lost. */
static bool
get_version(Forming *forming, uint32 entry, Side side)
{
	const BevLogged *logged = &forming->entries[entry];
	Table *table = table_of(forming, entry);
	HeapTuple copy = bev_change_log_copy(logged, side == NEW);
	TupleTableSlot *slot;

	if (table->is_lost)
		return false;
	if (copy && table->mapping)
		slot = ExecStoreHeapTuple(copy, table->mapping->copy_slots[side], false);
	else
		slot = fetch_version(forming, table, side == OLD ? logged->old : logged->new, side);
	if (slot == NULL)
		return false;
	table->versions[side] = slot;
	if ((table->mapping && table->mapping->expressions) || has_values_out_of_line(slot))
		need_snapshots(forming);
	return true;
}

/* ---- rows ---- */

/* Both rows, at once if they are in the same relation. */
static void
read_rows(Forming *forming, Table **tables, BevRow *rows)
{
	if (tables[OLD] == tables[NEW])
	{
		bev_rows_read(tables[OLD]->mapping, tables[OLD]->rel, tables[OLD]->versions,
		              forming->snapshots, rows, 2);
		return;
	}
	for (int side = OLD; side <= NEW; side++)
		if (tables[side])
			bev_rows_read(tables[side]->mapping, tables[side]->rel, &tables[side]->versions[side],
			              &forming->snapshots[side], &rows[side], 1);
}

static HeapTuple
tuple_of(Table *table, Side side)
{
	bool copied;

	return table ? ExecFetchSlotHeapTuple(table->versions[side], false, &copied) : NULL;
}

/* Where rows of attached tables are now that have changes of their own. */
static void
pass_by_changed(Forming *forming)
{
	for (uint32 i = 0; i < forming->changes.n; i++)
	{
		uint32 entry = forming->changes.list[i].new;
		const BevLogged *logged = entry == BEV_NO_ENTRY ? NULL : &forming->entries[entry];

		if (logged && logged->table != BEV_LOG_RECORD &&
		    bev_change_log_get_table(logged->table)->kind == BEV_LOGGED_ATTACHED)
			bev_dependents_pass_by(&forming->dependents,
			                       bev_change_log_get_table(logged->table)->relid,
			                       unconstify(ItemPointerData *, &logged->new));
	}
}

static void
judge_dependents(Forming *forming, Table *table, Table **sides, const char *actor)
{
	need_snapshots(forming);
	bev_provisional_note_lookup(table->logged->root);
	if (forming->dependents.context == NULL)
	{
		forming->dependents.context = forming->context;
		forming->dependents.snapshots = forming->snapshots;
		pass_by_changed(forming);
	}
	bev_dependents_judge(&forming->dependents, table->rel, table->logged->root,
	                     sides[OLD] ? table->versions[OLD] : NULL,
	                     sides[NEW] ? table->versions[NEW] : NULL, actor);
}

/* The tables that the row's versions are in, which are at hand then; false: one is lost. */
static bool
get_versions(Forming *forming, const BevNetChange *change, Table **tables)
{
	uint32 entries[2] = {change->old, change->new};

	for (int side = OLD; side <= NEW; side++)
	{
		tables[side] = NULL;
		if (entries[side] == BEV_NO_ENTRY)
			continue;
		if (!get_version(forming, entries[side], side))
			return false;
		tables[side] = table_of(forming, entries[side]);
	}
	return true;
}

static void
form_row(Forming *forming, const BevNetChange *change)
{
	const char *actor = bev_change_log_actor(forming->entries[change->last].actor);
	Table *tables[2];
	Table *table;
	BevRow rows[2];

	if (!get_versions(forming, change, tables))
		return;
	table = tables[NEW] ? tables[NEW] : tables[OLD];
	if (table->logged->kind == BEV_LOGGED_LOOKUP)
	{
		judge_dependents(forming, table, tables, actor);
		return;
	}
	if (table->type)
	{
		bev_system_row_publish(table->type, tuple_of(tables[OLD], OLD), tuple_of(tables[NEW], NEW),
		                       RelationGetDescr(table->rel), actor);
		return;
	}
	read_rows(forming, tables, rows);
	bev_row_change_publish(table->mapping, tables[OLD] ? &rows[OLD] : NULL,
	                       tables[NEW] ? &rows[NEW] : NULL, actor);
}

static void
form_change(Forming *forming, const BevNetChange *change)
{
	uint32 first = change->old != BEV_NO_ENTRY ? change->old : change->new;

	if (forming->entries[first].table == BEV_LOG_RECORD)
		bev_record_publish_bytes(bev_change_log_bytes(&forming->entries[first]));
	else
		form_row(forming, change);
}

/* ---- keys ---- */

/* The row's key; NULL: it has none, or isn't to be had. */
static const char *
read_key(Forming *forming, uint32 entry, Side side)
{
	Table *table = table_of(forming, entry);
	BevRow row;

	if (table->logged->kind != BEV_LOGGED_ATTACHED || !get_version(forming, entry, side))
		return NULL;
	bev_row_read_key(table->mapping, table->rel, table->versions[side], forming->snapshots[side],
	                 &row);
	return bev_row_event_key(table->mapping, &row);
}

static bool
identify(void *arg, uint32 entry, bool new, uint64 *id)
{
	Forming *forming = arg;
	MemoryContext old = MemoryContextSwitchTo(forming->row_context);
	const char *key = read_key(forming, entry, new ? NEW : OLD);

	if (key)
		*id = hash_bytes_extended((const unsigned char *) key, (int) strlen(key),
		                          table_of(forming, entry)->mapping->root);
	MemoryContextSwitchTo(old);
	MemoryContextReset(forming->row_context);
	return key != NULL;
}

static bool
is_same(void *arg, uint32 entry, bool new, uint32 other)
{
	Forming *forming = arg;
	MemoryContext old = MemoryContextSwitchTo(forming->row_context);
	const char *key = read_key(forming, entry, new ? NEW : OLD);
	const char *other_key = read_key(forming, other, NEW);
	bool same = key && other_key && strcmp(key, other_key) == 0 &&
	            table_of(forming, entry)->mapping->root == table_of(forming, other)->mapping->root;

	MemoryContextSwitchTo(old);
	MemoryContextReset(forming->row_context);
	return same;
}

/* The first of the tables with the same root stands for them. */
static uint32 *
group_tables(const Forming *forming)
{
	uint32 *groups = palloc(sizeof(uint32) * forming->count);

	for (uint32 i = 0; i < forming->count; i++)
	{
		Oid root = bev_change_log_get_table(i)->root;

		for (groups[i] = 0; bev_change_log_get_table(groups[i])->root != root;)
			groups[i]++;
	}
	return groups;
}

static void
join_by_key(Forming *forming)
{
	BevNetChanges *changes = &forming->changes;
	BevRowKeys keys = {.identify = identify, .is_same = is_same, .arg = forming};

	if (changes->n < 2)
		return;
	keys.groups = group_tables(forming);
	bev_net_changes_join(forming->entries, changes, &keys);
}

/* ---- rights that are lost ---- */

static void
collect_loss(Forming *forming, const BevNetChange *change, StringInfo losses)
{
	Table *tables[2];
	BevRow rows[2];

	if (change->old == BEV_NO_ENTRY || forming->entries[change->old].table == BEV_LOG_RECORD)
		return;
	tables[OLD] = table_of(forming, change->old);
	if (tables[OLD]->mapping == NULL || !tables[OLD]->mapping->gives_access ||
	    !get_versions(forming, change, tables))
		return;
	read_rows(forming, tables, rows);
	bev_access_change_append_loss(tables[OLD]->mapping, &rows[OLD], tables[NEW] ? &rows[NEW] : NULL,
	                              losses);
}

/*
 * Who loses a right with this transaction couldn't SELECT anything of it by that right; so
 * that goes ahead of all events.  In its place it is said again.
 */
static void
collect_losses(Forming *forming)
{
	StringInfoData losses;

	MemoryContextSwitchTo(forming->context);
	initStringInfo(&losses);
	MemoryContextSwitchTo(forming->row_context);
	for (uint32 i = 1; i < forming->changes.n; i++)
	{
		if (!bev_net_change_is_nothing(&forming->changes.list[i]))
			collect_loss(forming, &forming->changes.list[i], &losses);
		MemoryContextReset(forming->row_context);
	}
	bev_record_set_ahead((BevSpan){losses.data, (uint32_t) losses.len});
}

/* ---- all of them ---- */

static void
form_all(Forming *forming, uint32 n, const bool *tables)
{
	forming->changes = bev_net_changes_link(forming->entries, n, tables);
	join_by_key(forming);
	collect_losses(forming);
	MemoryContextSwitchTo(forming->row_context);
	for (uint32 i = 0; i < forming->changes.n; i++)
	{
		if (!bev_net_change_is_nothing(&forming->changes.list[i]))
			form_change(forming, &forming->changes.list[i]);
		MemoryContextReset(forming->row_context);
	}
	MemoryContextSwitchTo(forming->context);
}

static void
prepare_contexts(Forming *forming)
{
	static MemoryContext context = NULL;
	static MemoryContext row_context = NULL;

	if (row_context == NULL)
	{
		if (context == NULL)
			context = AllocSetContextCreate(TopMemoryContext, "bugevents forming",
			                                ALLOCSET_DEFAULT_SIZES);
		row_context =
			AllocSetContextCreate(TopMemoryContext, "bugevents row", ALLOCSET_DEFAULT_SIZES);
	}

	/* An error may have left something. */
	MemoryContextReset(context);
	MemoryContextReset(row_context);
	forming->context = context;
	forming->row_context = row_context;
}

static void
run(const bool *tables, bool commits)
{
	MemoryContext caller = CurrentMemoryContext;
	Forming forming = {.commits = commits};
	uint32 n;

	if (bev_change_log_is_empty())
		return;
	bev_change_log_begin_forming();
	prepare_contexts(&forming);
	MemoryContextSwitchTo(forming.context);
	forming.entries = bev_change_log_entries(&n);
	forming.count = bev_change_log_tables();
	forming.tables = palloc0(sizeof(Table) * Max(forming.count, 1));
	PG_TRY();
	{
		form_all(&forming, n, tables);
	}
	PG_FINALLY();
	{
		close_tables(&forming);
	}
	PG_END_TRY();
	bev_record_set_ahead((BevSpan){NULL, 0});
	drop_snapshots(&forming);
	bev_change_log_end_forming(tables);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(forming.context);
}

void
bev_forming_run(const bool *tables)
{
	bev_provisional_begin(BEV_MOMENT_PIECE);
	run(tables, false);
}

void
bev_forming_finish(bool commits)
{
	bev_provisional_begin(commits ? BEV_MOMENT_COMMIT : BEV_MOMENT_PREPARE);
	run(NULL, commits);
	bev_provisional_finish();
}
