/*
 * pipe_up_fuzz.c - what a gateway or the verifier says, as the dispatcher decodes it.
 */
#include <stdlib.h>
#include <string.h>

#include "common/pipe/body.h"
#include "common/pipe/selection.h"
#include "stage.h"

static void
check_text(const char *text, size_t size)
{
	if (memchr(text, '\0', size) == NULL)
		stage_fail("a text has an end");
}

static void
check_subscription(BevSpan packed)
{
	BevSubject subject = {.type = {"comment", 7}, .action = {"updated", 7}, .project = {"7", 1}};
	BevSpan rest = packed;
	BevPackedSubscription one;
	void *memory;

	if (packed.len > BEV_PACKED_SUBSCRIPTION_TOLD)
		stage_fail("what a client wants is not longer than it may be");
	while (bev_packed_subscription_next(&rest, &one))
		;
	if (rest.len > 0)
		stage_fail("what a client wants can be read to its end");
	memory = malloc(bev_selection_size(packed));
	if (bev_selection_judge(bev_selection_make(packed, memory), &subject) > BEV_SUBSCRIBED)
		stage_fail("what a client wants is a question with an answer");
	free(memory);
}

static void
check_open(const BevOpenMessage *open)
{
	check_text(open->id, sizeof(open->id));
	check_text(open->address, sizeof(open->address));
}

static void
check_checked(const BevCheckedMessage *checked, BevSpan rest)
{
	const char *project;

	if (checked->result != BEV_TOKEN_GOOD)
		return;
	check_text(checked->grant.user, sizeof(checked->grant.user));
	check_text(checked->grant.role, sizeof(checked->grant.role));
	if (checked->grant.user[0] == '\0' || checked->grant.projects != rest.len)
		stage_fail("a good token is somebody's");
	while (bev_body_next_project(&rest, &project))
		if (strlen(project) > BEV_USER_ID_MAX)
			stage_fail("a project's id is not longer than it may be");
	if (rest.len > 0)
		stage_fail("projects can be read to their end");
}

/* What was read is what it must be, said in another way than the table's. */
static void
check(const BevMessage *message, const void *head, BevSpan rest)
{
	const BevFetchMessage *fetch = head;
	const BevAbuseMessage *abuse = head;

	if (rest.data + rest.len != message->body + message->size)
		stage_fail("what follows the struct ends where its message ends");
	switch (message->kind)
	{
		case BEV_MSG_FETCH:
			if (fetch->request == 0 || fetch->after > fetch->upto)
				stage_fail("a request is one that can be answered");
			break;
		case BEV_MSG_ASK:
			if (((const BevAskMessage *) head)->verb >= BEV_VERBS || rest.len > BEV_ASK_MAX)
				stage_fail("a question is one that can be passed on");
			break;
		case BEV_MSG_ABUSE:
			check_text(abuse->address, sizeof(abuse->address));
			if (abuse->kind >= BEV_ABUSE_KINDS)
				stage_fail("an abuse is one of those that are known");
			break;
		case BEV_MSG_OPEN:
			check_open(head);
			if (rest.len > BEV_TOKEN_MAX + 1)
				stage_fail("a token is not longer than it may be");
			break;
		case BEV_MSG_CHECKED:
			check_checked(head, rest);
			break;
		case BEV_MSG_SUBSCRIPTION:
			check_subscription(rest);
			break;
	}
}

/* The head is at its own place in memory, so that each overrun shows. */
static void
decode(const BevMessage *message)
{
	size_t size = bev_body_size(message->kind);
	void *head = malloc(size ? size : 1);
	BevSpan reports = {message->body, message->size};
	BevClientsMessage report;
	BevSpan rest;

	if (bev_body_read(message, head, size, &rest))
		check(message, head, rest);
	while (bev_body_next_report(&reports, &report))
		;
	free(head);
}

extern int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	BevChannel channel;
	BevMessage message;

	bev_channel_open(&channel, -1, BEV_MESSAGE_MAX_UP);
	channel.in.data = malloc(size ? size : 1);
	memcpy(channel.in.data, input, size);
	channel.in.end = channel.in.size = size;
	while (bev_channel_next(&channel, &message) == 1)
	{
		if (message.size > BEV_MESSAGE_MAX_UP)
			stage_fail("a body is not larger than it may be");
		decode(&message);
	}
	bev_channel_close(&channel);
	return 0;
}
