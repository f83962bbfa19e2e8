/*
 * mapping.c - how the rows of one relation become payloads, ready for use.
 *
 * Model: the trigger's argument (attachment.h) says by name what the columns of
 * the attached table mean.  A mapping is that, resolved for the relation that
 * the rows really are in: the attached table or one of its partitions, whose
 * columns may have other numbers.
 *
 * Memory: a hash of the session, by relation; each mapping has a memory context.
 * An outdated mapping may still be in use further up the stack (evaluating
 * an expression takes in what others changed), so its context is handed to the transaction,
 * which frees it when it ends.
 *
 * Failure: a column that is gone since the attach gives null, and a warning each
 * time that a mapping is made; the writer goes on (sql/alter.sql).
 *
 * Not here: looking at rows (row.c).
 */
#include "server/attach/mapping.h"

#include "access/tableam.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "server/attach/attached.h"
#include "server/attach/attachment.h"
#include "server/attach/row_audience.h"
#include "server/base/compat.h"
#include "server/encode/database_text.h"

typedef struct MappingEntry
{
	Oid relid; /* key */
	bool valid;
	BevMapping *mapping; /* NULL only while it is made */
} MappingEntry;

static HTAB *mappings = NULL;

/* Counts what could have outdated a mapping while it was being made. */
static uint64 invalidations = 0;

/*
 * A relation changed, or (InvalidOid) any may have.  A partition's mapping also
 * depends on the attached table.
 */
static void
invalidate(Datum arg pg_attribute_unused(), Oid relid)
{
	HASH_SEQ_STATUS scan;
	MappingEntry *entry;

	invalidations++;
	hash_seq_init(&scan, mappings);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (!OidIsValid(relid) || entry->relid == relid ||
		    (entry->mapping && entry->mapping->root == relid))
			entry->valid = false;
	}
}

static void
create_cache(void)
{
	HASHCTL control = {
		.keysize = sizeof(Oid), .entrysize = sizeof(MappingEntry), .hcxt = TopMemoryContext};

	mappings =
		hash_create("bugevents mappings", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(invalidate, (Datum) 0);
}

static const char *
make_label(const char *name, Size *len)
{
	const char *utf8 = bev_database_text_to_cstring(name);
	char *label;
	BevJson json;

	/* A buffer is too large to keep one for each label. */
	bev_json_init(&json, CurrentMemoryContext);
	bev_json_string(&json, utf8, strlen(utf8));
	bev_json_char(&json, ':');
	label = pnstrdup(json.data, json.len);
	*len = json.len;
	pfree(json.data);
	return label;
}

/* In rows that bugevents keeps, ids of other tables are text, whatever they are there. */
static bool
is_named_id(const char *column)
{
	Size len = strlen(column);

	return len > 3 && strcmp(column + len - 3, "_id") == 0;
}

static void
map_column(BevMapping *mapping, Relation rel, const BevSource *source, BevField *field)
{
	Form_pg_attribute att;

	field->attnum = bev_attachment_column(source, mapping->relid);
	if (field->attnum > RelationGetNumberOfAttributes(rel))
		field->attnum = InvalidAttrNumber; /* it was added since rel was opened */
	if (field->attnum == InvalidAttrNumber)
	{
		ereport(
			WARNING,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
		     errmsg(
				 "column \"%s\" of table \"%s\", which \"%s\" is mapped to, does not exist any more",
				 source->column, RelationGetRelationName(rel), source->field),
		     errhint("Attach the table again with bugevents.attach().")));
		return;
	}

	att = TupleDescAttr(RelationGetDescr(rel), field->attnum - 1);
	bev_encoder_init(&field->encoder, att->atttypid, mapping->context);
	if (field->encoder.kind == BEV_KIND_OUTPUT)
		mapping->needs_settings = true;
	if (bev_entity_is_ours(mapping->entity->name) && is_named_id(source->column))
		field->encoder.kind = BEV_KIND_ID;
	mapping->last_attnum = Max(mapping->last_attnum, field->attnum);
}

static BevExpressions *
expressions_of(BevMapping *mapping, Relation rel, const BevAttachment *attachment)
{
	if (mapping->expressions == NULL)
		mapping->expressions = bev_expressions_create(mapping->root, rel, attachment->search_path);
	return mapping->expressions;
}

static void
map_fields(BevMapping *mapping, Relation rel, const BevAttachment *attachment)
{
	mapping->nfields = attachment->nsources;
	mapping->fields = palloc0(sizeof(BevField) * mapping->nfields);
	mapping->attnums = palloc0(sizeof(AttrNumber) * mapping->nfields);
	for (int i = 0; i < attachment->nsources; i++)
	{
		const BevSource *source = &attachment->sources[i];
		BevField *field = &mapping->fields[i];

		field->label = make_label(source->field, &field->label_len);
		field->result = -1;
		field->admin = source->admin;
		field->quiet = source->quiet;
		mapping->has_admin_fields |= source->admin;
		if (source->expression)
		{
			field->result =
				bev_expressions_add(expressions_of(mapping, rel, attachment), source->expression);
			mapping->needs_settings = true;
		}
		else
			map_column(mapping, rel, source, field);
		mapping->attnums[i] = field->attnum;
	}
}

