/*
 * frame_fuzz.c - the reader of WebSocket frames: however the bytes are cut, it
 * finds the same.
 */
#include <stdlib.h>
#include <string.h>

#include "common/text/utf8.h"
#include "gateway/wire/frame_reader.h"
#include "stage.h"

#define MESSAGE_MAX 1000

/* What was found, one thing after the other. */
static void
note(BevText *found, BevRead what, const BevFrameReader *reader, const BevText *payload)
{
	char kind = (char) what;

	bev_text_add(found, &kind, 1);
	if (what == BEV_READ_CLOSE || what == BEV_READ_FAILED)
		bev_text_add(found, (const char *) &reader->code, sizeof(reader->code));
	else
		bev_text_add(found, payload->data ? payload->data : "", payload->len);
}

static void
read_cut(const uint8_t *input, size_t size, size_t step, BevText *found)
{
	BevFrameReader reader = {0};

	for (size_t at = 0; at < size;)
	{
		size_t n = step > size - at ? size - at : step;
		char *piece = malloc(n);
		const char *data = piece;
		size_t left = n;
		BevText payload = {0};
		BevRead what;

		memcpy(piece, input + at, n);
		while ((what = bev_frame_reader_next(&reader, &data, &left, MESSAGE_MAX, &payload)) !=
		       BEV_READ_MORE)
		{
			note(found, what, &reader, &payload);
			if (what == BEV_READ_MESSAGE &&
			    (payload.len > MESSAGE_MAX || bev_utf8_check(0, payload.data, payload.len) != 0))
				stage_fail("a message is UTF-8 and not too large");
		}
		if (left != 0)
			stage_fail("all bytes are used up");
		free(piece);
		at += n;
	}
	bev_frame_reader_free(&reader);
}

extern int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	BevText whole = {0};
	BevText cut = {0};

	if (size < 2)
		return 0;
	read_cut(input + 1, size - 1, size, &whole);
	read_cut(input + 1, size - 1, 1 + input[0] % 64, &cut);
	if (whole.len != cut.len || (cut.len > 0 && memcmp(whole.data, cut.data, cut.len) != 0))
		stage_fail("cutting the bytes changes nothing");
	bev_text_free(&whole);
	bev_text_free(&cut);
	return 0;
}
