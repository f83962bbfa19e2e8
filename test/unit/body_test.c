/*
 * body_test.c - the bodies of the pipe's messages: the right one, every other length,
 * and what must not be in it.
 */
#include <stdlib.h>

#include "make_event.h"
#include "common/pipe/body.h"
#include "tap.h"

static _Alignas(uint64_t) char found[4096]; /* a copy of what was read */

/* A message is read with nothing behind its struct, which is found. */
static bool
reads_message(const BevMessage *message)
{
	BevSpan rest;

	return bev_body_read(message, found, bev_body_size(message->kind), &rest) && rest.len == 0;
}

/* The same body at its own place in memory, so that each overrun shows. */
static bool
reads(BevMessageKind kind, const void *body, size_t size)
{
	char *copy = malloc(size ? size : 1);
	BevMessage message = {.kind = kind, .size = (uint32_t) size, .body = copy};
	bool good;

	memcpy(copy, body, size);
	good = reads_message(&message);
	free(copy);
	return good;
}

static void
test_fixed(const char *name, BevMessageKind kind, const void *body, size_t size)
{
	char longer[1024] = "";
	bool good = true;

	tap_ok(bev_body_size(kind) == size && reads(kind, body, size) && memcmp(found, body, size) == 0,
	       name);
	memcpy(longer, body, size);
	for (size_t len = 0; len < size + 9; len++)
		good &= len == size || !reads(kind, longer, len);
	tap_ok(good, "... of this length alone");
}

static const BevStreamMessage stream = {.tip = 7, .id = "11111111-2222-3333-4444-555555555555"};
static const BevProgressMessage progress = {7, 3};
static const BevFetchedMessage fetched = {1, BEV_FETCH_GONE, 7, 3};
static const BevAdmitMessage admit = {1, BEV_NOT_LOOKED_UP, 0, 9};
static const BevDisconnectMessage disconnect = {1, "go"};
static const BevHelloMessage hello = {BEV_PIPE_VERSION, 1};
static const BevListenMessage listening = {.config = 1};
static const BevFetchMessage fetch = {1, 1000, 5, 5};
static const BevOpenMessage client = {1, "id", "::1"};
static const BevTokenMessage token = {1, 2, BEV_TOKEN_METRICS};
static const BevAgainMessage again = {1};
static const BevCheckMessage check = {1};
static const BevCheckedMessage checked = {
	1, BEV_TOKEN_GOOD, 0, {.user = "7", .role = "user", .is_admin = 1}};
static const BevClosedMessage closed = {1, 1008, "forbidden"};
static const BevRoleMessage role = {1, "user"};
static const BevSlowMessage slow = {9, 1500000, 3, 1};
static const BevAskMessage ask = {1, 2, BEV_VERB_LIST};
static const BevAnswerMessage answer = {1, 2, BEV_ANSWER_ERROR, 3, 0, 0, "not_found", "id"};

