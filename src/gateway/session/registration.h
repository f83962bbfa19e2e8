/*
 * registration.h - asks the dispatcher whether a client may stay.
 *
 *	token is good --> OPEN --> (waiting) --> ADMIT --> welcome, or refused
 *	                                            \--> gone meanwhile: CLOSED
 *	admitted client goes --> CLOSED
 *
 * Only the dispatcher sees all gateways, so only it can count.  It also keeps the
 * list of who is connected, which bev_registration_report brings up to date.
 */
#ifndef BEV_GATEWAY_SESSION_REGISTRATION_H
#define BEV_GATEWAY_SESSION_REGISTRATION_H

#include "gateway/client/client.h"

/* The client showed a good token: ask. */
extern void bev_registration_ask(BevClient *client);

/*
 * It was admitted before there was a stream that would have told what changed since.
 */
extern void bev_registration_ask_again(BevClient *client);

/* ADMIT.  False: it answers nothing that was asked, or is malformed. */
extern bool bev_registration_answer(BevGateway *gateway, const BevMessage *message);

/* The client goes, in whatever state, by this close frame; may be called again. */
extern void bev_registration_leave(BevClient *client, int code, const char *reason);

/* DISCONNECT.  False: malformed. */
extern bool bev_registration_disconnect(BevGateway *gateway, const BevMessage *message);

/* Tell the dispatcher the role of an admitted client, which is another one now. */
extern void bev_registration_tell_role(BevClient *client);

/* Tell the dispatcher how those are doing of whom something changed. */
extern void bev_registration_report(BevGateway *gateway);

/* Free what is kept for answers that will not come any more. */
extern void bev_registration_free(BevGateway *gateway);

#endif /* BEV_GATEWAY_SESSION_REGISTRATION_H */
