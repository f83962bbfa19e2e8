/*
 * change.c - an event of the journal, as the projector looks at it.
 */
#include "notify/projector/change.h"

#include "server/responder/row_fetch.h"
#include "mb/pg_wchar.h"
#include "common/event/access.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "server/attach/attached_table.h"
#include "server/attach/entity.h"

static char *
text_of(BevSpan span)
{
	char *text = pnstrdup(span.data, span.len);

	return pg_any_to_server(text, span.len, PG_UTF8);
}

static bool
has_exception(BevSpan audience)
{
	BevSpan line;

	while (bev_audience_next(&audience, &line))
		if (line.len > 0 && *line.data == BEV_AUDIENCE_EXCEPT)
			return true;
	return false;
}

void
bev_change_read(BevChange *change, uint64 seq, TimestampTz at, const BevEvent *event)
{
	const BevSpan *field = event->field;

	*change = (BevChange){
		.seq = seq,
		.at = at,
		.type = text_of(field[BEV_EVENT_TYPE]),
		.action = text_of(field[BEV_EVENT_ACTION]),
		.actor = text_of(field[BEV_EVENT_ACTOR]),
		.key = text_of(field[BEV_EVENT_KEY]),
		.bug = text_of(field[BEV_EVENT_BUG]),
		.audience = field[BEV_EVENT_AUDIENCE],
		.narrowed = has_exception(field[BEV_EVENT_AUDIENCE]),
		.foreign = bev_access_is_foreign(field[BEV_EVENT_ACCESS]),
		.replayed = bev_access_is_replay(field[BEV_EVENT_ACCESS]),
		.payload_text = field[BEV_EVENT_PAYLOAD],
		.changes_text = field[BEV_EVENT_CHANGES],
		.open_text = field[BEV_EVENT_OPEN_PAYLOAD],
		.open_changes_text = field[BEV_EVENT_OPEN_CHANGES],
	};
}

static bool
read_current(BevChange *change, BevSpan record)
{
	BevEvent event;

	if (record.len == 0 || !bev_event_read(record.data, record.len, &event))
		return false;
	bev_change_read(change, 0, 0, &event);
	return true;
}

bool
bev_change_current(BevChange *change, const char *entity, const char *id)
{
	return read_current(change, bev_row_fetch_find(entity, id));
}

bool
bev_change_current_by(BevChange *change, const char *entity, const char *field, const char *value)
{
	return read_current(change, bev_row_fetch_find_by(entity, field, value));
}

bool
bev_change_is(const BevChange *change, const char *type, const char *action)
{
	return strcmp(change->type, type) == 0 && strcmp(change->action, action) == 0;
}

static Jsonb *
parse(BevSpan span)
{
	const char *text = span.len > 0 ? text_of(span) : "{}";

	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

static char *
scalar_text(const JsonbValue *value)
{
	if (value == NULL)
		return NULL;
	if (value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	if (value->type == jbvNumeric)
		return DatumGetCString(
			DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	if (value->type == jbvBool)
		return pstrdup(value->val.boolean ? "true" : "false");
	return NULL;
}

char *
bev_change_text(BevChange *change, const char *field)
{
	if (change->payload == NULL)
		change->payload = parse(change->payload_text);
	return scalar_text(
		getKeyJsonValueFromContainer(&change->payload->root, field, strlen(field), NULL));
}

bool
bev_change_is_open(BevChange *change, const char *field)
{
	if (change->open_text.len == 0)
		return true;
	if (change->open == NULL)
		change->open = parse(change->open_text);
	return getKeyJsonValueFromContainer(&change->open->root, field, strlen(field), NULL) != NULL;
}

char *
bev_change_open_text(BevChange *change, const char *field)
{
	return bev_change_is_open(change, field) ? bev_change_text(change, field) : NULL;
}

static void
parse_changes(BevChange *change)
{
	if (change->changes == NULL)
		change->changes = parse(change->changes_text);
}

/* The two values; NULL: it didn't change. */
static JsonbValue *
find_pair(BevChange *change, const char *field)
{
	JsonbValue *pair;

	parse_changes(change);
	pair = getKeyJsonValueFromContainer(&change->changes->root, field, strlen(field), NULL);
	return pair && pair->type == jbvBinary ? pair : NULL;
}

char *
bev_change_pair(BevChange *change, const char *field)
{
	JsonbValue *pair = find_pair(change, field);
	StringInfoData text;

	if (pair == NULL)
		return NULL;
	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	escape_json(&text, field);
	appendStringInfoChar(&text, ':');
	(void) JsonbToCString(&text, pair->val.binary.data, pair->val.binary.len);
	appendStringInfoChar(&text, '}');
	return text.data;
}

bool
bev_change_of(BevChange *change, const char *field, char **old, char **new)
{
	JsonbValue *pair = find_pair(change, field);

	if (pair == NULL)
		return false;
	*old = scalar_text(getIthJsonbValueFromContainer(pair->val.binary.data, 0));
	*new = scalar_text(getIthJsonbValueFromContainer(pair->val.binary.data, 1));
	return true;
}

static BevValue
jsonb_value(Jsonb *json)
{
	return (BevValue){JSONBOID, json == NULL, JsonbPGetDatum(json)};
}

BevValue
bev_change_row(BevChange *change)
{
	if (change->payload == NULL)
		change->payload = parse(change->payload_text);
	return jsonb_value(change->payload);
}

BevValue
bev_change_all_changes(BevChange *change)
{
	if (change->changes_text.len == 0)
		return jsonb_value(NULL);
	parse_changes(change);
	return jsonb_value(change->changes);
}

BevValue
bev_change_open_changes(const BevChange *change)
{
	return jsonb_value(change->open_text.len > 0 ? parse(change->open_changes_text) : NULL);
}

BevValue
bev_change_audience(const BevChange *change)
{
	return bev_text_value(text_of(change->audience));
}

bool
bev_change_rekeyed(BevChange *change, char **old, char **new)
{
	return bev_change_of(change, BEV_ENTITY_KEY, old, new) && *old && *new;
}

bool
bev_change_leaves_others(BevChange *change)
{
	char *truncated = bev_change_text(change, "table");
	ListCell *cell;

	foreach (cell, bev_attached_table_list(bev_entity_find(change->type)))
	{
		Oid relid = ((BevAttachedTable *) lfirst(cell))->relid;
		char *name = get_rel_name(relid);

		if (name && truncated &&
		    strcmp(truncated,
		           psprintf("%s.%s", get_namespace_name(get_rel_namespace(relid)), name)) != 0)
			return true;
	}
	return false;
}
