/*
 * actor.h - who acts: the user of the application on whose behalf a session writes.
 */
#ifndef BEV_SERVER_CAPTURE_ACTOR_H
#define BEV_SERVER_CAPTURE_ACTOR_H

#include "postgres.h"

/* Longer names are cut, in bytes of UTF-8. */
#define BEV_ACTOR_MAX 255

/*
 * The user's id in UTF-8, empty when nobody said it: bugevents.actor, or else the member
 * "sub" of request.jwt.claims, which PostgREST and its like set.  What is no JSON there names
 * nobody, and is no error (sql/actor.sql).  Valid until the session's next event.
 */
extern const char *bev_actor(void);

#endif /* BEV_SERVER_CAPTURE_ACTOR_H */
