/*
 * client.c - one connection, from its first byte to its last.
 *
 * Model: bytes come in by be_client_received and are understood according to the
 * state: a request's head (upgrade.c), then frames, then nothing any more.  Answers are
 * appended to client->out and written together at the end of the turn; while the
 * kernel has no room they wait there.
 *
 * Memory: a client that does not read is not read from (socket.c), so that what
 * waits for it is bounded by the answers to one buffer full of requests.
 *
 * Failure: whatever goes wrong ends in be_client_end; a peer that does not
 * answer the close frame, or does not close after it, is dropped after LINGER_MS.
 */
#include "gateway/client/client.h"
#include "gateway/session/registration.h"
#include "gateway/session/count.h"
#include "gateway/client/upgrade.h"
#include "gateway/session/fanout.h"
#include "gateway/client/http.h"
#include "common/program/memory.h"
#include "gateway/session/question.h"
#include "gateway/session/reply.h"
#include "gateway/client/client_message.h"
#include "gateway/session/abuse.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How long the peer has to answer a close, or to close after an HTTP answer. */
#define LINGER_MS		2000

/* How long before its token's end a client is told, in s. */
#define EXPIRY_NOTICE	60

/* More answers than one read can cause: something is wrong. */
#define OUT_MAX			(1024 * 1024)

static uint64_t
now_of(const BeClient *client)
{
	return uv_now(&client->gateway->loop);
}

/* ---- Coming ---- */

/*
 * Sockets that may be open: those of the clients that are let in and some that
 * are just being told why not.
 */
static uint32_t
socket_limit(const BeGateway *gateway)
{
	return gateway->config->max_connections +
		gateway->config->max_connections / 10 + 64;
}

static void
link_client(BeClient *client)
{
	BeGateway  *gateway = client->gateway;

	client->next = gateway->first;
	if (gateway->first)
		gateway->first->prev = client;
	gateway->first = client;
	gateway->sockets_open++;
}

static void
unlink_client(BeClient *client)
{
	BeGateway  *gateway = client->gateway;

	if (client->prev)
		client->prev->next = client->next;
	else
		gateway->first = client->next;
	if (client->next)
		client->next->prev = client->prev;
	gateway->sockets_open--;
}

void
be_client_accept(BeGateway *gateway, int fd)
{
	BeClient   *client;

	if (gateway->sockets_open >= socket_limit(gateway) || gateway->shutting_down)
	{
		close(fd);
		return;
	}
	client = be_alloc(sizeof(*client));
	client->gateway = gateway;
	client->heard_at = now_of(client);
	client->deadline = now_of(client) + gateway->config->connection_timeout;
	if (be_socket_adopt(gateway->sockets, &client->socket, fd,
						gateway->config->tls))
		link_client(client);
	else
		free(client);
}

/* ---- Who ---- */

const char *
be_client_address(BeClient *client)
{
	if (*client->address == '\0')
		be_socket_peer(&client->socket, client->address, sizeof(client->address));
	return client->address;
}

static void
leave_groups(BeClient *client)
{
	for (uint32_t i = 0; i < client->memberships; i++)
		be_directory_leave(&client->gateway->directory, &client->membership[i]);
	free(client->membership);
	client->membership = NULL;
	client->memberships = 0;
}

static void
join_groups(BeClient *client)
{
	BeDirectory *directory = &client->gateway->directory;
	const BePrincipals *principals = &client->principals;

	client->membership = be_alloc(sizeof(BeMembership) * (principals->count + 1));
	for (uint32_t i = 0; i < principals->count; i++)
		be_directory_join(directory, principals->name[i],
						  &client->membership[client->memberships++], client);
	if (principals->is_admin)
		be_directory_join(directory, BE_PRINCIPAL_ADMIN,
						  &client->membership[client->memberships++], client);
}

void
be_client_regroup(BeClient *client)
{
	const char *role = be_identity_role(&client->identity);
	bool		changes = client->role && strcmp(client->role, role) != 0;

	leave_groups(client);
	be_principals_free(&client->principals);
	be_identity_principals(&client->identity, client->user_id, &client->principals);
	join_groups(client);

	free(client->role);
	client->role = be_copy_text(role, strlen(role));
	if (changes && client->admitted)
		be_admission_tell_role(client);
}

void
be_client_identify(BeClient *client, BeClaims *claims)
{
	free(client->user_id);
	client->user_id = claims->user_id;
	client->expires_at = claims->expires_at;
	client->ends_at = claims->ends_at;
	client->warned = false;
	claims->user_id = NULL;
	be_identity_token(&client->identity, claims);
	be_client_regroup(client);
}

/* ---- Frames ---- */

