/*
 * dispatcher.h - the background worker between the queue and the gateways.
 */
#ifndef BE_DISPATCHER_H
#define BE_DISPATCHER_H

/* Register the background worker; once, while preloading. */
extern void be_dispatcher_register(void);

#endif							/* BE_DISPATCHER_H */
