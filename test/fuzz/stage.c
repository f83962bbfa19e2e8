#define _GNU_SOURCE /* memmem */
/*
 * stage.c - a gateway without a network and without a dispatcher, for fuzzing.
 */
#include "stage.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/pipe/body.h"
#include "common/program/memory.h"
#include "verifier/token/keys.h"
#include "gateway/main/stream_message.h"
#include "gateway/wire/frame.h"

struct BevSockets
{
	BevSocket *to_drop;
};

static BevSockets sockets;
static Stage stage;
static bool choked;
static bool must_be_json;

/* RFC 7515, appendix A, and RFC 8037, appendix A. */
const char stage_config[] =
	"{\"jwt_algorithms\":\"HS256,RS256,ES256,ES512,EdDSA\","
	"\"jwt_secret\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\",\"message_rate\":0,"
	"\"jwks\":\"{\\\"keys\\\":["
	"{\\\"kty\\\":\\\"RSA\\\",\\\"kid\\\":\\\"rsa\\\",\\\"e\\\":\\\"AQAB\\\",\\\"n\\\":\\\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k"
	"0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0"
	"LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGh"
	"yxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\\\"},"
	"{\\\"kty\\\":\\\"EC\\\",\\\"kid\\\":\\\"ec\\\",\\\"crv\\\":\\\"P-256\\\",\\\"x\\\":\\\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\\\","
	"\\\"y\\\":\\\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\\\"},"
	"{\\\"kty\\\":\\\"OKP\\\",\\\"kid\\\":\\\"okp\\\",\\\"crv\\\":\\\"Ed25519\\\",\\\"x\\\":\\\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\\\"}"
	"]}\"}";

void
stage_fail(const char *what)
{
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

/* ---- The double of socket.c ---- */

/* A server's frame at the start of data; its length. */
static size_t
check_frame(const unsigned char *data, size_t len)
{
	size_t head = 2;
	uint64_t payload;
	int opcode;

	if (len < 2 || (data[0] & 0xf0) != 0x80 || (data[1] & 0x80))
		stage_fail("a frame is final, unmasked, and has no reserved bits");
	opcode = data[0] & 0x0f;
	payload = data[1];
	if (payload >= 126)
	{
		head = payload == 126 ? 4 : 10;
		if (len < head)
			stage_fail("a frame's header is whole");
		payload = 0;
		for (size_t i = 2; i < head; i++)
			payload = payload << 8 | data[i];
	}
	if (payload > len - head)
		stage_fail("a write is made of whole frames");
	if (opcode != BEV_OP_TEXT && opcode != BEV_OP_PONG && opcode != BEV_OP_PING &&
	    opcode != BEV_OP_CLOSE)
		stage_fail("a frame is text, ping, pong or close");
	if (opcode == BEV_OP_TEXT && must_be_json)
	{
		json_t *json =
			json_loadb((const char *) data + head, payload, JSON_REJECT_DUPLICATES, NULL);

		if (!json_is_object(json))
			stage_fail("a message is a JSON object");
		json_decref(json);
	}
	return head + payload;
}

/* Server-Sent Events: whole ones, of the fields that we write. */
static void
check_sse(const char *data, size_t len)
{
	static const char *const fields[] = {"id: ", "event: ", "data: ", ": ", "\n"};

	if (len < 2 || memcmp(data + len - 2, "\n\n", 2) != 0 || memchr(data, '\r', len))
		stage_fail("a write is made of whole events");
	while (len > 0)
	{
		size_t line = (size_t) ((const char *) memchr(data, '\n', len) - data) + 1;
		bool known = false;

		for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
			known |= line >= strlen(fields[i]) && memcmp(data, fields[i], strlen(fields[i])) == 0;
		if (!known)
			stage_fail("a line of an event is a field that we know");
		data += line;
		len -= line;
	}
}

bool
bev_socket_write(BevSockets *all __attribute__((unused)), BevSocket *socket, const char *data,
                 size_t len)
{
	const BevHttpStream *http = ((BevSession *) socket)->http;

	if (socket->dropped || choked)
		stage_fail("only an open socket with room is written to");
	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0)
	{
		const char *end = memmem(data, len, "\r\n\r\n", 4);

		if (end == NULL)
			stage_fail("an answer's head is whole");
		if (http && http->form == BEV_FORM_SSE && memmem(data, len, "event-stream", 12) == NULL)
			stage_fail("an answer has the form that was asked for");
		if (len < 12 || (memcmp(data + 9, "101", 3) != 0 && http == NULL))
			return true;
		len -= (size_t) (end + 4 - data);
		data = end + 4;
	}
	if (http && len > 0 && http->form == BEV_FORM_SSE)
		check_sse(data, len);
	while (len > 0 && http == NULL)
	{
		size_t n = check_frame((const unsigned char *) data, len);

		data += n;
		len -= n;
	}
	return true;
}

