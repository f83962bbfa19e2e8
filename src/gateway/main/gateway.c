/*
 * gateway.c - puts the parts together, and takes them apart again.
 *
 * Model
 *	The data goes one way:
 *
 *		link --> window --> fanout --> session --> socket
 *		             \--> replay --/      ^--- message <-- reader <-- socket
 *
 *	The dispatcher's messages come in by the link.  By CONFIG it can take connections, on sockets
 *	that the dispatcher opens and passes; STREAM begins the stream.  The end comes by SHUTDOWN, by
 *	SIGTERM or by the end of the pipe, in one way: no more connections, a close frame for
 *	everyone, and out when all are gone or SHUTDOWN_MS have passed.
 *
 * Concurrency
 *	One thread; everything happens in callbacks of the loop.  A turn is what the loop does
 *	between two waits: timers, then whatever is readable or writable, in the order in which
 *	the kernel tells it, then on_turn_end, where sessions are let go of and freed.  All that
 *	the pipe brought in one read is a batch, and leaves together.
 *
 * Memory
 *	The window and a quarter of its size for history; rows; a session for each connection.
 *	limit_memory has the bound for the whole process, several times what that needs
 *	(test/gateway/limit_memory.py).
 *
 * Failure
 *	A configuration that can't be used is reported by STATUS, and what worked before goes on
 *	working.  A message that can't be understood ends the gateway like the end of the pipe;
 *	the dispatcher starts another one, and clients resume there.  A kernel without the
 *	sandbox is told of in the log.
 *
 * Cost
 *	An idle gateway ticks; once a second it tells the dispatcher what changed, and nothing
 *	if nothing did.
 */
#include "gateway/main/gateway.h"
#include "gateway/client/client.h"
#include "gateway/main/status.h"
#include "gateway/main/stream_message.h"
#include "gateway/net/listener.h"
#include "gateway/net/sandbox.h"
#include "gateway/net/tls.h"
#include "gateway/session/place.h"
#include "gateway/wire/frame.h"

#include <signal.h>
#include <stdio.h>
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

/* How many of the library's lines were passed on, in this second. */
typedef struct Complaints
{
	uint64_t since; /* loop time */
	uint32_t count;
} Complaints;

/* The parts; each knows those of them that it needs, and none knows this. */
typedef struct Gateway
{
	uv_loop_t loop;
	uv_timer_t tick;
	BevLink link;
	BevListener *listener; /* NULL: no more */
	BevConfig config;
	uint32_t configs; /* CONFIGs that came; 0: there is no configuration yet */
	bool sandboxed;
	bool has_certificate; /* for TLS */
	uint64_t deadline;    /* of the shutdown, loop time */
	uint64_t reported_at; /* loop time */
	Complaints complaints;
	BevStatus status;

	BevCounts counts;
	BevAbuses abuses;
	BevSessions sessions;
	BevFanout fanout;
	BevRegistrations registrations;
	BevQuestions questions;
	BevStates states;
	BevAccessUpdates updates;

	BevTokenCheck tokens;
	BevArrivals arrivals;
	BevHttp http;
	BevUpgrade upgrade;
	BevClientMessages messages;
	BevClients clients;
} Gateway;

/* What the sessions are served from. */
static void
compose_sessions(Gateway *gateway)
{
	gateway->sessions = (BevSessions){
		.loop = &gateway->loop,
		.counts = &gateway->counts,
		.abuses = &gateway->abuses,
		.ended = STAILQ_HEAD_INITIALIZER(gateway->sessions.ended),
	};
	gateway->fanout = (BevFanout){
		.sessions = &gateway->sessions,
		.counts = &gateway->counts,
		.link = &gateway->link,
		.config = &gateway->config,
	};
	gateway->registrations = (BevRegistrations){
		.link = &gateway->link,
		.came = STAILQ_HEAD_INITIALIZER(gateway->registrations.came),
		.asked = STAILQ_HEAD_INITIALIZER(gateway->registrations.asked),
	};
	gateway->questions = (BevQuestions){
		.link = &gateway->link,
		.asked = STAILQ_HEAD_INITIALIZER(gateway->questions.asked),
	};
	gateway->updates = (BevAccessUpdates){
		.config = &gateway->config,
		.fanout = &gateway->fanout,
		.registrations = &gateway->registrations,
	};
	bev_fanout_begin(&gateway->fanout);
	bev_states_begin(&gateway->states, &gateway->questions, &gateway->fanout);
}

