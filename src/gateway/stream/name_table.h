/*
 * name_table.h - from names that come from outside to what is kept of each.
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_STREAM_NAME_TABLE_H
#define BEV_GATEWAY_STREAM_NAME_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "common/event/event.h"

/* The first member of what is kept; the name's bytes are behind the whole. */
typedef struct BevNamed
{
	struct BevNamed *next; /* of the same bucket */
	uint32_t hash;
	uint32_t name_len;
} BevNamed;

/* All zero: an empty one. */
typedef struct BevNameTable
{
	BevNamed **bucket;
	uint32_t buckets; /* a power of two, or 0 */
	uint32_t count;
} BevNameTable;

/* size is that of what is kept, and the same in each call for a table.  NULL: nothing is. */
extern void *bev_name_table_find(const BevNameTable *table, size_t size, BevSpan name);

/* What is kept of the name, which is all zero if it is new. */
extern void *bev_name_table_add(BevNameTable *table, size_t size, BevSpan name);

/* Forget what was found; it is freed. */
extern void bev_name_table_remove(BevNameTable *table, BevNamed *named);

extern void bev_name_table_free(BevNameTable *table);

#endif /* BEV_GATEWAY_STREAM_NAME_TABLE_H */
