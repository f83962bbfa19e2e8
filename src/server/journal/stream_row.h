/*
 * stream_row.h - the row of bugevents.stream: which stream this database is.
 */
#ifndef BEV_SERVER_JOURNAL_STREAM_ROW_H
#define BEV_SERVER_JOURNAL_STREAM_ROW_H

#include "postgres.h"

#include "utils/uuid.h"

typedef struct BevStreamRow
{
	pg_uuid_t id;
	uint64 dropped; /* history up to this seq is gone */
} BevStreamRow;

/*
 * Read it.  False when the extension doesn't exist.  To be called in a
 * transaction with an active snapshot.
 */
extern bool bev_stream_row_read(BevStreamRow *row);

/*
 * Make it another stream, whose history begins behind dropped: positions from
 * before are refused from now on.  Wants a transaction with a snapshot.
 */
extern void bev_stream_row_renew(uint64 dropped);

#endif /* BEV_SERVER_JOURNAL_STREAM_ROW_H */
