/*
 * courier.h - the background worker that has mails, messages and webhooks sent.
 */
#ifndef BEV_NOTIFY_COURIER_COURIER_H
#define BEV_NOTIFY_COURIER_COURIER_H

#include "postgres.h"

/*
 * Start it, if there is none and a channel is configured.  To be called by the
 * dispatcher about once a second while there is a stream.
 */
extern void bev_courier_look_after(void);

#endif /* BEV_NOTIFY_COURIER_COURIER_H */
