/*
 * schema_change.c - events that tell what became of the fields that a table publishes.
 *
 *	{"type":"task","table":"public.tasks","fields":{"id":"integer","title":"text","votes":null},
 *	 "added":["votes"],"dropped":["due_at"],"renamed":{"title":"headline"},"retyped":["id"]}
 *
 * Model: what a table publishes is compared, before and after a command, or an attach().  A field
 * is there as long as its column is; it keeps its name when its column gets another one, which is
 * told.  Of an expression no type is told.
 *
 * Who: admins, and whoever sees rows of the table by default, as with other notices; fields that
 * are for admins only are told to them only.  A client gets it that takes the type (selection.h).
 */
#include "server/capture/schema_change.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "common/pipe/selection.h"
#include "server/attach/attached.h"
#include "server/capture/notice.h"
#include "server/capture/record.h"
#include "server/encode/database_text.h"
#include "server/encode/json.h"

typedef struct Field
{
	const char *name;
	const char *column; /* NULL: an expression */
	const char *type;   /* NULL: not known */
	bool admin;
} Field;

struct BevSchema
{
	Oid relid;
	const BevAttachment *attachment;
	Field *fields; /* those that are there */
	int nfields;
};

/* What differs, as fields of the old or the new one. */
typedef struct Difference
{
	List *added;
	List *dropped;
	List *renamed;
	List *retyped;
} Difference;

/* ---- reading ---- */

static bool
read_field(Oid relid, const BevSource *source, Field *field)
{
	AttrNumber column;
	Oid type;
	int32 modifier;
	Oid collation;

	*field = (Field){.name = source->field, .admin = source->admin};
	if (source->expression)
		return true;
	column = bev_attachment_column(source, relid);
	if (column == InvalidAttrNumber)
		return false;
	get_atttypetypmodcoll(relid, column, &type, &modifier, &collation);
	field->column = source->column;
	field->type = format_type_with_typemod(type, modifier);
	return true;
}

BevSchema *
bev_schema_read(Oid relid, const BevAttachment *attachment)
{
	BevSchema *schema = palloc0(sizeof(BevSchema));

	schema->relid = relid;
	schema->attachment = attachment;
	schema->fields = palloc(sizeof(Field) * Max(attachment->nsources, 1));
	for (int i = 0; i < attachment->nsources; i++)
		if (read_field(relid, &attachment->sources[i], &schema->fields[schema->nfields]))
			schema->nfields++;
	return schema;
}

List *
bev_schema_read_all(void)
{
	List *schemas = NIL;
	ListCell *cell;

	foreach (cell, bev_attached_tables())
	{
		const BevAttached *attached = lfirst(cell);
		const BevAttachment *attachment =
			bev_attachment_try_read(attached->argument, attached->relid);

		if (attachment)
			schemas = lappend(schemas, bev_schema_read(attached->relid, attachment));
	}
	return schemas;
}

/* ---- comparing ---- */

static Field *
find(const BevSchema *schema, const char *name)
{
	for (int i = 0; i < schema->nfields; i++)
		if (strcmp(schema->fields[i].name, name) == 0)
			return &schema->fields[i];
	return NULL;
}

static bool
differ(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) != 0 : a != b;
}

static Difference
compare(const BevSchema *old, const BevSchema *new)
{
	Difference difference = {NIL};

	for (int i = 0; i < new->nfields; i++)
	{
		Field *field = &new->fields[i];
		const Field *before = find(old, field->name);

		if (before == NULL)
			difference.added = lappend(difference.added, field);
		else if (before->column && field->column && differ(before->column, field->column))
			difference.renamed = lappend(difference.renamed, field);
		if (before && differ(before->type, field->type))
			difference.retyped = lappend(difference.retyped, field);
	}
	for (int i = 0; i < old->nfields; i++)
		if (find(new, old->fields[i].name) == NULL)
			difference.dropped = lappend(difference.dropped, &old->fields[i]);
	return difference;
}

/* ---- telling ---- */

static void
put_text(BevJson *json, const char *text)
{
	const char *utf8 = bev_database_text_to_cstring(text);

	bev_json_string(json, utf8, strlen(utf8));
}

