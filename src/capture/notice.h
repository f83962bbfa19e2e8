/*
 * notice.h - events about a whole table: truncated, attached, detached.
 */
#ifndef BE_NOTICE_H
#define BE_NOTICE_H

#include "postgres.h"

#include "utils/rel.h"

#include "capture/attachment.h"

/* Publish one, whose payload names the table; if the table decides, all is void. */
extern void be_notice_publish(Relation rel, const BeAttachment *attachment,
							  const char *action, const char *audience);

#endif							/* BE_NOTICE_H */
