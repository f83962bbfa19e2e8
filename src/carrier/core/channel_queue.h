/*
 * channel_queue.h - one channel: what waits, and the workers that send it.
 *
 * Channels share nothing, so a server that is slow or dead holds up its own channel only.
 *
 *	push --> waiting (queue of them) --> a worker (up to concurrency) --> report
 *
 * A worker is a thread with a transfer of its own, for one route.  It is started when there is
 * work that nobody is free for, and ends when there was none for a while, or the route is another
 * one.  So nothing goes over a connection that was made for another configuration.
 */
#ifndef BEV_CARRIER_CORE_CHANNEL_QUEUE_H
#define BEV_CARRIER_CORE_CHANNEL_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "carrier/message/delivery.h"
#include "carrier/message/route.h"

typedef struct BevWorker
{
	LIST_ENTRY(BevWorker) entry;
	struct BevChannelQueue *queue;
	pthread_t thread;
	BevRoute *route;
	BevDelivery *delivery; /* under way, or NULL */
} BevWorker;

typedef struct BevChannelQueue
{
	pthread_mutex_t lock;   /* protects all that follows */
	pthread_cond_t changed; /* there is work, or an end to it; a worker has ended */
	BevRoute *route;        /* NULL: the channel is off */
	bool closed;
	BevDeliveries deliveries; /* that wait */
	size_t waiting;
	size_t waiting_bytes;
	LIST_HEAD(, BevWorker) workers; /* that work, or wait for it */
	LIST_HEAD(, BevWorker) ended;   /* whose threads are to be joined */
	size_t threads;                 /* of workers, with those that say goodbye */
} BevChannelQueue;

/* All these are for one and the same thread. */

extern void bev_channel_queue_open(BevChannelQueue *queue);

/* A new route, which becomes the queue's; NULL: off, and what waits is answered with retry. */
extern void bev_channel_queue_configure(BevChannelQueue *queue, BevRoute *route);

/* Take a delivery, which becomes the queue's.  It will be reported. */
extern void bev_channel_queue_push(BevChannelQueue *queue, BevDelivery *delivery);

/* What waits is answered with retry; workers end once they have sent what they are sending. */
extern void bev_channel_queue_close(BevChannelQueue *queue);

/* Wait until all workers have ended, until then (CLOCK_MONOTONIC); false: they have not. */
extern bool bev_channel_queue_wait(BevChannelQueue *queue, const struct timespec *then);

#endif /* BEV_CARRIER_CORE_CHANNEL_QUEUE_H */
