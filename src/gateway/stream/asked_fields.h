/*
 * asked_fields.h - which fields of payloads some subscription looks at.
 *
 * Only these are read out of events, and once for all (fact_table.h).
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_STREAM_ASKED_FIELDS_H
#define BEV_GATEWAY_STREAM_ASKED_FIELDS_H

#include "common/pipe/selection.h"
#include "gateway/stream/name_table.h"

/* All zero: none. */
typedef struct BevAskedFields
{
	BevNameTable names;
	uint64_t version; /* another one whenever a field is new */
} BevAskedFields;

/* A subscription looks at its fields from now on, or no more. */
extern void bev_asked_fields_add(BevAskedFields *asked, const BevSelection *selection);
extern void bev_asked_fields_remove(BevAskedFields *asked, const BevSelection *selection);

extern bool bev_asked_fields_has(const BevAskedFields *asked, BevSpan name);

extern void bev_asked_fields_free(BevAskedFields *asked);

#endif /* BEV_GATEWAY_STREAM_ASKED_FIELDS_H */
