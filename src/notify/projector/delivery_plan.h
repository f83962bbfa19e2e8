/*
 * delivery_plan.h - planning what is sent outside: rows of bugevents.deliveries.
 */
#ifndef BEV_NOTIFY_PROJECTOR_DELIVERY_PLAN_H
#define BEV_NOTIFY_PROJECTOR_DELIVERY_PLAN_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "server/base/delivery_channel.h"

/* Plan what goes to a user because of a new notification, through each channel that is wanted. */
extern void bev_delivery_plan(int64 notification, const char *type, const char *user,
                              TimestampTz at);

/* Does the user want notifications of this type there? */
extern bool bev_delivery_plan_is_wanted(BevDeliveryChannel kind, const char *user,
                                        const char *type);

/*
 * Where it goes to, as the user's row is now; NULL: there is no address, or the user is not
 * active.  Throws if the row can't be read.
 */
extern const char *bev_delivery_plan_address(BevDeliveryChannel kind, const char *user);

#endif /* BEV_NOTIFY_PROJECTOR_DELIVERY_PLAN_H */