#define REFUSED(kind, type, from, change) \
	do \
	{ \
		type it = from; \
		change; \
		tap_ok(!reads(BEV_MSG_##kind, &it, sizeof(it)), #kind ": " #change); \
	} while (0)

static void
test_refused(void)
{
	REFUSED(STREAM, BevStreamMessage, stream, it.id[35] = '\0');
	REFUSED(STREAM, BevStreamMessage, stream, it.id[36] = 'x');
	REFUSED(CLOSED, BevClosedMessage, closed, it.code = 65536);
	REFUSED(CLOSED, BevClosedMessage, closed, it.reason[0] = '\n');
	REFUSED(CLOSED, BevClosedMessage, closed, it.reason[0] = '\xe9');
	REFUSED(CLOSED, BevClosedMessage, closed, memset(it.reason, 'x', sizeof(it.reason)));
	REFUSED(STREAM, BevStreamMessage, stream, memset(it.id, 'x', sizeof(it.id)));
	REFUSED(FETCHED, BevFetchedMessage, fetched, it.result = 2);
	REFUSED(ADMIT, BevAdmitMessage, admit, it.verdict = BEV_NOT_CHECKED + 1);
	REFUSED(DISCONNECT, BevDisconnectMessage, disconnect,
	        memset(it.reason, 'x', sizeof(it.reason)));
	REFUSED(DISCONNECT, BevDisconnectMessage, disconnect, it.reason[1] = '\n');
	REFUSED(FETCH, BevFetchMessage, fetch, it.request = 0);
	REFUSED(FETCH, BevFetchMessage, fetch, it.after = 6);
	REFUSED(OPEN, BevOpenMessage, client, memset(it.id, 'x', sizeof(it.id)));
	REFUSED(OPEN, BevOpenMessage, client, memset(it.address, 'x', sizeof(it.address)));
	REFUSED(OPEN, BevOpenMessage, client, it.address[0] = '\x1f');
	REFUSED(TOKEN, BevTokenMessage, token, it.use = BEV_TOKEN_METRICS + 1);
	REFUSED(CHECKED, BevCheckedMessage, checked, it.result = BEV_TOKEN_EXPIRED + 1);
	REFUSED(CHECKED, BevCheckedMessage, checked, it.result = BEV_TOKEN_INVALID);
	REFUSED(CHECKED, BevCheckedMessage, checked, it.grant.is_admin = 2);
	REFUSED(CHECKED, BevCheckedMessage, checked, it.grant.projects = 1);
	REFUSED(CHECKED, BevCheckedMessage, checked, it.grant.user[0] = '\0');
	REFUSED(CHECKED, BevCheckedMessage, checked, it.grant.user[0] = '\n');
	REFUSED(CHECKED, BevCheckedMessage, checked, it.grant.user[0] = '\xe9');
	REFUSED(CHECKED, BevCheckedMessage, checked, memset(it.grant.user, 'x', sizeof(it.grant.user)));
	REFUSED(CHECKED, BevCheckedMessage, checked, memset(it.grant.role, 'x', sizeof(it.grant.role)));
	REFUSED(ROLE, BevRoleMessage, role, memset(it.role, 'x', sizeof(it.role)));
	REFUSED(ROLE, BevRoleMessage, role, it.role[0] = '\n');
	REFUSED(ASK, BevAskMessage, ask, it.verb = BEV_VERBS);
	REFUSED(SLOW, BevSlowMessage, slow, it.clients = 0);
	REFUSED(SLOW, BevSlowMessage, slow, it.events = 0);
	REFUSED(ANSWER, BevAnswerMessage, answer, it.kind = BEV_ANSWER_GRANT + 1);
	REFUSED(ANSWER, BevAnswerMessage, answer, memset(it.code, 'x', sizeof(it.code)));
	REFUSED(ANSWER, BevAnswerMessage, answer, it.field[0] = '\n');
	REFUSED(OPEN, BevOpenMessage, client, it.id[0] = '\x7f');
	REFUSED(OPEN, BevOpenMessage, client, it.id[0] = '\xe9');
	REFUSED(ROLE, BevRoleMessage, role, it.role[0] = '\xff');
}

static bool
reads_log(const void *body, size_t size, const char *text)
{
	BevMessage message = {.kind = BEV_MSG_LOG, .size = (uint32_t) size, .body = body};
	BevLogMessage log;
	BevSpan rest;

	return bev_body_read(&message, &log, sizeof(log), &rest) && bev_span_is(rest, text);
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
	BevMessage message = {.kind = BEV_MSG_ASK, .body = body};
	BevAskMessage it;
	BevSpan payload;

	memcpy(body, &ask, sizeof(ask));
	memset(body + sizeof(ask), 'x', BEV_ASK_MAX + 1);
	message.size = sizeof(ask) + BEV_ASK_MAX;
	tap_ok(bev_body_read(&message, &it, sizeof(it), &payload) && payload.len == BEV_ASK_MAX,
	       "ASK: the longest payload");
	body[sizeof(ask) + 5] = '\0';
	tap_ok(!bev_body_read(&message, &it, sizeof(it), &payload),
	       "ASK: a payload with a NUL is refused");
	body[sizeof(ask) + 5] = 'x';
	message.size++;
	tap_ok(!bev_body_read(&message, &it, sizeof(it), &payload), "ASK: a longer one is refused");
}

static bool
reads_checked(BevTokenResult result, const char *rest, size_t len)
{
	char body[sizeof(checked) + 300];
	BevMessage message = {BEV_MSG_CHECKED, (uint32_t) (sizeof(checked) + len), body};
	BevCheckedMessage it = checked;
	BevSpan span;

	it.result = result;
	it.grant.projects = result == BEV_TOKEN_GOOD ? (uint32_t) len : 0;
	memcpy(body, &it, sizeof(it));
	memcpy(body + sizeof(it), rest, len);
	return bev_body_read(&message, &it, sizeof(it), &span) && span.len == len;
}

/* What a token says: projects that are ids, or why it is no good. */
static void
test_projects(void)
{
	char longest[257];
	char longer[257];
	BevSpan projects = {"1\0b", 4};
	const char *project = NULL;

	memset(longest, 'x', sizeof(longest));
	memset(longer, 'x', sizeof(longer));
	longest[255] = longer[256] = '\0';
	tap_ok(reads_checked(BEV_TOKEN_GOOD, "1\0b", 4), "CHECKED: two projects");
	tap_ok(reads_checked(BEV_TOKEN_GOOD, longest, 256), "... the longest id");
	tap_ok(!reads_checked(BEV_TOKEN_GOOD, longer, 257), "... a longer one is refused");
	tap_ok(!reads_checked(BEV_TOKEN_GOOD, "1\0b", 3), "... one without an end");
	tap_ok(!reads_checked(BEV_TOKEN_GOOD, "1\n", 3), "... a line feed");
	tap_ok(reads_checked(BEV_TOKEN_EXPIRED, "no", 2), "... or why it is no good");
	tap_ok(bev_body_next_project(&projects, &project) && strcmp(project, "1") == 0 &&
	           bev_body_next_project(&projects, &project) && strcmp(project, "b") == 0 &&
	           !bev_body_next_project(&projects, &project),
	       "... each is found");
}

/* A token is bounded, and a text. */
static void
test_token(void)
{
	static char body[sizeof(client) + BEV_TOKEN_MAX + 2];
	BevMessage message = {.kind = BEV_MSG_OPEN, .body = body};
	BevOpenMessage it;
	BevSpan span;

	memcpy(body, &client, sizeof(client));
	memset(body + sizeof(client), 'x', BEV_TOKEN_MAX + 2);
	message.size = sizeof(client) + BEV_TOKEN_MAX + 1;
	tap_ok(bev_body_read(&message, &it, sizeof(it), &span), "OPEN: a token that is too long");
	message.size++;
	tap_ok(!bev_body_read(&message, &it, sizeof(it), &span), "... says so by one byte alone");
	message.size = sizeof(client) + 2;
	body[sizeof(client)] = '\0';
	tap_ok(!bev_body_read(&message, &it, sizeof(it), &span), "... one with a NUL is refused");
}

/* What a client wants: whole entries of known kinds, fit for a line, and not too long. */
static bool
reads_subscription(const char *subscription, size_t size)
{
	char body[sizeof(BevSubscriptionMessage) + 2 * BEV_PACKED_SUBSCRIPTION_TOLD] = {7};
	BevMessage message = {BEV_MSG_SUBSCRIPTION, (uint32_t) (sizeof(BevSubscriptionMessage) + size),
	                      body};
	BevSubscriptionMessage who;
	BevSpan span;

	memcpy(body + sizeof(who), subscription, size);
	return bev_body_read(&message, &who, sizeof(who), &span) && who.client == 7 && span.len == size;
}

static void
test_subscription(void)
{
	char full[2 * BEV_PACKED_SUBSCRIPTION_TOLD];
	BevSubscriptionMessage who;
	BevSpan span;
	BevMessage message = {.kind = BEV_MSG_SUBSCRIPTION, .size = 7, .body = full};

	memset(full, 'x', sizeof(full));
	full[0] = 't';
	full[BEV_PACKED_SUBSCRIPTION_TOLD - 1] = full[BEV_PACKED_SUBSCRIPTION_TOLD] = '\0';
	tap_ok(reads_subscription("", 0), "SUBSCRIPTION: everything");
	tap_ok(reads_subscription("ta\0p7\0n", 8), "... something");
	tap_ok(reads_subscription(full, BEV_PACKED_SUBSCRIPTION_TOLD), "... the longest one");
	full[BEV_PACKED_SUBSCRIPTION_TOLD - 1] = 'x';
	tap_ok(!reads_subscription(full, BEV_PACKED_SUBSCRIPTION_TOLD + 1),
	       "... a longer one is refused");
	tap_ok(!reads_subscription("ta\0p7", 5), "... one without an end");
	tap_ok(!reads_subscription("x1", 3), "... a kind that there isn't");
	tap_ok(!reads_subscription("", 1), "... no kind at all");
	tap_ok(!reads_subscription("t\n", 3), "... a line feed");
	tap_ok(!reads_subscription("t\xe9", 3), "... no UTF-8");
	tap_ok(!bev_body_read(&message, &who, sizeof(who), &span), "... nobody's");
}

/* How many reports the bytes are; -1: they are not made of reports. */
static int
count_reports(const BevClientsMessage *reports, size_t size, BevClientsMessage *last)
{
	BevSpan rest = {(const char *) reports, (uint32_t) size};
	int n = 0;

	while (bev_body_next_report(&rest, last))
		n++;
	return rest.len == 0 ? n : -1;
}

static void
test_reports(void)
{
	BevClientsMessage reports[2] = {{.client = 1}, {.client = 2, .sent = 9}};
	BevClientsMessage last;

	tap_ok(count_reports(reports, sizeof(reports), &last) == 2, "two reports");
	tap_ok(memcmp(&last, &reports[1], sizeof(last)) == 0, "the second of them");
	tap_ok(count_reports(reports, sizeof(reports) - 1, &last) == -1, "one and a half");
	tap_ok(count_reports(reports, 0, &last) == 0, "none");
}

/* How many records a body of events holds, read to its end; -1: it is none. */
static int
count_records(const char *body, size_t size)
{
	BevMessage message = {.kind = BEV_MSG_EVENTS, .size = (uint32_t) size, .body = body};
	BevEventsMessage events;
	BevSpan records;
	BevEvent event;
	int n = 0;

	if (!bev_body_read(&message, &events, sizeof(events), &records))
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
	test_fixed("STREAM", BEV_MSG_STREAM, &stream, sizeof(stream));
	test_fixed("PROGRESS", BEV_MSG_PROGRESS, &progress, sizeof(progress));
	test_fixed("FETCHED", BEV_MSG_FETCHED, &fetched, sizeof(fetched));
	test_fixed("ADMIT", BEV_MSG_ADMIT, &admit, sizeof(admit));
	test_fixed("DISCONNECT", BEV_MSG_DISCONNECT, &disconnect, sizeof(disconnect));
	test_fixed("HELLO", BEV_MSG_HELLO, &hello, sizeof(hello));
	test_fixed("LISTEN", BEV_MSG_LISTEN, &listening, sizeof(listening));
	test_fixed("FETCH", BEV_MSG_FETCH, &fetch, sizeof(fetch));
	test_fixed("OPEN", BEV_MSG_OPEN, &client, sizeof(client));
	test_fixed("TOKEN", BEV_MSG_TOKEN, &token, sizeof(token));
	test_fixed("KNOWN", BEV_MSG_KNOWN, &again, sizeof(again));
	test_fixed("AGAIN", BEV_MSG_AGAIN, &again, sizeof(again));
	test_fixed("CHECK", BEV_MSG_CHECK, &check, sizeof(check));
	test_fixed("CHECKED", BEV_MSG_CHECKED, &checked, sizeof(checked));
	test_fixed("ROLE", BEV_MSG_ROLE, &role, sizeof(role));
	test_fixed("SLOW", BEV_MSG_SLOW, &slow, sizeof(slow));
	test_fixed("ASK", BEV_MSG_ASK, &ask, sizeof(ask));
	test_fixed("ANSWER", BEV_MSG_ANSWER, &answer, sizeof(answer));
	test_fixed("CLOSED", BEV_MSG_CLOSED, &closed, sizeof(closed));
	test_refused();
	test_log();
	test_payload();
	test_projects();
	test_token();
	test_reports();
	test_subscription();
	test_events();
	return tap_done();
}
