/*
 * gateway.c - puts the parts together, and takes them apart again.
 *
 * Model: the dispatcher's messages come in by the link; CONFIG opens the sockets
 * (again, when the place changed), STREAM begins the stream.  The end comes by
 * SHUTDOWN, by SIGTERM or by the end of the pipe, always in the same way: no more
 * connections, a close frame for everyone, and out when all are gone or
 * SHUTDOWN_MS have passed.
 *
 * Concurrency: one thread; everything happens in callbacks of the loop.
 *
 * Failure: a configuration that can't be used is reported by STATUS, and what
 * worked before goes on working.
 */
#include "gateway/main/gateway.h"
#include "gateway/session/access_update.h"
#include "gateway/session/registration.h"
#include "gateway/client/client.h"
#include "gateway/session/count.h"
#include "gateway/client/upgrade.h"
#include "gateway/session/fanout.h"
#include "common/program/memory.h"
#include "gateway/session/question.h"
#include "gateway/net/sandbox.h"
#include "gateway/main/stream.h"
#include "gateway/session/abuse.h"
#include "gateway/net/tls.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SHUTDOWN_MS		1500

/* Between two reports on the clients. */
#define REPORT_MS		1000

/* Lines of the library's that are passed on in a second. */
#define COMPLAINTS_MAX	5

/* What a gateway may need apart from window and clients: the largest event in several copies. */
#define MEMORY_BASE		(UINT64_C(2) << 30)

/* Finished replay chunks may take this part of the window's size. */
#define REPLAY_SHARE	4
#define REPLAY_MIN		(8 * BE_FETCH_BYTES)

int64_t
be_wall_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

const char *
be_gateway_unready(const BeGateway *gateway)
{
	if (gateway->shutting_down)
		return "shutting down";
	if (gateway->config == NULL)
		return "no configuration yet";
	return gateway->stream[0] ? NULL : "no stream yet";
}

/* ---- Status ---- */

static void
set_error(char **error, const char *text)
{
	free(*error);
	*error = text ? be_copy_text(text, strlen(text)) : NULL;
}

/* Tell the dispatcher, unless it knows. */
static void
send_status(BeGateway *gateway)
{
	const char *status = gateway->tls_error ? gateway->tls_error :
		gateway->listen_error ? gateway->listen_error :
		gateway->keys_error ? gateway->keys_error : "";

	if (gateway->status_sent && strcmp(gateway->status_sent, status) == 0)
		return;
	set_error(&gateway->status_sent, status);
	be_link_send(&gateway->link, BE_MSG_STATUS, NULL, 0, status, strlen(status));
}

/* ---- Listening ---- */

static void
on_accepted(void *owner, int fd)
{
	be_client_accept(owner, fd);
}

static void
on_listening(void *owner, const char *addresses)
{
	BeGateway  *gateway = owner;

	be_link_send(&gateway->link, BE_MSG_LISTENING, NULL, 0,
				 addresses, strlen(addresses));
}

static void
on_listen_status(void *owner, const char *why)
{
	BeGateway  *gateway = owner;

	set_error(&gateway->listen_error, why);
	send_status(gateway);
}

static const BeListenerEvents listener_events = {
	.accepted = on_accepted,
	.listening = on_listening,
	.status = on_listen_status,
};

/* ---- The end ---- */

/* Look at the clients' clocks, and tell the dispatcher how they are. */
static void
on_tick(uv_timer_t *tick)
{
	BeGateway  *gateway = tick->data;
	uint64_t	now = uv_now(&gateway->loop);

	be_client_tick(gateway);
	be_door_look_at_held(gateway);
	if (now - gateway->reported_at < REPORT_MS)
		return;
	gateway->reported_at = now;
	be_admission_report(gateway);
	be_count_tell(gateway);
	be_suspicion_tell(gateway);
}

static void
shut_down(BeGateway *gateway)
{
	if (gateway->shutting_down)
		return;
	gateway->shutting_down = true;
	gateway->deadline = uv_now(&gateway->loop) + SHUTDOWN_MS;
	if (gateway->listener)
		be_listener_free(gateway->listener);
	gateway->listener = NULL;
	for (BeClient *client = gateway->first; client; client = client->next)
	{
		if (client->state == BE_CLIENT_HANDSHAKE || client->state == BE_CLIENT_SCRAPING)
			be_socket_drop(gateway->sockets, &client->socket);
		else
			be_client_end(client, BE_CLOSE_RESTART, "shutting_down");
	}
	uv_timer_start(&gateway->tick, on_tick, 50, 50);	/* for the deadline */
}

/* ---- Sockets ---- */

static void
on_turn_end(void *owner)
{
	BeGateway  *gateway = owner;

	be_client_free_dead(gateway);
	be_replay_ask(gateway->replay, gateway->window.floor);
}

