/*
 * client.c - one connection, from its first byte to its last.
 *
 * Model
 *	Bytes come in by bev_client_received and are understood according to the session's
 *	state: a request's head (upgrade.c), then frames, then nothing any more.  What a client
 *	sends before it is admitted is kept and read once it is.  The tick looks at its clocks:
 *	handshake, close, ping, token, lag.
 *
 *	What a newcomer makes us do is put off: its first words, with TLS a handshake, and the answer
 *	to its request, with the check of its token.  At the end of a turn, when those who are in
 *	were served, some of it is done (WORK_NS); the next turn comes at once then.
 *
 * Concurrency
 *	One thread.  Callbacks of sockets, messages of the dispatcher and the tick all come
 *	here, one after the other.  At the end of each turn those who ended are let go of,
 *	in the order in which they ended, and those who are closed are freed.
 *
 * Memory
 *	A head of BEV_HEAD_MAX bytes, or as much of what came too early; a message of
 *	max_message_size; answers up to OUT_MAX.  Whoever is beyond is refused or dropped
 *	(test/gateway/limit_message_size.py).
 *
 * Failure
 *	A frame that the protocol forbids ends the session with the code that it prescribes; a
 *	head that can't be read is answered by a status.  Who says nothing for
 *	ping_interval is asked by a ping, and refused if connection_timeout passes without an
 *	answer.  Who isn't admitted within connection_timeout, because the dispatcher hangs, is told
 *	so (test/gateway/admission.py); the stream it waits for as long as it takes.
 *
 * Cost
 *	Each tick walks all clients; it comes four times in the shorter of connection_timeout
 *	and ping_interval, but at most every 20 ms and at least each second.
 */
#include "gateway/client/client.h"
#include "common/program/memory.h"
#include "common/program/wall_clock.h"
#include "gateway/session/reply.h"
#include "gateway/wire/frame.h"

#include <openssl/crypto.h>
#include <stdlib.h>

/* How long before its token's end a client is told, in s. */
#define EXPIRY_NOTICE 60

/* What newcomers cause may take so long in a turn, and one step more. */
#define WORK_NS 1000000

/*
 * Control frames, and fragments with nothing in them, that a client may send in a minute: pings
 * each second, from a page that has many timers, are none of a flood's number.
 */
#define TRIFLES_PER_MINUTE 1200

/* More answers than one read can cause: something is wrong. */
#define OUT_MAX (1024 * 1024)

/* ---- Frames ---- */

/* Nothing that it means to say takes so many frames. */
static void
count_trifle(BevClient *client)
{
	BevSession *session = &client->session;

	if (session->state != BEV_SESSION_OPEN ||
	    bev_bucket_take(&client->trifles, TRIFLES_PER_MINUTE, bev_session_now(session)) == 0)
		return;
	bev_session_abuse(session, BEV_COUNT_ABUSE_too_many_messages);
	bev_reply_refuse(session, BEV_CLOSE_POLICY, "rate_limited",
	                 "too many control frames or empty fragments");
}

static void
answer_frame(BevClients *clients, BevClient *client, BevRead found, const BevText *payload)
{
	BevSession *session = &client->session;

	switch (found)
	{
		case BEV_READ_MESSAGE:
			session->received++;
			bev_count(session->sessions->counts, BEV_COUNT_RECEIVED, 1);
			if (session->state == BEV_SESSION_OPEN)
				bev_client_message_answer(clients->messages, client,
				                          payload->data ? payload->data : "", payload->len);
			break;
		case BEV_READ_PONG:
		case BEV_READ_EMPTY:
			count_trifle(client);
			break;
		case BEV_READ_PING:
			count_trifle(client);
			if (session->state == BEV_SESSION_OPEN)
				bev_frame_add(&session->out, BEV_OP_PONG, payload->data, payload->len);
			break;
		case BEV_READ_CLOSE:
			session->heard_all = true;
			bev_session_end(session,
			                client->reader.code == BEV_CLOSE_NO_STATUS ? BEV_CLOSE_NORMAL :
			                                                             client->reader.code,
			                "");
			break;
		default:
			break;
	}
}

static BevCounter
abuse_kind(int code)
{
	return code == BEV_CLOSE_TOO_BIG  ? BEV_COUNT_ABUSE_message_too_big :
	       code == BEV_CLOSE_PROTOCOL ? BEV_COUNT_ABUSE_malformed_frame :
	                                    BEV_COUNT_ABUSE_malformed_message;
}

