/*
 * subtransaction.h - a step that may fail without ending the transaction.
 */
#ifndef BE_SERVER_BASE_SUBTRANSACTION_H
#define BE_SERVER_BASE_SUBTRANSACTION_H

#include "postgres.h"

/*
 * Take it in a subtransaction.  False: it threw, and what it wrote is undone; with report, the log
 * has the error.  Cancelling and shutting down go through to the caller.
 */
extern bool be_attempt(void (*step) (void *arg), void *arg, bool report);

/* The same; NULL: it went well, else why it didn't. */
extern ErrorData *be_attempt_error(void (*step) (void *arg), void *arg);

/* May what failed with this error succeed when it is done again later? */
extern bool be_attempt_may_succeed_later(int sqlstate);

#endif							/* BE_SERVER_BASE_SUBTRANSACTION_H */
