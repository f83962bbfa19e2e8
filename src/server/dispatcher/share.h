/*
 * share.h - how much of the responders' time each user has had lately.
 */
#ifndef BEV_SERVER_DISPATCHER_SHARE_H
#define BEV_SERVER_DISPATCHER_SHARE_H

#include "postgres.h"

#include "utils/timestamp.h"

typedef struct BevShare BevShare;

/* That of a user, for one more question; to be released with it. */
extern BevShare *bev_share_take(const char *user);
extern void bev_share_release(BevShare *share);

/* One of the user's questions is asked, or was answered. */
extern void bev_share_begin(BevShare *share);
extern void bev_share_end(BevShare *share);

/* How many of them are asked. */
extern int bev_share_running(const BevShare *share);

/* The time of the responders that the user has had lately (us), with what is under way. */
extern double bev_share_used(const BevShare *share, TimestampTz now);

/* Is that more than anybody needs who asks now and then? */
extern bool bev_share_is_heavy(const BevShare *share, TimestampTz now);

#endif /* BEV_SERVER_DISPATCHER_SHARE_H */
