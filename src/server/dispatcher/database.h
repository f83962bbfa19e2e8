/*
 * database.h - the connection to the database that is served.
 */
#ifndef BEV_SERVER_DISPATCHER_DATABASE_H
#define BEV_SERVER_DISPATCHER_DATABASE_H

#include "postgres.h"

#include "server/base/shared_area.h"

extern const BevSharedArea bev_database_area;

/*
 * Connect the background worker to bugevents.database.  While there is no such
 * database it is waited for; the process ends then and is started again.
 */
extern void bev_database_connect(void);

#endif /* BEV_SERVER_DISPATCHER_DATABASE_H */
