/*
 * carrier_process.c - the carrier, as the courier has it: a child process and a pipe of lines.
 *
 * Model: it isn't bound to us: when we are killed it ends what it is sending, writes
 * into the ledger what became of that, and goes.
 *
 * Memory: what it says is bounded by the longest line; what it is told by how much is under way.
 */
#include "notify/courier/carrier_process.h"

#include <sys/socket.h>
#include <unistd.h>

#include "notify/courier/ledger.h"
#include "server/base/child.h"
#include "server/base/spawn.h"
#include "common/pipe/carrier_message.h"
#include "utils/memutils.h"

#define RESTART_MAX 1000 /* ms */

static BevChild carrier = {.longest = RESTART_MAX};
static pgsocket pipe_fd = PGINVALID_SOCKET;
static StringInfoData outbox;
static StringInfoData inbox;

static void
prepare_buffers(void)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	if (outbox.data == NULL)
	{
		initStringInfo(&outbox);
		initStringInfo(&inbox);
	}
	resetStringInfo(&outbox);
	resetStringInfo(&inbox);
	MemoryContextSwitchTo(old);
}

bool
bev_carrier_process_start(void)
{
	char pipe_arg[16];
	char file_arg[24];
	char *argv[] = {"bugevents-carrier", pipe_arg, file_arg, NULL};
	BevSpawnEnds ends = {.pipe = PGINVALID_SOCKET};
	bool started;

	snprintf(pipe_arg, sizeof(pipe_arg), "--fd=%d", BEV_SPAWN_PIPE);
	snprintf(file_arg, sizeof(file_arg), "--ledger=%d", BEV_SPAWN_FILE);
	prepare_buffers();
	started = bev_child_start(&carrier, "carrier", argv, bev_ledger_fd(), false, &ends);
	pipe_fd = ends.pipe;
	return started;
}

static void
close_pipe(void)
{
	if (pipe_fd != PGINVALID_SOCKET)
		close(pipe_fd);
	pipe_fd = PGINVALID_SOCKET;
}

bool
bev_carrier_process_is_running(void)
{
	pid_t pid = carrier.pid;
	int status;

	if (bev_child_ended(&carrier, &status))
	{
		ereport(LOG,
		        (errmsg("bugevents carrier (PID %d) ended with status %d", (int) pid, status)));
		close_pipe();
	}
	return carrier.pid > 0;
}

bool
bev_carrier_process_is_due(void)
{
	return bev_child_is_due(&carrier);
}

pgsocket
bev_carrier_process_socket(void)
{
	return pipe_fd;
}

bool
bev_carrier_process_wants_to_write(void)
{
	return outbox.len > 0;
}

void
bev_carrier_process_say(const char *line, Size len)
{
	appendBinaryStringInfo(&outbox, line, len);
}

static void
drop(StringInfo buffer, int len)
{
	memmove(buffer->data, buffer->data + len, buffer->len - len);
	buffer->len -= len;
	/* It may have held secrets. */
	explicit_bzero(buffer->data + buffer->len, len);
}

void
bev_carrier_process_write(void)
{
	while (outbox.len > 0 && pipe_fd != PGINVALID_SOCKET)
	{
		ssize_t n = send(pipe_fd, outbox.data, outbox.len, MSG_NOSIGNAL);

		if (n <= 0)
			return; /* full; or it is gone, which its end tells */
		drop(&outbox, n);
	}
}

void
bev_carrier_process_read(void)
{
	char part[8192];
	ssize_t n = -1;

	while (pipe_fd != PGINVALID_SOCKET && inbox.len < (int) BEV_CARRIER_MAX_UP &&
	       (n = recv(pipe_fd, part, sizeof(part), 0)) > 0)
		appendBinaryStringInfo(&inbox, part, n);
	if (inbox.len >= (int) BEV_CARRIER_MAX_UP && memchr(inbox.data, '\n', inbox.len) == NULL)
		bev_carrier_process_kill("it said too much at once");
	else if (inbox.len < (int) BEV_CARRIER_MAX_UP && n == 0)
		close_pipe(); /* it is about to end */
}

char *
bev_carrier_process_hear(void)
{
	char *end = inbox.len > 0 ? memchr(inbox.data, '\n', inbox.len) : NULL;
	char *line;

	if (end == NULL)
		return NULL;
	line = pnstrdup(inbox.data, end - inbox.data);
	drop(&inbox, end - inbox.data + 1);
	return line;
}

void
bev_carrier_process_kill(const char *why)
{
	ereport(LOG, (errmsg("bugevents courier ends its carrier: %s", why)));
	resetStringInfo(&inbox);
	bev_child_kill(&carrier);
	close_pipe();
}
