/*
 * courier.h - the background worker that has mails, messages and webhooks sent.
 */
#ifndef BEV_NOTIFY_COURIER_COURIER_H
#define BEV_NOTIFY_COURIER_COURIER_H

#include "postgres.h"

/* Let the dispatcher keep it running while a channel is configured; called once from _PG_init. */
extern void bev_courier_register(void);

#endif /* BEV_NOTIFY_COURIER_COURIER_H */
