/*
 * channel_queue.c - one channel: what waits, and the workers that send it.
 *
 * Concurrency: a lane's lock is never held while anything is sent or reported, since both may
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

static void
report_all(BevDelivery *list, const char *why)
{
	while (list)
	{
		BevDelivery *next = list->next;

		report(list, BEV_RETRY, 0, -1, why);
		list = next;
	}
}

void
bev_channel_queue_open(BevChannelQueue *lane)
{
	pthread_condattr_t monotonic;

	*lane = (BevChannelQueue){.last = &lane->first};
	pthread_mutex_init(&lane->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&lane->changed, &monotonic);
}

static void
append(BevChannelQueue *lane, BevDelivery *delivery)
{
	delivery->next = NULL;
	*lane->last = delivery;
	lane->last = &delivery->next;
	lane->waiting++;
	lane->waiting_bytes += delivery->size;
}

static BevDelivery *
take_first(BevChannelQueue *lane)
{
	BevDelivery *delivery = lane->first;

	lane->first = delivery->next;
	if (lane->first == NULL)
		lane->last = &lane->first;
	lane->waiting--;
	lane->waiting_bytes -= delivery->size;
	return delivery;
}

static BevDelivery *
take_all(BevChannelQueue *lane)
{
	BevDelivery *list = lane->first;

	lane->first = NULL;
	lane->last = &lane->first;
	lane->waiting = lane->waiting_bytes = 0;
	return list;
}

static void
remove_worker(BevChannelQueue *lane, BevWorker *worker)
{
	BevWorker **at = &lane->workers;

	while (*at != worker)
		at = &(*at)->next;
	*at = worker->next;
}

/* Deliveries under way. */
static size_t
count_busy(const BevChannelQueue *lane)
{
	size_t count = 0;

	for (const BevWorker *worker = lane->workers; worker; worker = worker->next)
		count += worker->delivery != NULL;
	return count;
}

/* Workers that are free, and may have work. */
static size_t
count_free(const BevChannelQueue *lane)
{
	size_t count = 0;

	for (const BevWorker *worker = lane->workers; worker; worker = worker->next)
		count += worker->delivery == NULL && worker->route == lane->route;
	return count;
}

/* Is there work?  False: there will be none, for this worker at least. */
static bool
wait_for_work(BevChannelQueue *lane, const BevWorker *worker)
{
	struct timespec then;

	clock_gettime(CLOCK_MONOTONIC, &then);
	then.tv_sec += MAX_IDLE;
	while (lane->first == NULL && !lane->closed && worker->route == lane->route)
		if (pthread_cond_timedwait(&lane->changed, &lane->lock, &then) != 0)
			break;
	return lane->first != NULL && worker->route == lane->route;
}

/* Called with the lock, and returns with it. */
static void
send_next(BevChannelQueue *lane, BevWorker *worker, BevTransfer *transfer)
{
	BevDelivery *delivery = worker->delivery = take_first(lane);
	BevOutcome outcome;

	pthread_mutex_unlock(&lane->lock);
	bev_ledger_writer_begin(delivery->key);
	bev_transfer_run(transfer, worker->route, delivery, &outcome);
	if (outcome.result == BEV_SENT)
		bev_ledger_writer_add(delivery->key, outcome.code);
	else if (!outcome.uncertain)
		bev_ledger_writer_fail(delivery->key);

	/* Before the report, to which the courier may answer with more work. */
	pthread_mutex_lock(&lane->lock);
	worker->delivery = NULL;
	pthread_mutex_unlock(&lane->lock);
	bev_courier_pipe_report(delivery, &outcome);
	pthread_mutex_lock(&lane->lock);
}

static void start_workers(BevChannelQueue *lane);

static void *
work(void *arg)
{
	BevWorker *worker = arg;
	BevChannelQueue *lane = worker->lane;
	BevTransfer transfer;

	bev_transfer_open(&transfer);
	pthread_mutex_lock(&lane->lock);
	while (wait_for_work(lane, worker))
		send_next(lane, worker, &transfer);
	remove_worker(lane, worker);
	start_workers(lane); /* of the new route, if it was for that one's sake */
	pthread_mutex_unlock(&lane->lock);

	/* Takes as long as the other end takes for its goodbye: minutes, if it likes. */
	bev_transfer_close(&transfer);
	bev_route_release(worker->route);
	pthread_mutex_lock(&lane->lock);
	lane->threads--;
	worker->next = lane->ended;
	lane->ended = worker;
	pthread_cond_broadcast(&lane->changed);
	pthread_mutex_unlock(&lane->lock);
	return NULL;
}

