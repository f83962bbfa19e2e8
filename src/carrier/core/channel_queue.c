/*
 * channel_queue.c - one channel: what waits, and the workers that send it.
 *
 * Concurrency: a queue's lock isn't held while anything is sent or reported, since both may
 * take as long as others please.  So whatever is to be reported is first taken out.
 */
#include "carrier/core/channel_queue.h"
#include "carrier/core/courier_pipe.h"
#include "common/program/memory.h"
#include "carrier/core/ledger_writer.h"
#include "carrier/core/outcome.h"
#include "common/pipe/carrier_message.h"
#include "carrier/core/transfer.h"

#include <stdlib.h>
#include <string.h>

/* A worker without work keeps its connection for so long (s). */
#define MAX_IDLE 30

static void
report(BevDelivery *delivery, BevResult result, int code, long retry_after, const char *why)
{
	BevOutcome outcome;

	bev_outcome_set(&outcome, result, why);
	outcome.code = code;
	outcome.retry_after = retry_after;
	bev_courier_pipe_report(delivery, &outcome);
}

/* Reporting frees a delivery. */
static void
report_all(BevDeliveries *list, const char *why)
{
	while (!STAILQ_EMPTY(list))
	{
		BevDelivery *delivery = STAILQ_FIRST(list);

		STAILQ_REMOVE_HEAD(list, next);
		report(delivery, BEV_RETRY, 0, -1, why);
	}
}

void
bev_channel_queue_open(BevChannelQueue *queue)
{
	pthread_condattr_t monotonic;

	*queue = (BevChannelQueue){.deliveries = STAILQ_HEAD_INITIALIZER(queue->deliveries)};
	pthread_mutex_init(&queue->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&queue->changed, &monotonic);
}

static void
append(BevChannelQueue *queue, BevDelivery *delivery)
{
	STAILQ_INSERT_TAIL(&queue->deliveries, delivery, next);
	queue->waiting++;
	queue->waiting_bytes += delivery->size;
}

static BevDelivery *
take_first(BevChannelQueue *queue)
{
	BevDelivery *delivery = STAILQ_FIRST(&queue->deliveries);

	STAILQ_REMOVE_HEAD(&queue->deliveries, next);
	queue->waiting--;
	queue->waiting_bytes -= delivery->size;
	return delivery;
}

static void
take_all(BevChannelQueue *queue, BevDeliveries *list)
{
	STAILQ_CONCAT(list, &queue->deliveries);
	queue->waiting = queue->waiting_bytes = 0;
}

/* Deliveries under way. */
static size_t
count_busy(const BevChannelQueue *queue)
{
	const BevWorker *worker;
	size_t count = 0;

	LIST_FOREACH (worker, &queue->workers, entry)
		count += worker->delivery != NULL;
	return count;
}

/* Workers that are free, and may have work. */
static size_t
count_free(const BevChannelQueue *queue)
{
	const BevWorker *worker;
	size_t count = 0;

	LIST_FOREACH (worker, &queue->workers, entry)
		count += worker->delivery == NULL && worker->route == queue->route;
	return count;
}

/* Is there work?  False: there will be none, for this worker at least. */
static bool
wait_for_work(BevChannelQueue *queue, const BevWorker *worker)
{
	struct timespec then;

	clock_gettime(CLOCK_MONOTONIC, &then);
	then.tv_sec += MAX_IDLE;
	while (STAILQ_EMPTY(&queue->deliveries) && !queue->closed && worker->route == queue->route)
		if (pthread_cond_timedwait(&queue->changed, &queue->lock, &then) != 0)
			break;
	return !STAILQ_EMPTY(&queue->deliveries) && worker->route == queue->route;
}

/* Called with the lock, and returns with it. */
static void
send_next(BevChannelQueue *queue, BevWorker *worker, BevTransfer *transfer)
{
	BevDelivery *delivery = worker->delivery = take_first(queue);
	BevOutcome outcome;

	pthread_mutex_unlock(&queue->lock);
	bev_ledger_writer_begin(delivery->key);
	bev_transfer_run(transfer, worker->route, delivery, &outcome);
	if (outcome.result == BEV_SENT)
		bev_ledger_writer_add(delivery->key, outcome.code);
	else if (!outcome.uncertain)
		bev_ledger_writer_fail(delivery->key);

	/* Before the report, to which the courier may answer with more work. */
	pthread_mutex_lock(&queue->lock);
	worker->delivery = NULL;
	pthread_mutex_unlock(&queue->lock);
	bev_courier_pipe_report(delivery, &outcome);
	pthread_mutex_lock(&queue->lock);
}

static void start_workers(BevChannelQueue *queue);

