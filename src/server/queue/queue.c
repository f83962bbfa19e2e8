/*
 * queue.c - the shared memory between the sessions that commit and the
 * dispatcher.  queue.h has the picture.
 *
 * Model
 *	1. A session that commits takes its seqs and its place in the ring in one
 *	   short critical section, before its commit record is written, and notes in
 *	   its slot that they are pending.  A transaction that could see its effects
 *	   begins to commit later, and so gets higher seqs (test/t/103_order.pl).
 *	2. It copies its records outside the lock.  After the commit it clears its slot
 *	   and marks the entry, in this order: whoever is woken for an entry that was taken
 *	   finds that its seqs are not pending any more (bev_queue_horizon).
 *	3. The dispatcher walks the entries from the tail and stops at the first that
 *	   is not decided.  Where seqs are missing between two entries, their
 *	   transactions had no room; it passes over them once no slot has one of
 *	   them pending, and reads them from the journal.
 *
 * Concurrency
 *	lock		next_seq, segment, era, head, the header of a new entry, setting a slot.
 *	entry		written by its session alone until state says COMMITTED or ABORTED
 *				(release), read by the dispatcher after that (acquire).
 *	tail		advanced by the dispatcher alone; sessions read it to find room,
 *				and see at worst less room than there is.
 *	settled		written by the dispatcher alone; and with the first seq, by who gives that out.
 *	slot		pending: set by its process under the lock, cleared by it without.
 *	sleeping	set by the dispatcher before it looks a last time; a session looks
 *				at it after it marked its entry.  Full barriers on both sides: one of
 *				the two sees the other.
 *
 * Memory: bugevents.queue_size and a cache line for each possible process, taken when the
 * server starts.  A transaction that finds no room takes none: its events come from the journal
 * (test/t/108_overflow.pl).
 *
 * Failure: a session that ends between reserve and publish or withdraw took the
 * server down with it (shared memory is made anew), or ran its abort callback.
 * A dispatcher that dies leaves tail and settled, and the next one goes on there.
 *
 * Cost: a commit pays one critical section without a loop, the copy of its records, and a full
 * barrier; it wakes the dispatcher only if that sleeps.  The dispatcher pays a walk over all slots
 * each time that it comes to seqs without a decided entry, and nothing for those who don't
 * publish.
 *
 * What an operator asks
 *	Is it too small?	bugevents_queue_overflows_total rises: bursts were larger.  Nothing is lost.
 *	What holds it up?	The transaction with the smallest pending seq: its WAL flush, or the
 *						synchronous standby that it waits for (test/t/106_hold.pl).
 */
#include "server/queue/queue.h"

#include "server/base/compat.h"
#include "server/base/settings.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"

#define ENTRY_ALIGN 64

#define FAR_BEHIND 1000 /* seqs; then one reservation in LOOK_EACH looks itself what is settled */
#define LOOK_EACH  64

typedef enum EntryState
{
	ENTRY_RESERVED,
	ENTRY_COMMITTED,
	ENTRY_ABORTED
} EntryState;

typedef struct Entry
{
	pg_atomic_uint32 state;
	uint32 n;
	uint64 first_seq;
	uint64 size; /* of the records behind it; 0: none carried */
	uint64 xid;
	TimestampTz at;
	XLogRecPtr lsn;
} Entry;

StaticAssertDecl(sizeof(Entry) <= ENTRY_ALIGN, "an entry's header is one line");

/* One line each: sessions must not disturb one another. */
typedef union Slot
{
	struct
	{
		pg_atomic_uint64 pending; /* first pending seq; 0: none */
		pg_atomic_uint64 lsn;     /* of the last commit that was published */
	};
	char pad[PG_CACHE_LINE_SIZE];
} Slot;

typedef struct Queue
{
	LWLock *lock;
	uint64 capacity; /* of the ring, a multiple of ENTRY_ALIGN */
	int slots;
	Latch *latch; /* the dispatcher's; NULL: there is none */

	BevEra era; /* written once, before next_seq is */
	pg_atomic_uint32 era_is_recorded;
	pg_atomic_uint32 era_marked_in; /* a table; InvalidOid: none */

	/* Written by sessions. */
	pg_atomic_uint64 next_seq;
	pg_atomic_uint32 segment;
	uint64 head; /* positions only grow; modulo capacity */
	pg_atomic_uint64 overflows;

	/* Written by the dispatcher. */
	char pad[PG_CACHE_LINE_SIZE];
	pg_atomic_uint64 tail;
	pg_atomic_uint64 settled;
	pg_atomic_uint32 sleeping;
} Queue;

