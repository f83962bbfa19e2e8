/*
 * abuse.h - what looks like an attack, or like somebody's mistake.
 */
#ifndef BE_GATEWAY_SESSION_ABUSE_H
#define BE_GATEWAY_SESSION_ABUSE_H

#include "gateway/client/client.h"
#include "gateway/session/count.h"

/* Note what a client did: one of the BE_COUNT_SUSPICION_ kinds. */
extern void be_suspect(BeClient *client, BeCounter kind);

/* Tell the dispatcher what was noted since the last time. */
extern void be_suspicion_tell(BeGateway *gateway);

#endif							/* BE_GATEWAY_SESSION_ABUSE_H */
