/*
 * dispatcher.h - the background worker between the queue and the gateways.
 */
#ifndef BEV_SERVER_DISPATCHER_DISPATCHER_H
#define BEV_SERVER_DISPATCHER_DISPATCHER_H

/* Register the background worker; once, while preloading. */
extern void bev_dispatcher_register(void);

#endif /* BEV_SERVER_DISPATCHER_DISPATCHER_H */
