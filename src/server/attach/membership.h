/*
 * membership.h - what a table of memberships needs beyond other tables.
 */
#ifndef BEV_SERVER_ATTACH_MEMBERSHIP_H
#define BEV_SERVER_ATTACH_MEMBERSHIP_H

#include "postgres.h"

#include "utils/rel.h"

#include "server/attach/attachment.h"

/*
 * Complete how a table is attached as memberships; attachment->sources has room for one more.
 * Throws if nothing says what a user belongs to, or nothing tells the rows apart.
 */
extern void bev_membership_complete(Relation rel, BevAttachment *attachment);

#endif /* BEV_SERVER_ATTACH_MEMBERSHIP_H */
