/*
 * worker_registry.h - which workers run, for those who start and wake them.
 */
#ifndef BEV_SERVER_SHARED_WORKER_REGISTRY_H
#define BEV_SERVER_SHARED_WORKER_REGISTRY_H

#include "postgres.h"

typedef enum BevWorkerKind
{
	BEV_WORKER_PROJECTOR,
	BEV_WORKER_COURIER,
	BEV_WORKERS
} BevWorkerKind;

extern void bev_worker_registry_request(void);
extern void bev_worker_registry_startup(void);

/* The calling process is this worker until it exits.  False: there is one already. */
extern bool bev_worker_registry_begin(BevWorkerKind kind);

extern bool bev_worker_registry_is_running(BevWorkerKind kind);

/* There is something to do for it.  Cheap if it isn't asleep, or there is none. */
extern void bev_worker_registry_wake(BevWorkerKind kind);

/* The same when the current transaction commits, unless we are that worker. */
extern void bev_worker_registry_wake_at_commit(BevWorkerKind kind);

#endif /* BEV_SERVER_SHARED_WORKER_REGISTRY_H */