static Queue *queue;
static Slot *slots;
static char *ring;

static Size
ring_capacity(void)
{
	return (Size) bev_queue_size * 1024;
}

static Size
ring_and_slots(void)
{
	return add_size(mul_size(BEV_PROCESSES, sizeof(Slot)), ring_capacity());
}

static void
init(void *memory, LWLock *lock)
{
	queue = memory;
	queue->lock = lock;
	queue->capacity = ring_capacity();
	queue->slots = BEV_PROCESSES;
	pg_atomic_init_u32(&queue->era_is_recorded, 0);
	pg_atomic_init_u32(&queue->era_marked_in, InvalidOid);
	pg_atomic_init_u64(&queue->next_seq, 0);
	pg_atomic_init_u32(&queue->segment, 0);
	pg_atomic_init_u64(&queue->overflows, 0);
	pg_atomic_init_u64(&queue->tail, 0);
	pg_atomic_init_u64(&queue->settled, 0);
	pg_atomic_init_u32(&queue->sleeping, 0);

	slots = (Slot *) ((char *) queue + CACHELINEALIGN(sizeof(Queue)));
	for (int i = 0; i < queue->slots; i++)
	{
		pg_atomic_init_u64(&slots[i].pending, 0);
		pg_atomic_init_u64(&slots[i].lsn, 0);
	}
	ring = (char *) (slots + queue->slots);
}

const BevSharedArea bev_queue_area = {.name = "bugevents queue",
                                      .locked = true,
                                      .size = CACHELINEALIGN(sizeof(Queue)),
                                      .more = ring_and_slots,
                                      .init = init};

uint64
bev_queue_next_seq(void)
{
	return pg_atomic_read_u64(&queue->next_seq);
}

void
bev_queue_begin(const BevEra *era, int segment)
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	if (pg_atomic_read_u64(&queue->next_seq) == 0)
	{
		queue->era = *era;
		pg_atomic_write_u64(&queue->settled, era->base);
		pg_atomic_write_u32(&queue->segment, segment);
		pg_atomic_write_u64(&queue->next_seq, era->base + 1);
	}
	LWLockRelease(queue->lock);
}

BevEra
bev_queue_era(void)
{
	BevEra era;

	LWLockAcquire(queue->lock, LW_SHARED);
	era = queue->era;
	LWLockRelease(queue->lock);
	return era;
}

bool
bev_queue_era_is_recorded(void)
{
	return pg_atomic_read_u32(&queue->era_is_recorded) != 0;
}

void
bev_queue_era_was_recorded(void)
{
	pg_atomic_write_u32(&queue->era_is_recorded, 1);
}

bool
bev_queue_era_is_marked(Oid table)
{
	return pg_atomic_read_u32(&queue->era_marked_in) == table;
}

void
bev_queue_era_was_marked(Oid table)
{
	pg_atomic_write_u32(&queue->era_marked_in, table);
}

int
bev_queue_segment(void)
{
	return pg_atomic_read_u32(&queue->segment);
}

void
bev_queue_switch(int segment)
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	pg_atomic_write_u32(&queue->segment, segment);
	LWLockRelease(queue->lock);
}

static inline Entry *
entry_at(uint64 position)
{
	return (Entry *) (ring + position % queue->capacity);
}

/* Room that an entry takes, in whole lines, so that headers don't wrap. */
static inline uint64
entry_extent(Size size)
{
	return ENTRY_ALIGN + TYPEALIGN64(ENTRY_ALIGN, size);
}

static inline Slot *
my_slot(void)
{
	Assert(BEV_MY_PROCESS >= 0 && BEV_MY_PROCESS < queue->slots);
	return &slots[BEV_MY_PROCESS];
}

/* Under the lock: place an entry at the head if there is room. */
static bool
place_entry(BevReservation *reservation)
{
	uint64 extent = entry_extent(reservation->size);
	uint64 used = queue->head - pg_atomic_read_u64(&queue->tail);
	Entry *entry = entry_at(queue->head);

	if (extent > queue->capacity - used)
		return false;

	pg_atomic_init_u32(&entry->state, ENTRY_RESERVED);
	entry->n = reservation->n;
	entry->first_seq = reservation->first_seq;
	entry->size = reservation->size;
	reservation->position = queue->head;
	queue->head += extent;
	return true;
}