static void
tell_spent(void *owner, const BevSpentMessage *spent)
{
	Gateway *gateway = owner;

	bev_link_send(&gateway->link, BEV_MSG_SPENT, spent, NULL, 0);
}

/* What the clients' bytes lead to. */
static void
compose_clients(Gateway *gateway)
{
	gateway->tokens = (BevTokenCheck){
		.config = &gateway->config,
		.addresses = bev_addresses_create(tell_spent, gateway),
	};
	gateway->arrivals = (BevArrivals){
		.config = &gateway->config,
		.sessions = &gateway->sessions,
		.addresses = gateway->tokens.addresses,
		.startups = bev_startups_create(),
	};
	gateway->http = (BevHttp){
		.tokens = &gateway->tokens,
		.questions = &gateway->questions,
		.stream = &gateway->fanout.stream,
	};
	gateway->upgrade = (BevUpgrade){
		.config = &gateway->config,
		.tokens = &gateway->tokens,
		.http = &gateway->http,
		.fanout = &gateway->fanout,
		.questions = &gateway->questions,
		.registrations = &gateway->registrations,
		.updates = &gateway->updates,
	};
	gateway->messages = (BevClientMessages){
		.config = &gateway->config,
		.tokens = &gateway->tokens,
		.fanout = &gateway->fanout,
		.questions = &gateway->questions,
		.states = &gateway->states,
		.registrations = &gateway->registrations,
	};
	gateway->clients = (BevClients){
		.config = &gateway->config,
		.sessions = &gateway->sessions,
		.fanout = &gateway->fanout,
		.registrations = &gateway->registrations,
		.questions = &gateway->questions,
		.arrivals = &gateway->arrivals,
		.upgrade = &gateway->upgrade,
		.messages = &gateway->messages,
	};
}

/* ---- Listening ---- */

static void
on_accepted(void *owner, int fd)
{
	Gateway *gateway = owner;

	bev_arrival_accept(&gateway->arrivals, fd);
}

/* Not before there is a certificate to show, if there is to be one. */
static void
ask_to_listen(Gateway *gateway)
{
	BevListenMessage listen = {.config = gateway->configs};

	if (!gateway->config.tls || gateway->has_certificate)
		bev_link_send(&gateway->link, BEV_MSG_LISTEN, &listen, NULL, 0);
}

/* ---- The end ---- */

/* Look at the clients' clocks, and tell the dispatcher how they are. */
static void
on_tick(uv_timer_t *tick)
{
	Gateway *gateway = tick->data;
	uint64_t now = uv_now(&gateway->loop);

	bev_clients_tick(&gateway->clients);
	bev_clients_look_at_held(&gateway->clients);
	if (now - gateway->reported_at < REPORT_MS)
		return;
	gateway->reported_at = now;
	bev_registration_report(&gateway->registrations, &gateway->sessions);
	bev_count_tell(&gateway->counts, &gateway->link);
	bev_abuse_tell(&gateway->abuses, &gateway->link);
}

static void
shut_down(Gateway *gateway)
{
	if (gateway->sessions.shutting_down)
		return;
	gateway->deadline = uv_now(&gateway->loop) + SHUTDOWN_MS;
	if (gateway->listener)
		bev_listener_free(gateway->listener);
	gateway->listener = NULL;
	bev_clients_shut_down(&gateway->clients);
	uv_timer_start(&gateway->tick, on_tick, 50, 50); /* for the deadline */
}

/* ---- Sockets ---- */

static void
on_spoke(void *owner, BevSocket *socket)
{
	Gateway *gateway = owner;

	bev_client_spoke(&gateway->clients, socket);
}

static void
on_received(void *owner, BevSocket *socket, const char *data, size_t len)
{
	Gateway *gateway = owner;

	bev_client_received(&gateway->clients, socket, data, len);
}

static void
on_writable(void *owner, BevSocket *socket)
{
	Gateway *gateway = owner;

	bev_client_writable(&gateway->clients, socket);
}

static void
on_closed(void *owner __attribute__((unused)), BevSocket *socket)
{
	bev_client_closed(socket);
}

static void
on_work(void *owner)
{
	Gateway *gateway = owner;

	bev_clients_work(&gateway->clients);
}

static void
on_turn_end(void *owner)
{
	Gateway *gateway = owner;
	BevStream *stream = &gateway->fanout.stream;

	bev_clients_end_turn(&gateway->clients);
	/* For the history that sessions came to wait for in this turn. */
	bev_stream_fetch(stream);
}

