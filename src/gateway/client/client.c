/*
 * client.c - one connection, from its first byte to its last.
 *
 * Model: bytes come in by bev_client_received and are understood according to the
 * state: a request's head (upgrade.c), then frames, then nothing any more.  Answers are
 * appended to client->out and written together at the end of the turn; while the
 * kernel has no room they wait there.
 *
 * Memory: a client that does not read is not read from (socket.c), so that what
 * waits for it is bounded by the answers to one buffer full of requests.
 *
 * Failure: whatever goes wrong ends in bev_client_end; a peer that does not
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
#include "common/program/wall_clock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How long the peer has to answer a close, or to close after an HTTP answer. */
#define LINGER_MS 2000

/* How long before its token's end a client is told, in s. */
#define EXPIRY_NOTICE 60

/* More answers than one read can cause: something is wrong. */
#define OUT_MAX (1024 * 1024)

static uint64_t
now_of(const BevClient *client)
{
	return uv_now(&client->gateway->loop);
}

/* ---- Coming ---- */

/*
 * Sockets that may be open: those of the clients that are let in and some that
 * are just being told why not.
 */
static uint32_t
socket_limit(const BevGateway *gateway)
{
	return gateway->config->max_connections + gateway->config->max_connections / 10 + 64;
}

static void
link_client(BevClient *client)
{
	BevGateway *gateway = client->gateway;

	client->next = gateway->first;
	if (gateway->first)
		gateway->first->prev = client;
	gateway->first = client;
	gateway->sockets_open++;
}

static void
unlink_client(BevClient *client)
{
	BevGateway *gateway = client->gateway;

	if (client->prev)
		client->prev->next = client->next;
	else
		gateway->first = client->next;
	if (client->next)
		client->next->prev = client->prev;
	gateway->sockets_open--;
}

void
bev_client_accept(BevGateway *gateway, int fd)
{
	BevClient *client;

	if (gateway->sockets_open >= socket_limit(gateway) || gateway->shutting_down)
	{
		close(fd);
		return;
	}
	client = bev_alloc(sizeof(*client));
	client->gateway = gateway;
	client->heard_at = now_of(client);
	client->deadline = now_of(client) + gateway->config->connection_timeout;
	if (bev_socket_adopt(gateway->sockets, &client->socket, fd, gateway->config->tls))
		link_client(client);
	else
		free(client);
}

/* ---- Who ---- */

const char *
bev_client_address(BevClient *client)
{
	if (*client->address == '\0')
		bev_socket_peer(&client->socket, client->address, sizeof(client->address));
	return client->address;
}

static void
leave_groups(BevClient *client)
{
	for (uint32_t i = 0; i < client->memberships; i++)
		bev_directory_leave(&client->gateway->directory, &client->membership[i]);
	free(client->membership);
	client->membership = NULL;
	client->memberships = 0;
}

static void
join_groups(BevClient *client)
{
	BevDirectory *directory = &client->gateway->directory;
	const BevPrincipals *principals = &client->principals;

	client->membership = bev_alloc(sizeof(BevMembership) * (principals->count + 1));
	for (uint32_t i = 0; i < principals->count; i++)
		bev_directory_join(directory, principals->name[i],
		                   &client->membership[client->memberships++], client);
	if (principals->is_admin)
		bev_directory_join(directory, BEV_PRINCIPAL_ADMIN,
		                   &client->membership[client->memberships++], client);
}

void
bev_client_regroup(BevClient *client)
{
	const char *role = bev_identity_role(&client->identity);
	bool changes = client->role && strcmp(client->role, role) != 0;

	leave_groups(client);
	bev_principals_free(&client->principals);
	bev_identity_principals(&client->identity, client->user_id, &client->principals);
	join_groups(client);

	free(client->role);
	client->role = bev_copy_text(role, strlen(role));
	if (changes && client->admitted)
		bev_registration_tell_role(client);
}

void
bev_client_identify(BevClient *client, BevClaims *claims)
{
	free(client->user_id);
	client->user_id = claims->user_id;
	client->expires_at = claims->expires_at;
	client->ends_at = claims->ends_at;
	client->warned = false;
	claims->user_id = NULL;
	bev_identity_token(&client->identity, claims);
	bev_client_regroup(client);
}

/* ---- Frames ---- */

static void
answer_frame(BevClient *client, BevRead found, const BevText *payload)
{
	switch (found)
	{
		case BEV_READ_MESSAGE:
			client->received++;
			bev_count(client->gateway, BEV_COUNT_RECEIVED, 1);
			if (client->state == BEV_CLIENT_OPEN)
				bev_client_message_answer(client, payload->data ? payload->data : "", payload->len);
			break;
		case BEV_READ_PING:
			if (client->state == BEV_CLIENT_OPEN)
				bev_frame_add(&client->out, BEV_OP_PONG, payload->data, payload->len);
			break;
		case BEV_READ_CLOSE:
			client->peer_closed = true;
			bev_client_end(client,
			               client->reader.code == BEV_CLOSE_NO_STATUS ? BEV_CLOSE_NORMAL :
			                                                            client->reader.code,
			               "");
			break;
		default:
			break;
	}
}

