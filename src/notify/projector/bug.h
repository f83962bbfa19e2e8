/*
 * bug.h - what the projector knows of bugs.
 */
#ifndef BE_NOTIFY_PROJECTOR_BUG_H
#define BE_NOTIFY_PROJECTOR_BUG_H

#include "postgres.h"

#include "notify/projector/change.h"

/* NULL: not known, or none. */
typedef struct BeBug
{
	const char *id;
	const char *title;
	const char *status;
	const char *creator;
	const char *assignee;
} BeBug;

/* As an event of the bug's row says. */
extern void be_bug_of_change(BeBug *bug, BeChange *change);

/*
 * As of the cursor; of a bug from before its table was attached, as its row is now.
 * False: there is none.
 */
extern bool be_bug_find(BeBug *bug, const char *id);

/* Remember it. */
extern void be_bug_put(const BeBug *bug);

/* Forget it and all that belongs to it. */
extern void be_bug_delete(const char *id);

/* Forget all bugs. */
extern void be_bug_delete_all(void);

#endif							/* BE_NOTIFY_PROJECTOR_BUG_H */
