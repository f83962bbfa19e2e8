/*
 * mapping.h - how the rows of one relation become payloads, ready for use.
 */
#ifndef BEV_SERVER_ATTACH_MAPPING_H
#define BEV_SERVER_ATTACH_MAPPING_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"

#include "server/encode/encode.h"
#include "server/attach/entity.h"
#include "server/attach/expression.h"

/* One field of the payload. */
typedef struct BevField
{
	const char *label; /* its name as JSON, with the colon: "title": */
	Size label_len;
	AttrNumber attnum;  /* column of the relation, or InvalidAttrNumber */
	int result;         /* else number of the expression, or -1 */
	BevEncoder encoder; /* of a column */
	bool admin;         /* only admins see it */
	bool quiet;         /* its change alone publishes nothing */
} BevField;

typedef struct BevMapping
{
	Oid relid; /* of the relation that the rows are in */
	Oid root;  /* of the attached table */
	Oid trigger;
	Oid file; /* that the rows are in */
	const BevEntity *entity;

	BevField *fields;
	AttrNumber
		*attnums; /* by field, those of the fields again: all that is looked at for each row */
	int nfields;
	AttrNumber last_attnum; /* highest of the fields' columns */

	/* Fields with a meaning: their number, or -1 */
	int key;
	int status;
	int assignee;
	int project;
	int bug;
	int person;
	int role;
	int belongs; /* what a membership is of: its principal, or else its project */

	bool has_admin_fields;
	bool decides;                  /* what its rows say is believed (attachment.h) */
	bool gives_access;             /* its rows say who somebody is and may */
	BevExpressions *expressions;   /* NULL if there are none */
	int filter;                    /* its result's number, or -1 */
	int audience;                  /* likewise */
	const char *constant_audience; /* NULL: the expression or the default */

	bool needs_settings; /* some field needs an output function */

	/* The relation's number in the log of the transaction of this era (change_log.h) */
	uint64 log_era;
	uint32 log_number;

	/* For the old and the new version of a row, fetched or copied; empty while not looked at */
	TupleTableSlot *slots[2];
	TupleTableSlot *copy_slots[2];
	MemoryContext context;
} BevMapping;

/*
 * The mapping that the trigger's argument describes for its relation.  Kept for
 * the session and made anew when the table changed.  Valid until the
 * transaction ends, at least.
 */
extern BevMapping *bev_mapping_get(Relation rel, Trigger *trigger);

/* The same if it is known and the relation is as it was, else NULL. */
extern BevMapping *bev_mapping_known(Oid relid, Oid trigger);

#endif /* BEV_SERVER_ATTACH_MAPPING_H */
