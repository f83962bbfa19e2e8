/*
 * security.h - what gateways find suspicious, on its way to the log and a table.
 */
#ifndef BEV_SERVER_DISPATCHER_SECURITY_H
#define BEV_SERVER_DISPATCHER_SECURITY_H

#include "postgres.h"

#include "common/pipe/message.h"

/* A gateway's ABUSE, checked already.  Told at once, or added up (common/pipe/tally.h). */
extern void bev_security_add(int gateway, const BevAbuseMessage *abuse);

/* Once a second: tell what was added up, and hand what was told to the table. */
extern void bev_security_flush(void);

#endif /* BEV_SERVER_DISPATCHER_SECURITY_H */
