/*
 * provisional.h - what is published of a transaction before all of it is known.
 */
#ifndef BEV_SERVER_CAPTURE_PROVISIONAL_H
#define BEV_SERVER_CAPTURE_PROVISIONAL_H

#include "postgres.h"

#include "server/attach/mapping.h"
#include "server/capture/row.h"

/* Events are formed, early: the transaction goes on; else at its end. */
extern void bev_provisional_begin(bool early);

/*
 * May a row, with its two versions (NULL: none), be another at the commit, or for others, than it
 * seems to be for now?  Then it is for admins.  If it may, or decides who may see what, it is
 * marked.
 */
extern void bev_provisional_check(const BevMapping *mapping, BevRow *old, BevRow *new);

/* At the end: everyone is told to read the tables again of which there were such rows. */
extern void bev_provisional_finish(void);

#endif /* BEV_SERVER_CAPTURE_PROVISIONAL_H */
