/*
 * dispatcher.h - the background worker between the queue and the gateways.
 */
#ifndef BE_SERVER_DISPATCHER_DISPATCHER_H
#define BE_SERVER_DISPATCHER_DISPATCHER_H

/* Register the background worker; once, while preloading. */
extern void be_dispatcher_register(void);

#endif							/* BE_SERVER_DISPATCHER_DISPATCHER_H */
