/*
 * dependents.c - rows whose expressions look into a row of another table that changed.
 *
 * Model: follow(lookup, tbl, keys) says whose.  When a row of the lookup was old and is new,
 *
 *	SELECT k.key::text FROM (SELECT $1 AS id, ...) AS row, LATERAL (keys) AS k (key)
 *
 * is run with the old row as of before the transaction, and with the new one as of now, and
 *
 *	SELECT row.tableoid, row.ctid FROM tbl AS row WHERE id = ANY (those keys)
 *
 * finds the rows.  One that the transaction didn't write is the same before and now, but what its
 * expressions give may not be: it is evaluated twice, and what differs is published like any
 * change.  One that it did write is judged by that anyway, and passed by here.
 *
 * A change of columns that neither the keys nor the expressions read changes nothing: what was
 * planned tells which these are (attach/columns_read.h), once it was planned in this session.
 *
 * Order: where the lookup's change stands among the others.  So a role that is taken away ends
 * connections before what is changed behind it.
 *
 * Concurrency: two transactions, of which one changes a lookup and the other one a row that
 * looks into it, don't see one another; the row would be published as the lookup was, and then not
 * judged again.  So whoever commits a changed lookup takes a lock that whoever has looked into
 * it holds as well, before the snapshot.  Not where a transaction is published in pieces:
 * it may go on for long, and what it publishes early is what was so then.
 *
 * Failure: where keys can't be had, and where there are more dependents than ROWS_MAX, an
 * event tells to read the table again; if it decides who may see what, nothing of it holds.
 *
 * Cost: two plans in each transaction that changes a lookup; then two executions for each of its
 * rows, and two for each BATCH of dependents.  Where one of a batch fails, they are
 * evaluated one by one.
 */
#include "server/capture/dependents.h"

#include "access/table.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "server/attach/attached.h"
#include "server/attach/attachment.h"
#include "server/attach/columns_read.h"
#include "server/attach/evaluation.h"
#include "server/attach/field_sql.h"
#include "server/attach/follows.h"
#include "server/attach/mapping.h"
#include "server/attach/owner.h"
#include "server/capture/notice.h"
#include "server/capture/row.h"
#include "server/capture/row_change.h"
#include "server/shared/expression_stats.h"

/* So many rows of a table are judged. */
#define ROWS_MAX 10000

/* So many of them at once. */
#define BATCH 500

/* Where a row is. */
typedef struct Place
{
	Oid relid;
	ItemPointerData tid;
} Place;

/* Without the padding at its end. */
#define PLACE_SIZE (offsetof(Place, tid) + sizeof(ItemPointerData))

/* A table that follows, for the rows of one relation of a lookup. */
typedef struct Follower
{
	Oid lookup; /* the relation */
	Oid tbl;
	const BevFollow *follow;
	BevAttachment *attachment;
	BevExpressions *row; /* of the lookup, with the rights of the one who follows */
	SPIPlanPtr keys;
	SPIPlanPtr find;
	int left;    /* rows that may still be judged */
	bool reload; /* it was told to be read again */

	bool looked;      /* for what it reads of the lookup's rows */
	bool reads_known; /* if so: the columns of the relation */
	Bitmapset *reads;
} Follower;

/* ---- places ---- */

static Place
place_of(Oid relid, ItemPointer tid)
{
	return (Place){.relid = relid, .tid = *tid};
}

