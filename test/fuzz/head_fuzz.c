/*
 * head_fuzz.c - the reader of a request's head, function by function.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/wire/handshake.h"
#include "stage.h"

static void
check_span(BevSpan span, const char *data, size_t len)
{
	if (span.data && (span.data < data || span.data + span.len > data + len))
		stage_fail("a span lies within the head");
}

extern int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	char *data = malloc(size + 1); /* its own, so that each overrun shows */
	size_t end;
	BevHead head;
	char token[BEV_TOKEN_MAX + 1];
	char accept[BEV_ACCEPT_LEN + 1];
	char value[64];
	const char *known[] = {"since", "types", NULL};

	memcpy(data, input, size);
	end = bev_head_end(data, size);
	data = realloc(data, end ? end : 1);
	if (end == 0 || bev_head_parse(data, end, &head) != 0)
	{
		free(data);
		return 0;
	}
	check_span(head.method, data, end);
	check_span(head.path, data, end);
	check_span(head.query, data, end);
	check_span(head.protocols, data, end);
	check_span(head.accept, data, end);
	check_span(head.last_id, data, end);
	check_span(head.known_tag, data, end);
	bev_head_wants_upgrade(&head);
	bev_head_wants_sse(&head);
	if (bev_head_unknown_parameter(&head, known, value, 8) && strlen(value) > 7)
		stage_fail("a name is cut");
	bev_head_offers_protocol(&head);
	if (bev_head_token(&head, token) && strlen(token) > BEV_TOKEN_MAX)
		stage_fail("a token is not longer than it may be");
	if (bev_head_parameter(&head, "since", value, sizeof(value)) >= (int) sizeof(value))
		stage_fail("a parameter fits");
	bev_origin_allowed(&head, "");
	bev_origin_allowed(&head, "https://a.example, https://b.example");
	if (bev_head_check_upgrade(&head) == 0)
	{
		bev_head_accept(&head, accept);
		if (strlen(accept) != BEV_ACCEPT_LEN)
			stage_fail("the answer to a key has its length");
	}
	free(data);
	return 0;
}