static void
put_value(BevJson *json, const char *text)
{
	if (text)
		put_text(json, text);
	else
		bev_json_literal(json, "null");
}

static bool
is_told(const Field *field, bool to_admins)
{
	return to_admins || !field->admin;
}

static void
put_fields(BevJson *json, const BevSchema *schema, bool to_admins)
{
	const char *between = "";

	bev_json_literal(json, ",\"fields\":{");
	for (int i = 0; i < schema->nfields; i++)
	{
		const Field *field = &schema->fields[i];

		if (!is_told(field, to_admins))
			continue;
		bev_json_bytes(json, between, strlen(between));
		put_text(json, field->name);
		bev_json_char(json, ':');
		put_value(json, field->type);
		between = ",";
	}
	bev_json_char(json, '}');
}

/* A list of names, or names with their columns; nothing if there are none. */
static bool
put_list(BevJson *json, const char *name, List *fields, bool columns, bool to_admins)
{
	bool any = false;
	ListCell *cell;

	foreach (cell, fields)
	{
		const Field *field = lfirst(cell);

		if (!is_told(field, to_admins))
			continue;
		if (any)
			bev_json_char(json, ',');
		else
		{
			bev_json_char(json, ',');
			put_text(json, name);
			bev_json_bytes(json, columns ? ":{" : ":[", 2);
		}
		any = true;
		put_text(json, field->name);
		if (columns)
		{
			bev_json_char(json, ':');
			put_text(json, field->column);
		}
	}
	if (any)
		bev_json_char(json, columns ? '}' : ']');
	return any;
}

/* False: nothing differs that these are told. */
static bool
put_payload(BevJson *json, const BevSchema *schema, const Difference *difference, bool to_admins)
{
	bool any;

	bev_json_init(json, CurrentMemoryContext);
	bev_json_literal(json, "{\"type\":");
	put_text(json, schema->attachment->entity->name);
	bev_json_literal(json, ",\"table\":");
	put_text(json, bev_notice_name(schema->relid));
	put_fields(json, schema, to_admins);
	any = put_list(json, "added", difference->added, false, to_admins);
	any |= put_list(json, "dropped", difference->dropped, false, to_admins);
	any |= put_list(json, "renamed", difference->renamed, true, to_admins);
	any |= put_list(json, "retyped", difference->retyped, false, to_admins);
	bev_json_char(json, '}');
	return any;
}

/* Admins, and who else is told of the table. */
static const char *
audience_of(const BevAttachment *attachment)
{
	const char *audience = bev_notice_audience(attachment, BEV_NOTICE_RELOAD);

	if (strcmp(audience, BEV_PRINCIPAL_ALL) == 0 || strcmp(audience, BEV_PRINCIPAL_ADMIN) == 0)
		return audience;
	return psprintf("%s\n%s", BEV_PRINCIPAL_ADMIN, audience);
}

void
bev_schema_compare(const BevSchema *old, const BevSchema *new)
{
	Difference difference = compare(old, new);
	BevRecord record = {
		.type = BEV_TYPE_SCHEMA,
		.action = "changed",
		.key = new->attachment->entity->name,
		.project = "",
		.bug = "",
	};
	BevJson payload;
	BevJson open;

	if (old->attachment->entity != new->attachment->entity ||
	    !put_payload(&payload, new, &difference, true))
		return;
	record.audience = put_payload(&open, new, &difference, false) ? audience_of(new->attachment) :
	                                                                BEV_PRINCIPAL_ADMIN;
	record.payload = (BevSpan){payload.data, (uint32_t) payload.len};
	if (payload.len != open.len)
		record.open_payload = (BevSpan){open.data, (uint32_t) open.len};
	bev_record_log(&record);
}

void
bev_schema_compare_all(List *schemas)
{
	List *now = bev_schema_read_all();
	ListCell *before;
	ListCell *after;

	foreach (before, schemas)
		foreach (after, now)
		{
			const BevSchema *old = lfirst(before);

			if (old->relid == ((BevSchema *) lfirst(after))->relid)
				bev_schema_compare(old, lfirst(after));
		}
}
