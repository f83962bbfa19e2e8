/*
 * security.h - what gateways find suspicious, on its way to the log and a table.
 */
#ifndef BE_SECURITY_H
#define BE_SECURITY_H

#include "postgres.h"

#include "pipe/message.h"

/* A gateway's SUSPECT, checked already.  Logs a line, unless there were too many. */
extern void be_security_note(int gateway, const BeSuspectMessage *suspect);

/* Now and then: hand what was noted to the table. */
extern void be_security_flush(void);

#endif							/* BE_SECURITY_H */
