/*
 * pending.c - the events of the transaction that is under way.
 *
 * Model: a list of segments, in the order of capture.  A segment holds the
 * events that one subtransaction captured in a row:
 *
 *		level 1         level 2          level 2        level 1
 *		[e1 e2 e3]      [e4 ... e900]    [e901 e902]    ...
 *		in memory       spilled          in memory
 *
 * ROLLBACK TO drops the segments of the levels that end; RELEASE gives them to
 * the level below, where neighbours of a kind become one segment.  So at commit
 * there is one segment, or several of which some are spilled.
 *
 * A segment that grows beyond bugevents.spill_size is written to journal_part,
 * within the subtransaction that captured it: when that rolls back, PostgreSQL
 * takes the rows back just as this list drops the segment.  A level that holds
 * little is left in memory even if all levels together hold much, unless it has
 * SPILL_MIN.  When such a level is released, it is its last chance: a loop of
 * savepoints captures nothing at the level that all of it ends up in.  So memory
 * is bounded by spill_size + depth * SPILL_MIN.
 *
 * Ordinals give parts their order: those of a segment begin above those of all
 * before it.  They have gaps where something was rolled back.
 *
 * Memory: everything is in one context that lives as long as the session and is
 * reset at the end of each transaction.  Until then the buffer of a segment that was spilled is
 * kept for the next one: to get it from the system anew takes a tenth of a large INSERT.
 */
#include "server/commit/pending.h"

#include "access/xact.h"
#include "common/int.h"
#include "common/event/event.h"
#include "server/base/settings.h"
#include "server/journal/journal.h"
#include "common/pipe/message.h"
#include "utils/memutils.h"

#define SEGMENT_INITIAL (4 * 1024)
#define SPILL_MIN       (64 * 1024)
#define KEPT_LIMITS     4 /* a buffer of so many times spill_size is kept */

/* A part fills a page of the journal, so that it is stored in the row. */
#define PART_SIZE 8000

/* A transaction that isn't in parts has to fit into one message to a gateway. */
#define INLINE_MAX (BEV_MESSAGE_MAX_DOWN / 2)

typedef struct Segment
{
	int level;      /* nesting level of the transaction, from 1 */
	uint32 n;       /* events */
	uint64 ordinal; /* of the first one */
	char *data;     /* BEV_JOURNAL_ROOM, then records; NULL: spilled */
	Size size;      /* of the records */
	Size capacity;  /* for records */
} Segment;

static MemoryContext context = NULL;
static Segment *segments = NULL;
static int segment_count = 0;
static int segment_capacity = 0;
static uint64 captured = 0; /* next ordinal */
static Size in_memory = 0;  /* bytes of records in memory */
static bool finished = false;
static char *spare = NULL; /* the buffer of a segment that was spilled */
static Size spare_capacity = 0;

static Size
spill_limit(void)
{
	return (Size) bev_spill_size * 1024;
}

static void
create_context(void)
{
	context = AllocSetContextCreate(TopMemoryContext, "bugevents pending events",
	                                ALLOCSET_DEFAULT_MINSIZE, 16 * 1024, ALLOCSET_DEFAULT_MAXSIZE);
}

static void
give_buffer(Segment *segment)
{
	if (spare)
	{
		segment->data = spare;
		segment->capacity = spare_capacity;
		spare = NULL;
		return;
	}
	segment->data = MemoryContextAlloc(context, SEGMENT_INITIAL);
	segment->capacity = SEGMENT_INITIAL - BEV_JOURNAL_ROOM;
}

/* One that a large record made is not kept. */
static void
take_buffer(Segment *segment)
{
	if (spare == NULL && segment->capacity <= KEPT_LIMITS * spill_limit())
	{
		spare = segment->data;
		spare_capacity = segment->capacity;
	}
	else
		pfree(segment->data);
	segment->data = NULL;
	segment->size = segment->capacity = 0;
}

