/*
 * stream_row.h - the row of bugevents.stream: which stream this database is.
 */
#ifndef BE_SERVER_JOURNAL_STREAM_ROW_H
#define BE_SERVER_JOURNAL_STREAM_ROW_H

#include "postgres.h"

#include "utils/uuid.h"

typedef struct BeStreamRow
{
	pg_uuid_t	id;
	uint64		dropped;		/* history up to this seq is gone */
} BeStreamRow;

/*
 * Read it.  False when the extension doesn't exist.  To be called in a
 * transaction with an active snapshot.
 */
extern bool be_stream_row_read(BeStreamRow *row);

/*
 * Make it another stream, whose history begins behind dropped: positions from
 * before are refused from now on.  Wants a transaction with a snapshot.
 */
extern void be_stream_row_renew(uint64 dropped);

#endif							/* BE_SERVER_JOURNAL_STREAM_ROW_H */
