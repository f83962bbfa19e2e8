/*
 * gateway.h - the gateway: one process, one thread, one loop.
 */
#ifndef BEV_GATEWAY_MAIN_GATEWAY_H
#define BEV_GATEWAY_MAIN_GATEWAY_H

/*
 * Run until the dispatcher or a signal ends it; listening sockets come by sockets.  What the
 * process ends with.
 */
extern int bev_gateway_run(int pipe, int sockets);

#endif /* BEV_GATEWAY_MAIN_GATEWAY_H */