/* Without this a thread might still clean up after itself while the process does. */
static void
join_ended(BevChannelQueue *lane)
{
	BevWorker *ended;

	pthread_mutex_lock(&lane->lock);
	ended = lane->ended;
	lane->ended = NULL;
	pthread_mutex_unlock(&lane->lock);
	while (ended)
	{
		BevWorker *next = ended->next;

		pthread_join(ended->thread, NULL);
		free(ended);
		ended = next;
	}
}

static bool
start_worker(BevChannelQueue *lane)
{
	BevWorker *worker = bev_alloc(sizeof(*worker));

	worker->lane = lane;
	worker->route = bev_route_share(lane->route);
	if (pthread_create(&worker->thread, NULL, work, worker) != 0)
	{
		bev_route_release(worker->route);
		free(worker);
		return false;
	}
	worker->next = lane->workers;
	lane->workers = worker;
	lane->threads++;
	return true;
}

/* As many workers as there is work for, and as there may be. */
static void
start_workers(BevChannelQueue *lane)
{
	while (lane->waiting > count_free(lane) &&
	       count_busy(lane) + count_free(lane) < lane->route->concurrency && start_worker(lane))
		;
	pthread_cond_broadcast(&lane->changed);
}

void
bev_channel_queue_configure(BevChannelQueue *lane, BevRoute *route)
{
	BevDelivery *given_up = NULL;
	BevRoute *old;

	pthread_mutex_lock(&lane->lock);
	old = lane->route;
	lane->route = route;
	if (route == NULL)
		given_up = take_all(lane);
	else
		start_workers(lane);
	pthread_mutex_unlock(&lane->lock);
	bev_route_release(old);
	report_all(given_up, "the channel is not configured");
}

static bool
is_under_way(const BevChannelQueue *lane, const char *key)
{
	for (const BevWorker *worker = lane->workers; worker; worker = worker->next)
		if (worker->delivery && strcmp(worker->delivery->key, key) == 0)
			return true;
	for (const BevDelivery *one = lane->first; one; one = one->next)
		if (strcmp(one->key, key) == 0)
			return true;
	return false;
}

/* Why the lane doesn't take it, or NULL. */
static const char *
take(BevChannelQueue *lane, BevDelivery *delivery)
{
	if (lane->route == NULL)
		return "the channel is not configured";
	if (is_under_way(lane, delivery->key))
		return "the idempotency key is under way";
	if (lane->waiting + count_busy(lane) >= lane->route->queue + lane->route->concurrency ||
	    lane->waiting_bytes + delivery->size > BEV_CARRIER_MAX_WAITING)
		return "too many deliveries wait in this channel";
	if (lane->workers == NULL && !start_worker(lane))
		return "a thread could not be started";
	append(lane, delivery);
	start_workers(lane);
	return NULL;
}

void
bev_channel_queue_push(BevChannelQueue *lane, BevDelivery *delivery)
{
	const char *why = NULL;
	bool sent;
	int code;

	join_ended(lane);
	pthread_mutex_lock(&lane->lock);
	sent = bev_ledger_writer_find(delivery->key, &code);
	if (!sent)
		why = take(lane, delivery);
	pthread_mutex_unlock(&lane->lock);
	if (sent)
		report(delivery, BEV_SENT, code, -1, "");
	else if (why)
		report(delivery, BEV_RETRY, 0, -1, why);
}

void
bev_channel_queue_close(BevChannelQueue *lane)
{
	BevDelivery *given_up;

	pthread_mutex_lock(&lane->lock);
	lane->closed = true;
	given_up = take_all(lane);
	pthread_cond_broadcast(&lane->changed);
	pthread_mutex_unlock(&lane->lock);
	report_all(given_up, "the carrier ends");
}

bool
bev_channel_queue_wait(BevChannelQueue *lane, const struct timespec *then)
{
	bool ended;

	pthread_mutex_lock(&lane->lock);
	while (lane->threads > 0)
		if (pthread_cond_timedwait(&lane->changed, &lane->lock, then) != 0)
			break;
	ended = lane->threads == 0;
	pthread_mutex_unlock(&lane->lock);
	join_ended(lane);
	return ended;
}
