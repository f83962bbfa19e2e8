/*
 * mention.h - whom a text names with @.
 */
#ifndef BEV_NOTIFY_PROJECTOR_MENTION_H
#define BEV_NOTIFY_PROJECTOR_MENTION_H

#include "postgres.h"

#include "nodes/pg_list.h"

/*
 * The ids of the users whom text names and old (NULL: none) doesn't, palloc'd, each once.  Whether
 * they may know of it is not asked here.  NULL as text names nobody.
 */
extern List *bev_mention_list(const char *text, const char *old);

#endif /* BEV_NOTIFY_PROJECTOR_MENTION_H */
