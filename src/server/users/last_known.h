/*
 * last_known.h - what the attached tables said of users the last time.
 */
#ifndef BEV_SERVER_USERS_LAST_KNOWN_H
#define BEV_SERVER_USERS_LAST_KNOWN_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* Keep what was read of a user just now: statements (common/event/access.h). */
extern void bev_last_known_keep(const char *user, const StringInfoData *statements);

/* Append what was kept within the last minute; false: nothing was. */
extern bool bev_last_known_recall(const char *user, StringInfo statements);

#endif /* BEV_SERVER_USERS_LAST_KNOWN_H */
