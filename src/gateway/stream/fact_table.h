/*
 * fact_table.h - the facts (common/event/fact.h) of a row of framed events, read once for all who
 * filter.
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_STREAM_FACT_TABLE_H
#define BEV_GATEWAY_STREAM_FACT_TABLE_H

#include "common/program/text.h"
#include "gateway/stream/asked_fields.h"

/* Of one event: where its facts stand, for admins, and behind them for others. */
typedef struct BevFactEntry
{
	uint32_t offset;
	uint32_t length;
	uint32_t open_length;
	bool has_open; /* else they are the same for all */
} BevFactEntry;

/* All zero: an empty one. */
typedef struct BevFactTable
{
	BevText facts;
	BevFactEntry *entry;
	uint32_t count;
	uint32_t room;
	uint64_t version; /* of the fields that were asked for */
} BevFactTable;

/* Forget what is in it if other fields are asked for now. */
extern void bev_fact_table_refresh(BevFactTable *table, const BevAskedFields *asked);

/* Append the facts of the next event, from its frames; open is empty if it has one for all. */
extern void bev_fact_table_add(BevFactTable *table, const BevAskedFields *asked, BevSpan frame,
                               BevSpan open);

/* Of event number i, as they are for an admin or for others; they stay until one more is added. */
extern BevSpan bev_fact_table_get(const BevFactTable *table, uint32_t i, bool for_admin);

extern void bev_fact_table_free(BevFactTable *table);

#endif /* BEV_GATEWAY_STREAM_FACT_TABLE_H */
