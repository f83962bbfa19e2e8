/*
 * delivery_table.h - the rows of bugevents.deliveries, on their way.
 *
 *	waiting --claim--> sending --record--> sent, dead, uncertain, or waiting again
 *
 * Each call is a transaction of its own, or several.  They throw.
 */
#ifndef BEV_NOTIFY_COURIER_DELIVERY_TABLE_H
#define BEV_NOTIFY_COURIER_DELIVERY_TABLE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "server/base/delivery_channel.h"
#include "nodes/pg_list.h"

/* A delivery that is to be sent now; the row says so already. */
typedef struct BevClaim
{
	int64 id;
	char *line; /* for the carrier, with its end; UTF-8 */
} BevClaim;

/* What the carrier said of one. */
typedef struct BevDeliveryResult
{
	int64 id;
	const char *result; /* sent, refused, retry */
	int code;
	const char *error;
	int retry_after; /* seconds; -1: not said */
	bool uncertain;
} BevDeliveryResult;

/* Up to limit deliveries (BevClaim) that are due, palloc'd in the current context. */
extern List *bev_delivery_table_claim(BevDeliveryChannel kind, int limit);

/* Write what became of one, and count it.  True: the other end answered to it. */
extern bool bev_delivery_table_record(BevDeliveryChannel kind, const BevDeliveryResult *result);

/*
 * Settle what was being sent when a courier or carrier ended, by the ledger, which was read.
 * Returns how many there were.
 */
extern int bev_delivery_table_settle(void);

/* Count those that wait and those that are dead, for the metrics. */
extern void bev_delivery_table_count(void);

/* When the next one of these channels is due; DT_NOEND: there is none. */
extern TimestampTz bev_delivery_table_next(const bool *channels);

#endif /* BEV_NOTIFY_COURIER_DELIVERY_TABLE_H */
