/*
 * subtransaction.h - a step that may fail without ending the transaction.
 */
#ifndef BEV_SERVER_BASE_SUBTRANSACTION_H
#define BEV_SERVER_BASE_SUBTRANSACTION_H

#include "postgres.h"

/*
 * Take it in a subtransaction.  False: it threw, and what it wrote is undone; with report, the log
 * has the error.  Cancelling and shutting down go through to the caller, but for a time limit
 * (time_limit.h) that the caller has begun.
 */
extern bool bev_subtransaction_run(void (*step)(void *arg), void *arg, bool report);

/* The same; NULL: it went well, else why it didn't. */
extern ErrorData *bev_subtransaction_error(void (*step)(void *arg), void *arg);

/* And for any error: what must go through is for the caller to throw again (ReThrowError()). */
extern ErrorData *bev_subtransaction_any_error(void (*step)(void *arg), void *arg);

/* May what failed with this error succeed when it is done again later? */
extern bool bev_subtransaction_may_succeed_later(int sqlstate);

#endif /* BEV_SERVER_BASE_SUBTRANSACTION_H */
