/*
 * worker_registry.h - the workers that are kept running, for those who start and wake them.
 *
 * A worker makes itself known when the library is preloaded; so the dispatcher looks after workers
 * of rooms that it doesn't know.
 */
#ifndef BEV_SERVER_BASE_WORKER_REGISTRY_H
#define BEV_SERVER_BASE_WORKER_REGISTRY_H

#include "postgres.h"

#include "server/base/shared_area.h"

typedef enum BevWorkerKind
{
	BEV_WORKER_PROJECTOR,
	BEV_WORKER_COURIER,
	BEV_WORKERS
} BevWorkerKind;

typedef struct BevKeptWorker
{
	const char *name;        /* worker.h */
	const char *loss;        /* what it means that it can't be started */
	bool (*is_wanted)(void); /* by the settings */
} BevKeptWorker;

/* While the library is preloaded: this is the worker of that kind. */
extern void bev_worker_registry_add(BevWorkerKind kind, const BevKeptWorker *worker);

/*
 * Start those that are wanted and don't run; one that ended again at once, some seconds later.  To
 * be called by the dispatcher about once a second while there is a stream.
 */
extern void bev_worker_registry_look_after(void);

extern const BevSharedArea bev_worker_registry_area;

/* The calling process is this worker until it exits.  False: there is one already. */
extern bool bev_worker_registry_begin(BevWorkerKind kind);

extern bool bev_worker_registry_is_running(BevWorkerKind kind);

/* There is something to do for it.  Cheap if it isn't asleep, or there is none. */
extern void bev_worker_registry_wake(BevWorkerKind kind);

/* The same when the current transaction commits, unless we are that worker. */
extern void bev_worker_registry_wake_at_commit(BevWorkerKind kind);
extern void bev_worker_registry_end_transaction(bool committed);

#endif /* BEV_SERVER_BASE_WORKER_REGISTRY_H */
