/*
 * place.h - where a list goes on, sealed: a client can keep it and bring it back, and learns
 * nothing from it.
 *
 * What a page reached may be a row that is not for the client.  So its key is encrypted, and bound
 * to who may come back with it and to what was asked for.
 */
#ifndef BEV_GATEWAY_SESSION_PLACE_H
#define BEV_GATEWAY_SESSION_PLACE_H

#include <stdbool.h>

#include "common/event/event.h"

#define BEV_PLACE_KEY_LEN 32

/*
 * The key from now on: base64 of so many bytes, as the dispatcher draws it; places of another
 * key are none any more.  Anything else, an empty one too: one of this process.
 */
extern void bev_place_set_key(const char *base64);

/* Text without a control character, to be freed. */
extern char *bev_place_seal(BevSpan plain, const char *bound);

/* What was sealed, terminated, to be freed; NULL: it isn't ours, or of another bound. */
extern char *bev_place_open(const char *sealed, const char *bound);

#endif /* BEV_GATEWAY_SESSION_PLACE_H */
