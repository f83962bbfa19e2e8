/*
 * actor.h - who acts: the user of the application on whose behalf a session writes.
 */
#ifndef BE_SERVER_CAPTURE_ACTOR_H
#define BE_SERVER_CAPTURE_ACTOR_H

#include "postgres.h"

/* Longer names are cut, in bytes of UTF-8. */
#define BE_ACTOR_MAX	255

/*
 * The user's id in UTF-8, empty when nobody said it: bugevents.actor, or else the member
 * "sub" of request.jwt.claims, which PostgREST and its like set.  What is no JSON there names
 * nobody; never throws because of it.  Valid until the session's next event.
 */
extern const char *be_actor(void);

#endif							/* BE_SERVER_CAPTURE_ACTOR_H */