/* False: it is there already. */
static bool
add_place(BevDependents *dependents, Place place)
{
	HASHCTL control = {
		.keysize = PLACE_SIZE, .entrysize = sizeof(Place), .hcxt = dependents->context};
	bool found;

	if (dependents->judged == NULL)
		dependents->judged = hash_create("bugevents judged rows", 64, &control,
		                                 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	(void) hash_search(dependents->judged, &place, HASH_ENTER, &found);
	return !found;
}

void
bev_dependents_pass_by(BevDependents *dependents, Oid relid, ItemPointer tid)
{
	(void) add_place(dependents, place_of(relid, tid));
}

/* ---- who follows ---- */

/* The plans are kept by PostgreSQL. */
static void
free_plans(void *arg)
{
	Follower *follower = arg;

	if (follower->keys)
		SPI_freeplan(follower->keys);
	if (follower->find)
		SPI_freeplan(follower->find);
}

static Follower *
make_follower(const BevFollow *follow, BevAttachment *attachment, Relation rel)
{
	Follower *follower = palloc0(sizeof(Follower));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	callback->func = free_plans;
	callback->arg = follower;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	follower->lookup = RelationGetRelid(rel);
	follower->tbl = follow->tbl;
	follower->follow = follow;
	follower->attachment = attachment;
	follower->row = bev_expressions_create(follow->lookup, rel, follow->search_path);
	follower->row->owner = bev_attached_owner(follow->tbl);
	follower->left = ROWS_MAX;
	return follower;
}

/* Of an attached table; NULL: it is none. */
static BevAttachment *
read_attachment(List *tables, Oid relid)
{
	ListCell *cell;

	foreach (cell, tables)
	{
		const BevAttached *attached = lfirst(cell);

		if (attached->relid == relid)
			return bev_attachment_read(attached->argument, relid);
	}
	return NULL;
}

/* What follows the lookup, and is attached. */
static void
visit_followers(Oid root,
                void (*visit)(const BevFollow *follow, BevAttachment *attachment, void *arg),
                void *arg)
{
	List *tables = bev_attached_tables();
	ListCell *cell;

	foreach (cell, bev_follows_list())
	{
		BevFollow *follow = lfirst(cell);
		BevAttachment *attachment =
			follow->lookup == root ? read_attachment(tables, follow->tbl) : NULL;

		if (attachment)
			visit(follow, attachment, arg);
	}
}

typedef struct Finding
{
	BevDependents *dependents;
	Relation rel;
} Finding;

static void
add_follower(const BevFollow *follow, BevAttachment *attachment, void *arg)
{
	const Finding *finding = arg;

	finding->dependents->followers =
		lappend(finding->dependents->followers, make_follower(follow, attachment, finding->rel));
}

static void
find_followers(BevDependents *dependents, Relation rel, Oid root)
{
	MemoryContext caller = MemoryContextSwitchTo(dependents->context);
	Finding finding = {.dependents = dependents, .rel = rel};

	dependents->lookups = lappend_oid(dependents->lookups, RelationGetRelid(rel));
	visit_followers(root, add_follower, &finding);
	MemoryContextSwitchTo(caller);
}

/* ---- which rows ---- */

/* Looking for the rows that depend on a version of a row. */
typedef struct Search
{
	Follower *follower;
	TupleTableSlot *row;
	const Snapshot *snapshots;
	int side; /* which snapshot */
	MemoryContext context;
	Place *places;
	uint64 n;
} Search;

static SPIPlanPtr
plan(const char *sql, int n, Oid *types)
{
	SPIPlanPtr made = SPI_prepare(sql, n, types);

	if (made == NULL || SPI_keepplan(made) != 0)
		elog(ERROR, "could not prepare \"%s\": %s", sql, SPI_result_code_string(SPI_result));
	return made;
}

static SPIPlanPtr
plan_keys(Follower *follower)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT (k.key)::pg_catalog.text FROM ");
	bev_expressions_append_row(follower->row, &sql);
	appendStringInfo(&sql, " CROSS JOIN LATERAL (%s\n) AS k (key)", follower->follow->keys);
	return plan(sql.data, follower->row->ncolumns, follower->row->column_types);
}

/* What is a column may have an index. */
static SPIPlanPtr
plan_find(Follower *follower)
{
	Oid types[1] = {TEXTARRAYOID};
	const BevAttachment *attachment = follower->attachment;
	Oid type = bev_field_type(attachment, follower->tbl, BEV_ENTITY_KEY);
	char *key = bev_field_sql(attachment, follower->tbl, BEV_ENTITY_KEY);

	return plan(psprintf(OidIsValid(type) ? "SELECT row.tableoid, row.ctid FROM %s"
	                                        " WHERE %s = ANY ($1::%s[]) LIMIT %d" :
	                                        "SELECT row.tableoid, row.ctid FROM %s"
	                                        " WHERE (%s)::%s = ANY ($1) LIMIT %d",
	                     bev_field_from(follower->tbl), key,
	                     OidIsValid(type) ? format_type_be_qualified(type) : "text", ROWS_MAX + 1),
	            1, types);
}

