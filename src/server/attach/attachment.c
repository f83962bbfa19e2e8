/*
 * attachment.c - the argument of the capture trigger, written and read.
 *
 *	{"entity": "bug_report",
 *	 "fields": [{"field": "id", "column": "id"},
 *	            {"field": "status", "expression": "lower(row.state)"},
 *	            {"field": "updated_at", "column": "updated_at", "quiet": true}],
 *	 "extra": [{"field": "severity", "column": "severity", "admin": true}],
 *	 "filter": "not row.hidden", "audience": "admin",
 *	 "search_path": "public", "by": "tracker", "decides": true}
 *
 * The view bugevents.attachments reads the same text.
 *
 * Trust: whether a table decides (who may see what, whom to notify, what get and list answer) was
 * found out when it was attached, and is kept: a dump that a superuser restores has it too, and
 * nobody else can make such a trigger (sql/rights.sql).  Everyone who asks gets it from here.
 * 0.1.0 noted it of users and memberships only; of its other tables the owner stands for who
 * attached them.
 *
 * Columns go by name, as it is the name that a dump has: neither the number of a column nor the
 * OID of a table says in a restored copy what it said where the text was written (sql/alter.sql).
 * Older versions wrote both, which are passed over.
 *
 * Failure: only attach() writes arguments (its trigger functions aren't PUBLIC's to
 * use: sql/rights.sql), so one that can't be read is an error and not a case to allow for.
 */
#include "server/attach/attachment.h"

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "lib/stringinfo.h"
#include "server/base/subtransaction.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "server/attach/attached.h"
#include "server/base/compat.h"

static void
write_member(StringInfo out, const char *name, const char *value)
{
	if (value == NULL)
		return;
	appendStringInfo(out, ", \"%s\": ", name);
	escape_json(out, value);
}

static void
write_sources(StringInfo out, const char *name, const BevSource *sources, int n)
{
	appendStringInfo(out, ", \"%s\": [", name);
	for (int i = 0; i < n; i++)
	{
		appendStringInfo(out, "%s{\"field\": ", i ? ", " : "");
		escape_json(out, sources[i].field);
		write_member(out, "column", sources[i].column);
		write_member(out, "expression", sources[i].expression);
		if (sources[i].admin)
			appendStringInfoString(out, ", \"admin\": true");
		if (sources[i].quiet)
			appendStringInfoString(out, ", \"quiet\": true");
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, ']');
}

char *
bev_attachment_write(const BevAttachment *attachment)
{
	int nfields = attachment->nsources - attachment->nextra;
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, "{\"entity\": ");
	escape_json(&out, attachment->entity->name);
	write_sources(&out, "fields", attachment->sources, nfields);
	if (attachment->nextra > 0)
		write_sources(&out, "extra", attachment->sources + nfields, attachment->nextra);
	write_member(&out, "filter", attachment->filter);
	write_member(&out, "audience", attachment->audience);
	write_member(&out, "search_path", attachment->search_path);
	write_member(&out, "by", attachment->by);
	if (attachment->decides)
		appendStringInfoString(&out, ", \"decides\": true");
	appendStringInfoChar(&out, '}');
	return out.data;
}

static void
report_unreadable(const char *member)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
	                errmsg("the argument of the bugevents trigger is malformed at \"%s\"", member),
	                errhint("Attach the table again with bugevents.attach().")));
}

/* A member of an object, or NULL. */
static JsonbValue *
read_member(JsonbContainer *object, const char *name, enum jbvType type)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object, name, strlen(name), NULL);

	if (value && value->type != type)
		report_unreadable(name);
	return value;
}

static char *
read_string(JsonbContainer *object, const char *name)
{
	JsonbValue *value = read_member(object, name, jbvString);

	return value ? pnstrdup(value->val.string.val, value->val.string.len) : NULL;
}

static void
read_source(JsonbContainer *object, BevSource *source)
{
	source->field = read_string(object, "field");
	source->column = read_string(object, "column");
	source->expression = read_string(object, "expression");
	if (source->field == NULL || (source->column == NULL) == (source->expression == NULL))
		report_unreadable("fields");
	source->admin = read_member(object, "admin", jbvBool) != NULL;
	source->quiet = read_member(object, "quiet", jbvBool) != NULL;
}

/* Append the sources of a list; returns how many there were. */
static int
read_sources(BevAttachment *attachment, JsonbContainer *object, const char *name)
{
	JsonbValue *list = read_member(object, name, jbvBinary);
	int n;

	if (list == NULL)
		return 0;
	if (!JsonContainerIsArray(list->val.binary.data))
		report_unreadable(name);

	n = JsonContainerSize(list->val.binary.data);
	attachment->sources =
		attachment->sources ?
			repalloc(attachment->sources, sizeof(BevSource) * (attachment->nsources + n)) :
			palloc(sizeof(BevSource) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		JsonbValue *item = getIthJsonbValueFromContainer(list->val.binary.data, i);

		if (item->type != jbvBinary || !JsonContainerIsObject(item->val.binary.data))
			report_unreadable(name);
		read_source(item->val.binary.data, &attachment->sources[attachment->nsources++]);
	}
	return n;
}

static bool
read_decides(const BevAttachment *attachment, JsonbContainer *object, Oid table)
{
	if (attachment->by || bev_entity_can_decide(attachment->entity))
		return read_member(object, "decides", jbvBool) != NULL;
	return bev_database_is_owned(MyDatabaseId, bev_attached_owner(table));
}

BevAttachment *
bev_attachment_read(const char *argument, Oid table)
{
	BevAttachment *attachment = palloc0(sizeof(BevAttachment));
	Jsonb *jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(argument)));
	char *entity;

	if (!JB_ROOT_IS_OBJECT(jsonb))
		report_unreadable("{");
	entity = read_string(&jsonb->root, "entity");
	attachment->entity = entity ? bev_entity_of(entity) : NULL;
	if (attachment->entity == NULL)
		report_unreadable("entity");
	if (read_sources(attachment, &jsonb->root, "fields") == 0)
		report_unreadable("fields");
	attachment->nextra = read_sources(attachment, &jsonb->root, "extra");
	attachment->filter = read_string(&jsonb->root, "filter");
	attachment->audience = read_string(&jsonb->root, "audience");
	attachment->search_path = read_string(&jsonb->root, "search_path");
	attachment->by = read_string(&jsonb->root, "by");
	attachment->decides = read_decides(attachment, &jsonb->root, table);
	return attachment;
}

bool
bev_attachment_gives_access(const BevAttachment *attachment)
{
	return attachment->decides && bev_entity_can_decide(attachment->entity);
}

typedef struct Reading
{
	const char *argument;
	Oid table;
	BevAttachment *attachment;
} Reading;

static void
read_argument(void *arg)
{
	Reading *reading = arg;

	reading->attachment = bev_attachment_read(reading->argument, reading->table);
}

BevAttachment *
bev_attachment_try_read(const char *argument, Oid table)
{
	Reading reading = {.argument = argument, .table = table};

	return bev_subtransaction_run(read_argument, &reading, false) ? reading.attachment : NULL;
}

AttrNumber
bev_attachment_column(const BevSource *source, Oid table)
{
	AttrNumber attnum = get_attnum(table, source->column);

	return attnum > 0 ? attnum : InvalidAttrNumber;
}

char *
bev_column_name(Oid table, AttrNumber attnum)
{
	HeapTuple tuple = SearchSysCacheAttNum(table, attnum);
	char *name;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	name = pstrdup(NameStr(((Form_pg_attribute) GETSTRUCT(tuple))->attname));
	ReleaseSysCache(tuple);
	return name;
}
