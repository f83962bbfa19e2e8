/*
 * kept.h - what the projector keeps of the rows of an entity, and what belongs to them.
 */
#ifndef BEV_NOTIFY_PROJECTOR_KEPT_H
#define BEV_NOTIFY_PROJECTOR_KEPT_H

#include "server/base/statement.h"

#define BEV_KEPT_STATEMENTS 16

/* Statements about rows by their ids, $1; the lists end with what has no SQL. */
typedef struct BevKept
{
	const char *entity;
	BevStatement hide;                            /* forget it, keep what belongs to it */
	BevStatement forget[BEV_KEPT_STATEMENTS];     /* forget it and all that belongs to it */
	BevStatement forget_all[BEV_KEPT_STATEMENTS]; /* the same with all rows */
	BevStatement rename[BEV_KEPT_STATEMENTS];     /* what belongs to $1 is $2's now */
	BevStatement ids;                             /* of which anything is kept */
} BevKept;

#endif /* BEV_NOTIFY_PROJECTOR_KEPT_H */
