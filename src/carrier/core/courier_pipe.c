/*
 * courier_pipe.c - our end of the pipe to the courier.
 *
 * Model: blocking reads by one thread, blocking writes of whole lines under a lock.
 * Memory: a line and what came behind it, at most BEV_CARRIER_MAX_DOWN; lines carry secrets,
 * so what was read is wiped.
 */
#include "carrier/core/courier_pipe.h"
#include "common/program/memory.h"
#include "common/program/text.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STEP (64 * 1024)

static int courier = -1;
static BevText inbox; /* the reader's */
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;

void
bev_courier_pipe_open(int fd)
{
	courier = fd;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* False: the end. */
static bool
receive(void)
{
	ssize_t n;

	do
		n = recv(courier, bev_text_reserve(&inbox, STEP), STEP, 0);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		inbox.len += (size_t) n;
	return n > 0;
}

/* Read the first line, of so many bytes, and take it out of the inbox. */
static json_t *
take_line(size_t len)
{
	json_t *message = json_loadb(inbox.data, len, JSON_REJECT_DUPLICATES, NULL);
	size_t rest = inbox.len - len - 1;

	memmove(inbox.data, inbox.data + len + 1, rest);
	OPENSSL_cleanse(inbox.data + rest, len + 1);
	inbox.len = rest;
	return message;
}

BevHeard
bev_courier_pipe_hear(json_t **message, size_t *size)
{
	size_t looked = 0;
	char *end;

	while (inbox.len == looked || !(end = memchr(inbox.data + looked, '\n', inbox.len - looked)))
	{
		looked = inbox.len;
		if (looked >= BEV_CARRIER_MAX_DOWN)
			return BEV_HEARD_NOISE;
		if (!receive())
			return inbox.len == 0 ? BEV_HEARD_END : BEV_HEARD_NOISE;
	}
	*size = (size_t) (end - inbox.data);
	*message = *size < BEV_CARRIER_MAX_DOWN ? take_line(*size) : NULL;
	if (json_is_object(*message))
		return BEV_HEARD_MESSAGE;
	json_decref(*message);
	return BEV_HEARD_NOISE;
}

static void
write_all(const char *data, size_t len)
{
	while (len > 0)
	{
		ssize_t n = send(courier, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* it is gone, which the reader finds, too */
		data += n;
		len -= (size_t) n;
	}
}

void
bev_courier_pipe_tell(json_t *message)
{
	char *json = json_dumps(message, JSON_COMPACT);
	BevText line = {0};

	if (json == NULL)
		bev_out_of_memory();
	bev_text_add_string(&line, json);
	bev_text_add(&line, "\n", 1);
	free(json);
	json_decref(message);

	pthread_mutex_lock(&writing);
	write_all(line.data, line.len);
	pthread_mutex_unlock(&writing);
	bev_text_free(&line);
}

void
bev_courier_pipe_report(BevDelivery *delivery, const BevOutcome *outcome)
{
	static const char *const results[] = {"sent", "retry", "refused"};
	json_t *message = json_pack("{s:s, s:O, s:s, s:i, s:s}", "type", "result", "id",
	                            bev_delivery_id(delivery), "result", results[outcome->result],
	                            "code", outcome->code, "error", outcome->error);

	if (outcome->retry_after >= 0)
		json_object_set_new(message, "retry_after", json_integer(outcome->retry_after));
	if (outcome->uncertain)
		json_object_set_new(message, "uncertain", json_true());
	bev_courier_pipe_tell(message);
	bev_delivery_free(delivery);
}

void
bev_courier_pipe_close(void)
{
	close(courier);
	bev_text_free(&inbox);
}