static void
refuse_frame(BevClient *client)
{
	bev_abuse_note(client,
	               client->reader.code == BEV_CLOSE_TOO_BIG  ? BEV_COUNT_ABUSE_message_too_big :
	               client->reader.code == BEV_CLOSE_PROTOCOL ? BEV_COUNT_ABUSE_malformed_frame :
	                                                           BEV_COUNT_ABUSE_malformed_message);
	switch (client->reader.code)
	{
		case BEV_CLOSE_TOO_BIG:
			bev_client_refuse(client, BEV_CLOSE_TOO_BIG, "message_too_big",
			                  "the message is larger than max_message_size");
			break;
		case BEV_CLOSE_UNSUPPORTED:
			bev_client_refuse(client, BEV_CLOSE_UNSUPPORTED, "invalid_message",
			                  "binary messages are not understood");
			break;
		case BEV_CLOSE_BAD_DATA:
			bev_client_refuse(client, BEV_CLOSE_BAD_DATA, "invalid_message",
			                  "the message is not valid UTF-8");
			break;
		default:
			bev_client_end(client, client->reader.code, "invalid_message");
	}
}

static void
receive_frames(BevClient *client, const char *data, size_t len)
{
	BevText payload;
	BevRead found;

	while ((found = bev_frame_reader_next(&client->reader, &data, &len,
	                                      client->gateway->config->max_message_size, &payload)) !=
	       BEV_READ_MORE)
	{
		if (found == BEV_READ_FAILED)
			refuse_frame(client);
		else
			answer_frame(client, found, &payload);
	}
	if (client->out.len > OUT_MAX)
		bev_socket_drop(client->gateway->sockets, &client->socket);
}

void
bev_client_received(BevSocket *socket, const char *data, size_t len)
{
	BevClient *client = (BevClient *) socket;

	client->heard_at = now_of(client);
	client->ping_unanswered = false;
	switch (client->state)
	{
		case BEV_CLIENT_HANDSHAKE:
			bev_upgrade_receive(client, data, len);
			break;
		case BEV_CLIENT_WAITING:
			bev_text_add(&client->head, data, len);
			if (client->head.len > BEV_HEAD_MAX)
				bev_socket_drop(client->gateway->sockets, socket);
			break;
		case BEV_CLIENT_OPEN:
		case BEV_CLIENT_CLOSING:
			receive_frames(client, data, len);
			break;
		default:
			break;
	}
	bev_client_flush(client);
}

/* ---- Writing ---- */

/*
 * All is written that will ever be: part from the peer, if nothing that it says
 * matters any more.  It reads an end and closes in turn.  What it still sends is
 * read and thrown away meanwhile: a socket that is closed over unread bytes resets
 * the connection, and with it our last words (RFC 6455, section 7.1.1).
 */
static void
part(BevClient *client)
{
	bool heard_all =
		client->state == BEV_CLIENT_HTTP ||
		(client->state == BEV_CLIENT_CLOSING && (client->peer_closed || client->reader.failed));

	if (!heard_all || client->parted)
		return;
	client->parted = true;
	bev_socket_finish(&client->socket);
}

void
bev_client_flush(BevClient *client)
{
	BevText out = client->out;

	if (bev_socket_is_choked(&client->socket))
		return;
	if (out.len > 0)
	{
		client->out = (BevText){0};
		bev_count(client->gateway, BEV_COUNT_BYTES_SENT, out.len);
		bev_socket_write(client->gateway->sockets, &client->socket, out.data, out.len);
		bev_text_free(&out);
	}
	if (client->state == BEV_CLIENT_HTTP && !client->lingers)
	{
		client->deadline = now_of(client) + LINGER_MS;
		client->lingers = true;
	}
	if (!bev_socket_is_choked(&client->socket))
		part(client);
}

void
bev_client_writable(BevSocket *socket)
{
	BevClient *client = (BevClient *) socket;

	bev_client_flush(client);
	if (client->state == BEV_CLIENT_OPEN && client->standing == BEV_LAGGING)
		bev_fanout_go_on(client);
}

/* ---- Going ---- */

static bool
was_let_in(const BevClient *client)
{
	return client->state == BEV_CLIENT_OPEN;
}

/* Out of the stream and out of all counts. */
static void
leave(BevClient *client, int code, const char *reason)
{
	BevGateway *gateway = client->gateway;

	bev_replay_leave(gateway->replay, &client->waiter);
	bev_fanout_conflate(client, false);
	leave_groups(client);
	bev_registration_leave(client, code, reason);
	bev_question_forget(client);
	if (client->state == BEV_CLIENT_OPEN || client->state == BEV_CLIENT_WAITING)
		gateway->clients_open--;
}

