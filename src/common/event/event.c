/*
 * event.c - reading and writing the event record.
 *
 * Not here: what the fields mean.  The record is only a row of byte strings;
 * capture fills it and the gateway interprets it.
 */
#include "common/event/event.h"

#include <string.h>

size_t
bev_event_size(const uint32_t len[BEV_EVENT_FIELDS])
{
	size_t size = BEV_EVENT_HEADER_SIZE;

	for (int i = 0; i < BEV_EVENT_FIELDS; i++)
	{
		if (len[i] > BEV_EVENT_MAX_SIZE - size)
			return 0;
		size += len[i];
	}
	return size;
}

void
bev_event_write_header(char *dst, uint32_t size, const uint32_t len[BEV_EVENT_FIELDS])
{
	memcpy(dst, &size, sizeof(size));
	memcpy(dst + sizeof(size), len, sizeof(uint32_t) * BEV_EVENT_FIELDS);
}

static bool
is_text(BevSpan span)
{
	return span.len == 0 || memchr(span.data, '\0', span.len) == NULL;
}

/* All but the JSON: they are handed on as terminated strings. */
static bool
labels_are_text(const BevEvent *event)
{
	for (int i = 0; i < BEV_EVENT_PAYLOAD; i++)
		if (!is_text(event->field[i]))
			return false;
	return is_text(event->field[BEV_EVENT_ACTOR]);
}

uint32_t
bev_event_size_written(const char *data)
{
	uint32_t size;

	memcpy(&size, data, sizeof(size));
	return size;
}

bool
bev_event_read(const char *data, size_t len, BevEvent *event)
{
	uint32_t field_len[BEV_EVENT_FIELDS];
	const char *p = data + BEV_EVENT_HEADER_SIZE;

	if (len < BEV_EVENT_HEADER_SIZE)
		return false;
	memcpy(&event->size, data, sizeof(event->size));
	memcpy(field_len, data + sizeof(event->size), sizeof(field_len));

	/* The lengths must add up to the size: nothing is read past the record. */
	if (event->size < BEV_EVENT_HEADER_SIZE || event->size > len ||
	    bev_event_size(field_len) != event->size)
		return false;

	for (int i = 0; i < BEV_EVENT_FIELDS; i++)
	{
		event->field[i].data = p;
		event->field[i].len = field_len[i];
		p += field_len[i];
	}
	return labels_are_text(event);
}

/* The fields of it that are written, in their order; the size of them all. */
static size_t
write_fields(const BevEvent *event, char *dst)
{
	uint32_t len[BEV_EVENT_FIELDS];
	size_t size;

	for (int i = 0; i < BEV_EVENT_FIELDS; i++)
		len[i] = event->field[i].len;
	size = bev_event_size(len);
	if (dst == NULL)
		return size;
	bev_event_write_header(dst, (uint32_t) size, len);
	dst += BEV_EVENT_HEADER_SIZE;
	for (int i = 0; i < BEV_EVENT_FIELDS; i++)
	{
		if (len[i] > 0)
			memcpy(dst, event->field[i].data, len[i]);
		dst += len[i];
	}
	return size;
}

size_t
bev_event_open(const BevEvent *event, char *dst)
{
	BevEvent open = *event;

	if (event->field[BEV_EVENT_OPEN_PAYLOAD].len > 0)
	{
		open.field[BEV_EVENT_PAYLOAD] = event->field[BEV_EVENT_OPEN_PAYLOAD];
		open.field[BEV_EVENT_CHANGES] = event->field[BEV_EVENT_OPEN_CHANGES];
		open.field[BEV_EVENT_OPEN_PAYLOAD].len = open.field[BEV_EVENT_OPEN_CHANGES].len = 0;
	}
	return write_fields(&open, dst);
}

bool
bev_audience_next(BevSpan *rest, BevSpan *principal)
{
	const char *end;

	if (rest->len == 0)
		return false;

	end = memchr(rest->data, '\n', rest->len);
	principal->data = rest->data;
	principal->len = end ? (uint32_t) (end - rest->data) : rest->len;
	rest->data += principal->len;
	rest->len -= principal->len;
	if (end)
	{
		rest->data++;
		rest->len--;
	}
	return true;
}

bool
bev_span_is(BevSpan span, const char *text)
{
	return span.len == strlen(text) && memcmp(span.data, text, span.len) == 0;
}