static void
on_complaint(void *owner, const char *line)
{
	Gateway *gateway = owner;
	Complaints *complaints = &gateway->complaints;
	uint64_t now = uv_now(&gateway->loop);

	if (now - complaints->since >= 1000)
		*complaints = (Complaints){.since = now};
	if (complaints->count++ < COMPLAINTS_MAX)
		bev_link_log(&gateway->link, BEV_LOG_DEBUG, "%s", line);
}

static const BevSocketEvents socket_events = {
	.spoke = on_spoke,
	.received = on_received,
	.writable = on_writable,
	.closed = on_closed,
	.work = on_work,
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
	bev_sandbox_limit_memory(
		MEMORY_BASE + 3 * (uint64_t) config->window_size + 2 * (uint64_t) config->state_cache_size +
		config->max_connections * (2 * (uint64_t) BEV_CHUNK_SIZE + config->max_message_size));
}

/* ---- CONFIG ---- */

/* Look at the clients often enough for the shortest of the times. */
static void
start_tick(Gateway *gateway)
{
	const BevConfig *config = &gateway->config;
	uint64_t period = config->connection_timeout;

	if (config->ping_interval && config->ping_interval < period)
		period = config->ping_interval;
	period /= 4;
	period = period < 20 ? 20 : period > 1000 ? 1000 : period;
	uv_timer_start(&gateway->tick, on_tick, period, period);
}

static void
use_certificate(Gateway *gateway)
{
	const BevConfig *config = &gateway->config;
	char error[256];
	BevTls tls = {
		.cert = config->tls_cert,
		.key = config->tls_key,
		.min_version = config->tls_min_version,
	};
	bool good = !config->tls ||
	            bev_tls_use(bev_sockets_tls(gateway->sessions.sockets), &tls, error, sizeof(error));

	gateway->has_certificate |= config->tls && good;
	bev_status_tell(&gateway->status, &gateway->link, good ? "" : error);
}

static void
use_config(Gateway *gateway)
{
	const BevConfig *config = &gateway->config;
	BevStream *stream = &gateway->fanout.stream;
	size_t replay = config->window_size / REPLAY_SHARE;

	use_certificate(gateway);
	bev_window_limit(&stream->window, config->window_size);
	bev_replay_limit(stream->replay, replay > REPLAY_MIN ? replay : REPLAY_MIN);
	stream->rows.limit = config->state_cache_size;
	limit_memory(config); /* a smaller window was trimmed by now */
	bev_access_update_review(&gateway->updates);
	start_tick(gateway);
	ask_to_listen(gateway);
}

/* Once all that needs files is done; what it can't do is told, not fatal. */
static void
enter_sandbox(Gateway *gateway)
{
	char error[256];

	if (gateway->sandboxed)
		return;
	gateway->sandboxed = true;
	if (!bev_sandbox_enter(error, sizeof(error)))
		bev_link_log(&gateway->link, BEV_LOG_WARNING, "%s", error);
}

/* Once, by the first configuration; false: it can't be done. */
static bool
start_sockets(Gateway *gateway, const BevConfig *config)
{
	if (gateway->sessions.sockets)
		return true;
	limit_descriptors(config);
	gateway->sessions.sockets = bev_sockets_create(&gateway->loop, &socket_events, gateway);
	if (gateway->sessions.sockets == NULL)
		bev_link_log(&gateway->link, BEV_LOG_WARNING,
		             "could not start libwebsockets on libuv; is the package "
		             "libwebsockets-evlib-uv installed?");
	return gateway->sessions.sockets != NULL;
}

static bool
configure(Gateway *gateway, const BevMessage *message)
{
	char error[256];
	BevConfig *config = bev_config_read(message->body, message->size, error, sizeof(error));

	if (config == NULL)
	{
		bev_link_log(&gateway->link, BEV_LOG_WARNING, "%s", error);
		return false;
	}
	if (!start_sockets(gateway, config))
	{
		bev_config_free(config);
		return false;
	}
	bev_fanout_batch(&gateway->fanout); /* before the window is cut */
	bev_config_replace(&gateway->config, config);
	bev_place_set_key(gateway->config.place_key);
	gateway->configs++;
	use_config(gateway);
	enter_sandbox(gateway);
	return true;
}

/* ---- The link ---- */

static bool
begin_stream(Gateway *gateway, const BevMessage *message)
{
	if (gateway->configs == 0 || !bev_stream_message_begin(&gateway->updates, message))
		return false;
	bev_clients_stream_began(&gateway->clients);
	return true;
}