static Segment *
push_segment(int level)
{
	Segment *segment;

	if (context == NULL)
		create_context();
	if (segment_count == segment_capacity)
	{
		int capacity = segment_capacity ? segment_capacity * 2 : 8;

		if (segments == NULL)
			segments = MemoryContextAlloc(context, capacity * sizeof(Segment));
		else
			segments = repalloc(segments, capacity * sizeof(Segment));
		segment_capacity = capacity;
	}
	segment = &segments[segment_count];
	segment->level = level;
	segment->n = 0;
	segment->ordinal = captured;
	segment->size = 0;
	give_buffer(segment);
	segment_count++;
	return segment;
}

/* Make room for more bytes.  False, with MCXT_ALLOC_NO_OOM, if there is none. */
static bool
grow_segment(Segment *segment, Size more, int flags)
{
	Size capacity = segment->capacity;
	char *data;

	if (capacity - segment->size >= more)
		return true;
	while (capacity - segment->size < more)
		capacity = (capacity + BEV_JOURNAL_ROOM) * 2 - BEV_JOURNAL_ROOM;
	data =
		MemoryContextAllocExtended(context, capacity + BEV_JOURNAL_ROOM, MCXT_ALLOC_HUGE | flags);
	if (data == NULL)
		return false;
	memcpy(data, segment->data, BEV_JOURNAL_ROOM + segment->size);
	pfree(segment->data);
	segment->data = data;
	segment->capacity = capacity;
	return true;
}

/* The longest run of whole records in at most PART_SIZE bytes; at least one. */
static Size
part_extent(const char *records, Size size, uint32 *n)
{
	Size extent = 0;

	*n = 0;
	while (extent < size)
	{
		Size next = bev_event_size_written(records + extent);

		Assert(next <= size - extent);
		if (*n > 0 && extent + next > PART_SIZE)
			break;
		extent += next;
		(*n)++;
	}
	return extent;
}

static void
write_part(BevJournal *journal, FullTransactionId xid, uint64 ordinal, uint32 n,
           const char *records, Size size)
{
	char *part = MemoryContextAllocHuge(context, BEV_JOURNAL_ROOM + size);

	memcpy(part + BEV_JOURNAL_ROOM, records, size);
	bev_journal_insert_part(journal, xid, ordinal, n, part, size);
	pfree(part);
}

/* Write a segment's events to journal_part. */
static void
spill_segment(Segment *segment)
{
	FullTransactionId xid = GetTopFullTransactionId();
	const char *records = segment->data + BEV_JOURNAL_ROOM;
	Size left = segment->size;
	uint64 ordinal = segment->ordinal;
	BevJournal journal;

	if (!bev_journal_open(&journal, BEV_TABLE_PART))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
		                errmsg("table bugevents.journal_part does not exist"),
		                errhint("Create the extension bugevents again.")));
	while (left > 0)
	{
		uint32 n;
		Size extent = part_extent(records, left, &n);

		write_part(&journal, xid, ordinal, n, records, extent);
		records += extent;
		left -= extent;
		ordinal += n;
	}
	bev_journal_close(&journal);

	in_memory -= segment->size;
	take_buffer(segment);
}

static bool
must_spill(const Segment *segment)
{
	return segment->size >= spill_limit() ||
	       (in_memory >= spill_limit() && segment->size >= Min(spill_limit(), SPILL_MIN));
}

char *
bev_pending_reserve(Size size)
{
	int level = GetCurrentTransactionNestLevel();
	Segment *segment = segment_count ? &segments[segment_count - 1] : NULL;
	char *record;

	if (finished)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		                errmsg("cannot capture an event while the transaction commits")));

	/* Now, not when the limit was passed: the record was not filled yet. */
	if (segment && segment->level == level && segment->data && must_spill(segment))
		spill_segment(segment);
	if (segment == NULL || segment->level != level || segment->data == NULL)
		segment = push_segment(level);
	grow_segment(segment, size, 0);

	record = segment->data + BEV_JOURNAL_ROOM + segment->size;
	segment->size += size;
	segment->n++;
	in_memory += size;
	captured++;
	return record;
}

