/*
 * event_test.c - the event record: written, read, cut at every byte.
 */
#define _GNU_SOURCE /* memmem */
#include "common/event/concealed.h"
#include "make_event.h"
#include "tap.h"

static void
test_round_trip(void)
{
	const char *text[BEV_EVENT_FIELDS] = {
		"bug_report",    "created", "all\nuser:7",   "1", "2", "3", "{\"id\":1}",
		"{\"a\":[1,2]}", "{}",      "{\"b\":[3,4]}", "a", "42"};
	size_t size;
	char *record = make_event(text, &size);
	BevEvent event;
	bool good = true;

	tap_ok(bev_event_read(record, size, &event), "a record is read");
	tap_ok(event.size == size, "its size is known");
	for (int i = 0; i < BEV_EVENT_FIELDS; i++)
		good &= bev_span_is(event.field[i], text[i]);
	tap_ok(good, "all fields are as they were written");

	good = true;
	for (size_t len = 0; len < size; len++)
	{
		char *cut = malloc(len ? len : 1);

		memcpy(cut, record, len);
		good &= !bev_event_read(cut, len, &event);
		free(cut);
	}
	tap_ok(good, "a record cut at any byte is refused");
	free(record);
}

static void
test_lies(void)
{
	const char *text[BEV_EVENT_FIELDS] = {"a", "b", "all"};
	size_t size;
	char *record = make_event(text, &size);
	BevEvent event;
	bool good = true;

	/* Any other length of any field, and any other size, must not add up. */
	for (int i = 0; i <= BEV_EVENT_FIELDS; i++)
		for (uint64_t value = 1; value <= UINT32_MAX; value *= 3)
		{
			uint32_t old;
			uint32_t lie = (uint32_t) value;

			memcpy(&old, record + 4 * i, 4);
			if (old == lie)
				continue;
			memcpy(record + 4 * i, &lie, 4);
			good &= !bev_event_read(record, size, &event);
			memcpy(record + 4 * i, &old, 4);
		}
	tap_ok(good, "lengths that do not add up are refused");
	memset(record, 0, 4);
	for (int i = 1; i <= BEV_EVENT_FIELDS; i++)
	{
		uint32_t old;

		memcpy(&old, record + 4 * i, 4);
		memset(record + 4 * i, 0xff, 4);
		tap_ok(!bev_event_read(record, size, &event),
		       "a size of 0 does not go with a length that is beyond all bounds");
		memcpy(record + 4 * i, &old, 4);
	}
	memcpy(record, &(uint32_t){(uint32_t) size}, 4);
	tap_ok(bev_event_read(record, size, &event), "and without the lie it is read");
	free(record);
}

static void
test_nul(void)
{
	const char *text[BEV_EVENT_FIELDS] = {"a", "b", "c", "d", "e", "f",
	                                      "g", "h", "i", "j", "k", "l"};
	size_t size;
	char *record = make_event(text, &size);
	BevEvent event;

	for (int i = 0; i < BEV_EVENT_FIELDS; i++)
	{
		char *byte = record + BEV_EVENT_HEADER_SIZE + i;

		*byte = '\0';
		tap_ok(bev_event_read(record, size, &event) ==
		           (i >= BEV_EVENT_PAYLOAD && i != BEV_EVENT_ACTOR),
		       "a NUL in a label is refused");
		*byte = 'x';
	}
	free(record);
}

static void
test_audience(void)
{
	static const struct
	{
		const char *audience;
		const char *joined;
	} cases[] = {
		{"", ""},       {"all", "[all]"}, {"all\nuser:7", "[all][user:7]"}, {"\n", "[]"},
		{"a\n", "[a]"}, {"\na", "[][a]"}, {"a\n\nb", "[a][][b]"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		BevSpan rest = {cases[i].audience, (uint32_t) strlen(cases[i].audience)};
		BevSpan one;
		char joined[64] = "";

		while (bev_audience_next(&rest, &one))
			snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "[%.*s]",
			         (int) one.len, one.data);
		tap_is(joined, strlen(joined), cases[i].joined, "principals of an audience");
	}
}

/* What of it is for admins alone, and what is left without that. */
static void
test_concealed(void)
{
	static const struct
	{
		const char *audience;
		const char *open_payload;
		bool has_secrets;
		const char *payload; /* then */
		const char *actor;
	} cases[] = {
		{"all", "", false, "{\"secret\":1}", "42"},
		{"all", "{}", true, "{}", "42"},
		{"user:7", "", false, "{\"secret\":1}", "42"},
		{"admin\nuser:7", "{\"open\":1}", true, "{\"open\":1}", "42"},
		{"admin", "", true, "", ""},
		{"admin", "{\"open\":1}", true, "", ""},
		{"admin\n&group:x\n!user:7", "", true, "", ""},
		{"", "", true, "", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const char *text[BEV_EVENT_FIELDS] = {"user",
		                                      "created",
		                                      cases[i].audience,
		                                      "7",
		                                      "2",
		                                      "3",
		                                      "{\"secret\":1}",
		                                      "{\"secret\":[0,1]}",
		                                      cases[i].open_payload,
		                                      "",
		                                      "at\0",
		                                      "42"};
		size_t size;
		char *record = make_event(text, &size);
		char *concealed = malloc(size);
		BevEvent event;

		bev_event_read(record, size, &event);
		tap_ok(bev_event_has_secrets(&event) == cases[i].has_secrets, cases[i].audience);
		size = bev_event_conceal(&event, concealed);
		tap_ok(size == bev_event_conceal(&event, NULL) && bev_event_read(concealed, size, &event) &&
		           bev_span_is(event.field[BEV_EVENT_PAYLOAD], cases[i].payload) &&
		           bev_span_is(event.field[BEV_EVENT_ACTOR], cases[i].actor) &&
		           event.field[BEV_EVENT_OPEN_PAYLOAD].len == 0,
		       "... without what is for admins");
		tap_ok(bev_span_is(event.field[BEV_EVENT_TYPE], "user") &&
		           bev_span_is(event.field[BEV_EVENT_KEY], "7") &&
		           bev_span_is(event.field[BEV_EVENT_AUDIENCE], cases[i].audience) &&
		           bev_span_is(event.field[BEV_EVENT_ACCESS], "at"),
		       "... but with what it is about, and what follows from it");
		tap_ok(!cases[i].has_secrets == (memmem(concealed, size, "secret", 6) != NULL),
		       "... nothing of it is left anywhere");
		free(concealed);
		free(record);
	}
}

int
main(void)
{
	test_concealed();
	test_round_trip();
	test_lies();
	test_nul();
	test_audience();
	return tap_done();
}
