/*
 * attached_kind.h - which kinds of their own tables are attached as.
 */
#ifndef BEV_SERVER_ATTACH_ATTACHED_KIND_H
#define BEV_SERVER_ATTACH_ATTACHED_KIND_H

#include "postgres.h"

#include "server/attach/entity.h"

/* Is a table attached as a kind of that name, which is none of the entities?  Known for a while. */
extern bool bev_attached_kind_exists(const char *name);

/*
 * The entity of that name, or the kind of its own that a table is attached as, as found now; NULL:
 * there is none.  For names that strangers give.
 */
extern const BevEntity *bev_attached_kind_find(const char *name);

#endif /* BEV_SERVER_ATTACH_ATTACHED_KIND_H */