uint64
bev_queue_settled(void)
{
	return pg_atomic_read_u64(&queue->settled);
}

void
bev_queue_follow(uint64 settled)
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	if (pg_atomic_read_u64(&queue->next_seq) == 0)
		pg_atomic_write_u64(&queue->settled, settled);
	LWLockRelease(queue->lock);
}

/*
 * The smallest pending seq, or limit if none is below it.  A reservation below
 * limit was in its slot before limit could be read as next_seq under the lock.
 */
static uint64
smallest_pending(uint64 limit)
{
	uint64 smallest = limit;

	for (int i = 0; i < queue->slots; i++)
	{
		uint64 pending = pg_atomic_read_u64(&slots[i].pending);

		if (pending != 0 && pending < smallest)
			smallest = pending;
	}
	pg_read_barrier();
	return smallest;
}

/* Does the dispatcher, if there is one, say in time what is settled?  It may hang. */
static bool
is_settling(uint64 first_seq, uint32 n)
{
	return queue->latch != NULL && (first_seq - bev_queue_settled() < FAR_BEHIND ||
	                                first_seq / LOOK_EACH == (first_seq + n) / LOOK_EACH);
}

/*
 * What is settled, for the transaction's row (journal_reader.h).  Without the dispatcher it is
 * found by a look at all slots, as for bev_queue_horizon: standbys must not stop.
 */
static uint64
settled_before(uint64 first_seq, uint32 n)
{
	uint64 settled = bev_queue_settled();

	return is_settling(first_seq, n) ? settled : Max(settled, smallest_pending(first_seq) - 1);
}

bool
bev_queue_reserve(uint32 n, Size size, int segment, BevReservation *reservation)
{
	reservation->n = n;
	reservation->size = size;

	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	if (segment != bev_queue_segment())
	{
		LWLockRelease(queue->lock);
		return false;
	}
	reservation->first_seq = pg_atomic_read_u64(&queue->next_seq);
	pg_atomic_write_u64(&queue->next_seq, reservation->first_seq + n);
	reservation->has_entry = place_entry(reservation);
	pg_atomic_write_u64(&my_slot()->pending, reservation->first_seq);
	LWLockRelease(queue->lock);

	reservation->low = settled_before(reservation->first_seq, n);
	if (!reservation->has_entry)
		pg_atomic_fetch_add_u64(&queue->overflows, 1);
	return true;
}

void
bev_queue_fill(const BevReservation *reservation, const char *records, uint64 xid, TimestampTz at)
{
	Entry *entry;
	uint64 start;
	Size first;

	if (!reservation->has_entry)
		return;

	entry = entry_at(reservation->position);
	entry->xid = xid;
	entry->at = at;
	if (reservation->size == 0)
		return;

	start = (reservation->position + ENTRY_ALIGN) % queue->capacity;
	first = Min(reservation->size, queue->capacity - start);
	memcpy(ring + start, records, first);
	memcpy(ring, records + first, reservation->size - first);
}

void
bev_queue_wake(void)
{
	Latch *latch = queue->latch;

	if (latch)
		SetLatch(latch);
}

/* Decide the reservation and wake the dispatcher if it sleeps. */
static void
settle(const BevReservation *reservation, EntryState state)
{
	pg_write_barrier();
	pg_atomic_write_u64(&my_slot()->pending, 0);
	if (reservation->has_entry)
	{
		pg_write_barrier();
		pg_atomic_write_u32(&entry_at(reservation->position)->state, state);
	}

	pg_memory_barrier();
	if (pg_atomic_read_u32(&queue->sleeping) != 0 &&
	    pg_atomic_exchange_u32(&queue->sleeping, 0) != 0)
		bev_queue_wake();
}

void
bev_queue_publish(const BevReservation *reservation, XLogRecPtr lsn)
{
	if (reservation->has_entry)
		entry_at(reservation->position)->lsn = lsn;

	/* Without one of its own, the session's commit before may still be unflushed. */
	if (lsn != InvalidXLogRecPtr)
		pg_atomic_write_u64(&my_slot()->lsn, lsn);
	settle(reservation, ENTRY_COMMITTED);
}

void
bev_queue_withdraw(const BevReservation *reservation)
{
	settle(reservation, ENTRY_ABORTED);
}

static void
detach(int code pg_attribute_unused(), Datum arg pg_attribute_unused())
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	queue->latch = NULL;
	LWLockRelease(queue->lock);
}

