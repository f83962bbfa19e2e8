/*
 * record.c - handing a captured event to the transaction.
 */
#include "server/capture/record.h"

#include "common/event/access.h"
#include "server/capture/actor.h"
#include "server/changes/change_log.h"
#include "server/commit/pending.h"
#include "server/shared/counters.h"
#include "server/base/settings.h"
#include "server/journal/unserved.h"
#include "server/queue/enabled.h"

static BevSpan ahead = {NULL, 0};

bool
bev_record_is_wanted(void)
{
	if (bev_settings_database_is_served())
		return bev_enabled_is_on();
	bev_unserved_note();
	return false;
}

static BevSpan
span_of(const char *text)
{
	BevSpan span = {text, (uint32_t) strlen(text)};

	return span;
}

static BevSpan
access_of(const BevRecord *record)
{
	if (record->replayed)
		return bev_access_replay();
	return record->foreign ? bev_access_foreign() : record->access;
}

static void
list_spans(const BevRecord *record, BevSpan access, BevSpan spans[BEV_EVENT_FIELDS],
           uint32_t len[BEV_EVENT_FIELDS])
{
	spans[BEV_EVENT_TYPE] = span_of(record->type);
	spans[BEV_EVENT_ACTION] = span_of(record->action);
	spans[BEV_EVENT_AUDIENCE] = span_of(record->audience);
	spans[BEV_EVENT_KEY] = span_of(record->key);
	spans[BEV_EVENT_PROJECT] = span_of(record->project);
	spans[BEV_EVENT_BUG] = span_of(record->bug);
	spans[BEV_EVENT_PAYLOAD] = record->payload;
	spans[BEV_EVENT_CHANGES] = record->changes;
	spans[BEV_EVENT_OPEN_PAYLOAD] = record->open_payload;
	spans[BEV_EVENT_OPEN_CHANGES] = record->open_changes;
	spans[BEV_EVENT_ACCESS] = access;
	spans[BEV_EVENT_ACTOR] = span_of(record->actor ? record->actor : bev_actor());
	for (int i = 0; i < BEV_EVENT_FIELDS; i++)
		len[i] = spans[i].len;
}

static Size
checked_size(const BevRecord *record, const uint32_t len[BEV_EVENT_FIELDS])
{
	Size size = bev_event_size(len);

	if (size == 0)
		elog(ERROR, "event of type \"%s\" is too large", record->type);
	return size;
}

static void
write_spans(char *dst, Size size, const BevSpan spans[BEV_EVENT_FIELDS],
            const uint32_t len[BEV_EVENT_FIELDS])
{
	bev_event_write_header(dst, (uint32_t) size, len);
	dst += BEV_EVENT_HEADER_SIZE;
	for (int i = 0; i < BEV_EVENT_FIELDS; i++)
	{
		if (len[i] > 0)
			memcpy(dst, spans[i].data, len[i]);
		dst += len[i];
	}
}

char *
bev_record_bytes(const BevRecord *record, Size *size)
{
	BevSpan spans[BEV_EVENT_FIELDS];
	uint32_t len[BEV_EVENT_FIELDS];
	char *bytes;

	list_spans(record, access_of(record), spans, len);
	*size = checked_size(record, len);
	bytes = palloc(*size);
	write_spans(bytes, *size, spans, len);
	return bytes;
}

static void
publish(const BevRecord *record, BevSpan access)
{
	BevSpan spans[BEV_EVENT_FIELDS];
	uint32_t len[BEV_EVENT_FIELDS];
	Size size;

	bev_counters_captured(record->type, record->action);
	list_spans(record, access, spans, len);
	size = checked_size(record, len);
	write_spans(bev_pending_reserve(size), size, spans, len);
}

/*
 * What goes ahead, and then what the record says itself.  What that is worth as a whole is said by
 * its first statement, which stays the first.
 */
static BevSpan
take_ahead(BevSpan access)
{
	bool judges = bev_access_is_foreign(access) || bev_access_is_replay(access);
	BevSpan first = judges ? access : ahead;
	BevSpan second = judges ? ahead : access;
	char *both = palloc(first.len + second.len);

	memcpy(both, first.data, first.len);
	if (second.len > 0)
		memcpy(both + first.len, second.data, second.len);
	ahead.len = 0;
	return (BevSpan){both, first.len + second.len};
}

void
bev_record_set_ahead(BevSpan statements)
{
	ahead = statements;
}

void
bev_record_publish(const BevRecord *record)
{
	BevSpan access = access_of(record);

	publish(record, ahead.len > 0 ? take_ahead(access) : access);
}

void
bev_record_log(const BevRecord *record)
{
	Size size;
	char *bytes;

	if (bev_change_log_is_empty())
	{
		publish(record, access_of(record));
		return;
	}
	bev_counters_captured(record->type, record->action);
	bytes = bev_record_bytes(record, &size);
	bev_change_log_record(bytes, size);
	pfree(bytes);
}

void
bev_record_publish_bytes(const char *bytes)
{
	uint32_t size = bev_event_size_written(bytes);
	uint32_t len[BEV_EVENT_FIELDS];
	BevEvent event;

	if (ahead.len == 0)
	{
		memcpy(bev_pending_reserve(size), bytes, size);
		return;
	}
	if (!bev_event_read(bytes, size, &event))
		elog(ERROR, "a logged record is damaged");
	event.field[BEV_EVENT_ACCESS] = take_ahead(event.field[BEV_EVENT_ACCESS]);
	for (int i = 0; i < BEV_EVENT_FIELDS; i++)
		len[i] = event.field[i].len;
	size = (uint32_t) bev_event_size(len);
	write_spans(bev_pending_reserve(size), size, event.field, len);
}
