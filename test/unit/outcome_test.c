/*
 * outcome_test.c - answers of servers, and what they mean.
 */
#include <stdlib.h>

#include "carrier/core/outcome.h"
#include "carrier/message/retry_after.h"
#include "common/text/utf8.h"
#include "tap.h"

static const char *const result_names[] = {"sent", "retry", "refused"};

/* Lines of a server, with \n between them; a line "!" begins the request. */
static void
hear(BevPeerAnswer *answer, BevMedium medium, const char *lines)
{
	bev_peer_answer_begin(answer, false);
	while (*lines)
	{
		size_t len = strcspn(lines, "\n");

		if (len == 1 && *lines == '!')
			bev_peer_answer_begin(answer, true);
		else if (medium == BEV_EMAIL)
			bev_peer_answer_smtp(answer, lines, len);
		else
			bev_peer_answer_http(answer, lines, len, 0);
		lines += len + (lines[len] == '\n');
	}
}

static void
judge(BevMedium medium, bool done, const char *lines, const char *body, const char *wanted)
{
	BevAttempt attempt = {.medium = medium, .done = done, .trouble = "trouble"};
	BevRedact mask = {0};
	BevPeerAnswer answer;
	BevOutcome outcome;
	char got[1000];

	bev_redact_add(&mask, "s3cret", 6);
	hear(&answer, medium, lines);
	bev_peer_answer_body(&answer, body, strlen(body));
	bev_outcome_judge(&outcome, &attempt, &answer, &mask);
	snprintf(got, sizeof(got), "%s %d %ld%s %s", result_names[outcome.result], outcome.code,
	         outcome.retry_after, outcome.uncertain ? " uncertain" : "", outcome.error);
	tap_is(got, strlen(got), wanted, wanted);
	bev_redact_free(&mask);
}

#define MAIL(done, lines, wanted) judge(BEV_EMAIL, done, lines, "", wanted)
#define HOOK(lines, body, wanted) judge(BEV_WEBHOOK, false, lines, body, wanted)
#define CHAT(lines, body, wanted) judge(BEV_WHATSAPP, false, lines, body, wanted)

static void
waits(const char *value, long wanted)
{
	tap_ok(bev_retry_after(value, strlen(value), 784111777) == wanted, value);
}

static void
cleans(const char *text, size_t len, size_t size, const char *wanted)
{
	char *dst = malloc(size);

	bev_utf8_clean(dst, size, text, len);
	tap_is(dst, strlen(dst), wanted, wanted);
	free(dst);
}

static void
masks(const char *text, const char *wanted)
{
	char copy[200];
	BevRedact mask = {0};

	bev_redact_add(&mask, "abc", 3); /* too short to be one */
	bev_redact_add(&mask, "s3cret", 6);
	bev_redact_add(&mask, "/hidden/", 8);
	strcpy(copy, text);
	bev_redact_apply(&mask, copy);
	tap_is(copy, strlen(copy), wanted, text);
	bev_redact_free(&mask);
}

static void
bounds(void)
{
	BevPeerAnswer answer;
	char line[1000] = "HTTP/1.1 200 OK";
	int lines = 0;

	bev_peer_answer_begin(&answer, true);
	while (bev_peer_answer_http(&answer, line, sizeof(line), 0))
		lines++;
	tap_ok(lines == BEV_ANSWER_MAX / 1000, "a head has a bound");
	bev_peer_answer_begin(&answer, true);
	for (lines = 0; bev_peer_answer_smtp(&answer, "250-more\r\n", 10); lines++)
		;
	tap_ok(lines == BEV_ANSWER_MAX / 10 && answer.len == BEV_ANSWER_KEPT,
	       "a reply has a bound, and what is kept another");
	bev_peer_answer_begin(&answer, true);
	for (lines = 0; bev_peer_answer_body(&answer, line, sizeof(line)); lines++)
		;
	tap_ok(lines == BEV_ANSWER_MAX / 1000, "a body has a bound");
}

