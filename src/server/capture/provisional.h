/*
 * provisional.h - what is published of a transaction before all of it is known.
 */
#ifndef BEV_SERVER_CAPTURE_PROVISIONAL_H
#define BEV_SERVER_CAPTURE_PROVISIONAL_H

#include "postgres.h"

#include "server/attach/mapping.h"
#include "server/capture/row.h"

/* When events are formed: as the transaction goes on, or when it is prepared, or commits. */
typedef enum BevMoment
{
	BEV_MOMENT_PIECE,
	BEV_MOMENT_PREPARE,
	BEV_MOMENT_COMMIT
} BevMoment;

extern void bev_provisional_begin(BevMoment moment);

/* The transaction changed rows of a table that others may follow. */
extern void bev_provisional_note_lookup(Oid root);

/*
 * May a row, with its two versions (NULL: none), be another at the commit, or for others, than it
 * seems to be for now?  Then it is for admins.  If it may, or decides who may see what, it is
 * marked.
 */
extern void bev_provisional_check(const BevMapping *mapping, BevRow *old, BevRow *new);

/* At the end: everyone is told to read the tables again of which there were such rows. */
extern void bev_provisional_finish(void);

#endif /* BEV_SERVER_CAPTURE_PROVISIONAL_H */