static void
refuse_frame(BevSession *session, int code)
{
	session->heard_all = true;
	bev_session_abuse(session, abuse_kind(code));
	switch (code)
	{
		case BEV_CLOSE_TOO_BIG:
			bev_reply_refuse(session, code, "message_too_big",
			                 "the message is larger than max_message_size");
			break;
		case BEV_CLOSE_UNSUPPORTED:
			bev_reply_refuse(session, code, "invalid_message",
			                 "binary messages are not understood");
			break;
		case BEV_CLOSE_BAD_DATA:
			bev_reply_refuse(session, code, "invalid_message", "the message is not valid UTF-8");
			break;
		default:
			bev_session_end(session, code, "invalid_message");
	}
}

static void
receive_frames(BevClients *clients, BevClient *client, const char *data, size_t len)
{
	BevText payload;
	BevRead found;

	while ((found = bev_frame_reader_next(&client->reader, &data, &len,
	                                      clients->config->max_message_size, &payload)) !=
	       BEV_READ_MORE)
	{
		if (found == BEV_READ_FAILED)
			refuse_frame(&client->session, client->reader.code);
		else
			answer_frame(clients, client, found, &payload);
	}
	if (client->session.out.len > OUT_MAX)
		bev_session_drop(&client->session);
}

/* ---- Bytes ---- */

/* What comes before it is welcomed is read then. */
static void
keep_early(BevClient *client, const char *data, size_t len)
{
	bev_text_add(&client->head, data, len);
	if (client->head.len > client->head_len + BEV_HEAD_MAX)
		bev_session_drop(&client->session);
}

/* It waits for its turn when its request's head is complete. */
static void
receive_head(BevClients *clients, BevClient *client, const char *data, size_t len)
{
	if (client->head_len > 0)
		keep_early(client, data, len);
	else if (bev_upgrade_receive(client, data, len))
	{
		bev_socket_pause(&client->session.socket, true);
		bev_arrival_set_ready(clients->arrivals, client);
	}
}

static void
receive(BevClients *clients, BevClient *client, const char *data, size_t len)
{
	if (client->session.http)
		return; /* who reads by HTTP has said all */
	switch (client->session.state)
	{
		case BEV_SESSION_HANDSHAKE:
			receive_head(clients, client, data, len);
			break;
		case BEV_SESSION_WAITING:
			keep_early(client, data, len);
			break;
		case BEV_SESSION_OPEN:
		case BEV_SESSION_CLOSING:
			receive_frames(clients, client, data, len);
			break;
		default:
			break;
	}
}

void
bev_client_spoke(BevClients *clients, BevSocket *socket)
{
	bev_arrival_set_ready(clients->arrivals, (BevClient *) socket);
}

void
bev_client_received(BevClients *clients, BevSocket *socket, const char *data, size_t len)
{
	BevClient *client = (BevClient *) socket;

	client->heard_at = bev_session_now(&client->session);
	client->ping_unanswered = false;
	receive(clients, client, data, len);
	bev_session_flush(&client->session);
}

void
bev_client_writable(BevClients *clients, BevSocket *socket)
{
	BevSession *session = &((BevClient *) socket)->session;

	bev_session_flush(session);
	if (session->state == BEV_SESSION_OPEN)
		bev_question_go_on(clients->questions, session);
	if (session->state == BEV_SESSION_OPEN && session->standing == BEV_READING)
		bev_state_go_on(clients->messages->states, session);
	if (session->state == BEV_SESSION_OPEN && session->standing == BEV_LAGGING)
		bev_fanout_go_on(clients->fanout, session);
}

void
bev_client_closed(BevSocket *socket)
{
	bev_session_closed(&((BevClient *) socket)->session);
}

/* ---- Work that was put off ---- */

/* The head of its request is complete. */
static void
answer_head(BevClients *clients, BevClient *client)
{
	BevSession *session = &client->session;
	BevText head = client->head;
	size_t len = client->head_len;

	client->head = (BevText){0};
	client->head_len = 0;
	bev_socket_pause(&session->socket, false); /* before a write may pause it */
	bev_upgrade_answer(clients->upgrade, client, head.data, len);
	OPENSSL_cleanse(head.data, len); /* a token was in it */
	receive(clients, client, head.data + len, head.len - len);
	bev_text_free(&head);
	bev_session_flush(session);
}

