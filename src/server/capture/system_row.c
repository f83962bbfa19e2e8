/*
 * system_row.c - rows of bugevents' own tables as events, for the user they are of.
 *
 * Model: a row belongs to the user in its column user_id, and nobody else hears of
 * it.  The payload is the row, column by column.  What an event is called:
 *
 *	came		what the column "type" says, or created
 *	changed		read, if the column "read" became true; else as above, or updated
 *	went		deleted
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
#include "executor/spi.h"
#include "server/base/settings.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

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

static const char *
name_action(const char *own, HeapTuple old, HeapTuple new, TupleDesc desc)
{
	if (new == NULL)
		return "deleted";
	if (old && is_true(new, desc, "read") && !is_true(old, desc, "read"))
		return "read";
	if (*own)
		return own;
	return old ? "updated" : "created";
}

void
bev_system_row_publish(const char *type, HeapTuple old, HeapTuple new, TupleDesc desc,
                       const char *actor)
{
	HeapTuple tuple = new ? new : old;
	BevRecord record;

	if (is_true(tuple, desc, "hidden"))
		return;
	bev_system_row_record(&record, type, tuple, desc);
	record.action = name_action(record.action, old, new, desc);
	record.actor = actor;
	bev_record_publish(&record);
}
