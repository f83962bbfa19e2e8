/*
 * abuse.h - what looks like an attack, or like somebody's mistake.
 */
#ifndef BEV_GATEWAY_SESSION_ABUSE_H
#define BEV_GATEWAY_SESSION_ABUSE_H

#include "gateway/client/client.h"
#include "gateway/session/count.h"

/* Note what a client did: one of the BEV_COUNT_ABUSE_ kinds. */
extern void bev_abuse_note(BevClient *client, BevCounter kind);

/* Tell the dispatcher what was noted since the last time. */
extern void bev_abuse_tell(BevGateway *gateway);

#endif /* BEV_GATEWAY_SESSION_ABUSE_H */
