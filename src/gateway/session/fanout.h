/*
 * fanout.h - brings the stream to the clients.
 *
 * Between batches gateway->sent_tip is the window's tip: whoever places a client
 * or lets it go on while a batch is being taken in sends that batch first, or
 * the client would receive it twice.
 */
#ifndef BEV_GATEWAY_SESSION_FANOUT_H
#define BEV_GATEWAY_SESSION_FANOUT_H

#include "gateway/client/client.h"

/*
 * Send the batch: what the window holds after gateway->sent_tip, to everyone
 * concerned who is live.
 */
extern void bev_fanout_batch(BevGateway *gateway);

/*
 * Let a client go on from its cursor, as far as there is room.  It becomes live
 * when it has everything, or parked.
 */
extern void bev_fanout_go_on(BevClient *client);

/* Place a client at a seq: everything after it follows. */
extern void bev_fanout_place(BevClient *client, uint64_t seq);

/*
 * From now on, when the client lags, it gets of each row only the last state that
 * it may see and wants; or all of them again.
 */
extern void bev_fanout_conflate(BevClient *client, bool conflate);

/* What the client needs is gone: tell it, and go on from the tip. */
extern void bev_fanout_resync(BevClient *client);

#endif /* BEV_GATEWAY_SESSION_FANOUT_H */