/* The keys that the query gives, as a text[]. */
static Datum
read_keys(Search *search)
{
	ArrayBuildState *keys = initArrayResult(TEXTOID, CurrentMemoryContext, false);

	bev_expressions_execute(search->follower->row, search->follower->keys, search->row,
	                        search->snapshots[search->side], ROWS_MAX + 1);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		bool isnull;
		Datum key = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 1, &isnull);

		if (!isnull)
			keys = accumArrayResult(keys, key, false, TEXTOID, CurrentMemoryContext);
	}
	return makeArrayResult(keys, CurrentMemoryContext);
}

/* As they are now: a row that was deleted is judged by that. */
static void
find_rows(Search *search, Datum keys)
{
	if (SPI_execute_snapshot(search->follower->find, &keys, NULL, search->snapshots[1],
	                         InvalidSnapshot, true, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not execute the query for rows");
	search->n = SPI_processed;
	search->places = MemoryContextAlloc(search->context, sizeof(Place) * Max(search->n, 1));
	for (uint64 i = 0; i < search->n; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		TupleDesc desc = SPI_tuptable->tupdesc;
		bool isnull;

		search->places[i] =
			place_of(DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isnull)),
		             (ItemPointer) DatumGetPointer(SPI_getbinval(tuple, desc, 2, &isnull)));
	}
}

/* ---- what it reads ---- */

/* A column of the followed table in the relation, which may be a partition; it is added. */
static Bitmapset *
add_column_of_root(Bitmapset *columns, const Follower *follower, AttrNumber attribute)
{
	const char *name;

	if (follower->lookup == follower->follow->lookup)
		return bms_add_member(columns, attribute);
	name = get_attname(follower->follow->lookup, attribute, false);
	return bms_add_member(columns, get_attnum(follower->lookup, name));
}

/* By what was planned for the table that follows; false: nothing was, or it can't be told. */
static bool
find_read_by_expressions(const Follower *follower, Bitmapset **columns)
{
	Relation rel = table_open(follower->tbl, AccessShareLock);
	Trigger *trigger = bev_attached_trigger(rel);
	BevMapping *mapping = trigger ? bev_mapping_get(rel, trigger) : NULL;
	BevExpressions *expressions = mapping ? mapping->expressions : NULL;
	SPIPlanPtr plan = expressions == NULL ? NULL :
	                  expressions->plan   ? expressions->plan :
	                                        expressions->many;
	bool known = plan && bev_columns_read_of_table(plan, follower->follow->lookup, columns);

	table_close(rel, NoLock);
	return known;
}

/* By the query for keys: of the row, and of others of the table. */
static bool
find_read_by_keys(const Follower *follower, Bitmapset **of_table, Bitmapset **of_row)
{
	return bev_columns_read_of_table(follower->keys, follower->follow->lookup, of_table) &&
	       bev_columns_read_of_row(follower->keys, of_row);
}

static void
find_reads(Follower *follower)
{
	MemoryContext caller = MemoryContextSwitchTo(GetMemoryChunkContext(follower));
	Bitmapset *of_table = NULL;
	Bitmapset *of_row = NULL;
	int member = -1;

	follower->reads_known = find_read_by_expressions(follower, &of_table) &&
	                        find_read_by_keys(follower, &of_table, &of_row);
	while (follower->reads_known && (member = bms_next_member(of_table, member)) >= 0)
		follower->reads = add_column_of_root(follower->reads, follower, member);
	for (member = -1; (member = bms_next_member(of_row, member)) >= 0;)
		follower->reads =
			bms_add_member(follower->reads, follower->row->column_attnums[member - 1]);
	MemoryContextSwitchTo(caller);
}

static void
look_step(void *arg)
{
	Follower *follower = arg;
	BevOwnerScope scope = bev_owner_enter(follower->row->owner, follower->row->search_path);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (follower->keys == NULL)
		follower->keys = plan_keys(follower);
	find_reads(follower);
	SPI_finish();
	bev_owner_leave(&scope);
}

static bool
differs(TupleTableSlot *old, TupleTableSlot *new, AttrNumber attribute)
{
	Form_pg_attribute att = TupleDescAttr(old->tts_tupleDescriptor, attribute - 1);
	bool nulls[2];
	Datum before = slot_getattr(old, attribute, &nulls[0]);
	Datum after = slot_getattr(new, attribute, &nulls[1]);

	return nulls[0] != nulls[1] ||
	       (!nulls[0] && !datum_image_eq(before, after, att->attbyval, att->attlen));
}

