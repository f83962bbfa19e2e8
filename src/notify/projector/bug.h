/*
 * bug.h - what the projector knows of bugs.
 */
#ifndef BEV_NOTIFY_PROJECTOR_BUG_H
#define BEV_NOTIFY_PROJECTOR_BUG_H

#include "postgres.h"

#include "notify/projector/change.h"
#include "notify/projector/kept.h"

/* NULL: not known, or none. */
typedef struct BevBug
{
	const char *id;
	const char *title;
	const char *status;
	const char *creator;
	const char *assignee;
	const char *project;
} BevBug;

/* As an event of the bug's row says. */
extern void bev_bug_of_change(BevBug *bug, BevChange *change);

/*
 * As of the cursor; of a bug from before its table was attached, as its row is now.
 * False: there is none.
 */
extern bool bev_bug_find(BevBug *bug, const char *id);

/* A batch begins: there is nothing to write. */
extern void bev_bug_begin(void);

/* Remember it: it is written by write(), which find() calls, too. */
extern void bev_bug_put(const BevBug *bug);
extern void bev_bug_write(void);

extern BevKept bev_bug_kept;

#endif /* BEV_NOTIFY_PROJECTOR_BUG_H */
