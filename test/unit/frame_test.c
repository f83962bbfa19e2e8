/*
 * frame_test.c - frames written and read, UTF-8, the envelope.
 */
#include <stdlib.h>

#include "gateway/stream/envelope.h"
#include "common/text/utf8.h"
#include "gateway/wire/frame.h"
#include "gateway/wire/frame_reader.h"
#include "make_event.h"
#include "tap.h"

static void
test_header(void)
{
	static const struct
	{
		uint64_t payload;
		const char *bytes;
		size_t len;
	} cases[] = {
		{0, "\x81\x00", 2},
		{125, "\x81\x7d", 2},
		{126, "\x81\x7e\x00\x7e", 4},
		{65535, "\x81\x7e\xff\xff", 4},
		{65536, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char header[BEV_FRAME_HEADER_MAX];
		size_t len = bev_frame_header(header, BEV_OP_TEXT, cases[i].payload);

		tap_ok(len == cases[i].len && memcmp(header, cases[i].bytes, len) == 0,
		       "the header of a frame");
	}
}

static void
test_utf8(void)
{
	static const struct
	{
		const char *text;
		bool good;
	} cases[] = {
		{"", true},
		{"abc", true},
		{"\xc3\xa9", true},
		{"\xe2\x82\xac", true},
		{"\xf0\x9f\x98\x80", true},
		{"\xed\x9f\xbf", true},
		{"\xee\x80\x80", true},
		{"\xf4\x8f\xbf\xbf", true},
		{"\xc2\x80", true},
		{"\xe0\xa0\x80", true},
		{"\xf0\x90\x80\x80", true},
		{"\x80", false},
		{"\xbf", false},
		{"\xc0\x80", false},
		{"\xc1\xbf", false},
		{"\xe0\x9f\xbf", false},
		{"\xed\xa0\x80", false},
		{"\xf0\x8f\xbf\xbf", false},
		{"\xf4\x90\x80\x80", false},
		{"\xf5\x80\x80\x80", false},
		{"\xff", false},
		{"\xc3", false},
		{"\xe2\x82", false},
		{"\xf0\x9f\x98", false},
		{"\xc3(", false},
		{"\xe2(\xa1", false},
		{"a\xf0\x9f\x98 z", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		size_t len = strlen(cases[i].text);
		bool good = true;

		/* However it is cut. */
		for (size_t cut = 0; cut <= len; cut++)
		{
			uint32_t state = bev_utf8_check(0, cases[i].text, cut);

			state = bev_utf8_check(state, cases[i].text + cut, len - cut);
			good &= (state == 0) == cases[i].good;
		}
		tap_ok(good, cases[i].good ? "good UTF-8" : "bad UTF-8");
	}
}

/* A masked frame. */
static size_t
client_frame(char *dst, int first, const char *payload, size_t len)
{
	static const char mask[4] = {0x11, 0x22, 0x33, 0x44};
	size_t n = 2;

	dst[0] = (char) first;
	dst[1] = (char) (0x80 | (len < 126 ? len : 126));
	if (len >= 126)
	{
		dst[n++] = (char) (len >> 8);
		dst[n++] = (char) len;
	}
	memcpy(dst + n, mask, 4);
	n += 4;
	for (size_t i = 0; i < len; i++)
		dst[n++] = (char) (payload[i] ^ mask[i & 3]);
	return n;
}

/* What a stream of bytes is read as, cut at this place, as letters. */
static void
read_all(const char *wire, size_t len, size_t cut, size_t max, char *found)
{
	BevFrameReader reader = {0};
	BevText payload;

	*found = '\0';
	for (int half = 0; half < 2; half++)
	{
		size_t n = half ? len - cut : cut;
		char *copy = malloc(n ? n : 1);
		const char *data = copy;
		BevRead what;

		memcpy(copy, wire + (half ? cut : 0), n);
		while ((what = bev_frame_reader_next(&reader, &data, &n, max, &payload)) != BEV_READ_MORE)
		{
			switch (what)
			{
				case BEV_READ_MESSAGE:
					sprintf(found + strlen(found), "M%.*s;", (int) payload.len,
					        payload.data ? payload.data : "");
					break;
				case BEV_READ_PING:
					sprintf(found + strlen(found), "P%.*s;", (int) payload.len,
					        payload.data ? payload.data : "");
					break;
				case BEV_READ_PONG:
					strcat(found, "O;");
					break;
				case BEV_READ_EMPTY:
					strcat(found, "E;");
					break;
				case BEV_READ_CLOSE:
					sprintf(found + strlen(found), "C%d;", reader.code);
					break;
				default:
					sprintf(found + strlen(found), "F%d;", reader.code);
			}
		}
		free(copy);
	}
	bev_frame_reader_free(&reader);
}

static void
check_reading(const char *wire, size_t len, size_t max, const char *wanted, const char *name)
{
	char found[1024];
	bool good = true;

	for (size_t cut = 0; cut <= len; cut++)
	{
		read_all(wire, len, cut, max, found);
		good &= strcmp(found, wanted) == 0;
		if (!good)
		{
			printf("# cut at %zu: %s instead of %s\n", cut, found, wanted);
			break;
		}
	}
	tap_ok(good, name);
}

static void
test_reading(void)
{
	char wire[1024];
	char long_text[300];
	size_t n = 0;

	n += client_frame(wire + n, 0x81, "one", 3);
	n += client_frame(wire + n, 0x01, "two \xe2", 5);
	n += client_frame(wire + n, 0x89, "ping", 4);
	n += client_frame(wire + n, 0x00, "", 0);
	n += client_frame(wire + n, 0x80, "\x82\xac", 2);
	n += client_frame(wire + n, 0x8a, "", 0);
	n += client_frame(wire + n, 0x81, "", 0);
	n += client_frame(wire + n, 0x88,
	                  "\x03\xe8"
	                  "bye",
	                  5);
	check_reading(wire, n, 100, "Mone;Pping;E;Mtwo \xe2\x82\xac;O;M;C1000;",
	              "messages, fragments and control frames, in every cut");

	memset(long_text, 'x', sizeof(long_text));
	n = client_frame(wire, 0x81, long_text, 200);
	check_reading(wire, n, 199, "F1009;", "a message above the limit");
	n = client_frame(wire, 0x01, long_text, 100);
	n += client_frame(wire + n, 0x80, long_text, 100);
	check_reading(wire, n, 199, "F1009;", "fragments above the limit");
	n = client_frame(wire, 0x82, "x", 1);
	n += client_frame(wire + n, 0x81, "x", 1);
	check_reading(wire, n, 100, "F1003;", "binary, and nothing after it");
	n = client_frame(wire, 0x81, "\xe2\x82", 2);
	check_reading(wire, n, 100, "F1007;", "text that ends within a character");
	n = client_frame(wire, 0x80, "x", 1);
	check_reading(wire, n, 100, "F1002;", "a continuation of nothing");
	n = client_frame(wire, 0xc1, "x", 1);
	check_reading(wire, n, 100, "F1002;", "a reserved bit");
	n = client_frame(wire, 0x09, "x", 1);
	check_reading(wire, n, 100, "F1002;", "a fragmented ping");
	n = client_frame(wire, 0x88, "", 0);
	check_reading(wire, n, 100, "C1005;", "a close without a code");
	n = client_frame(wire, 0x88, "\x03\xed", 2);
	check_reading(wire, n, 100, "F1002;", "a close with 1005");
	check_reading("\x81\x01x", 3, 100, "F1002;", "an unmasked frame");
	check_reading("\x81\xfe\x00\x01\0\0\0\0x", 9, 100, "F1002;", "a needless length");
}

static void
test_envelope(void)
{
	const char *text[BEV_EVENT_FIELDS] = {"a\"b",      "c\n",           "all", "", "", "",
	                                      "{\"x\":1}", "{\"x\":[0,1]}", "",    "", "", "J\"d"};
	BevEventsMessage message = {
		.first_seq = 41, .tx_n = 3, .tx_of = 9, .xid = 7741, .at = 1769860800123456};
	const char *wanted =
		"{\"type\":\"a\\\"b\",\"action\":\"c\\n\",\"seq\":42,"
		"\"tx\":{\"id\":\"7741\",\"n\":4,\"of\":9},"
		"\"at\":\"2026-01-31T12:00:00.123456Z\",\"actor\":\"J\\\"d\",\"payload\":{\"x\":1},"
		"\"changes\":{\"x\":[0,1]}}";
	size_t size;
	char *record = make_event(text, &size);
	BevText frame = {0};
	BevEvent event;

	bev_event_read(record, size, &event);
	bev_envelope_add(&frame, &message, 1, &event, true);
	tap_ok(frame.len <= bev_envelope_estimate(&event), "the estimate is not below");
	tap_ok((unsigned char) frame.data[1] == 126, "a header of four bytes");
	tap_is(frame.data + 4, frame.len - 4, wanted, "the envelope of an event");
	bev_text_free(&frame);
	free(record);
}

static void
test_time(void)
{
	static const struct
	{
		int64_t at;
		const char *text;
	} cases[] = {
		{0, "1970-01-01T00:00:00.000000Z"},
		{-1, "1969-12-31T23:59:59.999999Z"},
		{951782400000000, "2000-02-29T00:00:00.000000Z"},
		{1709251199000001, "2024-02-29T23:59:59.000001Z"},
		{4107542400000000, "2100-03-01T00:00:00.000000Z"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char text[BEV_TIME_LEN + 1];
		int64_t at;

		bev_time_format(text, cases[i].at);
		tap_is(text, strlen(text), cases[i].text, "a time");
		tap_ok(bev_time_read(text, &at) && at == cases[i].at, "... is read again");
	}
}

static void
test_time_reading(void)
{
	static const struct
	{
		const char *text;
		int64_t at;
	} good[] = {
		{"2026-01-31T12:00:00Z", 1769860800000000},
		{"2026-01-31T12:00:00.5Z", 1769860800500000},
		{"2026-01-31T14:00:00.000001+02:00", 1769860800000001},
		{"2026-01-31T06:30:00-05:30", 1769860800000000},
	};
	static const char *const bad[] = {
		"",
		"2026-01-31",
		"2026-01-31T12:00:00",
		"2026-01-31 12:00:00Z",
		"2026-13-31T12:00:00Z",
		"2026-01-32T12:00:00Z",
		"2026-01-31T24:00:00Z",
		"2026-01-31T12:00:00.Z",
		"2026-01-31T12:00:00.1234567Z",
		"2026-01-31T12:00:00Zx",
		"2026-01-31T12:00:00+2:00",
		"2026-01-31T12:00:00+02:0",
		"-026-01-31T12:00:00Z",
		"now",
	};
	int64_t at;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		tap_ok(bev_time_read(good[i].text, &at) && at == good[i].at, good[i].text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		tap_ok(!bev_time_read(bad[i], &at), bad[i]);
}

int
main(void)
{
	test_header();
	test_utf8();
	test_reading();
	test_envelope();
	test_time();
	test_time_reading();
	return tap_done();
}
