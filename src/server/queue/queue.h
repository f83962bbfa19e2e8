/*
 * queue.h - the shared memory between the sessions that commit and the
 * dispatcher.
 *
 *		 tail (dispatcher)              head (sessions, under the lock)
 *		   v                              v
 *	 ------+-------------+--------+-------+-------
 *		   | entry bytes | entry..| entry |  free            a ring of bytes
 *	 ------+-------------+--------+-------+-------
 *		    COMMITTED     RESERVED  ABORTED
 *
 * Entries stand in the order of their seqs, because seq and place are taken
 * under one lock.  A transaction that finds no room has no entry: its seqs are a
 * gap, and the dispatcher reads them from the journal.  So has a transaction
 * that spilled: its entry carries no bytes.
 *
 * Every process has a slot that says which seq it has pending.  Nothing at or
 * behind the smallest pending seq is settled.
 *
 * Calls by sessions, in this order: prepare, reserve, fill, then publish or
 * withdraw.  Calls by the dispatcher: attach, drain, sleep.
 */
#ifndef BEV_SERVER_QUEUE_QUEUE_H
#define BEV_SERVER_QUEUE_QUEUE_H

#include "postgres.h"

#include "server/base/shared_area.h"
#include "access/xlogdefs.h"
#include "datatype/timestamp.h"
#include "utils/uuid.h"

/* A session's claim on a range of seqs. */
typedef struct BevReservation
{
	uint64 first_seq;
	uint64 low;      /* everything up to it was settled before */
	uint64 position; /* of the entry in the ring */
	bool has_entry;  /* false: the ring was full */
	uint32 n;
	Size size; /* bytes that the entry carries */
} BevReservation;

/* One settled transaction, as the dispatcher sees it. */
typedef struct BevQueueItem
{
	uint64 first_seq;
	uint32 n;
	bool committed;
	bool carried; /* false: the events are in the journal only */
	uint64 xid;
	TimestampTz at;
	XLogRecPtr lsn;      /* of the commit */
	const char *part[2]; /* the records; two parts where the ring ends */
	Size part_size[2];
} BevQueueItem;

extern const BevSharedArea bev_queue_area;

/*
 * The next seq, 0 when none has been given out since the server started; then
 * somebody has to call bev_queue_begin.
 */
extern uint64 bev_queue_next_seq(void);

/* A time in which one server gave out seqs without a break: those above base. */
typedef struct BevEra
{
	pg_uuid_t id;
	uint64 base;
} BevEra;

/*
 * Let seqs start above the era's base and the journal be written in this segment, unless
 * that started already.  The caller has seen to it that no seq up to base may be
 * given out again.
 */
extern void bev_queue_begin(const BevEra *era, int segment);

/* The era that began so. */
extern BevEra bev_queue_era(void);

/*
 * Has the dispatcher recorded that era (server/journal/era.h)?  One read of shared memory.  Only
 * the dispatcher says so, for the life of the server.
 */
extern bool bev_queue_era_is_recorded(void);
extern void bev_queue_era_was_recorded(void);

/*
 * Is it in this table by a transaction that has committed?  One read of shared memory.  A session
 * says so, behind its commit: whoever reads it commits later.
 */
extern bool bev_queue_era_is_marked(Oid table);
extern void bev_queue_era_was_marked(Oid table);

/*
 * The segment of the journal that is being written.  Seqs in it are above those
 * of all others; bev_queue_switch makes it another one for the seqs to come.
 */
extern int bev_queue_segment(void);
extern void bev_queue_switch(int segment);

/*
 * Take n seqs and room for size bytes of records, and note them as pending.
 * Does not wait for the dispatcher (test/t/108_overflow.pl), and does not throw.  False, with
 * nothing taken, if segment isn't the one that is being written any more.
 */
extern bool bev_queue_reserve(uint32 n, Size size, int segment, BevReservation *reservation);

/* Copy the records into the reserved entry. */
extern void bev_queue_fill(const BevReservation *reservation, const char *records, uint64 xid,
                           TimestampTz at);

/*
 * The transaction is committed, with this LSN / is rolled back.  These don't
 * throw: they run where an error would be a PANIC.
 */
extern void bev_queue_publish(const BevReservation *reservation, XLogRecPtr lsn);
extern void bev_queue_withdraw(const BevReservation *reservation);

/* The calling process is the dispatcher from now on, until it exits. */
extern void bev_queue_attach(void);

/* Everything up to this seq is settled and was drained; on a standby, as the dispatcher says. */
extern uint64 bev_queue_settled(void);

/* The dispatcher of a standby found that so much is settled; nothing once seqs are given out. */
extern void bev_queue_follow(uint64 settled);

/*
 * What is decided at this moment: every transaction with a seq up to the result
 * is committed and visible to a snapshot taken afterwards, or gone.
 */
extern uint64 bev_queue_horizon(void);

/*
 * Hand the settled transactions to take, in the order of their seqs, and make
 * their room free again.  Seqs of transactions that had no entry are passed over;
 * bev_queue_settled shows it.  Returns how many were handed over.
 */
extern int bev_queue_drain(void (*take)(void *arg, const BevQueueItem *item), void *arg);

/* The greatest LSN of a commit that was published; to be flushed before sending. */
extern XLogRecPtr bev_queue_commit_lsn(void);

/*
 * Announce that the dispatcher goes to sleep: from now on a commit sets its
 * latch.  False when there is something to drain already.  bev_queue_awake takes
 * it back.
 */
extern bool bev_queue_doze(void);
extern void bev_queue_awake(void);

/* Wake the dispatcher, if there is one. */
extern void bev_queue_wake(void);

/* For the metrics. */
extern Size bev_queue_used(void);
extern uint64 bev_queue_overflows(void);

#endif /* BEV_SERVER_QUEUE_QUEUE_H */
