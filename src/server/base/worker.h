/*
 * worker.h - what all background workers that connect to the database have in common.
 */
#ifndef BEV_SERVER_BASE_WORKER_H
#define BEV_SERVER_BASE_WORKER_H

/*
 * Connect this worker to bugevents.database as the superuser that initdb made, whatever
 * the database's owner has set for connections to it.  FATAL when there is no such
 * database; once in a worker's life.
 */
extern void bev_worker_connect(void);

#endif /* BEV_SERVER_BASE_WORKER_H */