void
bev_queue_attach(void)
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	queue->latch = MyLatch;
	LWLockRelease(queue->lock);
	before_shmem_exit(detach, 0);
}

uint64
bev_queue_horizon(void)
{
	uint64 next_seq;

	LWLockAcquire(queue->lock, LW_SHARED);
	next_seq = pg_atomic_read_u64(&queue->next_seq);
	LWLockRelease(queue->lock);
	return next_seq == 0 ? 0 : smallest_pending(next_seq) - 1;
}

static void
item_from_entry(BevQueueItem *item, const Entry *entry, uint64 position, bool committed)
{
	uint64 start = (position + ENTRY_ALIGN) % queue->capacity;

	item->first_seq = entry->first_seq;
	item->n = entry->n;
	item->committed = committed;
	item->carried = entry->size > 0;
	item->xid = entry->xid;
	item->at = entry->at;
	item->lsn = entry->lsn;
	item->part[0] = ring + start;
	item->part_size[0] = Min(entry->size, queue->capacity - start);
	item->part[1] = ring;
	item->part_size[1] = entry->size - item->part_size[0];
}

int
bev_queue_drain(void (*take)(void *arg, const BevQueueItem *item), void *arg)
{
	uint64 settled = pg_atomic_read_u64(&queue->settled);
	uint64 tail = pg_atomic_read_u64(&queue->tail);
	uint64 head;
	uint64 limit; /* the seq at which we stop */
	int taken = 0;

	LWLockAcquire(queue->lock, LW_SHARED);
	head = queue->head;
	limit = pg_atomic_read_u64(&queue->next_seq);
	LWLockRelease(queue->lock);

	while (tail < head)
	{
		Entry *entry = entry_at(tail);
		uint32 state = pg_atomic_read_u32(&entry->state);
		BevQueueItem item;

		/* Transactions that had no room come first; are they decided? */
		if (state == ENTRY_RESERVED || (entry->first_seq > settled + 1 &&
		                                smallest_pending(entry->first_seq) < entry->first_seq))
		{
			limit = entry->first_seq;
			break;
		}
		pg_read_barrier();

		item_from_entry(&item, entry, tail, state == ENTRY_COMMITTED);
		take(arg, &item);
		taken++;

		settled = item.first_seq + item.n - 1;
		tail += entry_extent(entry->size);
		pg_atomic_write_u64(&queue->settled, settled);
		pg_memory_barrier(); /* the records are read before their room is free */
		pg_atomic_write_u64(&queue->tail, tail);
	}

	/* Behind the last entry that was taken there may be more that had no room. */
	if (limit > settled + 1)
		pg_atomic_write_u64(&queue->settled, smallest_pending(limit) - 1);
	return taken;
}

XLogRecPtr
bev_queue_commit_lsn(void)
{
	XLogRecPtr greatest = InvalidXLogRecPtr;

	for (int i = 0; i < queue->slots; i++)
		greatest = Max(greatest, pg_atomic_read_u64(&slots[i].lsn));
	return greatest;
}

/* Would bev_queue_drain get anywhere? */
static bool
drain_would_advance(void)
{
	uint64 tail = pg_atomic_read_u64(&queue->tail);
	uint64 next_seq;
	bool has_entry;
	uint64 limit;

	LWLockAcquire(queue->lock, LW_SHARED);
	has_entry = tail < queue->head;
	next_seq = pg_atomic_read_u64(&queue->next_seq);
	LWLockRelease(queue->lock);

	limit = has_entry ? entry_at(tail)->first_seq : next_seq;
	if (limit == 0)
		return false;
	if (has_entry && limit == bev_queue_settled() + 1)
		return pg_atomic_read_u32(&entry_at(tail)->state) != ENTRY_RESERVED;
	return smallest_pending(limit) - 1 > bev_queue_settled();
}

bool
bev_queue_doze(void)
{
	pg_atomic_write_u32(&queue->sleeping, 1);
	pg_memory_barrier();
	if (drain_would_advance())
	{
		bev_queue_awake();
		return false;
	}
	return true;
}

void
bev_queue_awake(void)
{
	pg_atomic_write_u32(&queue->sleeping, 0);
}

Size
bev_queue_used(void)
{
	Size used;

	LWLockAcquire(queue->lock, LW_SHARED);
	used = queue->head - pg_atomic_read_u64(&queue->tail);
	LWLockRelease(queue->lock);
	return used;
}

uint64
bev_queue_overflows(void)
{
	return pg_atomic_read_u64(&queue->overflows);
}
