/*
 * record.c - handing a captured event to the transaction.
 */
#include "server/capture/record.h"

#include "server/capture/actor.h"
#include "server/commit/pending.h"
#include "server/shared/counters.h"
#include "server/base/settings.h"
#include "server/queue/enabled.h"

bool
be_record_is_wanted(void)
{
	return be_switch_is_on() && be_settings_database_is_served();
}

static BeSpan
span_of(const char *text)
{
	BeSpan		span = {text, (uint32_t) strlen(text)};

	return span;
}

static void
list_spans(const BeRecord *record, BeSpan spans[BE_EVENT_FIELDS], uint32_t len[BE_EVENT_FIELDS])
{
	spans[BE_EVENT_TYPE] = span_of(record->type);
	spans[BE_EVENT_ACTION] = span_of(record->action);
	spans[BE_EVENT_AUDIENCE] = span_of(record->audience);
	spans[BE_EVENT_KEY] = span_of(record->key);
	spans[BE_EVENT_PROJECT] = span_of(record->project);
	spans[BE_EVENT_BUG] = span_of(record->bug);
	spans[BE_EVENT_PAYLOAD] = record->payload;
	spans[BE_EVENT_CHANGES] = record->changes;
	spans[BE_EVENT_OPEN_PAYLOAD] = record->open_payload;
	spans[BE_EVENT_OPEN_CHANGES] = record->open_changes;
	spans[BE_EVENT_ACCESS] = record->access;
	spans[BE_EVENT_ACTOR] = span_of(be_actor());
	for (int i = 0; i < BE_EVENT_FIELDS; i++)
		len[i] = spans[i].len;
}

static Size
checked_size(const BeRecord *record, const uint32_t len[BE_EVENT_FIELDS])
{
	Size		size = be_event_size(len);

	if (size == 0)
		elog(ERROR, "event of type \"%s\" is too large", record->type);
	return size;
}

static void
write_spans(char *dst, const BeSpan spans[BE_EVENT_FIELDS], const uint32_t len[BE_EVENT_FIELDS])
{
	be_event_write_header(dst, len);
	dst += BE_EVENT_HEADER_SIZE;
	for (int i = 0; i < BE_EVENT_FIELDS; i++)
	{
		if (len[i] > 0)
			memcpy(dst, spans[i].data, len[i]);
		dst += len[i];
	}
}

char *
be_record_bytes(const BeRecord *record, Size *size)
{
	BeSpan		spans[BE_EVENT_FIELDS];
	uint32_t	len[BE_EVENT_FIELDS];
	char	   *bytes;

	list_spans(record, spans, len);
	*size = checked_size(record, len);
	bytes = palloc(*size);
	write_spans(bytes, spans, len);
	return bytes;
}

void
be_record_publish(const BeRecord *record)
{
	BeSpan		spans[BE_EVENT_FIELDS];
	uint32_t	len[BE_EVENT_FIELDS];

	be_counters_captured(record->type, record->action);
	list_spans(record, spans, len);
	write_spans(be_pending_reserve(checked_size(record, len)), spans, len);
}
