/*
 * asker.h - who asks, and what that one may see.
 */
#ifndef BEV_SERVER_RESPONDER_ASKER_H
#define BEV_SERVER_RESPONDER_ASKER_H

#include "postgres.h"

#include "common/event/audience.h"
#include "server/responder/request.h"
#include "server/responder/responder_queue.h"

/*
 * What the one who asks belongs to, by the token that the verifier read and by the tables as they
 * are now.  False: who is not let in any more; the answer says so.  Throws, as
 * bev_visibility_of_token does.
 */
extern bool bev_asker_find(const BevQuestionHead *head, BevPrincipals *asker, BevAnswer *answer);

/* The same, for an admin alone. */
extern bool bev_asker_is_admin(const BevQuestionHead *head, BevAnswer *answer);

/*
 * The record as the asker may see it, palloc'd unless it is as it was; false: not at all.
 */
extern bool bev_asker_sees(const BevPrincipals *asker, char **record, Size *size);

#endif /* BEV_SERVER_RESPONDER_ASKER_H */
