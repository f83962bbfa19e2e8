/*
 * listener.h - the listening sockets.
 */
#ifndef BEV_GATEWAY_NET_LISTENER_H
#define BEV_GATEWAY_NET_LISTENER_H

#include <uv.h>

typedef struct BevListener BevListener;

/*
 * Accept on what comes by source (common/pipe/passed_sockets.h), which is the listener's from now
 * on; a set takes the place of the one before.  accepted is given each connection, whose fd is the
 * owner's.
 */
extern BevListener *bev_listener_create(uv_loop_t *loop, int source,
                                        void (*accepted)(void *owner, int fd), void *owner);

/* Close them all and take no more connections; the loop must run once more. */
extern void bev_listener_free(BevListener *listener);

#endif /* BEV_GATEWAY_NET_LISTENER_H */
