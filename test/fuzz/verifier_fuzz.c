/*
 * verifier_fuzz.c - what the dispatcher says to the verifier, and whether it understands the answers.
 */
#include <stdlib.h>
#include <string.h>

#include "common/pipe/body.h"
#include "stage.h"
#include "verifier/core/verifier.h"

/* Each question has one answer, which can be read. */
static void
check_answers(BevVerifier *verifier, size_t asked)
{
	BevChannel answers = {.fd = -1, .max_body = BEV_MESSAGE_MAX_UP, .in = verifier->channel.out};
	BevMessage message;
	size_t answered = 0;

	while (bev_channel_next(&answers, &message) == 1)
	{
		size_t size = bev_body_size(message.kind);
		void *head = malloc(size);
		BevSpan rest;

		if (!bev_body_read(&message, head, size, &rest))
			stage_fail("the dispatcher understands what it is told");
		free(head);
		answered++;
	}
	if (answered != asked)
		stage_fail("each question is answered");
}

extern int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	BevVerifier verifier = {.channel = {.fd = -1}};
	BevChannel channel;
	BevMessage message;
	BevMessage keys = {BEV_MSG_KEYS, (uint32_t) strlen(stage_config), NULL};
	char *copy = strdup(stage_config);
	size_t asked = 1;

	keys.body = copy;
	if (!bev_verifier_take(&verifier, &keys))
		stage_fail("keys are taken");
	bev_channel_open(&channel, -1, BEV_MESSAGE_MAX_DOWN);
	channel.in.data = malloc(size ? size : 1);
	memcpy(channel.in.data, input, size);
	channel.in.end = channel.in.size = size;
	while (bev_channel_next(&channel, &message) == 1 && bev_verifier_take(&verifier, &message))
		asked++;
	check_answers(&verifier, asked);
	bev_channel_close(&channel);
	bev_verifier_close(&verifier);
	free(copy);
	return 0;
}
