/*
 * samples.h - what the server's numbers were in the last hour, in shared memory.
 *
 * Who looks at a console, or comes at night without a Prometheus, sees what was before.
 */
#ifndef BEV_SERVER_SHARED_SAMPLES_H
#define BEV_SERVER_SHARED_SAMPLES_H

#include "postgres.h"

#include "server/base/shared_area.h"
#include "common/pipe/alert_rules.h"
#include "datatype/timestamp.h"

#define BEV_SAMPLES         360
#define BEV_SAMPLE_INTERVAL 10000 /* ms */

typedef struct BevSample
{
	TimestampTz at;
	/* Levels */
	int64 connections;
	int64 lagging;
	int64 queue_bytes;
	int64 journal_bytes;
	int64 projector_lag; /* events; -1: it doesn't run */
	int64 waiting;       /* deliveries */
	int64 dead;          /* likewise */
	/* Counters, since the server's start */
	int64 captured;
	int64 delivered;
	int64 bytes_sent;
	int64 errors;
	int64 overflows;
	int64 delays[BEV_ALERT_DELAYS]; /* as counted, by bucket */
} BevSample;

extern const BevSharedArea bev_samples_area;

/* In the place of the oldest.  The dispatcher alone calls it. */
extern void bev_samples_add(const BevSample *sample);

/* The one in a place, 0 to BEV_SAMPLES - 1; false: none yet, or it is being replaced. */
extern bool bev_samples_get(int place, BevSample *sample);

#endif /* BEV_SERVER_SHARED_SAMPLES_H */