/* Is a changed row as it was in all that is read of it?  What can't be looked at isn't. */
static bool
is_as_it_was(Follower *follower, TupleTableSlot *old, TupleTableSlot *new)
{
	ErrorData *error;
	bool late;
	int attribute = -1;

	if (!follower->looked)
	{
		follower->looked = true;
		error = bev_evaluation_attempt(look_step, follower, &late);
		if (error)
			follower->reads_known = false;
		if (error)
			FreeErrorData(error);
	}
	if (!follower->reads_known)
		return false;
	while ((attribute = bms_next_member(follower->reads, attribute)) >= 0)
		if (differs(old, new, (AttrNumber) attribute))
			return false;
	return true;
}

static void
search_step(void *arg)
{
	Search *search = arg;
	Follower *follower = search->follower;
	BevOwnerScope scope = bev_owner_enter(follower->row->owner, follower->row->search_path);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (follower->keys == NULL)
		follower->keys = plan_keys(follower);
	if (follower->find == NULL)
		follower->find = plan_find(follower);
	find_rows(search, read_keys(search));
	SPI_finish();
	bev_owner_leave(&scope);
}

/* ---- judging ---- */

static void
reload(Follower *follower)
{
	follower->reload = true;
	bev_notice_publish(bev_notice_name(follower->tbl), follower->attachment, BEV_NOTICE_RELOAD);
}

/* Rows of one relation that are judged together. */
typedef struct Batch
{
	BevDependents *dependents;
	Relation rel;
	BevMapping *mapping;
	TupleTableSlot *slot;
	const char *actor;
	ItemPointerData *places; /* they ascend */
	int n;
} Batch;

/* Of which results are what its expressions give, before and now; NULL: not known. */
static void
judge_row(const Batch *batch, int i, const BevResults *results)
{
	const Snapshot *snapshots = batch->dependents->snapshots;
	TupleTableSlot *slots[2] = {batch->slot, batch->slot};
	BevRow rows[2];

	if (!table_tuple_fetch_row_version(batch->rel, &batch->places[i], snapshots[1], batch->slot))
		return;
	if (results == NULL)
		bev_rows_read(batch->mapping, batch->rel, slots, snapshots, rows, 2);
	for (int side = 0; results && side < 2; side++)
		bev_row_read_evaluated(batch->mapping, batch->slot, &results[side], &rows[side]);
	bev_row_change_publish(batch->mapping, &rows[0], &rows[1], batch->actor);
}

static void
judge_batch(const Batch *batch)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "bugevents dependents", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	BevResults *results = palloc(sizeof(BevResults) * 2 * batch->n);
	bool known = bev_evaluation_run_many(batch->mapping->expressions, batch->rel, batch->places,
	                                     batch->n, batch->dependents->snapshots, results);

	for (int i = 0; i < batch->n; i++)
		judge_row(batch, i, known ? &results[2 * i] : NULL);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/* Without expressions there is nothing that could differ. */
static void
judge_relation(BevDependents *dependents, const Place *places, int n, const char *actor)
{
	Relation rel = table_open(places->relid, AccessShareLock);
	Trigger *trigger = bev_attached_trigger(rel);
	ItemPointerData tids[BATCH];
	Batch batch = {.dependents = dependents, .rel = rel, .actor = actor, .places = tids};

	if (trigger)
		batch.mapping = bev_mapping_get(rel, trigger);
	batch.slot = table_slot_create(rel, NULL);
	for (int i = 0; batch.mapping && batch.mapping->expressions && i < n; i += batch.n)
	{
		batch.n = Min(n - i, BATCH);
		for (int k = 0; k < batch.n; k++)
			tids[k] = places[i + k].tid;
		judge_batch(&batch);
	}
	ExecDropSingleTupleTableSlot(batch.slot);
	table_close(rel, NoLock);
}

