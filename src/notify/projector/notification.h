/*
 * notification.h - telling a user of something.
 */
#ifndef BEV_NOTIFY_PROJECTOR_NOTIFICATION_H
#define BEV_NOTIFY_PROJECTOR_NOTIFICATION_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "common/event/event.h"

/* What is told; NULL: none. */
typedef struct BevNotice
{
	const char *type; /* of bugevents.notifications */
	TimestampTz at;
	const char *bug;
	const char *comment;
	const char *title;
	const char *message; /* NULL: what the quote begins with, or the changes say */
	const char *status;  /* the bug's */
	const char *project;
	const char *actor;   /* who did it */
	const char *changes; /* {"field":[old,new]} */
	const char *quote;   /* what a comment says */
	BevSpan audience;    /* who may know of it */
	BevSpan about;       /* the audience of the bug, where that is another row; else empty */
	bool folds;          /* with others of its kind about the bug */
} BevNotice;

/*
 * Write it for those of the recipients (BevRecipient) who may know of it and have not muted the
 * bug; who wanted to be reminded is, all the same.  If it folds, one of the same kind about the
 * same bug that is not read, not older than bugevents.fold_interval and not sent outside is changed
 * instead, and counts on.
 */
extern void bev_notification_make(const BevNotice *notice, List *recipients);

/*
 * The comment is gone, or all are, and with it what was told of it; one that tells of more
 * comments stays, with those.
 */
extern void bev_notification_delete_comment(const char *comment);

extern void bev_notification_delete_comments(void);

/* Delete what is older than bugevents.notification_retention. */
extern void bev_notification_expire(void);

#endif /* BEV_NOTIFY_PROJECTOR_NOTIFICATION_H */
