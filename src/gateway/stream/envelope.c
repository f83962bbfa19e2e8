/*
 * envelope.c - an event as the clients receive it: JSON in a WebSocket frame.
 *
 * {"type":"bug_report","action":"updated","seq":1235,
 *  "tx":{"id":"7741","n":1,"of":2},"at":"2026-01-31T12:00:00.123456Z","actor":"42",
 *  "payload":{...},"changes":{"title":["old","new"]}}
 *
 * Model: payload and changes are JSON already, made by capture; they are copied.
 * The header's length depends on the JSON's: the JSON is written behind the
 * longest header and moved down by what the header did not need.
 */
#include "gateway/stream/envelope.h"
#include "common/event/access.h"
#include "gateway/wire/frame.h"

#include <inttypes.h>
#include <string.h>

/* Everything but the fields: names, four numbers, the time, the header. */
#define FIXED_LENGTH 256

size_t
bev_envelope_estimate(const BevEvent *event)
{
	const BevSpan *field = event->field;

	/* An escaped character is at most six bytes long. */
	size_t envelope = FIXED_LENGTH + 6 * ((size_t) field[BEV_EVENT_TYPE].len +
	                                      field[BEV_EVENT_ACTION].len + field[BEV_EVENT_ACTOR].len);
	size_t length = envelope + field[BEV_EVENT_PAYLOAD].len + field[BEV_EVENT_CHANGES].len;

	if (field[BEV_EVENT_OPEN_PAYLOAD].len > 0)
		length += envelope + field[BEV_EVENT_OPEN_PAYLOAD].len + field[BEV_EVENT_OPEN_CHANGES].len;
	return length;
}

static void
add_place(BevText *text, const BevEventsMessage *message, uint32_t n)
{
	char at[BEV_TIME_LEN + 1];

	bev_time_format(at, message->at);
	bev_text_printf(text,
	                ",\"seq\":%" PRIu64 ",\"tx\":{\"id\":\"%" PRIu64 "\",\"n\":%" PRIu32
	                ",\"of\":%" PRIu32 "},\"at\":\"%s\"",
	                message->first_seq + n, message->xid, message->tx_n + n, message->tx_of, at);
}

static void
add_json(BevText *text, const BevEventsMessage *message, uint32_t n, const BevEvent *event,
         bool for_admin)
{
	const BevSpan *field = event->field;
	BevSpan payload = field[for_admin ? BEV_EVENT_PAYLOAD : BEV_EVENT_OPEN_PAYLOAD];
	BevSpan changes = field[for_admin ? BEV_EVENT_CHANGES : BEV_EVENT_OPEN_CHANGES];

	bev_text_add_string(text, "{\"type\":");
	bev_text_add_json(text, field[BEV_EVENT_TYPE].data, field[BEV_EVENT_TYPE].len);
	bev_text_add_string(text, ",\"action\":");
	bev_text_add_json(text, field[BEV_EVENT_ACTION].data, field[BEV_EVENT_ACTION].len);
	add_place(text, message, n);
	if (field[BEV_EVENT_ACTOR].len > 0)
	{
		bev_text_add_string(text, ",\"actor\":");
		bev_text_add_json(text, field[BEV_EVENT_ACTOR].data, field[BEV_EVENT_ACTOR].len);
	}
	if (bev_access_is_replay(field[BEV_EVENT_ACCESS]))
		bev_text_add_string(text, ",\"replay\":true");
	bev_text_add_string(text, ",\"payload\":");
	if (payload.len > 0)
		bev_text_add(text, payload.data, payload.len);
	else
		bev_text_add_string(text, "{}");
	if (changes.len > 0)
	{
		bev_text_add_string(text, ",\"changes\":");
		bev_text_add(text, changes.data, changes.len);
	}
	bev_text_add(text, "}", 1);
}

void
bev_envelope_add(BevText *text, const BevEventsMessage *message, uint32_t n, const BevEvent *event,
                 bool for_admin)
{
	char header[BEV_FRAME_HEADER_MAX];
	size_t start = text->len;
	size_t header_len;
	size_t json_len;

	bev_text_reserve(text, bev_envelope_estimate(event));
	text->len += sizeof(header);
	add_json(text, message, n, event, for_admin);

	json_len = text->len - start - sizeof(header);
	header_len = bev_frame_header(header, BEV_OP_TEXT, json_len);
	memcpy(text->data + start, header, header_len);
	memmove(text->data + start + header_len, text->data + start + sizeof(header), json_len);
	text->len = start + header_len + json_len;
}
