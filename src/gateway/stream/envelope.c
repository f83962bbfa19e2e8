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
#include "gateway/wire/frame.h"

#include <inttypes.h>
#include <string.h>

/* Everything but the fields: names, four numbers, the time, the header. */
#define FIXED_LENGTH	256

size_t
be_envelope_estimate(const BeEvent *event)
{
	const BeSpan *field = event->field;

	/* An escaped character is at most six bytes long. */
	size_t		envelope = FIXED_LENGTH + 6 * ((size_t) field[BE_EVENT_TYPE].len +
											   field[BE_EVENT_ACTION].len +
											   field[BE_EVENT_ACTOR].len);
	size_t		length = envelope + field[BE_EVENT_PAYLOAD].len +
		field[BE_EVENT_CHANGES].len;

	if (field[BE_EVENT_OPEN_PAYLOAD].len > 0)
		length += envelope + field[BE_EVENT_OPEN_PAYLOAD].len +
			field[BE_EVENT_OPEN_CHANGES].len;
	return length;
}

static void
add_place(BeText *text, const BeEventsMessage *message, uint32_t n)
{
	char		at[BE_TIME_LEN + 1];

	be_time_format(at, message->at);
	be_text_printf(text, ",\"seq\":%" PRIu64 ",\"tx\":{\"id\":\"%" PRIu64
				   "\",\"n\":%" PRIu32 ",\"of\":%" PRIu32 "},\"at\":\"%s\"",
				   message->first_seq + n, message->xid, message->tx_n + n,
				   message->tx_of, at);
}

static void
add_json(BeText *text, const BeEventsMessage *message, uint32_t n,
		 const BeEvent *event, bool for_admin)
{
	const BeSpan *field = event->field;
	BeSpan		payload = field[for_admin ? BE_EVENT_PAYLOAD : BE_EVENT_OPEN_PAYLOAD];
	BeSpan		changes = field[for_admin ? BE_EVENT_CHANGES : BE_EVENT_OPEN_CHANGES];

	be_text_add_string(text, "{\"type\":");
	be_text_add_json(text, field[BE_EVENT_TYPE].data, field[BE_EVENT_TYPE].len);
	be_text_add_string(text, ",\"action\":");
	be_text_add_json(text, field[BE_EVENT_ACTION].data, field[BE_EVENT_ACTION].len);
	add_place(text, message, n);
	if (field[BE_EVENT_ACTOR].len > 0)
	{
		be_text_add_string(text, ",\"actor\":");
		be_text_add_json(text, field[BE_EVENT_ACTOR].data, field[BE_EVENT_ACTOR].len);
	}
	be_text_add_string(text, ",\"payload\":");
	if (payload.len > 0)
		be_text_add(text, payload.data, payload.len);
	else
		be_text_add_string(text, "{}");
	if (changes.len > 0)
	{
		be_text_add_string(text, ",\"changes\":");
		be_text_add(text, changes.data, changes.len);
	}
	be_text_add(text, "}", 1);
}

void
be_envelope_add(BeText *text, const BeEventsMessage *message, uint32_t n,
				const BeEvent *event, bool for_admin)
{
	char		header[BE_FRAME_HEADER_MAX];
	size_t		start = text->len;
	size_t		header_len;
	size_t		json_len;

	be_text_reserve(text, be_envelope_estimate(event));
	text->len += sizeof(header);
	add_json(text, message, n, event, for_admin);

	json_len = text->len - start - sizeof(header);
	header_len = be_frame_header(header, BE_OP_TEXT, json_len);
	memcpy(text->data + start, header, header_len);
	memmove(text->data + start + header_len,
			text->data + start + sizeof(header), json_len);
	text->len = start + header_len + json_len;
}
