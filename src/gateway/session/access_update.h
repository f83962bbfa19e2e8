/*
 * access_update.h - lets what tables say of users take effect on the clients.
 */
#ifndef BE_GATEWAY_SESSION_ACCESS_UPDATE_H
#define BE_GATEWAY_SESSION_ACCESS_UPDATE_H

#include "gateway/client/client.h"

/*
 * The client is admitted, and this is what tables said of its user up to as_of.
 * False: the bytes are no statements.  The client may have been refused.
 */
extern bool be_access_admit(BeClient *client, uint64_t as_of, BeSpan statements);

/*
 * What the event with this seq says takes effect, before the event itself is in the
 * window; what is in the window is delivered first.  False: these are no statements.
 */
extern bool be_access_event(BeGateway *gateway, uint64_t seq, BeSpan statements);

/* Part of the stream was missed: who was looked up has to be so again. */
extern void be_access_missed(BeGateway *gateway);

/* bugevents.require_user may have changed. */
extern void be_access_review(BeGateway *gateway);

#endif							/* BE_GATEWAY_SESSION_ACCESS_UPDATE_H */
