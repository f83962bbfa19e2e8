/*
 * listing.h - a list that a client asks for, page by page.
 */
#ifndef BEV_GATEWAY_SESSION_LISTING_H
#define BEV_GATEWAY_SESSION_LISTING_H

#include <jansson.h>

#include "gateway/session/question.h"

/*
 * Ask for a page of rows by verb, as payload says, and reply with it.  id is JSON text to be
 * echoed, or NULL.  A page is full of what the client may see, unless its bounds were met first.
 */
extern void bev_listing_ask(BevQuestions *questions, BevSession *session, const char *id,
                            BevVerb verb, const json_t *payload);

#endif /* BEV_GATEWAY_SESSION_LISTING_H */
