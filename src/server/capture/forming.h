/*
 * forming.h - events of what the transaction changed, as far as they weren't formed yet.
 */
#ifndef BEV_SERVER_CAPTURE_FORMING_H
#define BEV_SERVER_CAPTURE_FORMING_H

#include "postgres.h"

/*
 * Form the events of all that is in the log of changes, or only of the rows of those tables that
 * are marked (by number; NULL: of everything).  They belong to the current subtransaction, and
 * what is changed from now on counts from here.
 *
 * May throw (a cancel, no memory, a serialization failure): the (sub)transaction has to be rolled
 * back then.  Runs the owners' expressions, and may wait for locks in them.
 */
extern void bev_forming_run(const bool *tables);

/*
 * The same of everything, as the transaction commits: what is looked into is locked until its end.
 */
extern void bev_forming_finish(void);

#endif /* BEV_SERVER_CAPTURE_FORMING_H */
