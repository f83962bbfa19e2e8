/*
 * advice.h - what attach() warns of: what is valid, and probably not meant.
 */
#ifndef BEV_SERVER_ATTACH_ADVICE_H
#define BEV_SERVER_ATTACH_ADVICE_H

#include "postgres.h"

#include "utils/rel.h"

#include "server/attach/attachment.h"

/*
 * Look at how a table, which is locked, is about to be attached, and at its rows if these decide
 * who may connect; warn, with a hint, of what locks people out, gets out of date, or is slow.
 */
extern void bev_advice_give(Relation rel, const BevAttachment *attachment);

#endif /* BEV_SERVER_ATTACH_ADVICE_H */
