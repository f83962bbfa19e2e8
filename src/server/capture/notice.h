/*
 * notice.h - events about a whole table: truncated, attached, detached.
 */
#ifndef BE_SERVER_CAPTURE_NOTICE_H
#define BE_SERVER_CAPTURE_NOTICE_H

#include "postgres.h"

#include "utils/rel.h"

#include "server/attach/attachment.h"

/* Publish one, whose payload names the table; if the table decides, all is void. */
extern void be_notice_publish(Relation rel, const BeAttachment *attachment,
							  const char *action, const char *audience);

#endif							/* BE_SERVER_CAPTURE_NOTICE_H */
