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
#include "gateway/identity/keys.h"
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
#include <unistd.h>

#define SHUTDOWN_MS 1500

/* Between two reports on the clients. */
#define REPORT_MS 1000

/* Lines of the library's that are passed on in a second. */
#define COMPLAINTS_MAX 5

/* What a gateway may need apart from window and clients: the largest event in several copies. */
#define MEMORY_BASE (UINT64_C(2) << 30)

/* Finished replay chunks may take this part of the window's size. */
#define REPLAY_SHARE 4
#define REPLAY_MIN   (8 * BEV_FETCH_BYTES)

const char *
bev_gateway_unready(const BevGateway *gateway)
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
	*error = text ? bev_copy_text(text, strlen(text)) : NULL;
}

/* Tell the dispatcher, unless it knows. */
static void
send_status(BevGateway *gateway)
{
	const char *status = gateway->tls_error    ? gateway->tls_error :
	                     gateway->listen_error ? gateway->listen_error :
	                     gateway->keys_error   ? gateway->keys_error :
	                                             "";

	if (gateway->status_sent && strcmp(gateway->status_sent, status) == 0)
		return;
	set_error(&gateway->status_sent, status);
	bev_link_send(&gateway->link, BEV_MSG_STATUS, NULL, 0, status, strlen(status));
}

/* ---- Listening ---- */

static void
on_accepted(void *owner, int fd)
{
	bev_client_accept(owner, fd);
}

static void
on_listening(void *owner, const char *addresses)
{
	BevGateway *gateway = owner;

	bev_link_send(&gateway->link, BEV_MSG_LISTENING, NULL, 0, addresses, strlen(addresses));
}

static void
on_listen_status(void *owner, const char *why)
{
	BevGateway *gateway = owner;

	set_error(&gateway->listen_error, why);
	send_status(gateway);
}

static const BevListenerEvents listener_events = {
	.accepted = on_accepted,
	.listening = on_listening,
	.status = on_listen_status,
};

/* ---- The end ---- */

/* Look at the clients' clocks, and tell the dispatcher how they are. */
static void
on_tick(uv_timer_t *tick)
{
	BevGateway *gateway = tick->data;
	uint64_t now = uv_now(&gateway->loop);

	bev_client_tick(gateway);
	bev_upgrade_look_at_held(gateway);
	if (now - gateway->reported_at < REPORT_MS)
		return;
	gateway->reported_at = now;
	bev_registration_report(gateway);
	bev_count_tell(gateway);
	bev_abuse_tell(gateway);
}

static void
shut_down(BevGateway *gateway)
{
	if (gateway->shutting_down)
		return;
	gateway->shutting_down = true;
	gateway->deadline = uv_now(&gateway->loop) + SHUTDOWN_MS;
	if (gateway->listener)
		bev_listener_free(gateway->listener);
	gateway->listener = NULL;
	for (BevClient *client = gateway->first; client; client = client->next)
	{
		if (client->state == BEV_CLIENT_HANDSHAKE || client->state == BEV_CLIENT_SCRAPING)
			bev_socket_drop(gateway->sockets, &client->socket);
		else
			bev_client_end(client, BEV_CLOSE_RESTART, "shutting_down");
	}
	uv_timer_start(&gateway->tick, on_tick, 50, 50); /* for the deadline */
}

/* ---- Sockets ---- */

static void
on_turn_end(void *owner)
{
	BevGateway *gateway = owner;

	bev_client_free_dead(gateway);
	bev_replay_ask(gateway->replay, gateway->window.floor);
}

static void
on_complaint(void *owner, const char *line)
{
	BevGateway *gateway = owner;
	uint64_t now = uv_now(&gateway->loop);

	if (now - gateway->complaints_at >= 1000)
	{
		gateway->complaints_at = now;
		gateway->complaints = 0;
	}
	if (gateway->complaints++ < COMPLAINTS_MAX)
		bev_link_log(&gateway->link, BEV_LOG_DEBUG, "%s", line);
}

static const BevSocketEvents socket_events = {
	.received = bev_client_received,
	.writable = bev_client_writable,
	.closed = bev_client_closed,
	.turn_end = on_turn_end,
	.complaint = on_complaint,
};

