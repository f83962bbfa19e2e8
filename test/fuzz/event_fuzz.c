/*
 * event_fuzz.c - event records: read, framed, and matched with an audience.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/stream/chunk.h"
#include "gateway/stream/subscription.h"
#include "common/pipe/body.h"
#include "stage.h"

/* Fields that the corpus has in payloads. */
static BevSubscription *
make_subscription(void)
{
	static const char *const fields[] = {"id", "status", "title", "project_id"};
	BevSubscription *subscription = bev_subscription_create();

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
	{
		bev_subscription_where(subscription, fields[i]);
		bev_subscription_value(subscription, (BevSpan){"=7", 2});
	}
	bev_subscription_add(subscription, BEV_BY_PROJECT, "7");
	(void) bev_subscription_seal(subscription);
	return subscription;
}

/* What is read of its payload, which is any bytes here, stays within it. */
static void
check_facts(const BevChunk *chunk, const BevEvent *event, const BevAskedFields *asked,
            const BevSubscription *subscription)
{
	const BevFrame *frame = &chunk->frame[chunk->count - 1];

	for (int for_admin = 0; for_admin < 2; for_admin++)
	{
		BevSpan facts = bev_chunk_facts(chunk, frame, asked, for_admin);
		BevLabels labels;
		BevFact fact;

		bev_chunk_labels(chunk, frame, &labels);
		labels.subject.facts = facts;
		(void) bev_subscription_passes(subscription, &labels.subject);
		while (bev_fact_next(&facts, &fact))
			if (!bev_asked_fields_has(asked, fact.name))
				stage_fail("only what is asked for is known of an event");
	}
	(void) bev_subscription_passes_event(subscription, event, true, false);
	(void) bev_subscription_passes_event(subscription, event, false, true);
}

extern int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	char *data = malloc(size ? size : 1);
	BevSpan records = {data, (uint32_t) size};
	BevEventsMessage message = {.count = 1000, .first_seq = 1, .tx_n = 1, .tx_of = 1000, .xid = 7};
	BevChunk *chunk = bev_chunk_create(0);
	BevSubscription *subscription = make_subscription();
	BevAskedFields asked = {0};
	BevEvent event;
	uint32_t n = 0;

	bev_asked_fields_add(&asked, bev_subscription_selection(subscription));
	memcpy(data, input, size);
	while (records.len > 0 && bev_body_next_record(&records, &event))
	{
		BevSpan rest = event.field[BEV_EVENT_AUDIENCE];
		BevSpan principal;
		BevLabels labels;

		if (event.size > size || event.size < BEV_EVENT_HEADER_SIZE)
			stage_fail("a record lies within its message");
		for (int i = 0; i < BEV_EVENT_FIELDS; i++)
			if (event.field[i].data < data ||
			    event.field[i].data + event.field[i].len > data + size)
				stage_fail("a field lies within its message");
		while (bev_audience_next(&rest, &principal))
			if (memchr(principal.data, '\n', principal.len))
				stage_fail("a principal is one line");
		bev_chunk_add(chunk, &message, n++, &event);
		bev_chunk_labels(chunk, &chunk->frame[chunk->count - 1], &labels);
		check_facts(chunk, &event, &asked, subscription);
	}
	bev_asked_fields_free(&asked);
	bev_subscription_free(subscription);
	bev_chunk_index(chunk);
	bev_chunk_free(chunk);
	free(data);
	return 0;
}