static void
map_conditions(BevMapping *mapping, Relation rel, const BevAttachment *attachment)
{
	mapping->filter = -1;
	mapping->audience = -1;
	if (attachment->filter)
		mapping->filter =
			bev_expressions_add(expressions_of(mapping, rel, attachment), attachment->filter);
	if (attachment->audience)
	{
		char *bad;
		char *constant =
			bev_row_audience_from_list(attachment->audience, strlen(attachment->audience), &bad);

		if (bad == NULL && *constant != '\0')
			mapping->constant_audience = constant;
		else
			mapping->audience =
				bev_expressions_add(expressions_of(mapping, rel, attachment), attachment->audience);
	}
}

/* The number of the payload's field of that name, or -1. */
static int
find_field(const BevAttachment *attachment, const char *name)
{
	for (int i = 0; name && i < attachment->nsources; i++)
	{
		if (strcmp(attachment->sources[i].field, name) == 0)
			return i;
	}
	return -1;
}

static void
find_meanings(BevMapping *mapping, const BevAttachment *attachment)
{
	mapping->key = find_field(attachment, BEV_ENTITY_KEY);
	mapping->status = find_field(attachment, mapping->entity->status);
	mapping->assignee = find_field(attachment, mapping->entity->assignee);
	mapping->project = find_field(attachment, mapping->entity->project);
	mapping->bug = find_field(attachment, mapping->entity->bug);
	mapping->person = find_field(attachment, mapping->entity->person);
	mapping->role = find_field(attachment, mapping->entity->role);
	mapping->belongs = find_field(attachment, mapping->entity->principal);
	if (mapping->belongs < 0)
		mapping->belongs = mapping->project;
}

/* With a row type of its own, so that they may outlive the relation's. */
static void
create_slots(BevMapping *mapping, Relation rel)
{
	TupleDesc desc = CreateTupleDescCopyConstr(RelationGetDescr(rel));

	for (size_t i = 0; i < lengthof(mapping->slots); i++)
	{
		mapping->slots[i] = MakeSingleTupleTableSlot(desc, table_slot_callbacks(rel));
		mapping->copy_slots[i] = MakeSingleTupleTableSlot(desc, &TTSOpsHeapTuple);
	}
}

static BevMapping *
create_mapping(Relation rel, Trigger *trigger, MemoryContext context)
{
	BevMapping *mapping = MemoryContextAllocZero(context, sizeof(BevMapping));
	BevAttachment *attachment;
	MemoryContext old;

	if (trigger->tgnargs != 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		                errmsg("trigger \"%s\" must have one argument", trigger->tgname),
		                errhint("Use bugevents.attach() to create it.")));

	mapping->context = context;
	mapping->relid = RelationGetRelid(rel);
	mapping->root = trigger->tgisclone ? bev_attached_root(trigger->tgoid) : mapping->relid;

	/* The argument is the caller's garbage; what is made of it is kept. */
	attachment = bev_attachment_read(trigger->tgargs[0], mapping->root);
	old = MemoryContextSwitchTo(context);
	mapping->trigger = trigger->tgoid;
	mapping->file = BEV_RELATION_FILE(rel);
	mapping->entity = attachment->entity;
	mapping->decides = attachment->decides;
	mapping->gives_access = bev_attachment_gives_access(attachment);
	map_fields(mapping, rel, attachment);
	map_conditions(mapping, rel, attachment);
	find_meanings(mapping, attachment);
	create_slots(mapping, rel);
	MemoryContextSwitchTo(old);
	return mapping;
}

/* Entries stay where they are; mostly it is the one that was asked for before. */
static MappingEntry *
find_entry(Oid relid)
{
	static MappingEntry *latest = NULL;

	if (latest == NULL || latest->relid != relid)
		latest = mappings ? hash_search(mappings, &relid, HASH_FIND, NULL) : NULL;
	return latest;
}

BevMapping *
bev_mapping_known(Oid relid, Oid trigger)
{
	MappingEntry *entry = find_entry(relid);

	return entry && entry->valid && entry->mapping->trigger == trigger ? entry->mapping : NULL;
}

BevMapping *
bev_mapping_get(Relation rel, Trigger *trigger)
{
	Oid relid = RelationGetRelid(rel);
	uint64 invalidations_before;
	MappingEntry *entry;
	BevMapping *mapping;
	MemoryContext context;
	bool found;

	if (mappings == NULL)
		create_cache();
	mapping = bev_mapping_known(relid, trigger->tgoid);
	if (likely(mapping != NULL))
		return mapping;

	/* Made under the transaction first, so that an error leaves nothing behind. */
	invalidations_before = invalidations;
	context =
		AllocSetContextCreate(CurTransactionContext, "bugevents mapping", ALLOCSET_SMALL_SIZES);
	mapping = create_mapping(rel, trigger, context);

	entry = hash_search(mappings, &relid, HASH_ENTER, &found);
	if (found && entry->mapping)
		MemoryContextSetParent(entry->mapping->context, TopTransactionContext);
	entry->mapping = mapping;
	entry->valid = invalidations == invalidations_before;
	MemoryContextSetParent(context, TopMemoryContext);
	return mapping;
}
