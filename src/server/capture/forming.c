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
 * would have found before it wrote; so each is evaluated as of a snapshot (row_versions.c).  What
 * others committed is the same in both, hence what differs is what this transaction did.
 *
 * When: at PRE_COMMIT and PRE_PREPARE, before a seq is taken, and for some reasons earlier
 * (flush.c); then "before" is where the last time ended.
 *
 * Memory: two contexts of the session.  One has what is linked, the other one is
 * emptied after each row.
 *
 * Failure: versions that are gone: row_versions.c.  An expression that fails spoils its value only
 * (attach/evaluation.h).
 *
 * Cost: a row costs its encoding, and the fetch of two versions (row_versions.c).  Without
 * expressions there is no SQL and no lock.
 *
 * What an operator asks
 *	Why does a commit take long?	Its expressions do: each row's are given 2 s, then the event is
 *									published without them, with a warning in the log.
 */
#include "server/capture/forming.h"

#include "common/hashfn.h"
#include "utils/memutils.h"

#include "server/capture/access_change.h"
#include "server/capture/dependents.h"
#include "server/capture/provisional.h"
#include "server/capture/record.h"
#include "server/capture/row_change.h"
#include "server/capture/row_event.h"
#include "server/capture/row_versions.h"
#include "server/capture/system_row.h"
#include "server/changes/net_change.h"

typedef struct Forming
{
	BevVersions versions;
	BevNetChanges changes;
	BevDependents dependents;
	MemoryContext context;
	MemoryContext row_context;
} Forming;

/* ---- rows ---- */

/* Both rows, at once if they are in the same relation. */
static void
read_rows(Forming *forming, BevVersionTable **tables, BevRow *rows)
{
	if (tables[BEV_OLD] == tables[BEV_NEW])
	{
		bev_rows_read(tables[BEV_OLD]->mapping, tables[BEV_OLD]->rel, tables[BEV_OLD]->versions,
		              forming->versions.snapshots, rows, 2);
		return;
	}
	for (int side = BEV_OLD; side <= BEV_NEW; side++)
		if (tables[side])
			bev_rows_read(tables[side]->mapping, tables[side]->rel, &tables[side]->versions[side],
			              &forming->versions.snapshots[side], &rows[side], 1);
}

static HeapTuple
tuple_of(BevVersionTable *table, BevSide side)
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
		const BevLogged *logged = entry == BEV_NO_ENTRY ? NULL : &forming->versions.entries[entry];

		if (logged && logged->table != BEV_LOG_RECORD &&
		    bev_change_log_get_table(logged->table)->kind == BEV_LOGGED_ATTACHED)
			bev_dependents_pass_by(&forming->dependents,
			                       bev_change_log_get_table(logged->table)->relid,
			                       unconstify(ItemPointerData *, &logged->new));
	}
}

static void
judge_dependents(Forming *forming, BevVersionTable *table, BevVersionTable **sides,
                 const char *actor)
{
	bev_versions_need_snapshots(&forming->versions);
	bev_provisional_note_lookup(table->logged->root);
	if (forming->dependents.context == NULL)
	{
		forming->dependents.context = forming->context;
		forming->dependents.snapshots = forming->versions.snapshots;
		pass_by_changed(forming);
	}
	bev_dependents_judge(&forming->dependents, table->rel, table->logged->root,
	                     sides[BEV_OLD] ? table->versions[BEV_OLD] : NULL,
	                     sides[BEV_NEW] ? table->versions[BEV_NEW] : NULL, actor);
}

/* The tables that the row's versions are in, which are at hand then; false: one is lost. */
static bool
get_versions(Forming *forming, const BevNetChange *change, BevVersionTable **tables)
{
	uint32 entries[2] = {change->old, change->new};

	for (int side = BEV_OLD; side <= BEV_NEW; side++)
	{
		tables[side] = NULL;
		if (entries[side] == BEV_NO_ENTRY)
			continue;
		if (!bev_versions_get(&forming->versions, entries[side], side))
			return false;
		tables[side] = bev_versions_table(&forming->versions, entries[side]);
	}
	return true;
}

static void
form_row(Forming *forming, const BevNetChange *change)
{
	const char *actor = bev_change_log_actor(forming->versions.entries[change->last].actor);
	BevVersionTable *tables[2];
	BevVersionTable *table;
	BevRow rows[2];

	if (!get_versions(forming, change, tables))
		return;
	table = tables[BEV_NEW] ? tables[BEV_NEW] : tables[BEV_OLD];
	if (table->logged->kind == BEV_LOGGED_LOOKUP)
	{
		judge_dependents(forming, table, tables, actor);
		return;
	}
	if (table->type)
	{
		bev_system_row_publish(table->type, tuple_of(tables[BEV_OLD], BEV_OLD),
		                       tuple_of(tables[BEV_NEW], BEV_NEW), RelationGetDescr(table->rel),
		                       actor);
		return;
	}
	read_rows(forming, tables, rows);
	bev_row_change_publish(table->mapping, tables[BEV_OLD] ? &rows[BEV_OLD] : NULL,
	                       tables[BEV_NEW] ? &rows[BEV_NEW] : NULL, actor);
}