void
bev_client_end(BevClient *client, int code, const char *reason)
{
	if (client->state == BEV_CLIENT_HTTP)
		return;
	if (client->state != BEV_CLIENT_CLOSING)
	{
		if (was_let_in(client))
			bev_count_close(client->gateway, code);
		leave(client, code, reason);
		client->state = BEV_CLIENT_CLOSING;
		client->deadline = now_of(client) + LINGER_MS;
		bev_frame_add_close(&client->out, code, reason);
	}
	bev_client_flush(client);
}

void
bev_client_refuse(BevClient *client, int code, const char *error, const char *message)
{
	if (client->state != BEV_CLIENT_CLOSING)
		bev_reply_error(client, NULL, error, message);
	bev_client_end(client, code, error);
}

void
bev_client_closed(BevSocket *socket)
{
	BevClient *client = (BevClient *) socket;

	if (was_let_in(client))
		bev_count_close(client->gateway, BEV_CLOSE_ABNORMAL);
	leave(client, BEV_CLOSE_ABNORMAL, "");
	unlink_client(client);
	client->state = BEV_CLIENT_CLOSING;
	client->next = client->gateway->dead;
	client->gateway->dead = client;
}

void
bev_client_free_dead(BevGateway *gateway)
{
	while (gateway->dead)
	{
		BevClient *client = gateway->dead;

		gateway->dead = client->next;
		bev_text_free(&client->head);
		bev_text_free(&client->out);
		bev_frame_reader_free(&client->reader);
		bev_principals_free(&client->principals);
		bev_identity_free(&client->identity);
		bev_subscription_free(client->subscription);
		free(client->user_id);
		free(client->role);
		free(client->since);
		free(client->since_stream);
		free(client);
	}
}

/* ---- Time ---- */

static void
tick_deadline(BevClient *client, uint64_t now)
{
	if (client->deadline == 0 || now < client->deadline)
		return;
	if (client->state == BEV_CLIENT_HANDSHAKE)
	{
		bev_http_refuse(client, 408);
		bev_client_flush(client);
	}
	else if (client->state != BEV_CLIENT_WAITING)
		bev_socket_drop(client->gateway->sockets, &client->socket);
}

static void
tick_ping(BevClient *client, uint64_t now)
{
	const BevConfig *config = client->gateway->config;

	if (config->ping_interval == 0)
		return;
	if (bev_socket_is_choked(&client->socket))
	{
		/*
		 * It can't be asked.  A slow client's kernel still answers ours, though
		 * at long intervals (up to two minutes).
		 */
		client->ping_unanswered = false;
		if (bev_socket_silence(&client->socket) > config->connection_timeout + 150000)
			bev_socket_drop(client->gateway->sockets, &client->socket);
		return;
	}
	if (client->ping_unanswered)
	{
		if (now - client->pinged_at >= config->connection_timeout)
			bev_client_refuse(client, BEV_CLOSE_POLICY, "connection_timeout",
			                  "a ping was not answered");
	}
	else if (now - client->heard_at >= config->ping_interval)
	{
		client->ping_unanswered = true;
		client->pinged_at = now;
		bev_frame_add(&client->out, BEV_OP_PING, "", 0);
		bev_client_flush(client);
	}
}

/*
 * Too far behind?  It is told and let go with its position, once it reads; there
 * is time for that, since it reads slowly.  Who came from far behind has to get
 * within the limit first.
 */
static void
tick_lag(BevClient *client, uint64_t now)
{
	const BevGateway *gateway = client->gateway;
	const BevConfig *config = gateway->config;
	uint64_t behind = client->standing == BEV_LIVE ? 0 : gateway->sent_tip - client->cursor;

	if (config->client_lag_limit == 0 || client->conflates)
		return;
	if (behind <= config->client_lag_limit)
		client->caught_up = true;
	else if (client->caught_up)
	{
		bev_reply_too_far_behind(client);
		bev_client_end(client, BEV_CLOSE_TRY_LATER, "too_far_behind");
		client->deadline = now + config->connection_timeout;
	}
}

/* It has time to authenticate anew. */
static void
tick_expiry(BevClient *client, int64_t wall)
{
	if (client->warned || wall < client->ends_at - EXPIRY_NOTICE)
		return;
	client->warned = true;
	bev_reply_expiring(client, client->ends_at - wall);
	bev_client_flush(client);
}

void
bev_client_tick(BevGateway *gateway)
{
	uint64_t now = uv_now(&gateway->loop);
	int64_t wall = bev_wall_clock();

	/* Nothing is unlinked within a turn. */
	for (BevClient *client = gateway->first; client; client = client->next)
	{
		tick_deadline(client, now);
		if (client->state == BEV_CLIENT_OPEN && wall >= client->ends_at)
			bev_client_refuse(client, BEV_CLOSE_POLICY, "token_expired", "the token has expired");
		if (client->state == BEV_CLIENT_OPEN)
			tick_lag(client, now);
		if (client->state == BEV_CLIENT_OPEN)
		{
			tick_expiry(client, wall);
			tick_ping(client, now);
		}
	}
}