/*
 * The library sizes its tables by the limit of descriptors, once: enough for
 * later reloads, but not for the million that some systems allow.  Nobody can raise it
 * from then on.
 */
static void
limit_descriptors(const BevConfig *config)
{
	struct rlimit limit;
	rlim_t wanted = 65536;

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
limit_memory(const BevConfig *config)
{
	bev_sandbox_limit_memory(MEMORY_BASE + 3 * (uint64_t) config->window_size +
	                         config->max_connections *
	                             (2 * (uint64_t) BEV_CHUNK_SIZE + config->max_message_size));
}

/* ---- CONFIG ---- */

/* Look at the clients often enough for the shortest of the times. */
static void
start_tick(BevGateway *gateway)
{
	const BevConfig *config = gateway->config;
	uint64_t period = config->connection_timeout;

	if (config->ping_interval && config->ping_interval < period)
		period = config->ping_interval;
	period /= 4;
	period = period < 20 ? 20 : period > 1000 ? 1000 : period;
	uv_timer_start(&gateway->tick, on_tick, period, period);
}

static void
use_keys(BevGateway *gateway)
{
	char error[256];
	BevKeyring *keyring = bev_keys_read(gateway->config, error, sizeof(error));

	set_error(&gateway->keys_error, keyring ? NULL : error);
	if (keyring == NULL)
		return;
	bev_keyring_free(gateway->keyring);
	gateway->keyring = keyring;
}

static void
use_certificate(BevGateway *gateway)
{
	const BevConfig *config = gateway->config;
	char error[256];
	BevTls tls = {
		.cert = config->tls_cert,
		.key = config->tls_key,
		.min_version = config->tls_min_version,
	};
	bool good =
		!config->tls || bev_tls_use(bev_sockets_tls(gateway->sockets), &tls, error, sizeof(error));

	gateway->has_certificate |= config->tls && good;
	set_error(&gateway->tls_error, good ? NULL : error);
}

/* Not before there is a certificate to show, if there is to be one. */
static void
use_place(BevGateway *gateway)
{
	const BevConfig *config = gateway->config;
	BevPlace place = {
		.addresses = config->listen_addresses,
		.port = config->port,
		.only_loopback = !config->tls && !config->allow_plaintext,
	};

	if (config->tls && !gateway->has_certificate)
		return;
	if (gateway->listener == NULL)
		gateway->listener = bev_listener_create(&gateway->loop, &listener_events, gateway);
	bev_listener_place(gateway->listener, &place);
}

static void
use_config(BevGateway *gateway, BevConfig *config)
{
	BevConfig *old = gateway->config;
	size_t replay = config->window_size / REPLAY_SHARE;

	gateway->config = config;
	use_keys(gateway);
	use_certificate(gateway);
	bev_window_limit(&gateway->window, config->window_size);
	bev_replay_limit(gateway->replay, replay > REPLAY_MIN ? replay : REPLAY_MIN);
	limit_memory(config); /* a smaller window was trimmed by now */
	bev_access_update_review(gateway);
	start_tick(gateway);
	use_place(gateway);
	send_status(gateway);
	bev_config_free(old);
}

/* Once all that needs files is done; what it can't do is told, not fatal. */
static void
enter_sandbox(BevGateway *gateway)
{
	char error[256];

	if (gateway->sandboxed)
		return;
	gateway->sandboxed = true;
	if (!bev_sandbox_enter(error, sizeof(error)))
		bev_link_log(&gateway->link, BEV_LOG_WARNING, "%s", error);
}

static bool
configure(BevGateway *gateway, const BevMessage *message)
{
	char error[256];
	BevConfig *config = bev_config_read(message->body, message->size, error, sizeof(error));

	if (config == NULL)
	{
		bev_link_log(&gateway->link, BEV_LOG_WARNING, "%s", error);
		return false;
	}
	if (gateway->sockets == NULL)
	{
		limit_descriptors(config);
		gateway->sockets = bev_sockets_create(&gateway->loop, &socket_events, gateway);
	}
	if (gateway->sockets == NULL)
	{
		bev_link_log(&gateway->link, BEV_LOG_WARNING,
		             "could not start libwebsockets on libuv; is the package "
		             "libwebsockets-evlib-uv installed?");
		bev_config_free(config);
		return false;
	}
	bev_fanout_batch(gateway); /* before the window is cut */
	use_config(gateway, config);
	enter_sandbox(gateway);
	return true;
}

/* ---- The link ---- */

static bool
on_message(void *owner, const BevMessage *message)
{
	BevGateway *gateway = owner;

	if (gateway->shutting_down)
		return true;
	switch (message->kind)
	{
		case BEV_MSG_CONFIG:
			return configure(gateway, message);
		case BEV_MSG_STREAM:
			return bev_stream_begin(gateway, message);
		case BEV_MSG_EVENTS:
			return bev_stream_events(gateway, message);
		case BEV_MSG_PROGRESS:
			return bev_stream_progress(gateway, message);
		case BEV_MSG_FETCHED:
			return bev_stream_fetched(gateway, message);
		case BEV_MSG_ADMIT:
			bev_fanout_batch(gateway); /* ready comes between two batches */
			return bev_registration_answer(gateway, message);
		case BEV_MSG_ANSWER:
			bev_fanout_batch(gateway); /* what it is based on comes first */
			return bev_question_answered(gateway, message);
		case BEV_MSG_DISCONNECT:
			return bev_registration_disconnect(gateway, message);
		case BEV_MSG_SHUTDOWN:
			bev_fanout_batch(gateway);
			shut_down(gateway);
			return true;
		default:
			return true; /* from a newer dispatcher; not for us */
	}
}

static void
on_batch_end(void *owner)
{
	BevGateway *gateway = owner;

	if (!gateway->shutting_down)
	{
		bev_fanout_batch(gateway);
		bev_upgrade_look_at_held(gateway);
	}
	bev_window_trim(&gateway->window);
}

static void
on_lost(void *owner, const char *why)
{
	BevGateway *gateway = owner;

	if (!gateway->shutting_down)
		fprintf(stderr, "bugevents gateway: %s\n", why);
	shut_down(gateway);
}

static const BevLinkEvents link_events = {
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
say_hello(BevGateway *gateway)
{
	BevHelloMessage hello = {
		.version = BEV_PIPE_VERSION,
		.pid = (uint32_t) getpid(),
	};

	bev_link_send(&gateway->link, BEV_MSG_HELLO, &hello, sizeof(hello), NULL, 0);
}

static void
take_apart(BevGateway *gateway, uv_signal_t *on_term)
{
	uv_close((uv_handle_t *) on_term, NULL);
	uv_close((uv_handle_t *) &gateway->tick, NULL);
	bev_link_close(&gateway->link);
	if (gateway->sockets)
		bev_sockets_destroy(gateway->sockets);
	else
		uv_run(&gateway->loop, UV_RUN_DEFAULT);
	bev_window_free(&gateway->window);
	bev_replay_free(gateway->replay);
	bev_directory_free(&gateway->directory);
	bev_registration_free(gateway);
	bev_question_free(gateway);
	bev_addresses_free(gateway->addresses);
	bev_text_free(&gateway->scratch);
	bev_keyring_free(gateway->keyring);
	bev_config_free(gateway->config);
	set_error(&gateway->keys_error, NULL);
	set_error(&gateway->tls_error, NULL);
	set_error(&gateway->listen_error, NULL);
	set_error(&gateway->status_sent, NULL);
	uv_loop_close(&gateway->loop);
}

int
bev_gateway_run(int fd)
{
	static BevGateway gateway;
	uv_signal_t on_term;

	uv_loop_init(&gateway.loop);
	uv_timer_init(&gateway.loop, &gateway.tick);
	gateway.tick.data = &gateway;
	uv_signal_init(&gateway.loop, &on_term);
	on_term.data = &gateway;
	uv_signal_start(&on_term, on_signal, SIGTERM);
	gateway.addresses = bev_addresses_create();
	gateway.replay = bev_replay_create(&bev_stream_replay_events, &gateway);

	bev_link_open(&gateway.link, &gateway.loop, fd, &link_events, &gateway);
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
