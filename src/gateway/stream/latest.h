/*
 * latest.h - for each row of a stretch of the stream, the seq of its last event.
 *
 * What lets a client that lags skip the states of a row that a later one has
 * overtaken.  A row is the event's type and key (chunk.h).
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_STREAM_LATEST_H
#define BEV_GATEWAY_STREAM_LATEST_H

#include <stdint.h>

#include "common/event/event.h"
#include "gateway/stream/name_table.h"

/* All zero: an empty one. */
typedef struct BevLatest
{
	BevNameTable rows;
} BevLatest;

/* An event of this row; seq is above all that were noted. */
extern void bev_latest_note(BevLatest *latest, BevSpan row, uint64_t seq);

/* 0: no event of this row is known. */
extern uint64_t bev_latest_find(const BevLatest *latest, BevSpan row);

/* The event left the stretch; the row is forgotten if it was its last. */
extern void bev_latest_forget(BevLatest *latest, BevSpan row, uint64_t seq);

extern void bev_latest_free(BevLatest *latest);

#endif /* BEV_GATEWAY_STREAM_LATEST_H */
