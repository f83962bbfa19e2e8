/*
 * responder_pool.c - the responders that the dispatcher asks, and what they answered.
 *
 * Model: a place has at most one responder, and that at most one question.  It is started with
 * the first question that finds all earlier ones busy.
 *
 * Failure: where none can be started (there is no slot for a worker), or where one ended, the
 * next attempt is RETRY_MS later.
 *
 * Memory: for each place a segment of shared memory of two queues, and a buffer of the largest
 * answer that came.
 */
#include "server/dispatcher/responder_pool.h"

#include "postmaster/bgworker.h"
#include "server/base/clock.h"
#include "server/responder/responder.h"
#include "storage/dsm.h"
#include "storage/proc.h"
#include "storage/shm_mq.h"
#include "utils/memutils.h"

#define RETRY_MS 5000

typedef struct Place
{
	MemoryContext context;
	dsm_segment *segment; /* NULL: nobody is there */
	shm_mq_handle *questions;
	shm_mq_handle *answers;
	TimestampTz retry_at;
	bool asked;
} Place;

static Place places[BEV_PLACES];

static void
leave(Place *place)
{
	if (place->segment)
		dsm_detach(place->segment); /* and so from its queues; the responder ends */
	place->segment = NULL;
	place->asked = false;
	if (place->context)
		MemoryContextReset(place->context);
}

static void
leave_for_now(Place *place)
{
	leave(place);
	place->retry_at = bev_clock_ahead(RETRY_MS);
}

static shm_mq *
make_queue(const Place *place, int i)
{
	char *begin = dsm_segment_address(place->segment);

	return shm_mq_create(begin + (Size) i * BEV_QUESTION_QUEUE_SIZE, BEV_QUESTION_QUEUE_SIZE);
}

static bool
start(Place *place, int number)
{
	BackgroundWorkerHandle *handle;
	shm_mq *questions;
	shm_mq *answers;

	place->segment = dsm_create(2 * BEV_QUESTION_QUEUE_SIZE, DSM_CREATE_NULL_IF_MAXSEGMENTS);
	if (place->segment == NULL)
		return false;
	questions = make_queue(place, 0);
	answers = make_queue(place, 1);
	shm_mq_set_sender(questions, MyProc);
	shm_mq_set_receiver(answers, MyProc);
	if (!bev_responder_start(dsm_segment_handle(place->segment), number, &handle))
		return false;
	place->questions = shm_mq_attach(questions, place->segment, handle);
	place->answers = shm_mq_attach(answers, place->segment, handle);
	return true;
}

/* False: there is none now. */
static bool
have_responder(int number)
{
	Place *place = &places[number];
	MemoryContext old;

	if (place->segment)
		return true;
	if (!bev_responder_pool_is_there(number))
		return false;
	if (place->context == NULL)
		place->context =
			AllocSetContextCreate(TopMemoryContext, "bugevents responder", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(place->context);
	if (!start(place, number))
		leave_for_now(place);
	MemoryContextSwitchTo(old);
	return place->segment != NULL;
}

bool
bev_responder_pool_is_free(int place)
{
	return !places[place].asked;
}

bool
bev_responder_pool_is_there(int place)
{
	return places[place].segment != NULL || bev_clock_has_come(places[place].retry_at, RETRY_MS);
}

/* Its queue is empty whenever we ask, and a question fits into it. */
bool
bev_responder_pool_ask(int number, const BevQuestionHead *head, BevSpan payload)
{
	Place *place = &places[number];
	shm_mq_iovec part[2] = {{(const char *) head, sizeof(*head)}, {payload.data, payload.len}};

	Assert(!place->asked && sizeof(*head) + payload.len < BEV_QUESTION_QUEUE_SIZE / 2);
	if (!have_responder(number))
		return false;
	if (shm_mq_sendv(place->questions, part, 2, true, true) != SHM_MQ_SUCCESS)
	{
		leave_for_now(place);
		return false;
	}
	place->asked = true;
	return true;
}

BevPoolResult
bev_responder_pool_take(int number, BevAnswerHead *head, BevSpan *body)
{
	Place *place = &places[number];
	Size size;
	void *data;
	shm_mq_result result;

	if (!place->asked)
		return BEV_POOL_NOTHING;
	result = shm_mq_receive(place->answers, &size, &data, true);
	if (result == SHM_MQ_WOULD_BLOCK)
		return BEV_POOL_NOTHING;
	if (result != SHM_MQ_SUCCESS)
	{
		leave_for_now(place);
		return BEV_POOL_LOST;
	}
	place->asked = false;
	memcpy(head, data, sizeof(*head));
	*body = (BevSpan){(char *) data + sizeof(*head), (uint32_t) (size - sizeof(*head))};
	return BEV_POOL_ANSWERED;
}

void
bev_responder_pool_shrink(int last)
{
	for (int i = last + 1; i < BEV_PLACES; i++)
		if (places[i].segment && !places[i].asked)
			leave(&places[i]);
}
