/*
 * gateway_token.h - the tokens that a gateway was shown, and what is done in their owners' names.
 */
#ifndef BEV_SERVER_DISPATCHER_GATEWAY_TOKEN_H
#define BEV_SERVER_DISPATCHER_GATEWAY_TOKEN_H

#include "postgres.h"

#include "server/dispatcher/feed.h"
#include "server/dispatcher/token_checks.h"

/* OPEN, AGAIN, TOKEN.  False: the gateway breaks the rules of message.h. */
extern bool bev_gateway_token_open(BevFeed *feed, const BevMessage *message);
extern bool bev_gateway_token_again(BevFeed *feed, const BevMessage *message);
extern bool bev_gateway_token_show(BevFeed *feed, const BevMessage *message);

/*
 * A question of one of its clients, as who the verifier said it is; answered at once when its token
 * has expired.  False: it has no such client.
 */
extern bool bev_gateway_token_ask(BevFeed *feed, const BevAskMessage *ask, BevSpan payload);

/* UNSUBSCRIBE, which is nobody's: the token of a mail is all that it goes by. */
extern void bev_gateway_token_unsubscribe(BevFeed *feed, const BevAskMessage *ask, BevSpan payload);

/* The token of an OPEN was checked: have its owner looked up, or answer that it is no good. */
extern void bev_gateway_token_opened(BevFeed *feed, const BevOpenMessage *open,
                                     const BevTokenFound *found);

/* The same of a TOKEN, which is answered. */
extern void bev_gateway_token_shown(BevFeed *feed, const BevTokenMessage *shown,
                                    const BevTokenFound *found);

/* Answer an OPEN or AGAIN with what was found out (lookup.h). */
extern void bev_gateway_token_admit(BevFeed *feed, BevApplicant *who, const BevLookupFound *found);

#endif /* BEV_SERVER_DISPATCHER_GATEWAY_TOKEN_H */
