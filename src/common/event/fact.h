/*
 * fact.h - what filters may ask of an event: the values of fields, new and old, ready to be
 * compared.
 *
 *     +------+---------+-------+-----+------+-------+-----+
 *     | name | changed | value | old | name | value | old |     any number of them
 *     +------+---------+-------+-----+------+-------+-----+
 *       u8     u8        u16     u16   bytes; the numbers in front are their lengths
 *
 * Values are in the form of scalar.h, and empty where they have none.  Old is what an update's
 * "changes" say; where the field isn't among them, it is the value.
 *
 * Pure C.
 */
#ifndef BEV_COMMON_EVENT_FACT_H
#define BEV_COMMON_EVENT_FACT_H

#include <stdbool.h>

#include "common/event/json_member.h"
#include "common/event/scalar.h"

/* A longer name of a field can't be asked for. */
#define BEV_FACT_NAME_MAX 63

/* Room for one of them. */
#define BEV_FACT_ROOM (6 + BEV_FACT_NAME_MAX + 2 * BEV_SCALAR_ROOM)

/* The fields that say where an event belongs. */
#define BEV_FACT_PROJECT "project_id"
#define BEV_FACT_BUG     "bug_report_id"

typedef struct BevFact
{
	BevSpan name;
	BevSpan value;
	BevSpan old;
	bool changed;
} BevFact;

/* The name of a member as text; its length in dst, 0: it can't be asked for. */
extern uint32_t bev_fact_name(const BevMember *member, char dst[BEV_SCALAR_ROOM]);

/*
 * Write the fact about a member of a payload, whose name as text is given; changes is an object,
 * or empty.  Returns its length.
 */
extern uint32_t bev_fact_write(BevSpan name, BevSpan value, BevSpan changes,
                               char dst[BEV_FACT_ROOM]);

/* The next of facts that were written here.  False: there is none any more. */
extern bool bev_fact_next(BevSpan *rest, BevFact *fact);

/* The fact about a field; false: there is none. */
extern bool bev_fact_find(BevSpan facts, const char *name, BevFact *fact);

#endif /* BEV_COMMON_EVENT_FACT_H */
