/*
 * watcher.h - who watches which bug, or all bugs of which project, and who wants to hear nothing of
 * one, as of the cursor.
 */
#ifndef BEV_NOTIFY_PROJECTOR_WATCHER_H
#define BEV_NOTIFY_PROJECTOR_WATCHER_H

#include "postgres.h"

#include "nodes/pg_list.h"

extern void bev_watcher_add(const char *bug, const char *user);
extern void bev_watcher_remove(const char *bug, const char *user);

/* Their ids (char *), in order. */
extern List *bev_watcher_list(const char *bug);

/* The same for a project. */
extern void bev_watcher_add_to_project(const char *project, const char *user);
extern void bev_watcher_remove_from_project(const char *project, const char *user);
extern List *bev_watcher_list_of_project(const char *project);

/* Who wants to hear nothing of a bug. */
extern void bev_watcher_mute(const char *bug, const char *user);
extern void bev_watcher_unmute(const char *bug, const char *user);
extern List *bev_watcher_list_muted(const char *bug);

#endif /* BEV_NOTIFY_PROJECTOR_WATCHER_H */