static void
on_complaint(void *owner, const char *line)
{
	BeGateway  *gateway = owner;
	uint64_t	now = uv_now(&gateway->loop);

	if (now - gateway->complaints_at >= 1000)
	{
		gateway->complaints_at = now;
		gateway->complaints = 0;
	}
	if (gateway->complaints++ < COMPLAINTS_MAX)
		be_link_log(&gateway->link, BE_LOG_DEBUG, "%s", line);
}

static const BeSocketEvents socket_events = {
	.received = be_client_received,
	.writable = be_client_writable,
	.closed = be_client_closed,
	.turn_end = on_turn_end,
	.complaint = on_complaint,
};

/*
 * The library sizes its tables by the limit of descriptors, once: enough for
 * later reloads, but not for the million that some systems allow.  Nobody can raise it
 * from then on.
 */
static void
limit_descriptors(const BeConfig *config)
{
	struct rlimit limit;
	rlim_t		wanted = 65536;

	if ((rlim_t) config->max_connections * 2 > wanted)
		wanted = (rlim_t) config->max_connections * 2;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (limit.rlim_max > wanted)
		limit.rlim_max = wanted;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/*
 * More than it is ever to need, so that what goes wrong ends it and not the machine:
 * three times the window (with the index of its rows, and history on its way), and for
 * each client a run that waits for the kernel and a message that is on its way.
 */
static void
limit_memory(const BeConfig *config)
{
	be_sandbox_limit_memory(MEMORY_BASE + 3 * (uint64_t) config->window_size +
							config->max_connections *
							(2 * (uint64_t) BE_CHUNK_SIZE + config->max_message_size));
}

/* ---- CONFIG ---- */

/* Look at the clients often enough for the shortest of the times. */
static void
start_tick(BeGateway *gateway)
{
	const BeConfig *config = gateway->config;
	uint64_t	period = config->connection_timeout;

	if (config->ping_interval && config->ping_interval < period)
		period = config->ping_interval;
	period /= 4;
	period = period < 20 ? 20 : period > 1000 ? 1000 : period;
	uv_timer_start(&gateway->tick, on_tick, period, period);
}

static void
use_keys(BeGateway *gateway)
{
	char		error[256];
	BeKeys	   *keys = be_keys_create(gateway->config, error, sizeof(error));

	set_error(&gateway->keys_error, keys ? NULL : error);
	if (keys == NULL)
		return;
	be_keys_free(gateway->keys);
	gateway->keys = keys;
}

static void
use_certificate(BeGateway *gateway)
{
	const BeConfig *config = gateway->config;
	char		error[256];
	BeTls		tls = {
		.cert = config->tls_cert,
		.key = config->tls_key,
		.min_version = config->tls_min_version,
	};
	bool		good = !config->tls ||
		be_tls_use(be_sockets_tls(gateway->sockets), &tls, error, sizeof(error));

	gateway->has_certificate |= config->tls && good;
	set_error(&gateway->tls_error, good ? NULL : error);
}

/* Not before there is a certificate to show, if there is to be one. */
static void
use_place(BeGateway *gateway)
{
	const BeConfig *config = gateway->config;
	BePlace		place = {
		.addresses = config->listen_addresses,
		.port = config->port,
		.only_loopback = !config->tls && !config->allow_plaintext,
	};

	if (config->tls && !gateway->has_certificate)
		return;
	if (gateway->listener == NULL)
		gateway->listener = be_listener_create(&gateway->loop, &listener_events,
											   gateway);
	be_listener_place(gateway->listener, &place);
}

static void
use_config(BeGateway *gateway, BeConfig *config)
{
	BeConfig   *old = gateway->config;
	size_t		replay = config->window_size / REPLAY_SHARE;

	gateway->config = config;
	use_keys(gateway);
	use_certificate(gateway);
	be_window_limit(&gateway->window, config->window_size);
	be_replay_limit(gateway->replay, replay > REPLAY_MIN ? replay : REPLAY_MIN);
	limit_memory(config);		/* a smaller window was trimmed by now */
	be_access_review(gateway);
	start_tick(gateway);
	use_place(gateway);
	send_status(gateway);
	be_config_free(old);
}

/* Once all that needs files is done; what it can't do is told, not fatal. */
static void
enter_sandbox(BeGateway *gateway)
{
	char		error[256];

	if (gateway->sandboxed)
		return;
	gateway->sandboxed = true;
	if (!be_sandbox_enter(error, sizeof(error)))
		be_link_log(&gateway->link, BE_LOG_WARNING, "%s", error);
}

static bool
configure(BeGateway *gateway, const BeMessage *message)
{
	char		error[256];
	BeConfig   *config = be_config_read(message->body, message->size,
										error, sizeof(error));

	if (config == NULL)
	{
		be_link_log(&gateway->link, BE_LOG_WARNING, "%s", error);
		return false;
	}
	if (gateway->sockets == NULL)
	{
		limit_descriptors(config);
		gateway->sockets = be_sockets_create(&gateway->loop, &socket_events, gateway);
	}
	if (gateway->sockets == NULL)
	{
		be_link_log(&gateway->link, BE_LOG_WARNING,
					"could not start libwebsockets on libuv; is the package "
					"libwebsockets-evlib-uv installed?");
		be_config_free(config);
		return false;
	}
	be_fanout_batch(gateway);	/* before the window is cut */
	use_config(gateway, config);
	enter_sandbox(gateway);
	return true;
}

/* ---- The link ---- */

static bool
on_message(void *owner, const BeMessage *message)
{
	BeGateway  *gateway = owner;

	if (gateway->shutting_down)
		return true;
	switch (message->kind)
	{
		case BE_MSG_CONFIG:
			return configure(gateway, message);
		case BE_MSG_STREAM:
			return be_stream_begin(gateway, message);
		case BE_MSG_EVENTS:
			return be_stream_events(gateway, message);
		case BE_MSG_PROGRESS:
			return be_stream_progress(gateway, message);
		case BE_MSG_FETCHED:
			return be_stream_fetched(gateway, message);
		case BE_MSG_ADMIT:
			be_fanout_batch(gateway);	/* ready comes between two batches */
			return be_admission_answer(gateway, message);
		case BE_MSG_ANSWER:
			be_fanout_batch(gateway);	/* what it is based on comes first */
			return be_question_answered(gateway, message);
		case BE_MSG_DISCONNECT:
			return be_admission_disconnect(gateway, message);
		case BE_MSG_SHUTDOWN:
			be_fanout_batch(gateway);
			shut_down(gateway);
			return true;
		default:
			return true;		/* from a newer dispatcher; not for us */
	}
}

static void
on_batch_end(void *owner)
{
	BeGateway  *gateway = owner;

	if (!gateway->shutting_down)
	{
		be_fanout_batch(gateway);
		be_door_look_at_held(gateway);
	}
	be_window_trim(&gateway->window);
}

static void
on_lost(void *owner, const char *why)
{
	BeGateway  *gateway = owner;

	if (!gateway->shutting_down)
		fprintf(stderr, "bugevents gateway: %s\n", why);
	shut_down(gateway);
}

static const BeLinkEvents link_events = {
	.message = on_message,
	.batch_end = on_batch_end,
	.lost = on_lost,
};

/* ---- The process ---- */

static void
on_signal(uv_signal_t *handle, int number __attribute__((unused)))
{
	shut_down(handle->data);
}

static void
say_hello(BeGateway *gateway)
{
	BeHelloMessage hello = {
		.version = BE_PIPE_VERSION,
		.pid = (uint32_t) getpid(),
	};

	be_link_send(&gateway->link, BE_MSG_HELLO, &hello, sizeof(hello), NULL, 0);
}

static void
take_apart(BeGateway *gateway, uv_signal_t *on_term)
{
	uv_close((uv_handle_t *) on_term, NULL);
	uv_close((uv_handle_t *) &gateway->tick, NULL);
	be_link_close(&gateway->link);
	if (gateway->sockets)
		be_sockets_destroy(gateway->sockets);
	else
		uv_run(&gateway->loop, UV_RUN_DEFAULT);
	be_window_free(&gateway->window);
	be_replay_free(gateway->replay);
	be_directory_free(&gateway->directory);
	be_admission_free(gateway);
	be_question_free(gateway);
	be_addresses_free(gateway->addresses);
	be_text_free(&gateway->scratch);
	be_keys_free(gateway->keys);
	be_config_free(gateway->config);
	set_error(&gateway->keys_error, NULL);
	set_error(&gateway->tls_error, NULL);
	set_error(&gateway->listen_error, NULL);
	set_error(&gateway->status_sent, NULL);
	uv_loop_close(&gateway->loop);
}

int
be_gateway_run(int fd)
{
	static BeGateway gateway;
	uv_signal_t on_term;

	uv_loop_init(&gateway.loop);
	uv_timer_init(&gateway.loop, &gateway.tick);
	gateway.tick.data = &gateway;
	uv_signal_init(&gateway.loop, &on_term);
	on_term.data = &gateway;
	uv_signal_start(&on_term, on_signal, SIGTERM);
	gateway.addresses = be_addresses_create();
	gateway.replay = be_replay_create(&be_stream_replay_events, &gateway);

	be_link_open(&gateway.link, &gateway.loop, fd, &link_events, &gateway);
	say_hello(&gateway);
	while (!gateway.shutting_down || gateway.sockets_open > 0)
	{
		uv_run(&gateway.loop, UV_RUN_ONCE);
		if (gateway.shutting_down && uv_now(&gateway.loop) >= gateway.deadline)
			break;
	}
	take_apart(&gateway, &on_term);
	return 0;
}
