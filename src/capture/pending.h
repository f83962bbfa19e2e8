/*
 * pending.h - the events of the transaction that is under way.
 */
#ifndef BE_PENDING_H
#define BE_PENDING_H

#include "postgres.h"

/*
 * Room for one event record (event.h) of size bytes, which the caller fills at
 * once.  The event belongs to the current subtransaction and vanishes with it;
 * whatever remains is published when the transaction commits.  Throws when the
 * transaction can't publish any more (it is committing already).
 */
extern char *be_pending_reserve(Size size);

#endif							/* BE_PENDING_H */
