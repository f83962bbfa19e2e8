/*
 * stream_row.h - the row of bugevents.stream: which stream this database is.
 */
#ifndef BE_STREAM_ROW_H
#define BE_STREAM_ROW_H

#include "postgres.h"

#include "utils/uuid.h"

/*
 * Read the stream's identity.  False when the extension doesn't exist.  To be
 * called in a transaction with an active snapshot.
 */
extern bool be_stream_row_read(pg_uuid_t *id);

#endif							/* BE_STREAM_ROW_H */
