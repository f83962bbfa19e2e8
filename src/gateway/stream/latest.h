/*
 * latest.h - for each row of a stretch of the stream, the seq of its last event.
 *
 * What lets a client that lags skip the states of a row that a later one has
 * overtaken.  A row is the event's type and key (chunk.h).
 *
 * Pure C.
 */
#ifndef BE_GATEWAY_STREAM_LATEST_H
#define BE_GATEWAY_STREAM_LATEST_H

#include <stdint.h>

#include "common/event/event.h"

typedef struct BeLatestRow BeLatestRow;

/* All zero: an empty one. */
typedef struct BeLatest
{
	BeLatestRow **bucket;
	uint32_t	buckets;		/* a power of two, or 0 */
	uint32_t	rows;
} BeLatest;

/* An event of this row; seq is above all that were noted. */
extern void be_latest_note(BeLatest *latest, BeSpan row, uint64_t seq);

/* 0: no event of this row is known. */
extern uint64_t be_latest_find(const BeLatest *latest, BeSpan row);

/* The event left the stretch; the row is forgotten if it was its last. */
extern void be_latest_forget(BeLatest *latest, BeSpan row, uint64_t seq);

extern void be_latest_free(BeLatest *latest);

#endif							/* BE_GATEWAY_STREAM_LATEST_H */