static void
answer_frame(BeClient *client, BeRead found, const BeText *payload)
{
	switch (found)
	{
		case BE_READ_MESSAGE:
			client->received++;
			be_count(client->gateway, BE_COUNT_RECEIVED, 1);
			if (client->state == BE_CLIENT_OPEN)
				be_request_answer(client, payload->data ? payload->data : "",
								  payload->len);
			break;
		case BE_READ_PING:
			if (client->state == BE_CLIENT_OPEN)
				be_frame_add(&client->out, BE_OP_PONG, payload->data, payload->len);
			break;
		case BE_READ_CLOSE:
			client->peer_closed = true;
			be_client_end(client, client->reader.code == BE_CLOSE_NO_STATUS ?
						  BE_CLOSE_NORMAL : client->reader.code, "");
			break;
		default:
			break;
	}
}

static void
refuse_frame(BeClient *client)
{
	be_suspect(client, client->reader.code == BE_CLOSE_TOO_BIG ? BE_COUNT_SUSPICION_message_too_big :
			   client->reader.code == BE_CLOSE_PROTOCOL ? BE_COUNT_SUSPICION_malformed_frame :
			   BE_COUNT_SUSPICION_malformed_message);
	switch (client->reader.code)
	{
		case BE_CLOSE_TOO_BIG:
			be_client_refuse(client, BE_CLOSE_TOO_BIG, "message_too_big",
							 "the message is larger than max_message_size");
			break;
		case BE_CLOSE_UNSUPPORTED:
			be_client_refuse(client, BE_CLOSE_UNSUPPORTED, "invalid_message",
							 "binary messages are not understood");
			break;
		case BE_CLOSE_BAD_DATA:
			be_client_refuse(client, BE_CLOSE_BAD_DATA, "invalid_message",
							 "the message is not valid UTF-8");
			break;
		default:
			be_client_end(client, client->reader.code, "invalid_message");
	}
}

static void
receive_frames(BeClient *client, const char *data, size_t len)
{
	BeText		payload;
	BeRead		found;

	while ((found = be_reader_next(&client->reader, &data, &len,
								   client->gateway->config->max_message_size,
								   &payload)) != BE_READ_MORE)
	{
		if (found == BE_READ_FAILED)
			refuse_frame(client);
		else
			answer_frame(client, found, &payload);
	}
	if (client->out.len > OUT_MAX)
		be_socket_drop(client->gateway->sockets, &client->socket);
}

void
be_client_received(BeSocket *socket, const char *data, size_t len)
{
	BeClient   *client = (BeClient *) socket;

	client->heard_at = now_of(client);
	client->ping_unanswered = false;
	switch (client->state)
	{
		case BE_CLIENT_HANDSHAKE:
			be_door_receive(client, data, len);
			break;
		case BE_CLIENT_WAITING:
			be_text_add(&client->head, data, len);
			if (client->head.len > BE_HEAD_MAX)
				be_socket_drop(client->gateway->sockets, socket);
			break;
		case BE_CLIENT_OPEN:
		case BE_CLIENT_CLOSING:
			receive_frames(client, data, len);
			break;
		default:
			break;
	}
	be_client_flush(client);
}

/* ---- Writing ---- */

/*
 * All is written that will ever be: part from the peer, if nothing that it says
 * matters any more.  It reads an end and closes in turn.  What it still sends is
 * read and thrown away meanwhile: a socket that is closed over unread bytes resets
 * the connection, and with it our last words (RFC 6455, section 7.1.1).
 */
static void
part(BeClient *client)
{
	bool		heard_all = client->state == BE_CLIENT_HTTP ||
		(client->state == BE_CLIENT_CLOSING &&
		 (client->peer_closed || client->reader.failed));

	if (!heard_all || client->parted)
		return;
	client->parted = true;
	be_socket_finish(&client->socket);
}

void
be_client_flush(BeClient *client)
{
	BeText		out = client->out;

	if (be_socket_is_choked(&client->socket))
		return;
	if (out.len > 0)
	{
		client->out = (BeText) {0};
		be_count(client->gateway, BE_COUNT_BYTES_SENT, out.len);
		be_socket_write(client->gateway->sockets, &client->socket, out.data, out.len);
		be_text_free(&out);
	}
	if (client->state == BE_CLIENT_HTTP && !client->lingers)
	{
		client->deadline = now_of(client) + LINGER_MS;
		client->lingers = true;
	}
	if (!be_socket_is_choked(&client->socket))
		part(client);
}

void
be_client_writable(BeSocket *socket)
{
	BeClient   *client = (BeClient *) socket;

	be_client_flush(client);
	if (client->state == BE_CLIENT_OPEN && client->standing == BE_LAGGING)
		be_fanout_go_on(client);
}

/* ---- Going ---- */

static bool
was_let_in(const BeClient *client)
{
	return client->state == BE_CLIENT_OPEN;
}

/* Out of the stream and out of all counts. */
static void
leave(BeClient *client, int code, const char *reason)
{
	BeGateway  *gateway = client->gateway;

	be_replay_leave(gateway->replay, &client->waiter);
	be_fanout_conflate(client, false);
	leave_groups(client);
	be_admission_leave(client, code, reason);
	be_question_forget(client);
	if (client->state == BE_CLIENT_OPEN || client->state == BE_CLIENT_WAITING)
		gateway->clients_open--;
}