int
main(void)
{
	/* Mail */
	MAIL(true, "220 hi\n250 ok\n!\n250 ok\n250 ok\n354 go\n250 taken", "sent 250 -1 ");
	MAIL(false, "", "retry 0 -1 trouble");
	MAIL(false, "220 hi", "retry 0 -1 trouble");
	MAIL(false, "554 go away", "retry 554 -1 connection or login refused: 554 go away");
	MAIL(false, "220 hi\n250 ok\n535 s3cret no",
	     "retry 535 -1 connection or login refused: 535 ****** no");
	MAIL(false, "220 hi\n!\n550 no such user", "refused 550 -1 550 no such user");
	MAIL(false, "220 hi\n!\n250 ok\n451 later\n221 bye", "retry 451 -1 451 later");
	MAIL(false, "220 hi\n!\n250 ok\n451 later\n554 bye", "retry 451 -1 451 later");
	MAIL(false, "220 hi\n!\n550-a\n550-b\r\n550 c", "refused 550 -1 550-a 550-b 550 c");
	MAIL(false, "220 hi\n!\n550-a\n550-b", "retry 0 -1 trouble");
	MAIL(false, "220 hi\n!\n530 login", "retry 530 -1 connection or login refused: 530 login");
	MAIL(false, "220 hi\n!\n250 ok\n354 go", "retry 0 -1 uncertain trouble");
	MAIL(false, "220 hi\n!\n250 ok\n354 go\n554 spam", "refused 554 -1 554 spam");
	MAIL(false, "220 hi\n!\n250 ok\n354 go\nwhat", "retry 0 -1 uncertain trouble");
	MAIL(false, "12\n1a3 x\n\n", "retry 0 -1 trouble");

	/* Webhooks */
	HOOK("", "", "retry 0 -1 trouble");
	HOOK("!", "", "retry 0 -1 uncertain trouble");
	HOOK("!\nHTTP/1.1 200 OK", "x", "sent 200 -1 ");
	HOOK("!\nHTTP/1.1 103 Early", "", "retry 0 -1 uncertain trouble");
	HOOK("!\nHTTP/1.1 103 Early\nRetry-After: 3\nHTTP/1.1 500 X", "oh",
	     "retry 500 -1 HTTP 500: oh");
	HOOK("!\nHTTP/1.0 503 X\nretry-after:  3 ", "", "retry 503 3 HTTP 503");
	HOOK("!\nHTTP/1.1 404", "no\r\nway s3cret", "retry 404 -1 HTTP 404: no  way ******");
	HOOK("!\nHTTP/1.1 410 Gone", "", "refused 410 -1 HTTP 410");
	HOOK("!\nHTTP/1.1 302 Found", "", "retry 302 -1 HTTP 302");
	HOOK("!\nHTTP/1.1 99 X", "", "retry 0 -1 uncertain trouble");
	HOOK("!\nHTTP/1.1 abc", "", "retry 0 -1 uncertain trouble");
	HOOK("!\nHTTP/1.1", "", "retry 0 -1 uncertain trouble");

	/* WhatsApp */
	CHAT("!\nHTTP/1.1 200 OK", "{}", "sent 200 -1 ");
	CHAT("!\nHTTP/1.1 400 X", "no", "refused 400 -1 HTTP 400: no");
	CHAT("!\nHTTP/1.1 401 X", "", "retry 401 -1 HTTP 401");
	CHAT("!\nHTTP/1.1 429 X\nRetry-After: 9", "", "retry 429 9 HTTP 429");
	CHAT("!\nHTTP/1.1 400 X",
	     "{\"error\":{\"code\":130429,\"message\":\"(#130429) Rate limit hit\"}}",
	     "retry 400 -1 HTTP 400: (#130429) Rate limit hit");
	CHAT(
		"!\nHTTP/1.1 400 X",
		"{\"error\":{\"code\":100,\"message\":\"a\",\"error_data\":{\"details\":\"s3cr\\u0065t\"}}}",
		"refused 400 -1 HTTP 400: a: ******");

	/* Retry-After; now is Sun, 06 Nov 1994 08:49:37 GMT */
	waits("0", 0);
	waits("120", 120);
	waits(" 120\t\r\n", 120);
	waits("86401", 86400);
	waits("99999999999999999999999999", 86400);
	waits("Sun, 06 Nov 1994 08:51:37 GMT", 120);
	waits("Sunday, 06-Nov-94 08:51:37 GMT", 120);
	waits("Sun Nov  6 08:51:37 1994", 120);
	waits("Sun, 06 Nov 1994 08:49:37 GMT", 0);
	waits("Sun, 06 Nov 1994 08:00:00 GMT", 0);
	waits("Wed, 09 Nov 1994 08:49:37 GMT", 86400);
	waits("", -1);
	waits(" ", -1);
	waits("-1", -1);
	waits("1.5", -1);
	waits("+3", -1);
	waits("3 s", -1);
	waits("0x10", -1);
	waits("soon", -1);
	waits("Sun, 99 Nov 1994 08:49:37 GMT", -1);
	tap_ok(bev_retry_after("12\0003", 4, 0) == -1, "a zero byte");

	/* Text of others */
	cleans("", 0, 10, "");
	cleans("abc", 3, 4, "abc");
	cleans("abcd", 4, 4, "abc");
	cleans("a\r\n\tb\x7f", 6, 100, "a   b");
	cleans("a\0b", 3, 100, "a b");
	cleans("\xc3\xa4\xc3", 3, 100, "\xc3\xa4?");
	cleans("a\xc3\xa4", 3, 3, "a");
	cleans("\xff\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80\xe0\x80\x80", 13, 100, "?????????????");
	cleans("\xf0\x9f\xa7\x80\xe6\x97\xa5", 7, 100, "\xf0\x9f\xa7\x80\xe6\x97\xa5");
	masks("abc", "abc");
	masks("s3crets3cret as s3cre", "************ as *****");
	masks("s3cr", "****");
	masks("s3c", "s3c");
	masks("/hidden//hidden/ /hid", "**************** ****");
	bounds();
	return tap_done();
}
