/*
 * body_test.c - the bodies of the pipe's messages: the right one, every other length,
 * and what must not be in it.
 */
#include <stdlib.h>

#include "make_event.h"
#include "common/pipe/body.h"
#include "tap.h"

static char found[4096]; /* a copy of what was read */

/* Each kind's reader, with the struct in found. */
#define READER(name, type) \
	static bool read_##name(const BevMessage *message) \
	{ \
		type it; \
		bool good = bev_body_##name(message, &it); \
		if (good) \
			memcpy(found, &it, sizeof(it)); \
		return good; \
	}

READER(stream, BevStreamMessage)
READER(progress, BevProgressMessage)
READER(fetched, BevFetchedMessage)
READER(disconnect, BevDisconnectMessage)
READER(hello, BevHelloMessage)
READER(fetch, BevFetchMessage)
READER(open, BevOpenMessage)
READER(closed, BevClosedMessage)
READER(role, BevRoleMessage)
READER(slow, BevSlowMessage)

/* Without statements behind it. */
static bool
read_admit(const BevMessage *message)
{
	BevAdmitMessage it;
	BevSpan access;
	bool good = bev_body_admit(message, &it, &access);

	if (good)
		memcpy(found, &it, sizeof(it));
	return good && access.len == 0;
}

/* Without a payload, records or text behind it. */
static bool
read_ask(const BevMessage *message)
{
	BevAskMessage it;
	BevSpan payload;
	bool good = bev_body_ask(message, &it, &payload);

	if (good)
		memcpy(found, &it, sizeof(it));
	return good && payload.len == 0;
}

static bool
read_answer(const BevMessage *message)
{
	BevAnswerMessage it;
	BevSpan rest;
	bool good = bev_body_answer(message, &it, &rest);

	if (good)
		memcpy(found, &it, sizeof(it));
	return good && rest.len == 0;
}

/* The same body at its own place in memory, so that each overrun shows. */
static bool
reads(bool (*read)(const BevMessage *), const void *body, size_t size)
{
	char *copy = malloc(size ? size : 1);
	BevMessage message = {.size = (uint32_t) size, .body = copy};
	bool good;

	memcpy(copy, body, size);
	good = read(&message);
	free(copy);
	return good;
}

static void
test_fixed(const char *name, bool (*read)(const BevMessage *), const void *body, size_t size)
{
	char longer[1024] = "";
	bool good = true;

	tap_ok(reads(read, body, size) && memcmp(found, body, size) == 0, name);
	memcpy(longer, body, size);
	for (size_t len = 0; len < size + 9; len++)
		good &= len == size || !reads(read, longer, len);
	tap_ok(good, "... of this length alone");
}

static const BevStreamMessage stream = {.tip = 7, .id = "11111111-2222-3333-4444-555555555555"};
static const BevProgressMessage progress = {7, 3};
static const BevFetchedMessage fetched = {1, BEV_FETCH_GONE, 7, 3};
static const BevAdmitMessage admit = {1, BEV_NOT_LOOKED_UP, 0, 9};
static const BevDisconnectMessage disconnect = {1, "go"};
static const BevHelloMessage hello = {BEV_PIPE_VERSION, 1};
static const BevFetchMessage fetch = {1, 1000, 5, 5};
static const BevOpenMessage client = {1, 4000000000000000, "id", "user", "role", "::1"};
static const BevClosedMessage closed = {1, 1008, "forbidden"};
static const BevRoleMessage role = {1, "user"};
static const BevSlowMessage slow = {9, 1500000, 3, 1};
static const BevAskMessage ask = {1, 2, BEV_VERB_LIST};
static const BevAnswerMessage answer = {1, 2, BEV_ANSWER_ERROR, 3, 0, 0, "not_found", "id"};

