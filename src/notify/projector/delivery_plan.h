/*
 * delivery_plan.h - planning what is sent outside: rows of bugevents.deliveries.
 */
#ifndef BEV_NOTIFY_PROJECTOR_DELIVERY_PLAN_H
#define BEV_NOTIFY_PROJECTOR_DELIVERY_PLAN_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Plan what goes to a user because of a new notification, through each channel that is wanted. */
extern void bev_delivery_plan(int64 notification, const char *type, const char *user,
                              TimestampTz at);

#endif /* BEV_NOTIFY_PROJECTOR_DELIVERY_PLAN_H */
