/*
 * listening.c - the sockets that one gateway listens on.
 *
 * Model: a gateway may make no sockets (gateway/net/sandbox.h), so they are opened here, a set for
 * each gateway, and passed to it; no copy stays, so they end with it.  A set replaces the one that
 * the gateway had, when another place is configured.
 *
 * Failure: when not all can be opened, the gateway is given those that can, keeps what it has if
 * these are no more, and it is tried again each second (test/t/220_settings.pl).
 *
 * Trust: a gateway can ask for nothing but its set, and no more often than there are
 * configurations.
 */
#include "server/dispatcher/listening.h"

#include <sys/socket.h>
#include <unistd.h>

#include "common/pipe/passed_sockets.h"
#include "server/base/clock.h"
#include "server/dispatcher/listening_sockets.h"
#include "utils/memutils.h"

#define RETRY_AFTER 1000 /* ms */

int
bev_listening_begin(BevListening *listening)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
		return -1;
	listening->by = pair[0];
	return pair[1];
}

void
bev_listening_want(BevListening *listening, bool wanted)
{
	listening->wanted = wanted;
	listening->again = 0;
}

static void
forget_place(BevListening *listening)
{
	if (listening->place)
		pfree(listening->place);
	listening->place = NULL;
	listening->count = 0;
}

void
bev_listening_end(BevListening *listening)
{
	if (listening->by >= 0)
		close(listening->by);
	listening->by = -1;
	listening->wanted = false;
	listening->incomplete = false;
	forget_place(listening);
}

/* It is tried again and again; the log needs it once. */
static void
tell_trouble(BevListening *listening, int gateway, const char *why)
{
	if (*why && strcmp(why, listening->told) != 0)
		ereport(WARNING,
		        (errmsg("bugevents gateway %d can't serve as configured: %s", gateway, why),
		         errhint("Connected clients stay.  It tries again to listen by itself.")));
	strlcpy(listening->told, why, sizeof(listening->told));
}

static void
tell_place(int gateway, const BevListeningSockets *sockets)
{
	char *name = bev_listening_sockets_name(sockets);

	ereport(LOG, (errmsg("bugevents gateway %d listening on %s", gateway, name)));
	pfree(name);
}

/* 0: passed; else errno says why it wasn't. */
static int
pass(BevListening *listening, int gateway, const char *place, const BevListeningSockets *sockets)
{
	if (!bev_passed_sockets_send(listening->by, sockets->fd, sockets->count))
		return errno;
	tell_place(gateway, sockets);
	forget_place(listening);
	listening->place = MemoryContextStrdup(TopMemoryContext, place);
	listening->count = sockets->count;
	return 0;
}

static bool
is_elsewhere(const BevListening *listening, const char *place)
{
	return listening->place == NULL || strcmp(listening->place, place) != 0;
}

static BevPlace
read_place(const char *text)
{
	int only_loopback = 1;
	int port = 0;
	int at = 0;

	if (sscanf(text, "%d %d %n", &only_loopback, &port, &at) < 2)
		elog(ERROR, "not a place to listen: \"%s\"", text);
	return (BevPlace){
		.only_loopback = only_loopback != 0, .port = (uint16) port, .addresses = text + at};
}

static void
open_sockets(BevListening *listening, int gateway, const char *text)
{
	BevPlace place = read_place(text);
	BevListeningSockets sockets;
	int failure = 0;

	bev_listening_sockets_open(&sockets, &place);
	/* What brings no more than it has is not worth the change. */
	if (sockets.count > 0 && (is_elsewhere(listening, text) || sockets.count > listening->count))
		failure = pass(listening, gateway, text, &sockets);
	bev_listening_sockets_close(&sockets);
	listening->incomplete = !sockets.complete || failure != 0;
	listening->again = bev_clock_ahead(RETRY_AFTER);
	tell_trouble(listening, gateway,
	             !sockets.complete ? sockets.error :
	             failure != 0      ? strerror(failure) :
	                                 "");
}

TimestampTz
bev_listening_look_after(BevListening *listening, int gateway, const char *place)
{
	bool differs = listening->incomplete || is_elsewhere(listening, place);

	if (!listening->wanted)
		return DT_NOEND;
	if (differs && bev_clock_has_come(listening->again, RETRY_AFTER))
		open_sockets(listening, gateway, place);
	return listening->incomplete ? listening->again : DT_NOEND;
}
