/*
 * watcher.h - who watches which bug, as of the cursor.
 */
#ifndef BEV_NOTIFY_PROJECTOR_WATCHER_H
#define BEV_NOTIFY_PROJECTOR_WATCHER_H

#include "postgres.h"

#include "nodes/pg_list.h"

extern void bev_watcher_add(const char *bug, const char *user);
extern void bev_watcher_remove(const char *bug, const char *user);

/* The users (char *) who watch a bug, in the order of their ids. */
extern List *bev_watcher_list(const char *bug);

#endif /* BEV_NOTIFY_PROJECTOR_WATCHER_H */
