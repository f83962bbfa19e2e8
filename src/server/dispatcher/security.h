/*
 * security.h - what gateways find suspicious, on its way to the log and a table.
 */
#ifndef BE_SERVER_DISPATCHER_SECURITY_H
#define BE_SERVER_DISPATCHER_SECURITY_H

#include "postgres.h"

#include "common/pipe/message.h"

/* A gateway's SUSPECT, checked already.  Told at once, or added up (common/pipe/tally.h). */
extern void be_security_note(int gateway, const BeSuspectMessage *suspect);

/* Once a second: tell what was added up, and hand what was told to the table. */
extern void be_security_flush(void);

#endif							/* BE_SERVER_DISPATCHER_SECURITY_H */