static void
work(BevClients *clients, BevClient *client)
{
	BevSession *session = &client->session;

	if (session->socket.dropped)
		return;
	if (session->socket.held && bev_arrival_may_begin(clients->arrivals, client))
		bev_socket_begin(clients->sessions->sockets, &session->socket);
	else if (session->state == BEV_SESSION_HANDSHAKE && client->head_len > 0)
		answer_head(clients, client);
}

void
bev_clients_work(BevClients *clients)
{
	BevArrivals *arrivals = clients->arrivals;
	uint64_t begun = uv_hrtime();
	BevClient *client;

	while ((client = bev_arrival_next(arrivals)) != NULL)
	{
		work(clients, client);
		if (uv_hrtime() - begun >= WORK_NS)
			break;
	}
	bev_sockets_hurry(clients->sessions->sockets, bev_startups_any_ready(arrivals->startups));
}

/* ---- Being let in ---- */

/* What it sent while it waited is read now. */
static void
read_early(BevClients *clients, BevClient *client)
{
	BevText early = client->head;

	client->head = (BevText){0};
	bev_client_received(clients, &client->session.socket, early.data, early.len);
	bev_text_free(&early);
}

bool
bev_clients_known(BevClients *clients, const BevMessage *message)
{
	BevSession *session;

	if (!bev_registration_known(clients->registrations, message, &session))
		return false;
	if (session)
		bev_arrival_forget(clients->arrivals, bev_client_of(session));
	return true;
}

bool
bev_clients_admit(BevClients *clients, const BevMessage *message)
{
	BevClient *client;

	if (!bev_upgrade_admit(clients->upgrade, message, &client))
		return false;
	if (client && bev_upgrade_is_held(client))
		clients->held++;
	else if (client)
		read_early(clients, client);
	return true;
}

void
bev_clients_stream_began(BevClients *clients)
{
	BevSession *session;

	LIST_FOREACH (session, &clients->sessions->open, entry)
		if (session->state == BEV_SESSION_WAITING && session->admitted &&
		    !bev_upgrade_is_held(bev_client_of(session)))
			bev_registration_ask_again(clients->registrations, session);
}

void
bev_clients_look_at_held(BevClients *clients)
{
	BevSession *session;
	uint32_t held = 0;

	if (clients->held == 0)
		return;
	LIST_FOREACH (session, &clients->sessions->open, entry)
	{
		BevClient *client = bev_client_of(session);

		if (!bev_upgrade_is_held(client))
			continue;
		if (bev_upgrade_release(clients->upgrade, client))
			read_early(clients, client);
		else
			held++;
	}
	clients->held = held;
}

/* ---- Going ---- */

void
bev_clients_shut_down(BevClients *clients)
{
	BevSession *session;

	clients->sessions->shutting_down = true;
	LIST_FOREACH (session, &clients->sessions->open, entry)
	{
		if (session->state == BEV_SESSION_HANDSHAKE || session->state == BEV_SESSION_SCRAPING)
			bev_session_drop(session);
		else
			bev_session_end(session, BEV_CLOSE_RESTART, "shutting_down");
	}
}

static void
detach(BevClients *clients, BevSession *session)
{
	bev_fanout_leave(clients->fanout, session);
	bev_registration_leave(clients->registrations, session);
	bev_question_forget(clients->questions, session);
	bev_state_leave(clients->messages->states, session);
}

static void
free_client(BevClient *client)
{
	bev_session_free(&client->session);
	bev_text_free(&client->head);
	bev_frame_reader_free(&client->reader);
	bev_subscription_free(client->wanted);
	free(client->since);
	free(client->since_stream);
	free(client);
}

void
bev_clients_end_turn(BevClients *clients)
{
	BevSession *session;

	bev_position_wait_look(&clients->fanout->waits);
	while ((session = bev_sessions_next_ended(clients->sessions)) != NULL)
		detach(clients, session);
	bev_registration_flush(clients->registrations);
	while ((session = bev_sessions_next_dead(clients->sessions)) != NULL)
	{
		bev_arrival_forget(clients->arrivals, bev_client_of(session));
		free_client(bev_client_of(session));
	}
}

/* ---- Time ---- */

static void
tick_deadline(BevSession *session, uint64_t now)
{
	if (session->deadline == 0 || now < session->deadline)
		return;
	if (session->socket.held)
	{
		bev_session_abuse(session, BEV_COUNT_ABUSE_slow_request);
		bev_session_drop(session);
	}
	else if (session->state == BEV_SESSION_HANDSHAKE)
	{
		bev_http_refuse(session, 408);
		bev_session_flush(session);
	}
	else if (session->state != BEV_SESSION_WAITING)
		bev_session_drop(session);
	else if (session->registration)
		bev_reply_refuse(session, BEV_CLOSE_INTERNAL, "internal_error",
		                 "you could not be let in in time, try again");
}

