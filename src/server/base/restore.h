/*
 * restore.h - whether a session loads a dump.
 */
#ifndef BEV_SERVER_BASE_RESTORE_H
#define BEV_SERVER_BASE_RESTORE_H

#include "postgres.h"

/*
 * Does this session look like one of pg_restore, or a script of pg_dump?  Those turn
 * check_function_bodies and row_security off; who writes for a tracker has no use for either.
 */
extern bool bev_restore_is_running(void);

#endif /* BEV_SERVER_BASE_RESTORE_H */