bool
bev_socket_hold(BevSockets *all __attribute__((unused)), BevSocket *socket,
                int fd __attribute__((unused)), bool tls)
{
	socket->tls = tls;
	socket->wsi = (struct lws *) &sockets;
	return true;
}

void
bev_socket_begin(BevSockets *all __attribute__((unused)), BevSocket *socket __attribute__((unused)))
{
	stage_fail("nobody is held");
}

void
bev_sockets_hurry(BevSockets *all __attribute__((unused)), bool hurry __attribute__((unused)))
{
}

void
bev_socket_drop(BevSockets *all, BevSocket *socket)
{
	if (socket->dropped)
		return;
	socket->dropped = true;
	socket->next = all->to_drop;
	all->to_drop = socket;
}

bool
bev_socket_is_choked(const BevSocket *socket)
{
	return socket->dropped || choked;
}

void
bev_socket_peer(const BevSocket *socket __attribute__((unused)), char *text, size_t size)
{
	snprintf(text, size, "192.0.2.1");
}

uint64_t
bev_socket_silence(const BevSocket *socket __attribute__((unused)))
{
	return 0;
}

void
bev_socket_want_write(BevSocket *socket __attribute__((unused)))
{
}

void
bev_socket_pause(BevSocket *socket, bool pause)
{
	socket->paused = pause;
}

void
bev_socket_finish(BevSocket *socket __attribute__((unused)))
{
}

/* ---- The double of link.c ---- */

/* Would the dispatcher take it?  Numbers come from a dispatcher that is made up, too. */
static bool
is_understood(const BevMessage *message)
{
	_Alignas(uint64_t) char head[BEV_MESSAGE_MAX_UP];
	BevSpan rest;

	switch (message->kind)
	{
		case BEV_MSG_OPEN:
		case BEV_MSG_TOKEN:
		case BEV_MSG_AGAIN:
		case BEV_MSG_ROLE:
		case BEV_MSG_ASK:
		case BEV_MSG_ABUSE:
		case BEV_MSG_SPENT:
		case BEV_MSG_SUBSCRIPTION:
			return bev_body_read(message, head, bev_body_size(message->kind), &rest);
		default:
			return message->size <= BEV_MESSAGE_MAX_UP;
	}
}

void
bev_link_send(BevLink *link __attribute__((unused)), BevMessageKind kind, const void *head,
              const void *rest, size_t rest_len)
{
	size_t head_len = bev_body_size(kind);
	char *body = malloc(head_len + rest_len + 1);
	BevMessage message = {kind, (uint32_t) (head_len + rest_len), body};

	if (head_len > 0)
		memcpy(body, head, head_len);
	if (rest_len > 0)
		memcpy(body + head_len, rest, rest_len);
	if (!is_understood(&message))
		stage_fail("the dispatcher understands what it is told");
	free(body);
}

void
bev_link_log(BevLink *link __attribute__((unused)), uint32_t level __attribute__((unused)),
             const char *format __attribute__((unused)), ...)
{
}

/* What only the process itself calls. */

void
bev_link_open(BevLink *link __attribute__((unused)), uv_loop_t *loop __attribute__((unused)),
              int fd __attribute__((unused)), const BevLinkEvents *events __attribute__((unused)),
              void *owner __attribute__((unused)))
{
}

void
bev_link_close(BevLink *link __attribute__((unused)))
{
}

BevSockets *
bev_sockets_create(uv_loop_t *loop __attribute__((unused)),
                   const BevSocketEvents *events __attribute__((unused)),
                   void *owner __attribute__((unused)))
{
	return NULL;
}

void
bev_sockets_destroy(BevSockets *all __attribute__((unused)))
{
}

struct ssl_ctx_st *
bev_sockets_tls(const BevSockets *all __attribute__((unused)))
{
	return NULL;
}

/* ---- The stage ---- */

static void
begin_stream(void)
{
	BevStreamMessage stream = {.tip = 5, .id = "11111111-2222-3333-4444-555555555555"};
	BevMessage message = {BEV_MSG_STREAM, sizeof(stream), (const char *) &stream};

	if (!bev_stream_message_begin(&stage.updates, &message))
		stage_fail("the stage's stream begins");
}

static void
read_config(void)
{
	char error[256];

	stage.config = bev_config_read(stage_config, strlen(stage_config), error, sizeof(error));
	stage.settings =
		bev_token_settings_read(stage_config, strlen(stage_config), error, sizeof(error));
	stage.keyring = bev_keys_read(stage.settings, error, sizeof(error));
	if (stage.keyring == NULL)
		stage_fail(error);
}