#define REFUSED(name, type, from, change) \
	do \
	{ \
		type it = from; \
		change; \
		tap_ok(!reads(read_##name, &it, sizeof(it)), #name ": " #change); \
	} while (0)

static void
test_refused(void)
{
	REFUSED(stream, BevStreamMessage, stream, it.id[35] = '\0');
	REFUSED(stream, BevStreamMessage, stream, it.id[36] = 'x');
	REFUSED(closed, BevClosedMessage, closed, it.code = 65536);
	REFUSED(closed, BevClosedMessage, closed, it.reason[0] = '\n');
	REFUSED(closed, BevClosedMessage, closed, it.reason[0] = '\xe9');
	REFUSED(closed, BevClosedMessage, closed, memset(it.reason, 'x', sizeof(it.reason)));
	REFUSED(stream, BevStreamMessage, stream, memset(it.id, 'x', sizeof(it.id)));
	REFUSED(fetched, BevFetchedMessage, fetched, it.result = 2);
	REFUSED(admit, BevAdmitMessage, admit, it.verdict = 4);
	REFUSED(disconnect, BevDisconnectMessage, disconnect,
	        memset(it.reason, 'x', sizeof(it.reason)));
	REFUSED(disconnect, BevDisconnectMessage, disconnect, it.reason[1] = '\n');
	REFUSED(fetch, BevFetchMessage, fetch, it.request = 0);
	REFUSED(fetch, BevFetchMessage, fetch, it.after = 6);
	REFUSED(open, BevOpenMessage, client, memset(it.id, 'x', sizeof(it.id)));
	REFUSED(open, BevOpenMessage, client, memset(it.user, 'x', sizeof(it.user)));
	REFUSED(open, BevOpenMessage, client, memset(it.role, 'x', sizeof(it.role)));
	REFUSED(open, BevOpenMessage, client, memset(it.address, 'x', sizeof(it.address)));
	REFUSED(open, BevOpenMessage, client, it.user[0] = '\x1f');
	REFUSED(role, BevRoleMessage, role, memset(it.role, 'x', sizeof(it.role)));
	REFUSED(role, BevRoleMessage, role, it.role[0] = '\n');
	REFUSED(ask, BevAskMessage, ask, it.verb = BEV_VERBS);
	REFUSED(slow, BevSlowMessage, slow, it.clients = 0);
	REFUSED(slow, BevSlowMessage, slow, it.events = 0);
	REFUSED(answer, BevAnswerMessage, answer, it.kind = BEV_ANSWER_OBJECT + 1);
	REFUSED(answer, BevAnswerMessage, answer, memset(it.code, 'x', sizeof(it.code)));
	REFUSED(answer, BevAnswerMessage, answer, it.field[0] = '\n');
	REFUSED(open, BevOpenMessage, client, it.user[3] = '\x7f');
}

static bool
reads_log(const void *body, size_t size, const char *text)
{
	BevMessage message = {.size = (uint32_t) size, .body = body};
	BevLogMessage log;
	BevSpan rest;

	return bev_body_log(&message, &log, &rest) && bev_span_is(rest, text);
}

static void
test_log(void)
{
	const char line[] = {BEV_LOG_WARNING, 0, 0, 0, 'h', 'i'};
	const char level[] = {BEV_LOG_WARNING + 1, 0, 0, 0};

	tap_ok(reads_log(line, 6, "hi"), "a line");
	tap_ok(reads_log(line, 4, ""), "an empty one");
	tap_ok(!reads_log(line, 3, ""), "without a level");
	tap_ok(!reads_log(level, 4, ""), "with a level that there isn't");
}

/* A question's payload is bounded, and a text. */
static void
test_payload(void)
{
	char body[sizeof(ask) + BEV_ASK_MAX + 1];
	BevMessage message = {.body = body};
	BevAskMessage it;
	BevSpan payload;

	memcpy(body, &ask, sizeof(ask));
	memset(body + sizeof(ask), 'x', BEV_ASK_MAX + 1);
	message.size = sizeof(ask) + BEV_ASK_MAX;
	tap_ok(bev_body_ask(&message, &it, &payload) && payload.len == BEV_ASK_MAX,
	       "ASK: the longest payload");
	body[sizeof(ask) + 5] = '\0';
	tap_ok(!bev_body_ask(&message, &it, &payload), "ASK: a payload with a NUL is refused");
	body[sizeof(ask) + 5] = 'x';
	message.size++;
	tap_ok(!bev_body_ask(&message, &it, &payload), "ASK: a longer one is refused");
}

/* What a client wants: whole entries of known kinds, fit for a line, and not too long. */
static bool
reads_interest(const char *interest, size_t size)
{
	char body[sizeof(BevSubscriptionMessage) + 2 * BEV_PACKED_SUBSCRIPTION_MAX] = {7};
	BevMessage message = {.size = (uint32_t) (sizeof(BevSubscriptionMessage) + size), .body = body};
	BevSubscriptionMessage who;
	BevSpan span;

	memcpy(body + sizeof(who), interest, size);
	return bev_body_subscription(&message, &who, &span) && who.client == 7 && span.len == size;
}

static void
test_interest(void)
{
	char full[2 * BEV_PACKED_SUBSCRIPTION_MAX];
	BevSubscriptionMessage who;
	BevSpan span;
	BevMessage message = {.size = 7, .body = full};

	memset(full, 'x', sizeof(full));
	full[0] = 't';
	full[BEV_PACKED_SUBSCRIPTION_MAX - 1] = full[BEV_PACKED_SUBSCRIPTION_MAX] = '\0';
	tap_ok(reads_interest("", 0), "INTEREST: in everything");
	tap_ok(reads_interest("ta\0p7\0n", 8), "... in something");
	tap_ok(reads_interest(full, BEV_PACKED_SUBSCRIPTION_MAX), "... the longest one");
	full[BEV_PACKED_SUBSCRIPTION_MAX - 1] = 'x';
	tap_ok(!reads_interest(full, BEV_PACKED_SUBSCRIPTION_MAX + 1), "... a longer one is refused");
	tap_ok(!reads_interest("ta\0p7", 5), "... one without an end");
	tap_ok(!reads_interest("x1", 3), "... a kind that there isn't");
	tap_ok(!reads_interest("", 1), "... no kind at all");
	tap_ok(!reads_interest("t\n", 3), "... a line feed");
	tap_ok(!bev_body_subscription(&message, &who, &span), "... nobody's");
}

static void
test_reports(void)
{
	BevClientsMessage reports[2] = {{.client = 1}, {.client = 2, .sent = 9}};
	BevClientsMessage one;
	BevMessage message = {.size = sizeof(reports), .body = (const char *) reports};

	tap_ok(bev_body_reports(&message) == 2, "two reports");
	bev_body_report(&message, 1, &one);
	tap_ok(memcmp(&one, &reports[1], sizeof(one)) == 0, "the second of them");
	message.size--;
	tap_ok(bev_body_reports(&message) == -1, "one and a half");
	message.size = 0;
	tap_ok(bev_body_reports(&message) == 0, "none");
}

/* How many records a body of events holds, read to its end; -1: it is none. */
static int
count_records(const char *body, size_t size)
{
	BevMessage message = {.size = (uint32_t) size, .body = body};
	BevEventsMessage events;
	BevSpan records;
	BevEvent event;
	int n = 0;

	if (!bev_body_events(&message, &events, &records))
		return -1;
	while (bev_body_next_record(&records, &event))
		n++;
	return records.len == 0 ? n : -1;
}

static void
test_events(void)
{
	const char *text[BEV_EVENT_FIELDS] = {"a", "b", "all"};
	BevEventsMessage events = {.count = 2, .first_seq = 8, .tx_n = 1, .tx_of = 2};
	size_t size;
	char *record = make_event(text, &size);
	size_t all = sizeof(events) + 2 * size;
	char *body = malloc(all);
	bool good = true;

	memcpy(body, &events, sizeof(events));
	memcpy(body + sizeof(events), record, size);
	memcpy(body + sizeof(events) + size, record, size);
	tap_ok(count_records(body, all) == 2, "two events");
	for (size_t len = 0; len < all; len++)
	{
		char *cut = malloc(len ? len : 1);

		memcpy(cut, body, len);
		good &= count_records(cut, len) == (len == sizeof(events)        ? 0 :
		                                    len == sizeof(events) + size ? 1 :
		                                                                   -1);
		free(cut);
	}
	tap_ok(good, "cut at any byte they are fewer, or none");
	memset(body, 0, sizeof(events));
	tap_ok(count_records(body, all) == -1, "a count of 0");
	events.first_seq = UINT64_MAX - 1;
	memcpy(body, &events, sizeof(events));
	tap_ok(count_records(body, all) == -1, "a seq beyond all");
	free(body);
	free(record);
}

int
main(void)
{
	test_fixed("STREAM", read_stream, &stream, sizeof(stream));
	test_fixed("PROGRESS", read_progress, &progress, sizeof(progress));
	test_fixed("FETCHED", read_fetched, &fetched, sizeof(fetched));
	test_fixed("ADMIT", read_admit, &admit, sizeof(admit));
	test_fixed("DISCONNECT", read_disconnect, &disconnect, sizeof(disconnect));
	test_fixed("HELLO", read_hello, &hello, sizeof(hello));
	test_fixed("FETCH", read_fetch, &fetch, sizeof(fetch));
	test_fixed("OPEN", read_open, &client, sizeof(client));
	test_fixed("ROLE", read_role, &role, sizeof(role));
	test_fixed("SLOW", read_slow, &slow, sizeof(slow));
	test_fixed("ASK", read_ask, &ask, sizeof(ask));
	test_fixed("ANSWER", read_answer, &answer, sizeof(answer));
	test_fixed("CLOSED", read_closed, &closed, sizeof(closed));
	test_refused();
	test_log();
	test_payload();
	test_reports();
	test_interest();
	test_events();
	return tap_done();
}
