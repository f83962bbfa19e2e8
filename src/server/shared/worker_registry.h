/*
 * worker_registry.h - which workers run, for those who start and wake them.
 */
#ifndef BE_SERVER_SHARED_WORKER_REGISTRY_H
#define BE_SERVER_SHARED_WORKER_REGISTRY_H

#include "postgres.h"

typedef enum BeWorkerKind
{
	BE_WORKER_PROJECTOR,
	BE_WORKER_COURIER,
	BE_WORKERS
} BeWorkerKind;

extern void be_presence_request(void);
extern void be_presence_startup(void);

/* The calling process is this worker until it exits.  False: there is one already. */
extern bool be_presence_begin(BeWorkerKind kind);

extern bool be_presence_is_running(BeWorkerKind kind);

/* There is something to do for it.  Cheap if it isn't asleep, or there is none. */
extern void be_presence_wake(BeWorkerKind kind);

/* The same when the current transaction commits, unless we are that worker. */
extern void be_presence_wake_at_commit(BeWorkerKind kind);

#endif							/* BE_SERVER_SHARED_WORKER_REGISTRY_H */
