/*
 * worker.h - what all our background workers have in common: start, connection, loop.
 *
 * A worker NAME is the function bugevents_NAME_main, and "bugevents NAME" in pg_stat_activity.
 */
#ifndef BEV_SERVER_BASE_WORKER_H
#define BEV_SERVER_BASE_WORKER_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "postmaster/bgworker.h"

/*
 * A worker that connects to the database, starts once recovery has finished, and is not started
 * again by the postmaster; whoever wants it otherwise changes that.
 */
extern BackgroundWorker bev_worker_describe(const char *name);

/*
 * Have it started.  False: there is no slot for another worker, which is logged, with what that
 * means (loss), once and then every ten minutes.  handle may be NULL.
 */
extern bool bev_worker_start(BackgroundWorker *worker, const char *loss,
                             BackgroundWorkerHandle **handle);

/* Append those that the calling process could not start when it last tried, each with its loss. */
extern void bev_worker_list_missing(StringInfo text);

/*
 * For the worker: take signals.  SIGHUP and SIGTERM set the flags of postmaster/interrupt.h;
 * SIGTERM cancels what runs in the database, which is an error like any other there.
 */
extern void bev_worker_begin(void);

/*
 * Connect this worker to bugevents.database as the superuser that initdb made, whatever
 * the database's owner has set for connections to it.  FATAL when there is no such
 * database; once in a worker's life.
 */
extern void bev_worker_connect(void);

/* CHECK_FOR_INTERRUPTS() where nothing runs: being told to end is no error there. */
extern void bev_worker_check(void);

/* For a handler of errors: did replay, on a standby, need what was read?  To be tried again. */
extern bool bev_worker_is_conflict(void);

/*
 * Take turns until one says false, or SIGTERM came.  Each has a memory context of its own, which
 * is current when it begins.  One that ends by a conflict with recovery is followed by the next.
 */
extern void bev_worker_run(bool (*turn)(void));

#endif /* BEV_SERVER_BASE_WORKER_H */
