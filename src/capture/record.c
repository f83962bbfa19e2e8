/*
 * record.c - handing a captured event to the transaction.
 */
#include "record.h"

#include "capture/pending.h"
#include "extension/settings.h"
#include "queue/switch.h"

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

void
be_record_publish(const BeRecord *record)
{
	BeSpan		spans[BE_EVENT_FIELDS] = {
		[BE_EVENT_TYPE] = span_of(record->type),
		[BE_EVENT_ACTION] = span_of(record->action),
		[BE_EVENT_AUDIENCE] = span_of(record->audience),
		[BE_EVENT_KEY] = span_of(record->key),
		[BE_EVENT_PROJECT] = span_of(record->project),
		[BE_EVENT_BUG] = span_of(record->bug),
		[BE_EVENT_PAYLOAD] = record->payload,
		[BE_EVENT_CHANGES] = record->changes,
		[BE_EVENT_OPEN_PAYLOAD] = record->open_payload,
		[BE_EVENT_OPEN_CHANGES] = record->open_changes,
		[BE_EVENT_ACCESS] = record->access,
	};
	uint32_t	len[BE_EVENT_FIELDS];
	Size		size;
	char	   *dst;

	for (int i = 0; i < BE_EVENT_FIELDS; i++)
		len[i] = spans[i].len;
	size = be_event_size(len);
	if (size == 0)
		elog(ERROR, "event of type \"%s\" is too large", record->type);

	dst = be_pending_reserve(size);
	be_event_write_header(dst, len);
	dst += BE_EVENT_HEADER_SIZE;
	for (int i = 0; i < BE_EVENT_FIELDS; i++)
	{
		if (len[i] > 0)
			memcpy(dst, spans[i].data, len[i]);
		dst += len[i];
	}
}
