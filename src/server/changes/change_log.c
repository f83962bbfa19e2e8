/*
 * change_log.c - what the transaction that is under way did, in order, until events are formed of
 * it.
 *
 * Model: an array of entries, in the order in which AFTER triggers fired and records were sent,
 *
 *	   entries   [ .  .  .  .  .  .  .  .  .  .  . ]
 *	                       ^formed                 ^count
 *
 * and for each subtransaction that added something, what all was before it did.
 *
 *	 level 3     count 9, formed 4, before 7, ...
 *	 level 2     count 5, formed 4, before 7, ...
 *	(level 1     nothing: what it did goes with the transaction)
 *
 * ROLLBACK TO puts that back: not only takes it entries away, it also brings those back of
 * which events had been formed within the subtransaction, since these events are gone, too.  That
 * is why what was formed is not forgotten while there is a subtransaction.  It has to be put back
 * exactly: the versions of a subtransaction that rolled back may be pruned, and their places
 * be those of other rows of the same transaction.
 *
 * Of the first entries the versions are copied besides: to fetch them again from the table costs
 * more than that, and most transactions have only a few.
 *
 * Where only the rows of some tables are formed, their entries are marked, and the numbers of the
 * marked ones kept, which a rollback needs.
 *
 * Memory: 20 bytes for each row that was changed and isn't formed, or might have to be formed
 * again, in a context of the session that is emptied when the transaction ends, unless it is
 * small.  Who forms events (flush.c) sees to it that it doesn't grow without limit
 * (test/t/105_big_transaction.pl).  Records beyond RECORD_BYTES_MAX are in a temporary file.
 *
 * Cost: about 100 instructions for each row.
 */
#include "server/changes/change_log.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "storage/buffile.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "server/base/settings.h"

/* Arrays up to so many bytes are kept from transaction to transaction. */
#define KEPT_MAX (64 * 1024)

/* Versions of so many entries are copied, while there is room for them. */
#define COPIES_MAX     32
#define COPY_BYTES_MAX (16 * 1024)

/* So many bytes of records are in memory, what comes behind them is in a temporary file. */
#define RECORD_BYTES_MAX (16 * 1024 * 1024)

/* What a subtransaction began with. */
typedef struct Level
{
	int level; /* nesting level of the transaction, from 2 */
	uint32 count;
	uint32 formed;
	uint32 marked;
	Size record_bytes;
	Size copy_bytes;
	CommandId before;
	int statements;
	uint32 provisional;
	bool wrote;     /* a statement that changes rows */
	bool torn;      /* rows were changed before "before" began anew */
	bool redefined; /* expressions may have given something else */
} Level;

/* As a level, what there is now. */
static Level now;

static MemoryContext context = NULL;
static BevLogged *entries = NULL;
static uint32 entry_capacity = 0;
static uint32 *marks = NULL; /* entries that were formed out of turn */
static uint32 mark_capacity = 0;
static Oid *provisional = NULL;
static uint32 provisional_capacity = 0;
static BevLoggedTable *tables = NULL;
static uint32 table_count = 0;
static uint32 table_capacity = 0;
static char (*actors)[BEV_LOG_ACTOR_SIZE] = NULL;
static uint32 actor_count = 0;
static uint32 actor_capacity = 0;
static char *records = NULL;
static Size record_capacity = 0;
static BufFile *record_file = NULL;
static HeapTuple copies[COPIES_MAX][2]; /* of an entry: old and new; NULL: none */
static char copy_space[COPY_BYTES_MAX] pg_attribute_aligned(MAXIMUM_ALIGNOF);
static Level *levels = NULL;
static uint32 level_count = 0;
static uint32 level_capacity = 0;

static uint64 era = 1;
static bool used = false;
static bool large = false;    /* something isn't to be kept */
static int forming_level = 0; /* 0: no events are being formed */
static bool closed = false;