static void *
work(void *arg)
{
	BevWorker *worker = arg;
	BevChannelQueue *queue = worker->queue;
	BevTransfer transfer;

	bev_transfer_open(&transfer);
	pthread_mutex_lock(&queue->lock);
	while (wait_for_work(queue, worker))
		send_next(queue, worker, &transfer);
	LIST_REMOVE(worker, entry);
	start_workers(queue); /* of the new route, if it was for that one's sake */
	pthread_mutex_unlock(&queue->lock);

	/* Takes as long as the other end takes for its goodbye: minutes, if it likes. */
	bev_transfer_close(&transfer);
	bev_route_release(worker->route);
	pthread_mutex_lock(&queue->lock);
	queue->threads--;
	LIST_INSERT_HEAD(&queue->ended, worker, entry);
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->lock);
	return NULL;
}

/* Without this a thread might still clean up after itself while the process does. */
static void
join_ended(BevChannelQueue *queue)
{
	BevWorker *worker;

	pthread_mutex_lock(&queue->lock);
	while ((worker = LIST_FIRST(&queue->ended)) != NULL)
	{
		LIST_REMOVE(worker, entry);
		pthread_mutex_unlock(&queue->lock);
		pthread_join(worker->thread, NULL);
		free(worker);
		pthread_mutex_lock(&queue->lock);
	}
	pthread_mutex_unlock(&queue->lock);
}

static bool
start_worker(BevChannelQueue *queue)
{
	BevWorker *worker = bev_alloc(sizeof(*worker));

	worker->queue = queue;
	worker->route = bev_route_share(queue->route);
	if (pthread_create(&worker->thread, NULL, work, worker) != 0)
	{
		bev_route_release(worker->route);
		free(worker);
		return false;
	}
	LIST_INSERT_HEAD(&queue->workers, worker, entry);
	queue->threads++;
	return true;
}

/* As many workers as there is work for, and as there may be. */
static void
start_workers(BevChannelQueue *queue)
{
	while (queue->waiting > count_free(queue) &&
	       count_busy(queue) + count_free(queue) < queue->route->concurrency && start_worker(queue))
		;
	pthread_cond_broadcast(&queue->changed);
}

void
bev_channel_queue_configure(BevChannelQueue *queue, BevRoute *route)
{
	BevDeliveries given_up = STAILQ_HEAD_INITIALIZER(given_up);
	BevRoute *old;

	pthread_mutex_lock(&queue->lock);
	old = queue->route;
	queue->route = route;
	if (route == NULL)
		take_all(queue, &given_up);
	else
		start_workers(queue);
	pthread_mutex_unlock(&queue->lock);
	bev_route_release(old);
	report_all(&given_up, "the channel is not configured");
}

static bool
is_under_way(const BevChannelQueue *queue, const char *key)
{
	const BevWorker *worker;
	const BevDelivery *one;

	LIST_FOREACH (worker, &queue->workers, entry)
		if (worker->delivery && strcmp(worker->delivery->key, key) == 0)
			return true;
	STAILQ_FOREACH (one, &queue->deliveries, next)
		if (strcmp(one->key, key) == 0)
			return true;
	return false;
}

/* Why the queue doesn't take it, or NULL. */
static const char *
take(BevChannelQueue *queue, BevDelivery *delivery)
{
	if (queue->route == NULL)
		return "the channel is not configured";
	if (is_under_way(queue, delivery->key))
		return "the idempotency key is under way";
	if (queue->waiting + count_busy(queue) >= queue->route->queue + queue->route->concurrency ||
	    queue->waiting_bytes + delivery->size > BEV_CARRIER_MAX_WAITING)
		return "too many deliveries wait in this channel";
	if (LIST_EMPTY(&queue->workers) && !start_worker(queue))
		return "a thread could not be started";
	append(queue, delivery);
	start_workers(queue);
	return NULL;
}

void
bev_channel_queue_push(BevChannelQueue *queue, BevDelivery *delivery)
{
	const char *why = NULL;
	bool sent;
	int code;

	join_ended(queue);
	pthread_mutex_lock(&queue->lock);
	sent = bev_ledger_writer_find(delivery->key, &code);
	if (!sent)
		why = take(queue, delivery);
	pthread_mutex_unlock(&queue->lock);
	if (sent)
		report(delivery, BEV_SENT, code, -1, "");
	else if (why)
		report(delivery, BEV_RETRY, 0, -1, why);
}

void
bev_channel_queue_close(BevChannelQueue *queue)
{
	BevDeliveries given_up = STAILQ_HEAD_INITIALIZER(given_up);

	pthread_mutex_lock(&queue->lock);
	queue->closed = true;
	take_all(queue, &given_up);
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->lock);
	report_all(&given_up, "the carrier ends");
}

bool
bev_channel_queue_wait(BevChannelQueue *queue, const struct timespec *then)
{
	bool ended;

	pthread_mutex_lock(&queue->lock);
	while (queue->threads > 0)
		if (pthread_cond_timedwait(&queue->changed, &queue->lock, then) != 0)
			break;
	ended = queue->threads == 0;
	pthread_mutex_unlock(&queue->lock);
	join_ended(queue);
	return ended;
}
