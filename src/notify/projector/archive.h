/*
 * archive.h - rows that were deleted: the rows of bugevents.archive.
 */
#ifndef BEV_NOTIFY_PROJECTOR_ARCHIVE_H
#define BEV_NOTIFY_PROJECTOR_ARCHIVE_H

#include "postgres.h"

#include "notify/projector/change.h"

/* Nothing is gathered. */
extern void bev_archive_begin(void);

/* True: it deleted a row, which is to be written by finish(). */
extern bool bev_archive_apply(BevChange *change);

extern void bev_archive_finish(void);

/* Delete some of what is too old or too much by the settings; true: there may be more. */
extern bool bev_archive_expire(void);

#endif /* BEV_NOTIFY_PROJECTOR_ARCHIVE_H */
