/*
 * sender.h - whether deliveries are to be sent from here, or this is a copy of where they are.
 */
#ifndef BEV_NOTIFY_COURIER_SENDER_H
#define BEV_NOTIFY_COURIER_SENDER_H

#include "postgres.h"

/*
 * May this courier send?  The first one of a database may, and is noted.  If not, the log says why
 * once, the alert copied_cluster is raised, and somebody has to call take_over_deliveries().
 * A transaction of its own; throws.
 */
extern bool bev_sender_may_send(void);

#endif /* BEV_NOTIFY_COURIER_SENDER_H */