/* Make b part of its neighbour a, which stands before it; flags as above. */
static bool
merge_segments(Segment *a, const Segment *b, int flags)
{
	if (a->level != b->level || (a->data == NULL) != (b->data == NULL))
		return false;
	if (b->data)
	{
		if (!grow_segment(a, b->size, flags))
			return false;
		memcpy(a->data + BEV_JOURNAL_ROOM + a->size, b->data + BEV_JOURNAL_ROOM, b->size);
		a->size += b->size;
		pfree(b->data);
	}
	a->n += b->n;
	return true;
}

void
bev_pending_before_commit_level(int level)
{
	MemoryContext old;

	if (in_memory < spill_limit())
		return;

	/* The subtransaction's own is kept until the end if anything was in it. */
	old = MemoryContextSwitchTo(context);
	for (int i = segment_count; i > 0 && segments[i - 1].level >= level; i--)
		if (segments[i - 1].data)
			spill_segment(&segments[i - 1]);
	MemoryContextSwitchTo(old);
}

void
bev_pending_commit_level(int level)
{
	int first = segment_count;

	while (first > 0 && segments[first - 1].level >= level)
		segments[--first].level = level - 1;
	if (first == segment_count)
		return;

	/*
	 * What became of one level may now be of one piece.  The subtransaction is
	 * committed already, and an error would take it back only in part.
	 */
	for (int i = Max(first, 1); i < segment_count;)
	{
		if (merge_segments(&segments[i - 1], &segments[i], MCXT_ALLOC_NO_OOM))
		{
			memmove(&segments[i], &segments[i + 1], (segment_count - i - 1) * sizeof(Segment));
			segment_count--;
		}
		else
			i++;
	}
}

void
bev_pending_abort_level(int level)
{
	while (segment_count > 0 && segments[segment_count - 1].level >= level)
	{
		Segment *segment = &segments[--segment_count];

		if (segment->data)
		{
			in_memory -= segment->size;
			pfree(segment->data);
		}
	}
}

bool
bev_pending_exists(void)
{
	return segment_count > 0;
}

/* Bring what is left of the list into one of the two forms of BevPending. */
static void
consolidate(BevPending *pending)
{
	bool spilled = in_memory > INLINE_MAX;

	for (int i = 0; i < segment_count; i++)
		spilled |= segments[i].data == NULL;

	for (int i = 0; i < segment_count; i++)
	{
		if (spilled && segments[i].data)
			spill_segment(&segments[i]);
		else if (!spilled && i > 0)
			merge_segments(&segments[0], &segments[i], 0);
		if (pg_add_u32_overflow(pending->n, segments[i].n, &pending->n) ||
		    pending->n > PG_INT32_MAX)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			                errmsg("transaction publishes more than %d events", PG_INT32_MAX)));
	}
	pending->spilled = spilled;
}

void
bev_pending_spill(void)
{
	finished = true;
	for (int i = 0; i < segment_count; i++)
		if (segments[i].data)
			spill_segment(&segments[i]);
}

bool
bev_pending_finish(BevPending *pending)
{
	*pending = (BevPending){0};
	if (segment_count == 0)
		return false;
	finished = true;
	consolidate(pending);
	if (!pending->spilled)
	{
		pending->records = segments[0].data;
		pending->size = segments[0].size;
	}
	return true;
}

void
bev_pending_reset(void)
{
	finished = false;
	if (segment_count == 0 && segments == NULL)
		return;
	segments = NULL;
	segment_count = segment_capacity = 0;
	spare = NULL;
	captured = 0;
	in_memory = 0;
	MemoryContextReset(context);
}
