/*
 * watcher.h - who watches which bug, as of the cursor.
 */
#ifndef BE_NOTIFY_PROJECTOR_WATCHER_H
#define BE_NOTIFY_PROJECTOR_WATCHER_H

#include "postgres.h"

#include "nodes/pg_list.h"

extern void be_watcher_add(const char *bug, const char *user);
extern void be_watcher_remove(const char *bug, const char *user);

/* The users (char *) who watch a bug, in the order of their ids. */
extern List *be_watcher_list(const char *bug);

#endif							/* BE_NOTIFY_PROJECTOR_WATCHER_H */