static void
form_change(Forming *forming, const BevNetChange *change)
{
	uint32 first = change->old != BEV_NO_ENTRY ? change->old : change->new;

	if (forming->versions.entries[first].table == BEV_LOG_RECORD)
		bev_record_publish_bytes(bev_change_log_bytes(&forming->versions.entries[first]));
	else
		form_row(forming, change);
}

/* ---- keys ---- */

/* The row's key; NULL: it has none, or isn't to be had. */
static const char *
read_key(Forming *forming, uint32 entry, BevSide side)
{
	BevVersionTable *table = bev_versions_table(&forming->versions, entry);
	BevRow row;

	if (table->logged->kind != BEV_LOGGED_ATTACHED ||
	    !bev_versions_get(&forming->versions, entry, side))
		return NULL;
	bev_row_read_key(table->mapping, table->rel, table->versions[side],
	                 forming->versions.snapshots[side], &row);
	return bev_row_event_key(table->mapping, &row);
}

static bool
identify(void *arg, uint32 entry, bool new, uint64 *id)
{
	Forming *forming = arg;
	MemoryContext old = MemoryContextSwitchTo(forming->row_context);
	const char *key = read_key(forming, entry, new ? BEV_NEW : BEV_OLD);

	if (key)
		*id = hash_bytes_extended((const unsigned char *) key, (int) strlen(key),
		                          bev_versions_table(&forming->versions, entry)->mapping->root);
	MemoryContextSwitchTo(old);
	MemoryContextReset(forming->row_context);
	return key != NULL;
}

static bool
is_same(void *arg, uint32 entry, bool new, uint32 other)
{
	Forming *forming = arg;
	MemoryContext old = MemoryContextSwitchTo(forming->row_context);
	const char *key = read_key(forming, entry, new ? BEV_NEW : BEV_OLD);
	const char *other_key = read_key(forming, other, BEV_NEW);
	bool same = key && other_key && strcmp(key, other_key) == 0 &&
	            bev_versions_table(&forming->versions, entry)->mapping->root ==
	                bev_versions_table(&forming->versions, other)->mapping->root;

	MemoryContextSwitchTo(old);
	MemoryContextReset(forming->row_context);
	return same;
}

/* The first of the tables with the same root stands for them. */
static uint32 *
group_tables(const Forming *forming)
{
	uint32 *groups = palloc(sizeof(uint32) * forming->versions.count);

	for (uint32 i = 0; i < forming->versions.count; i++)
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
	bev_net_changes_join(forming->versions.entries, changes, &keys);
}

/* ---- rights that are lost ---- */

static void
collect_loss(Forming *forming, const BevNetChange *change, StringInfo losses)
{
	BevVersionTable *tables[2];
	BevRow rows[2];

	if (change->old == BEV_NO_ENTRY ||
	    forming->versions.entries[change->old].table == BEV_LOG_RECORD)
		return;
	tables[BEV_OLD] = bev_versions_table(&forming->versions, change->old);
	if (tables[BEV_OLD]->mapping == NULL || !tables[BEV_OLD]->mapping->gives_access ||
	    !get_versions(forming, change, tables))
		return;
	read_rows(forming, tables, rows);
	bev_access_change_append_loss(tables[BEV_OLD]->mapping, &rows[BEV_OLD],
	                              tables[BEV_NEW] ? &rows[BEV_NEW] : NULL, losses);
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
form_all(Forming *forming, const bool *tables)
{
	forming->changes = bev_net_changes_link(forming->versions.entries, forming->versions.n, tables);
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
	Forming forming = {0};
	volatile bool formed = false;

	if (bev_change_log_is_empty())
		return;
	bev_change_log_begin_forming();
	prepare_contexts(&forming);
	MemoryContextSwitchTo(forming.context);
	bev_versions_begin(&forming.versions, forming.context, commits);
	PG_TRY();
	{
		form_all(&forming, tables);
		formed = true;
	}
	PG_FINALLY();
	{
		bev_versions_end(&forming.versions, formed);
	}
	PG_END_TRY();
	bev_record_set_ahead((BevSpan){NULL, 0});
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