static void
compose_sessions(void)
{
	stage.counts = (BevCounts){0};
	stage.sessions = (BevSessions){
		.loop = &stage.loop,
		.sockets = &sockets,
		.counts = &stage.counts,
		.abuses = &stage.abuses,
		.ended = STAILQ_HEAD_INITIALIZER(stage.sessions.ended),
	};
	stage.fanout = (BevFanout){
		.sessions = &stage.sessions,
		.counts = &stage.counts,
		.link = &stage.link,
		.config = stage.config,
	};
	stage.registrations = (BevRegistrations){
		.link = &stage.link,
		.came = STAILQ_HEAD_INITIALIZER(stage.registrations.came),
		.asked = STAILQ_HEAD_INITIALIZER(stage.registrations.asked),
	};
	stage.questions = (BevQuestions){
		.link = &stage.link,
		.asked = STAILQ_HEAD_INITIALIZER(stage.questions.asked),
	};
	stage.updates = (BevAccessUpdates){stage.config, &stage.fanout, &stage.registrations};
	bev_fanout_begin(&stage.fanout);
	bev_states_begin(&stage.states, &stage.questions, &stage.fanout);
	bev_window_limit(&stage.fanout.stream.window, 1 << 20);
}

static void
tell_spent(void *owner __attribute__((unused)), const BevSpentMessage *spent)
{
	bev_link_send(&stage.link, BEV_MSG_SPENT, spent, NULL, 0);
}

static void
compose_clients(void)
{
	stage.tokens.config = stage.config;
	stage.tokens.addresses = bev_addresses_create(tell_spent, NULL);
	stage.arrivals =
		(BevArrivals){stage.config, &stage.sessions, stage.tokens.addresses, bev_startups_create()};
	stage.http = (BevHttp){&stage.tokens, &stage.questions, &stage.fanout.stream};
	stage.upgrade =
		(BevUpgrade){stage.config,     &stage.tokens,        &stage.http,   &stage.fanout,
	                 &stage.questions, &stage.registrations, &stage.updates};
	stage.messages = (BevClientMessages){stage.config,     &stage.tokens, &stage.fanout,
	                                     &stage.questions, &stage.states, &stage.registrations};
	stage.clients = (BevClients){
		.config = stage.config,
		.sessions = &stage.sessions,
		.fanout = &stage.fanout,
		.registrations = &stage.registrations,
		.questions = &stage.questions,
		.arrivals = &stage.arrivals,
		.upgrade = &stage.upgrade,
		.messages = &stage.messages,
	};
}

Stage *
stage_open(bool stream)
{
	if (stage.config == NULL)
	{
		uv_loop_init(&stage.loop);
		read_config();
	}
	choked = must_be_json = false;
	compose_sessions();
	compose_clients();
	if (stream)
		begin_stream();
	return &stage;
}

BevClient *
stage_accept(void)
{
	bev_arrival_accept(&stage.arrivals, -1);
	return bev_client_of(LIST_FIRST(&stage.sessions.open));
}

BevClient *
stage_client(const char *user, bool admin, bool json)
{
	BevClient *client = stage_accept();
	BevGrant grant = {.is_admin = admin, .expires_at = INT32_MAX, .ends_at = INT32_MAX};

	must_be_json = json;
	snprintf(grant.user, sizeof(grant.user), "%s", user);
	snprintf(grant.role, sizeof(grant.role), "%s", admin ? "admin" : "user");
	bev_session_identify(&client->session, &grant, (BevSpan){NULL, 0});
	client->session.state = BEV_SESSION_OPEN;
	client->session.deadline = 0;
	stage.sessions.let_in++;
	return client;
}

void
stage_choke(bool choke)
{
	BevSession *session;

	if (choked && !choke)
	{
		choked = false;
		LIST_FOREACH (session, &stage.sessions.open, entry)
			if (!session->socket.dropped)
				bev_client_writable(&stage.clients, &session->socket);
	}
	choked = choke;
}

void
stage_turn(void)
{
	bev_states_run(&stage.states);
	bev_clients_end_turn(&stage.clients);
	while (sockets.to_drop)
	{
		BevSocket *socket = sockets.to_drop;

		sockets.to_drop = socket->next;
		socket->wsi = NULL;
		bev_client_closed(socket);
	}
	bev_clients_end_turn(&stage.clients);
	bev_stream_fetch(&stage.fanout.stream);
}

void
stage_close(void)
{
	BevSession *session;

	bev_registration_report(&stage.registrations, &stage.sessions);
	bev_abuse_tell(&stage.abuses, &stage.link);
	LIST_FOREACH (session, &stage.sessions.open, entry)
		bev_session_drop(session);
	stage_turn();
	if (stage.sessions.count != 0 || stage.sessions.let_in != 0)
		stage_fail("all clients are counted out again");
	if (stage.fanout.conflating != 0 || stage.sessions.directory.groups.count != 0 ||
	    stage.fanout.subscribers.index.values.groups.count != 0 ||
	    stage.fanout.subscribers.asked.names.count != 0)
		stage_fail("all clients are let go of");
	bev_states_free(&stage.states);
	bev_fanout_free(&stage.fanout);
	bev_directory_free(&stage.sessions.directory);
	bev_registration_free(&stage.registrations);
	bev_question_free(&stage.questions);
	bev_startups_free(stage.arrivals.startups);
	bev_addresses_free(stage.tokens.addresses);
}
