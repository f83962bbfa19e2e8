/*
 * forming.h - events of what the transaction changed, as far as they weren't formed yet.
 */
#ifndef BEV_SERVER_CAPTURE_FORMING_H
#define BEV_SERVER_CAPTURE_FORMING_H

#include "postgres.h"

/*
 * While the transaction goes on, form the events of all that is in the log of changes, or only of
 * the rows of those tables that are marked (by number; NULL: of everything).  They belong to the
 * current subtransaction, and what is changed from now on counts from here.
 *
 * May throw (a cancel, no memory, a serialization failure): the (sub)transaction has to be rolled
 * back then.  Runs the owners' expressions, and may wait for locks in them.
 */
extern void bev_forming_run(const bool *tables);

/*
 * The same of everything, at the end of the transaction.  If it commits, and isn't only prepared,
 * what is looked into is locked until then.
 */
extern void bev_forming_finish(bool commits);

#endif /* BEV_SERVER_CAPTURE_FORMING_H */
