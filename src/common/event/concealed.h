/*
 * concealed.h - an event as those get it who have no admin to show it to.
 *
 * Pure C.
 */
#ifndef BEV_COMMON_EVENT_CONCEALED_H
#define BEV_COMMON_EVENT_CONCEALED_H

#include "common/event/event.h"

/* Is there anything in it for admins alone? */
extern bool bev_event_has_secrets(const BevEvent *event);

/*
 * Write the record without that.  Of fields for admins what others get takes the place; an event
 * that is for admins alone keeps its audience, which row it is of and what happened to it, and what
 * follows for users' rights, and has no content.  The size of it; dst may be NULL.
 */
extern size_t bev_event_conceal(const BevEvent *event, char *dst);

#endif /* BEV_COMMON_EVENT_CONCEALED_H */