static void
tick_choked(const BevConfig *config, BevClient *client)
{
	/*
	 * It can't be asked.  A slow client's kernel still answers ours, though
	 * at long intervals (up to two minutes).
	 */
	client->ping_unanswered = false;
	if (bev_socket_silence(&client->session.socket) > config->connection_timeout + 150000)
		bev_session_drop(&client->session);
}

static void
tick_ping(const BevConfig *config, BevClient *client, uint64_t now)
{
	BevSession *session = &client->session;

	if (config->ping_interval == 0)
		return;
	if (bev_socket_is_choked(&session->socket))
		tick_choked(config, client);
	else if (client->ping_unanswered)
	{
		if (now - client->pinged_at >= config->connection_timeout)
			bev_reply_refuse(session, BEV_CLOSE_POLICY, "connection_timeout",
			                 "a ping was not answered");
	}
	else if (now - client->heard_at >= config->ping_interval)
	{
		client->ping_unanswered = true;
		client->pinged_at = now;
		bev_frame_add(&session->out, BEV_OP_PING, "", 0);
		bev_session_flush(session);
	}
}

/* Who reads by HTTP can't be asked, but shown that we are there. */
static void
tick_http(const BevClients *clients, BevClient *client, uint64_t now)
{
	BevSession *session = &client->session;
	uint32_t interval = clients->config->ping_interval;

	if (session->http->form == BEV_FORM_JSON)
	{
		if (session->standing == BEV_LIVE && now >= session->http->wait_until)
			bev_fanout_answer(clients->fanout, session);
	}
	else if (bev_socket_is_choked(&session->socket))
		tick_choked(clients->config, client);
	else if (interval > 0 && now - client->pinged_at >= interval)
	{
		client->pinged_at = now;
		bev_http_stream_keep_alive(&session->out, clients->fanout->stream.id,
		                           bev_session_position(session));
		bev_session_flush(session);
	}
}

/*
 * Too far behind?  It is told and let go with its position, once it reads; there
 * is time for that, since it reads slowly.  Who came from far behind has to get
 * within the limit first.
 */
static void
tick_lag(const BevClients *clients, BevSession *session, uint64_t now)
{
	const BevConfig *config = clients->config;
	uint64_t behind = session->sessions->sent_tip - bev_session_position(session);

	if (config->client_lag_limit == 0 || session->conflates)
		return;
	if (behind <= config->client_lag_limit)
		session->caught_up = true;
	else if (session->caught_up)
	{
		bev_reply_too_far_behind(session, clients->fanout->stream.id);
		bev_session_end(session, BEV_CLOSE_TRY_LATER, "too_far_behind");
		session->deadline = now + config->connection_timeout;
	}
}

/* It has time to authenticate anew. */
static void
tick_expiry(BevSession *session, int64_t wall)
{
	if (session->warned || wall < session->ends_at - EXPIRY_NOTICE)
		return;
	session->warned = true;
	bev_reply_expiring(session, session->ends_at - wall);
	bev_session_flush(session);
}

static void
tick(const BevClients *clients, BevSession *session, uint64_t now, int64_t wall)
{
	tick_deadline(session, now);
	if (session->state == BEV_SESSION_OPEN && wall >= session->ends_at)
		bev_reply_refuse(session, BEV_CLOSE_POLICY, "token_expired", "the token has expired");
	if (session->state == BEV_SESSION_OPEN)
		tick_lag(clients, session, now);
	if (session->state != BEV_SESSION_OPEN)
		return;
	tick_expiry(session, wall);
	if (session->http)
		tick_http(clients, bev_client_of(session), now);
	else
		tick_ping(clients->config, bev_client_of(session), now);
}

void
bev_clients_tick(BevClients *clients)
{
	BevSession *session;
	uint64_t now = uv_now(clients->sessions->loop);
	int64_t wall = bev_wall_clock();

	bev_arrival_tick(clients->arrivals);
	/* Nothing is unlinked within a turn. */
	LIST_FOREACH (session, &clients->sessions->open, entry)
		tick(clients, session, now, wall);
	bev_states_tick(clients->messages->states);
}
