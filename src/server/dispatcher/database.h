/*
 * database.h - the connection to the database that is served.
 */
#ifndef BE_SERVER_DISPATCHER_DATABASE_H
#define BE_SERVER_DISPATCHER_DATABASE_H

#include "postgres.h"

/* For the hooks of shared memory. */
extern void be_database_request(void);
extern void be_database_startup(void);

/*
 * Connect the background worker to bugevents.database.  While there is no such
 * database it is waited for; the process ends then and is started again.
 */
extern void be_database_connect(void);

#endif							/* BE_SERVER_DISPATCHER_DATABASE_H */
