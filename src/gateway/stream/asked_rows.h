/*
 * asked_rows.h - which rows a subscription asks for.
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_STREAM_ASKED_ROWS_H
#define BEV_GATEWAY_STREAM_ASKED_ROWS_H

#include "gateway/stream/row_set.h"
#include "gateway/stream/subscription.h"

/* How many types may be asked for at once. */
#define BEV_ASKED_TYPES_MAX 16

/*
 * Types whose rows are wanted; more than BEV_ASKED_TYPES_MAX are too many.  Where they are some of
 * those that the subscription asks for, its other events are none that rows make up for, so none
 * of them is left out.
 */
typedef struct BevAskedTypes
{
	const char *name[BEV_ASKED_TYPES_MAX + 1];
	uint32_t count;
	bool are_some;
} BevAskedTypes;

extern void bev_asked_types_add(BevAskedTypes *types, const char *type);

/* Those that a subscription asks for; none: rows of any type might pass. */
extern BevAskedTypes bev_asked_types_of(const BevSubscription *subscription);

typedef struct BevAskedRanges
{
	BevRowRange *range;
	uint32_t count;
} BevAskedRanges;

/*
 * Ranges that have all rows of these types which a subscription lets pass, no row in two of them;
 * NULL lets pass all.
 */
extern BevAskedRanges bev_asked_ranges_of(const BevSubscription *subscription,
                                          const BevAskedTypes *types);
extern void bev_asked_ranges_free(BevAskedRanges *ranges);

#endif /* BEV_GATEWAY_STREAM_ASKED_ROWS_H */