static bool
on_message(void *owner, const BevMessage *message)
{
	Gateway *gateway = owner;

	if (gateway->sessions.shutting_down)
		return true;
	switch (message->kind)
	{
		case BEV_MSG_CONFIG:
			return configure(gateway, message);
		case BEV_MSG_STREAM:
			return begin_stream(gateway, message);
		case BEV_MSG_EVENTS:
			return bev_stream_message_events(&gateway->updates, message);
		case BEV_MSG_PROGRESS:
			return bev_stream_message_progress(&gateway->fanout, message);
		case BEV_MSG_SCOPE:
			return bev_stream_message_scope(&gateway->fanout, message);
		case BEV_MSG_FETCHED:
			return bev_stream_message_fetched(&gateway->fanout, message);
		case BEV_MSG_KNOWN:
			return bev_clients_known(&gateway->clients, message);
		case BEV_MSG_ADMIT:
			bev_fanout_batch(&gateway->fanout); /* ready comes between two batches */
			return bev_clients_admit(&gateway->clients, message);
		case BEV_MSG_ANSWER:
			bev_fanout_batch(&gateway->fanout); /* what it is based on comes first */
			return bev_question_answered(&gateway->questions, message);
		case BEV_MSG_CONDITION:
			return bev_http_note_condition(&gateway->http, message);
		case BEV_MSG_SPENT_ELSEWHERE:
			return bev_arrival_spent_elsewhere(&gateway->arrivals, message);
		case BEV_MSG_DISCONNECT:
			return bev_registration_disconnect(&gateway->sessions, message);
		case BEV_MSG_SHUTDOWN:
			bev_fanout_batch(&gateway->fanout);
			shut_down(gateway);
			return true;
		default:
			return true; /* from a newer dispatcher; not for us */
	}
}

static void
on_batch_end(void *owner)
{
	Gateway *gateway = owner;

	if (!gateway->sessions.shutting_down)
	{
		bev_fanout_batch(&gateway->fanout);
		bev_states_run(&gateway->states);
		bev_clients_look_at_held(&gateway->clients);
	}
	bev_window_trim(&gateway->fanout.stream.window);
}

static void
on_lost(void *owner, const char *why)
{
	Gateway *gateway = owner;

	if (!gateway->sessions.shutting_down)
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
say_hello(Gateway *gateway)
{
	BevHelloMessage hello = {
		.version = BEV_PIPE_VERSION,
		.pid = (uint32_t) getpid(),
	};

	bev_link_send(&gateway->link, BEV_MSG_HELLO, &hello, NULL, 0);
}

static void
begin(Gateway *gateway, int pipe, int sockets, uv_signal_t *on_term)
{
	uv_loop_init(&gateway->loop);
	uv_timer_init(&gateway->loop, &gateway->tick);
	gateway->tick.data = gateway;
	uv_signal_init(&gateway->loop, on_term);
	on_term->data = gateway;
	uv_signal_start(on_term, on_signal, SIGTERM);
	compose_sessions(gateway);
	compose_clients(gateway);
	bev_link_open(&gateway->link, &gateway->loop, pipe, &link_events, gateway);
	gateway->listener = bev_listener_create(&gateway->loop, sockets, on_accepted, gateway);
	say_hello(gateway);
}

static void
take_apart(Gateway *gateway, uv_signal_t *on_term)
{
	uv_close((uv_handle_t *) on_term, NULL);
	uv_close((uv_handle_t *) &gateway->tick, NULL);
	bev_link_close(&gateway->link);
	if (gateway->sessions.sockets)
		bev_sockets_destroy(gateway->sessions.sockets);
	else
		uv_run(&gateway->loop, UV_RUN_DEFAULT);
	bev_states_free(&gateway->states);
	bev_fanout_free(&gateway->fanout);
	bev_directory_free(&gateway->sessions.directory);
	bev_registration_free(&gateway->registrations);
	bev_question_free(&gateway->questions);
	bev_startups_free(gateway->arrivals.startups);
	bev_addresses_free(gateway->tokens.addresses);
	bev_config_clear(&gateway->config);
	bev_status_free(&gateway->status);
	uv_loop_close(&gateway->loop);
}

int
bev_gateway_run(int pipe, int sockets)
{
	static Gateway gateway;
	uv_signal_t on_term;

	begin(&gateway, pipe, sockets, &on_term);
	while (!gateway.sessions.shutting_down || gateway.sessions.count > 0)
	{
		uv_run(&gateway.loop, UV_RUN_ONCE);
		if (gateway.sessions.shutting_down && uv_now(&gateway.loop) >= gateway.deadline)
			break;
	}
	take_apart(&gateway, &on_term);
	return 0;
}
