/*
 * row_log.c - a change of a row of an attached table, or of one of ours, to the log of changes.
 *
 * Cost: about 700 instructions.
 */
#include "server/capture/row_log.h"

#include "utils/datum.h"

#include "server/attach/attached.h"
#include "server/attach/mapping.h"
#include "server/base/compat.h"
#include "server/base/slot.h"
#include "server/capture/actor.h"
#include "server/changes/change_log.h"

static void
add_key(BevLoggedTable *table, Relation rel, const BevField *field)
{
	Form_pg_attribute att;

	if (field->result >= 0 || table->nkeys < 0)
		table->nkeys = -1;
	else if (field->attnum != InvalidAttrNumber)
	{
		att = TupleDescAttr(RelationGetDescr(rel), field->attnum - 1);
		table->keys[table->nkeys++] = (BevKeyColumn){field->attnum, att->attbyval, att->attlen};
	}
}

static BevLoggedTable
describe(Relation rel, Oid root, Oid trigger, BevLoggedKind kind)
{
	return (BevLoggedTable){.relid = RelationGetRelid(rel),
	                        .root = root,
	                        .trigger = trigger,
	                        .file = BEV_RELATION_FILE(rel),
	                        .kind = kind};
}

/* The number of an attached table in this transaction's log. */
static uint32
number_of(BevMapping *mapping, Relation rel)
{
	BevLoggedTable table;

	if (likely(mapping->log_era == bev_change_log_era()))
		return mapping->log_number;
	table = describe(rel, mapping->root, mapping->trigger, BEV_LOGGED_ATTACHED);
	if (mapping->key >= 0)
		add_key(&table, rel, &mapping->fields[mapping->key]);
	else
	{
		add_key(&table, rel, &mapping->fields[mapping->person]);
		add_key(&table, rel, &mapping->fields[mapping->belongs]);
	}
	mapping->log_number = bev_change_log_table(&table);
	mapping->log_era = bev_change_log_era();
	return mapping->log_number;
}

/* Are the bytes of the key others?  Then the key may be. */
static bool
is_rekeyed(const BevLoggedTable *table, TupleTableSlot *old, TupleTableSlot *new)
{
	for (int i = 0; i < table->nkeys; i++)
	{
		const BevKeyColumn *key = &table->keys[i];
		bool old_is_null;
		bool new_is_null;
		Datum old_value = slot_getattr(old, key->attnum, &old_is_null);
		Datum new_value = slot_getattr(new, key->attnum, &new_is_null);

		if (old_is_null != new_is_null ||
		    (!old_is_null && !datumIsEqual(old_value, new_value, key->typbyval, key->typlen)))
			return true;
	}
	return table->nkeys < 0;
}

/* The slot's tuple, with its place; NULL is none. */
static HeapTuple
tuple_of(TupleTableSlot *slot)
{
	bool copied;

	return slot ? bev_slot_tuple(slot, &copied) : NULL;
}

void
bev_row_log(Relation rel, Trigger *trigger, TupleTableSlot *old, TupleTableSlot *new)
{
	uint32 number = number_of(bev_mapping_get(rel, trigger), rel);

	bev_change_log_row(number, tuple_of(old), tuple_of(new),
	                   old && new &&is_rekeyed(bev_change_log_get_table(number), old, new),
	                   bev_actor());
}

/* These have no mapping, and it doesn't matter whether a key changes. */
static void
log_plain(Relation rel, Oid root, Trigger *trigger, BevLoggedKind kind, TupleTableSlot *old,
          TupleTableSlot *new)
{
	BevLoggedTable table = describe(rel, root, trigger->tgoid, kind);

	bev_change_log_row(bev_change_log_table(&table), tuple_of(old), tuple_of(new), false,
	                   bev_actor());
}

void
bev_row_log_own(Relation rel, Trigger *trigger, TupleTableSlot *old, TupleTableSlot *new)
{
	log_plain(rel, RelationGetRelid(rel), trigger, BEV_LOGGED_SYSTEM, old, new);
}

void
bev_row_log_lookup(Relation rel, Trigger *trigger, TupleTableSlot *old, TupleTableSlot *new)
{
	log_plain(rel, trigger->tgisclone ? bev_attached_root(trigger->tgoid) : RelationGetRelid(rel),
	          trigger, BEV_LOGGED_LOOKUP, old, new);
}