static void *
allocate(void *array, Size size)
{
	if (context == NULL)
		context =
			AllocSetContextCreate(TopMemoryContext, "bugevents changes", ALLOCSET_DEFAULT_SIZES);
	large |= size > KEPT_MAX;
	return array ? repalloc_huge(array, size) : MemoryContextAllocHuge(context, size);
}

/* Make room for one more in an array that has n. */
static void *
grow(void *array, uint32 n, uint32 *capacity, Size size)
{
	uint32 wanted = *capacity ? *capacity * 2 : 8;

	if (likely(n < *capacity))
		return array;
	array = allocate(array, wanted * size);
	*capacity = wanted;
	return array;
}

/* Before the current subtransaction changes anything: what it begins with. */
static void
touch(void)
{
	int level = GetCurrentTransactionNestLevel();

	used = true;
	if (level == 1 || (level_count > 0 && levels[level_count - 1].level == level))
		return;
	levels = grow(levels, level_count, &level_capacity, sizeof(Level));
	levels[level_count] = now;
	levels[level_count].level = level;
	level_count++;
}

/* ---- adding ---- */

uint64
bev_change_log_era(void)
{
	return era;
}

uint32
bev_change_log_table(const BevLoggedTable *table)
{
	for (uint32 i = 0; i < table_count; i++)
		if (tables[i].relid == table->relid && tables[i].trigger == table->trigger &&
		    tables[i].file == table->file)
			return i;
	used = true;
	tables = grow(tables, table_count, &table_capacity, sizeof(BevLoggedTable));
	tables[table_count] = *table;
	return table_count++;
}

/* Settings change more rarely than rows: it is the last one, or a new one. */
static uint32
number_of_actor(const char *actor)
{
	if (actor_count > 0 && *actors[actor_count - 1] == *actor &&
	    (*actor == '\0' || strcmp(actors[actor_count - 1], actor) == 0))
		return actor_count - 1;
	actors = grow(actors, actor_count, &actor_capacity, BEV_LOG_ACTOR_SIZE);
	strlcpy(actors[actor_count], actor, BEV_LOG_ACTOR_SIZE);
	return actor_count++;
}

static BevLogged *
add_entry(void)
{
	if (forming_level > 0 || closed)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		                errmsg("cannot capture a change while events are formed")));
	if (now.count == PG_INT32_MAX)
		ereport(ERROR,
		        (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
		         errmsg("transaction changes more than %d rows of attached tables", PG_INT32_MAX)));
	touch();
	entries = grow(entries, now.count, &entry_capacity, sizeof(BevLogged));
	return &entries[now.count];
}

/* NULL: there is no room. */
static HeapTuple
copy_version(HeapTuple version)
{
	HeapTuple copy = (HeapTuple) (copy_space + now.copy_bytes);
	Size size = MAXALIGN(HEAPTUPLESIZE) + MAXALIGN(version->t_len);

	if (COPY_BYTES_MAX - now.copy_bytes < size)
		return NULL;
	*copy = *version;
	copy->t_data = (HeapTupleHeader) ((char *) copy + MAXALIGN(HEAPTUPLESIZE));
	memcpy(copy->t_data, version->t_data, version->t_len);
	now.copy_bytes += size;
	return copy;
}

/* An entry's old or new version. */
static void
note_version(ItemPointer tid, HeapTuple version, bool new)
{
	if (now.count < COPIES_MAX)
		copies[now.count][new] = version ? copy_version(version) : NULL;
	if (version)
		*tid = version->t_self;
	else
		ItemPointerSetInvalid(tid);
}

void
bev_change_log_row(uint32 table, HeapTuple old, HeapTuple new, bool rekeyed, const char *actor)
{
	BevLogged *entry = add_entry();

	entry->table = table;
	entry->rekeyed = rekeyed;
	entry->formed = false;
	entry->actor = number_of_actor(actor);
	note_version(&entry->old, old, false);
	note_version(&entry->new, new, true);
	now.count++;
}