void
be_client_end(BeClient *client, int code, const char *reason)
{
	if (client->state == BE_CLIENT_HTTP)
		return;
	if (client->state != BE_CLIENT_CLOSING)
	{
		if (was_let_in(client))
			be_count_close(client->gateway, code);
		leave(client, code, reason);
		client->state = BE_CLIENT_CLOSING;
		client->deadline = now_of(client) + LINGER_MS;
		be_frame_add_close(&client->out, code, reason);
	}
	be_client_flush(client);
}

void
be_client_refuse(BeClient *client, int code, const char *error,
				 const char *message)
{
	if (client->state != BE_CLIENT_CLOSING)
		be_reply_error(client, NULL, error, message);
	be_client_end(client, code, error);
}

void
be_client_closed(BeSocket *socket)
{
	BeClient   *client = (BeClient *) socket;

	if (was_let_in(client))
		be_count_close(client->gateway, BE_CLOSE_ABNORMAL);
	leave(client, BE_CLOSE_ABNORMAL, "");
	unlink_client(client);
	client->state = BE_CLIENT_CLOSING;
	client->next = client->gateway->dead;
	client->gateway->dead = client;
}

void
be_client_free_dead(BeGateway *gateway)
{
	while (gateway->dead)
	{
		BeClient   *client = gateway->dead;

		gateway->dead = client->next;
		be_text_free(&client->head);
		be_text_free(&client->out);
		be_reader_free(&client->reader);
		be_principals_free(&client->principals);
		be_identity_free(&client->identity);
		be_subscription_free(client->subscription);
		free(client->user_id);
		free(client->role);
		free(client->since);
		free(client->since_stream);
		free(client);
	}
}

/* ---- Time ---- */

static void
tick_deadline(BeClient *client, uint64_t now)
{
	if (client->deadline == 0 || now < client->deadline)
		return;
	if (client->state == BE_CLIENT_HANDSHAKE)
	{
		be_http_refuse(client, 408);
		be_client_flush(client);
	}
	else if (client->state != BE_CLIENT_WAITING)
		be_socket_drop(client->gateway->sockets, &client->socket);
}

static void
tick_ping(BeClient *client, uint64_t now)
{
	const BeConfig *config = client->gateway->config;

	if (config->ping_interval == 0)
		return;
	if (be_socket_is_choked(&client->socket))
	{
		/*
		 * It can't be asked.  A slow client's kernel still answers ours, though
		 * at long intervals (up to two minutes).
		 */
		client->ping_unanswered = false;
		if (be_socket_silence(&client->socket) > config->connection_timeout + 150000)
			be_socket_drop(client->gateway->sockets, &client->socket);
		return;
	}
	if (client->ping_unanswered)
	{
		if (now - client->pinged_at >= config->connection_timeout)
			be_client_refuse(client, BE_CLOSE_POLICY, "connection_timeout",
							 "a ping was not answered");
	}
	else if (now - client->heard_at >= config->ping_interval)
	{
		client->ping_unanswered = true;
		client->pinged_at = now;
		be_frame_add(&client->out, BE_OP_PING, "", 0);
		be_client_flush(client);
	}
}

/*
 * Too far behind?  It is told and let go with its position, once it reads; there
 * is time for that, since it reads slowly.  Who came from far behind has to get
 * within the limit first.
 */
static void
tick_lag(BeClient *client, uint64_t now)
{
	const BeGateway *gateway = client->gateway;
	const BeConfig *config = gateway->config;
	uint64_t	behind = client->standing == BE_LIVE ? 0 :
		gateway->sent_tip - client->cursor;

	if (config->client_lag_limit == 0 || client->conflates)
		return;
	if (behind <= config->client_lag_limit)
		client->caught_up = true;
	else if (client->caught_up)
	{
		be_reply_too_far_behind(client);
		be_client_end(client, BE_CLOSE_TRY_LATER, "too_far_behind");
		client->deadline = now + config->connection_timeout;
	}
}

/* It has time to authenticate anew. */
static void
tick_expiry(BeClient *client, int64_t wall)
{
	if (client->warned || wall < client->ends_at - EXPIRY_NOTICE)
		return;
	client->warned = true;
	be_reply_expiring(client, client->ends_at - wall);
	be_client_flush(client);
}

void
be_client_tick(BeGateway *gateway)
{
	uint64_t	now = uv_now(&gateway->loop);
	int64_t		wall = be_wall_clock();

	/* Nothing is unlinked within a turn. */
	for (BeClient *client = gateway->first; client; client = client->next)
	{
		tick_deadline(client, now);
		if (client->state == BE_CLIENT_OPEN && wall >= client->ends_at)
			be_client_refuse(client, BE_CLOSE_POLICY, "token_expired",
							 "the token has expired");
		if (client->state == BE_CLIENT_OPEN)
			tick_lag(client, now);
		if (client->state == BE_CLIENT_OPEN)
		{
			tick_expiry(client, wall);
			tick_ping(client, now);
		}
	}
}
