/*
 * bug.h - what the projector knows of bugs.
 */
#ifndef BEV_NOTIFY_PROJECTOR_BUG_H
#define BEV_NOTIFY_PROJECTOR_BUG_H

#include "postgres.h"

#include "notify/projector/change.h"

/* NULL: not known, or none. */
typedef struct BevBug
{
	const char *id;
	const char *title;
	const char *status;
	const char *creator;
	const char *assignee;
} BevBug;

/* As an event of the bug's row says. */
extern void bev_bug_of_change(BevBug *bug, BevChange *change);

/*
 * As of the cursor; of a bug from before its table was attached, as its row is now.
 * False: there is none.
 */
extern bool bev_bug_find(BevBug *bug, const char *id);

/* Remember it. */
extern void bev_bug_put(const BevBug *bug);

/* Forget it and all that belongs to it. */
extern void bev_bug_delete(const char *id);

/* It can't be seen any more, but is there: forget it, keep what belongs to it. */
extern void bev_bug_hide(const char *id);

/* It has another id: what belongs to it goes along. */
extern void bev_bug_rename(const char *old, const char *new);

/* Forget all bugs, or those that are in no table any more. */
extern void bev_bug_delete_all(void);
extern void bev_bug_delete_missing(void);

#endif /* BEV_NOTIFY_PROJECTOR_BUG_H */