static void
grow_records(Size size)
{
	Size wanted = Max(record_capacity * 2, 8192);

	if (record_capacity - now.record_bytes >= size)
		return;
	while (wanted - now.record_bytes < size)
		wanted *= 2;
	records = allocate(records, wanted);
	record_capacity = wanted;
}

/* Where a row's change has its versions, a record has its place in the bytes. */
StaticAssertDecl(offsetof(BevLogged, new) + sizeof(ItemPointerData) - offsetof(BevLogged, old) >=
                     sizeof(uint64),
                 "an entry has no room for the place of a record");

static void
seek_record(uint64 place)
{
	if (BufFileSeek(record_file, 0, (off_t) (place - RECORD_BYTES_MAX), SEEK_SET) != 0)
		ereport(ERROR, (errcode_for_file_access(),
		                errmsg("could not seek in a temporary file of bugevents: %m")));
}

/* It outlives the subtransaction, and is closed with the log, or by an abort. */
static void
create_record_file(void)
{
	MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
	ResourceOwner owner = CurrentResourceOwner;

	CurrentResourceOwner = TopTransactionResourceOwner;
	record_file = BufFileCreateTemp(false);
	CurrentResourceOwner = owner;
	MemoryContextSwitchTo(caller);
}

/* What was rolled back is written over. */
static void
write_record(uint64 place, const char *record, Size size)
{
	if (record_file == NULL)
		create_record_file();
	seek_record(place);
	BufFileWrite(record_file, unconstify(char *, record), size);
}

/* None lies across the bound. */
static uint64
place_record(const char *record, Size size)
{
	uint64 place = now.record_bytes;

	if (place + size <= RECORD_BYTES_MAX)
	{
		grow_records(size);
		memcpy(records + place, record, size);
		return place;
	}
	place = Max(place, RECORD_BYTES_MAX);
	write_record(place, record, size);
	return place;
}

void
bev_change_log_record(const char *record, Size size)
{
	BevLogged *entry = add_entry();
	uint64 place = place_record(record, size);

	entry->actor = 0; /* the record has it */
	entry->table = BEV_LOG_RECORD;
	entry->rekeyed = entry->formed = false;
	memcpy(&entry->old, &place, sizeof(place));
	now.record_bytes = place + size;
	now.count++;
}

/* ---- reading ---- */

bool
bev_change_log_is_empty(void)
{
	return now.formed == now.count;
}

bool
bev_change_log_is_full(void)
{
	return now.count - now.formed >= (uint32) bev_netting_limit;
}

const BevLogged *
bev_change_log_entries(uint32 *n)
{
	*n = now.count - now.formed;
	return entries + now.formed;
}

const BevLoggedTable *
bev_change_log_get_table(uint32 number)
{
	Assert(number < table_count);
	return &tables[number];
}

uint32
bev_change_log_tables(void)
{
	return table_count;
}

const char *
bev_change_log_actor(uint32 number)
{
	return actors[number];
}

HeapTuple
bev_change_log_copy(const BevLogged *entry, bool new)
{
	return entry - entries < COPIES_MAX ? copies[entry - entries][new] : NULL;
}

static void
read_bytes(void *dst, Size size)
{
	if (BufFileRead(record_file, dst, size) != size)
		ereport(ERROR, (errcode_for_file_access(),
		                errmsg("could not read from a temporary file of bugevents: %m")));
}

static const char *
read_record(uint64 place)
{
	uint32 size;
	char *record;

	seek_record(place);
	read_bytes(&size, sizeof(size));
	record = MemoryContextAllocHuge(CurrentMemoryContext, size);
	memcpy(record, &size, sizeof(size));
	read_bytes(record + sizeof(size), size - sizeof(size));
	return record;
}

const char *
bev_change_log_bytes(const BevLogged *entry)
{
	uint64 place;

	memcpy(&place, &entry->old, sizeof(place));
	return place < RECORD_BYTES_MAX ? records + place : read_record(place);
}

/* ---- forming ---- */

CommandId
bev_change_log_before(void)
{
	return now.before;
}

