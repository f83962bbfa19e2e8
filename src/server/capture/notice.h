/*
 * notice.h - events about a whole table: truncated, attached, detached.
 */
#ifndef BEV_SERVER_CAPTURE_NOTICE_H
#define BEV_SERVER_CAPTURE_NOTICE_H

#include "postgres.h"

#include "utils/rel.h"

#include "server/attach/attachment.h"

/* Publish one, whose payload names the table; if the table decides, all is void. */
extern void bev_notice_publish(Relation rel, const BevAttachment *attachment, const char *action,
                               const char *audience);

#endif /* BEV_SERVER_CAPTURE_NOTICE_H */
