/*
 * notice.h - events about a whole table.
 */
#ifndef BEV_SERVER_CAPTURE_NOTICE_H
#define BEV_SERVER_CAPTURE_NOTICE_H

#include "postgres.h"

#include "server/attach/attachment.h"

#define BEV_NOTICE_TRUNCATED "truncated"
#define BEV_NOTICE_RELOAD    "reload" /* what is in it has to be read again */
#define BEV_NOTICE_ATTACHED  "attached"
#define BEV_NOTICE_DETACHED  "detached"

/* What a notice calls a table: with its schema; palloc'd. */
extern char *bev_notice_name(Oid table);

/* Whom such an event of a table is for, as principals. */
extern const char *bev_notice_audience(const BevAttachment *attachment, const char *action);

/*
 * Publish one: now, while events are formed, or in its place among the changes that are logged.
 * It is for those who may see any row; the last two are for admins.  If the table decides who may
 * see what, all that was known of it is void.
 */
extern void bev_notice_publish(const char *name, const BevAttachment *attachment,
                               const char *action);
extern void bev_notice_log(const char *name, const BevAttachment *attachment, const char *action);

#endif /* BEV_SERVER_CAPTURE_NOTICE_H */
