/*
 * registration.h - asks the dispatcher whether a client may stay.
 *
 *	token is good --> OPEN --> (waiting) --> ADMIT --> welcome, or refused
 *	                                            \--> gone meanwhile: CLOSED
 *	admitted client goes --> CLOSED
 *
 * Only the dispatcher sees all gateways, so only it can count.  It also keeps the
 * list of who is connected, which be_admission_report brings up to date.
 */
#ifndef BE_GATEWAY_SESSION_REGISTRATION_H
#define BE_GATEWAY_SESSION_REGISTRATION_H

#include "gateway/client/client.h"

/* The client showed a good token: ask. */
extern void be_admission_ask(BeClient *client);

/*
 * It was admitted before there was a stream that would have told what changed since.
 */
extern void be_admission_ask_again(BeClient *client);

/* ADMIT.  False: it answers nothing that was asked, or is malformed. */
extern bool be_admission_answer(BeGateway *gateway, const BeMessage *message);

/* The client goes, in whatever state, by this close frame; may be called again. */
extern void be_admission_leave(BeClient *client, int code, const char *reason);

/* DISCONNECT.  False: malformed. */
extern bool be_admission_disconnect(BeGateway *gateway, const BeMessage *message);

/* Tell the dispatcher the role of an admitted client, which is another one now. */
extern void be_admission_tell_role(BeClient *client);

/* Tell the dispatcher how those are doing of whom something changed. */
extern void be_admission_report(BeGateway *gateway);

/* Free what is kept for answers that will not come any more. */
extern void be_admission_free(BeGateway *gateway);

#endif							/* BE_GATEWAY_SESSION_REGISTRATION_H */