void
bev_change_log_begin_forming(void)
{
	touch();
	forming_level = GetCurrentTransactionNestLevel();
}

void
bev_change_log_begin_anew(void)
{
	if (!bev_change_log_is_empty())
		return;
	touch();
	now.before = GetCurrentCommandId(false);
	now.torn |= now.wrote;
}

bool
bev_change_log_is_whole(void)
{
	return now.formed == 0 && now.marked == 0 && !now.torn;
}

void
bev_change_log_note_redefined(void)
{
	touch();
	now.redefined = true;
}

bool
bev_change_log_is_redefined(void)
{
	return now.redefined;
}

void
bev_change_log_note_provisional(Oid root)
{
	for (uint32 i = 0; i < now.provisional; i++)
		if (provisional[i] == root)
			return;
	touch();
	provisional = grow(provisional, now.provisional, &provisional_capacity, sizeof(Oid));
	provisional[now.provisional++] = root;
}

const Oid *
bev_change_log_provisional(uint32 *n)
{
	*n = now.provisional;
	return provisional;
}

static void
mark(uint32 entry)
{
	marks = grow(marks, now.marked, &mark_capacity, sizeof(uint32));
	marks[now.marked++] = entry;
	entries[entry].formed = true;
}

/* Outside of subtransactions nothing brings back what was formed. */
static void
forget_formed(void)
{
	now.count = now.formed = now.marked = 0;
	now.record_bytes = now.copy_bytes = 0;
	now.torn = true;
}

void
bev_change_log_end_forming(const bool *formed)
{
	forming_level = 0;
	if (formed == NULL)
	{
		now.formed = now.count;
		now.before = GetCurrentCommandId(false);
		if (level_count == 0)
			forget_formed();
		return;
	}
	for (uint32 i = now.formed; i < now.count; i++)
		if (!entries[i].formed && entries[i].table != BEV_LOG_RECORD && formed[entries[i].table])
			mark(i);
}

/* ---- statements ---- */

void
bev_change_log_begin_statement(void)
{
	touch();
	now.statements++;
	now.wrote = true;
}

void
bev_change_log_end_statement(void)
{
	touch();
	now.statements = Max(now.statements - 1, 0);
}

bool
bev_change_log_has_statement(void)
{
	return now.statements > 0;
}

/* ---- the end ---- */

void
bev_change_log_commit_level(int level)
{
	if (level_count == 0 || levels[level_count - 1].level < level)
		return;
	if (level == 2 || (level_count > 1 && levels[level_count - 2].level == level - 1))
		level_count--;
	else
		levels[level_count - 1].level = level - 1;
}

void
bev_change_log_abort_level(int level)
{
	uint32 marked = now.marked;

	/* Not one of those in which expressions are evaluated. */
	if (level <= forming_level)
		forming_level = 0;
	if (level_count == 0 || levels[level_count - 1].level < level)
		return;
	while (level_count > 0 && levels[level_count - 1].level >= level)
		now = levels[--level_count];
	for (uint32 i = now.marked; i < marked; i++)
		if (marks[i] < now.count)
			entries[marks[i]].formed = false;
}

static void
forget_arrays(void)
{
	entries = NULL;
	marks = NULL;
	provisional = NULL;
	tables = NULL;
	actors = NULL;
	records = NULL;
	levels = NULL;
	entry_capacity = mark_capacity = provisional_capacity = table_capacity = actor_capacity =
		level_capacity = 0;
	record_capacity = 0;
	large = false;
	MemoryContextReset(context);
}

void
bev_change_log_close(void)
{
	used = closed = true;
	/* Not later: it may write what nobody read, and fail. */
	if (record_file)
		BufFileClose(record_file);
	record_file = NULL;
}

void
bev_change_log_reset(void)
{
	forming_level = 0;
	closed = false;
	if (!used)
		return;
	used = false;
	era++;
	now = (Level){0};
	record_file = NULL;
	table_count = actor_count = level_count = 0;
	if (large)
		forget_arrays();
}
