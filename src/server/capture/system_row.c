/*
 * system_row.c - rows of bugevents' own tables as events, for the user they are of.
 *
 * Model: a row belongs to the user in its column user_id, and nobody else hears of
 * it.  The payload is the row, column by column.  What an event is called:
 *
 *	INSERT		what the column "type" says, or created
 *	UPDATE		read, if the column "read" became true; else as for INSERT, or updated
 *	DELETE		deleted
 *
 * A row whose column "hidden" is true makes no events.
 *
 * Ids are kept as text, because users' tables have them in several types; an id that
 * looks like a number is written as one, as the events of those tables have it.
 *
 * Memory: one buffer for the session.
 */
#include "server/capture/system_row.h"

#include "server/encode/encode.h"
#include "server/encode/database_text.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "server/base/settings.h"
#include "server/base/compat.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

BEV_FUNCTION_INFO_V1(bugevents_capture_own);

static bool
ends_with_id(const char *name)
{
	Size len = strlen(name);

	return strcmp(name, "id") == 0 || (len > 3 && strcmp(name + len - 3, "_id") == 0);
}

static void
put_value(BevJson *json, Form_pg_attribute att, Datum value)
{
	BevEncoder encoder;
	int level;

	if (att->atttypid == TEXTOID && ends_with_id(NameStr(att->attname)))
	{
		bev_json_id(json, bev_database_text_to_cstring(TextDatumGetCString(value)));
		return;
	}
	bev_encoder_init(&encoder, att->atttypid, CurrentMemoryContext);
	level = bev_output_settings_begin();
	(void) bev_encode(json, &encoder, value, bev_max_value_size);
	bev_output_settings_end(level);
}

static BevSpan
write_payload(HeapTuple tuple, TupleDesc desc)
{
	static BevJson json;

	if (json.context == NULL)
		bev_json_init(&json, TopMemoryContext);
	bev_json_reset(&json);
	bev_json_char(&json, '{');
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		bool isnull;
		Datum value;

		if (att->attisdropped || strcmp(NameStr(att->attname), "hidden") == 0)
			continue;
		if (json.len > 1)
			bev_json_char(&json, ',');
		bev_json_string(&json, NameStr(att->attname), strlen(NameStr(att->attname)));
		bev_json_char(&json, ':');
		value = heap_getattr(tuple, i + 1, desc, &isnull);
		if (isnull)
			bev_json_literal(&json, "null");
		else
			put_value(&json, att, value);
	}
	bev_json_char(&json, '}');
	return (BevSpan){json.data, (uint32_t) json.len};
}

/* A column as text in UTF-8; empty: null, or there is none of that name. */
static const char *
column(HeapTuple tuple, TupleDesc desc, const char *name)
{
	int number = SPI_fnumber(desc, name);
	char *value = number > 0 ? SPI_getvalue(tuple, desc, number) : NULL;

	return value ? bev_database_text_to_cstring(value) : "";
}

static bool
is_true(HeapTuple tuple, TupleDesc desc, const char *name)
{
	return strcmp(column(tuple, desc, name), "t") == 0;
}

void
bev_system_row_record(BevRecord *record, const char *type, HeapTuple tuple, TupleDesc desc)
{
	const char *user = column(tuple, desc, "user_id");

	*record = (BevRecord){
		.type = type,
		.action = column(tuple, desc, "type"),
		.audience = *user ? psprintf("%s%s", BEV_PRINCIPAL_USER, user) : BEV_PRINCIPAL_ADMIN,
		.key = column(tuple, desc, "id"),
		.project = "",
		.bug = column(tuple, desc, "bug_report_id"),
		.payload = write_payload(tuple, desc),
	};
}

static void
name_action(BevRecord *record, const TriggerData *trigger, TupleDesc desc)
{
	bool inserted = TRIGGER_FIRED_BY_INSERT(trigger->tg_event);

	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		record->action = "deleted";
	else if (!inserted && is_true(trigger->tg_newtuple, desc, "read") &&
	         !is_true(trigger->tg_trigtuple, desc, "read"))
		record->action = "read";
	else if (*record->action == '\0')
		record->action = inserted ? "created" : "updated";
}

Datum
bugevents_capture_own(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	HeapTuple tuple;
	TupleDesc desc;
	BevRecord record;

	if (!CALLED_AS_TRIGGER(fcinfo) || trigger->tg_trigger->tgnargs != 1)
		elog(ERROR, "bugevents.capture_own() is for the tables of bugevents");
	bev_settings_require_preload();
	tuple =
		TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
	desc = RelationGetDescr(trigger->tg_relation);
	if (!bev_record_is_wanted() || is_true(tuple, desc, "hidden"))
		return PointerGetDatum(NULL);

	bev_system_row_record(&record, trigger->tg_trigger->tgargs[0], tuple, desc);
	name_action(&record, trigger, desc);
	bev_record_publish(&record);
	return PointerGetDatum(NULL);
}