static int
compare_places(const void *a, const void *b)
{
	const Place *left = a;
	const Place *right = b;

	if (left->relid != right->relid)
		return left->relid < right->relid ? -1 : 1;
	return ItemPointerCompare(unconstify(ItemPointerData *, &left->tid),
	                          unconstify(ItemPointerData *, &right->tid));
}

/* Those that have not been judged yet, in their order; how many. */
static int
take_places(BevDependents *dependents, const Search *search)
{
	int n = 0;

	for (uint64 i = 0; i < search->n; i++)
		if (add_place(dependents, search->places[i]))
			search->places[n++] = search->places[i];
	qsort(search->places, n, sizeof(Place), compare_places);
	return n;
}

static void
judge_places(BevDependents *dependents, Follower *follower, const Search *search, const char *actor)
{
	int total = search->n > ROWS_MAX ? ROWS_MAX + 1 : take_places(dependents, search);
	int n;

	if (total > follower->left)
	{
		reload(follower);
		return;
	}
	follower->left -= total;
	for (int i = 0; i < total; i += n)
	{
		for (n = 1; i + n < total && search->places[i + n].relid == search->places[i].relid;)
			n++;
		judge_relation(dependents, &search->places[i], n, actor);
	}
}

static void
report_failure(const Follower *follower, const ErrorData *error)
{
	bev_expression_stats_failed(follower->tbl,
	                            psprintf("%s: %s", follower->follow->keys, error->message));
	ereport(
		WARNING,
		(errcode(error->sqlerrcode),
	     errmsg("bugevents could not find which rows of table \"%s\" follow: %s",
	            get_rel_name(follower->tbl), error->message),
	     errhint("Clients are told to read the table again; correct it with bugevents.follow().")));
}

static void
judge_side(BevDependents *dependents, Follower *follower, TupleTableSlot *row, int side,
           const char *actor)
{
	Search search = {.follower = follower,
	                 .row = row,
	                 .snapshots = dependents->snapshots,
	                 .side = side,
	                 .context = CurrentMemoryContext};
	ErrorData *error;
	bool late;

	if (row == NULL || follower->reload)
		return;
	error = bev_evaluation_attempt(search_step, &search, &late);
	if (error == NULL)
	{
		judge_places(dependents, follower, &search, actor);
		return;
	}
	report_failure(follower, error);
	reload(follower);
}

void
bev_dependents_judge(BevDependents *dependents, Relation rel, Oid root, TupleTableSlot *old,
                     TupleTableSlot *new, const char *actor)
{
	ListCell *cell;

	if (!list_member_oid(dependents->lookups, RelationGetRelid(rel)))
		find_followers(dependents, rel, root);
	foreach (cell, dependents->followers)
	{
		Follower *follower = lfirst(cell);

		if (follower->lookup != RelationGetRelid(rel) ||
		    (old && new &&is_as_it_was(follower, old, new)))
			continue;
		judge_side(dependents, follower, old, 0, actor);
		judge_side(dependents, follower, new, 1, actor);
	}
}

static void
log_reload(const BevFollow *follow, BevAttachment *attachment, void *arg pg_attribute_unused())
{
	bev_notice_log(bev_notice_name(follow->tbl), attachment, BEV_NOTICE_RELOAD);
}

void
bev_dependents_reload(Oid root)
{
	visit_followers(root, log_reload, NULL);
}

/* ---- who goes first ---- */

static int
compare_follows(const ListCell *a, const ListCell *b)
{
	Oid left = ((BevFollow *) lfirst(a))->lookup;
	Oid right = ((BevFollow *) lfirst(b))->lookup;

	return left < right ? -1 : left > right;
}

static void
lock(Oid lookup, LOCKMODE mode)
{
	LOCKTAG tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, bev_follows_table(), lookup, 0);
	(void) LockAcquire(&tag, mode, false, false);
}

void
bev_dependents_lock(List *looked_into, List *changed)
{
	List *follows = list_copy(bev_follows_list());
	ListCell *cell;

	/* In one order, or two could wait for one another. */
	list_sort(follows, compare_follows);
	foreach (cell, follows)
	{
		BevFollow *follow = lfirst(cell);

		if (list_member_oid(changed, follow->lookup))
			lock(follow->lookup, ExclusiveLock);
		else if (list_member_oid(looked_into, follow->tbl))
			lock(follow->lookup, ShareLock);
	}
	list_free(follows);
}
