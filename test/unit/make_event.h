/*
 * make_event.h - event records for unit tests.
 */
#ifndef BEV_TEST_UNIT_MAKE_EVENT_H
#define BEV_TEST_UNIT_MAKE_EVENT_H

#include <stdlib.h>
#include <string.h>

#include "common/event/event.h"
#include "common/pipe/message.h"

/* A record in memory of its own size, so that a sanitizer sees any excess. */
static inline char *
make_event(const char *const text[BEV_EVENT_FIELDS], size_t *size)
{
	uint32_t len[BEV_EVENT_FIELDS];
	char *record;
	char *p;

	for (int i = 0; i < BEV_EVENT_FIELDS; i++)
		len[i] = text[i] ? (uint32_t) strlen(text[i]) : 0;
	*size = bev_event_size(len);
	record = malloc(*size);
	bev_event_write_header(record, (uint32_t) *size, len);
	p = record + BEV_EVENT_HEADER_SIZE;
	for (int i = 0; i < BEV_EVENT_FIELDS; i++)
	{
		if (len[i])
			memcpy(p, text[i], len[i]);
		p += len[i];
	}
	return record;
}

/* An event with this audience and payload; the record must live as long. */
static inline char *
make_simple(const char *audience, const char *payload, BevEvent *event)
{
	const char *text[BEV_EVENT_FIELDS] = {"bug_report", "updated", audience, "1",
	                                      "7",          "12",      payload,  NULL};
	size_t size;
	char *record = make_event(text, &size);

	if (!bev_event_read(record, size, event))
		abort();
	return record;
}

#endif /* BEV_TEST_UNIT_MAKE_EVENT_H */
