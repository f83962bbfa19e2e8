/*
 * answer_fuzz.c - what servers answer the carrier, and what it makes of that.
 *
 * The first byte of the input is the channel, the second one the length of the pieces of a body.
 * Then come lines of a head up to an empty one, and a body.  A line "!" begins the request.
 */
#include <string.h>

#include "carrier/core/outcome.h"
#include "common/text/utf8.h"
#include "stage.h"

#define SECRET "s3cret-of-ours"

static size_t
hear_head(BevPeerAnswer *answer, BevMedium medium, const char *data, size_t size)
{
	size_t at = 0;

	while (at < size && data[at] != '\n')
	{
		const char *end = memchr(data + at, '\n', size - at);
		size_t n = end ? (size_t) (end - data) - at + 1 : size - at;

		if (n == 2 && data[at] == '!')
			bev_peer_answer_begin(answer, true);
		else if (!(medium == BEV_EMAIL ? bev_peer_answer_smtp(answer, data + at, n) :
		                                 bev_peer_answer_http(answer, data + at, n, 1800000000)))
			return size;
		at += n;
	}
	return at;
}

static void
check(const BevOutcome *outcome)
{
	size_t len = strlen(outcome->error);

	if (len > BEV_CARRIER_MAX_ERROR || bev_utf8_check(0, outcome->error, len) != 0 ||
	    !bev_utf8_is_one_line(outcome->error))
		stage_fail("an error is one line of UTF-8, and not too long");
	if (strstr(outcome->error, SECRET))
		stage_fail("an error has no secret in it");
	if (outcome->result == BEV_SENT && len > 0)
		stage_fail("what was sent has no error");
	if (outcome->result == BEV_REFUSED && outcome->code < 400)
		stage_fail("who refuses says so");
	if (outcome->uncertain && (outcome->result != BEV_RETRY || outcome->code != 0))
		stage_fail("an answer is not uncertain");
	if (outcome->retry_after < -1 || outcome->retry_after > BEV_CARRIER_MAX_RETRY_AFTER)
		stage_fail("the time to wait has a bound");
}

extern int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	const char *data = (const char *) input + 2;
	BevAttempt attempt = {.trouble = "trouble"};
	BevPeerAnswer answer;
	BevOutcome outcome;
	BevRedact mask = {0};
	size_t step;

	if (size < 2)
		return 0;
	size -= 2;
	attempt.medium = (BevMedium) (input[0] % BEV_MEDIA);
	step = 1 + input[1];
	bev_redact_add(&mask, SECRET, strlen(SECRET));
	bev_peer_answer_begin(&answer, false);
	for (size_t at = hear_head(&answer, attempt.medium, data, size); at < size; at += step)
		if (!bev_peer_answer_body(&answer, data + at, step > size - at ? size - at : step))
			break;
	bev_outcome_judge(&outcome, &attempt, &answer, &mask);
	check(&outcome);
	bev_redact_free(&mask);
	return 0;
}
