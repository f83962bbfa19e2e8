/*
 * upgrade.c - who is let in: from the request's head to ready.
 *
 * Model: the head is answered as soon as it is complete: a plain request by
 * http.c, an upgrade by accepting it.  Only then is the client judged, because a
 * browser shows its page nothing of a refused handshake; a refusal is an error
 * message and a close code.  Without a good token nothing else is ever sent.
 *
 * Memory: our copies of a token are wiped as soon as it was checked; libraries have theirs.
 */
#include "gateway/client/upgrade.h"
#include "gateway/session/registration.h"
#include "gateway/client/token_check.h"
#include "gateway/session/count.h"
#include "gateway/session/fanout.h"
#include "gateway/client/http.h"
#include "common/program/memory.h"
#include "gateway/session/reply.h"
#include "gateway/session/abuse.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

/* How long a client that is ahead is held. */
#define HOLD_MS 2000

/* ---- Being let in ---- */

static char *
copy_parameter(const BevHead *head, const char *name)
{
	char text[64];
	int len = bev_head_parameter(head, name, text, sizeof(text));

	if (len == -1)
		return NULL;
	return bev_copy_text(text, len < 0 ? 0 : (size_t) len);
}

/* The whole text as a number; false: it is not one. */
static bool
read_seq(const char *text, uint64_t *seq)
{
	char *end;

	if (text == NULL || text[0] < '0' || text[0] > '9' || strlen(text) > 20)
		return false;
	errno = 0;
	*seq = strtoull(text, &end, 10);
	return *end == '\0' && errno == 0;
}

/*
 * Does it come from another gateway, which is a moment ahead of this one?  Then
 * it is held until the stream gets there, if it does soon.
 */
static bool
is_ahead(const BevClient *client)
{
	const BevGateway *gateway = client->gateway;
	uint64_t since;

	return client->since && client->since_stream && read_seq(client->since, &since) &&
	       strcmp(client->since_stream, gateway->stream) == 0 && since > gateway->sent_tip;
}

/* Can the stream go on exactly after since? */
static bool
can_resume(const BevClient *client, uint64_t *since)
{
	const BevGateway *gateway = client->gateway;

	return client->since_stream && read_seq(client->since, since) &&
	       strcmp(client->since_stream, gateway->stream) == 0 && *since <= gateway->sent_tip &&
	       (*since >= gateway->dropped || *since >= gateway->window.floor);
}

static void
welcome(BevClient *client)
{
	BevGateway *gateway = client->gateway;
	uint64_t since = gateway->sent_tip;
	bool resumed = client->since && can_resume(client, &since);

	if (!resumed)
		since = gateway->sent_tip;
	client->state = BEV_CLIENT_OPEN;
	client->start = since;
	bev_count(gateway, BEV_COUNT_CONNECTIONS, 1);
	bev_count(gateway, BEV_COUNT_RESUMED, resumed);
	bev_count(gateway, BEV_COUNT_RESYNC_REQUIRED, client->since && !resumed);
	client->deadline = 0;
	bev_bucket_fill(&client->bucket, gateway->config->message_rate, uv_now(&gateway->loop));
	bev_reply_ready(client, since, resumed);
	if (client->since && !resumed)
		bev_reply_resync(client);
	free(client->since);
	free(client->since_stream);
	client->since = client->since_stream = NULL;
	bev_client_flush(client);
	bev_fanout_place(client, since);
}

/* ---- Who comes too often ---- */

/* Whoever may not come again before so many seconds is told. */
static void
turn_back(BevClient *client, double wait, const char *message)
{
	bev_reply_rate_limited(client, NULL, wait, message);
	bev_client_end(client, BEV_CLOSE_POLICY, "rate_limited");
}

/* Seconds until the address may make another request; 0: now. */
static double
wait_for_handshake(BevClient *client)
{
	BevGateway *gateway = client->gateway;

	return bev_addresses_handshake(gateway->addresses, bev_client_address(client),
	                               gateway->config->handshake_rate, uv_now(&gateway->loop));
}

/* So many bad tokens came from there that no more are looked at for now. */
static bool
refuse_guesser(BevClient *client)
{
	double wait = bev_token_check_wait(client);

	if (wait > 0)
		turn_back(client, wait, BEV_ATTEMPTS_REFUSED);
	return wait > 0;
}

static bool
refuse_origin(BevClient *client, const BevHead *head)
{
	if (bev_origin_allowed(head, client->gateway->config->allowed_origins))
		return false;
	bev_abuse_note(client, BEV_COUNT_ABUSE_wrong_origin);
	bev_client_refuse(client, BEV_CLOSE_POLICY, "origin_not_allowed",
	                  "pages of this origin may not connect");
	return true;
}

/* Is there a reason to turn this one away before its token is looked at? */
static bool
refuse_at_the_door(BevClient *client, const BevHead *head)
{
	const BevGateway *gateway = client->gateway;

	if (gateway->shutting_down)
		bev_client_refuse(client, BEV_CLOSE_RESTART, "shutting_down",
		                  "the server is shutting down");
	else if (gateway->clients_open >= gateway->config->max_connections)
		bev_client_refuse(client, BEV_CLOSE_TRY_LATER, "server_full",
		                  "the server takes no more connections");
	else
		return refuse_origin(client, head) || refuse_guesser(client);
	return true;
}

/* The claims of the token that the request carries; false: it was refused. */
static bool
check_token(BevClient *client, const BevHead *head, BevClaims *claims)
{
	char token[BEV_TOKEN_MAX + 1];
	const char *why;
	BevTokenResult result;

	if (!bev_head_token(head, token))
	{
		bev_abuse_note(client, BEV_COUNT_ABUSE_missing_token);
		bev_client_refuse(client, BEV_CLOSE_POLICY, "missing_token", "a token is required");
		return false;
	}
	result = bev_token_check(client, token, claims, &why);
	OPENSSL_cleanse(token, sizeof(token));
	if (result != BEV_TOKEN_GOOD)
		bev_client_refuse(client, BEV_CLOSE_POLICY,
		                  result == BEV_TOKEN_EXPIRED ? "token_expired" : "invalid_token", why);
	return result == BEV_TOKEN_GOOD;
}

static void
let_in(BevClient *client, const BevHead *head)
{
	BevGateway *gateway = client->gateway;
	BevClaims claims = {0};

	if (refuse_at_the_door(client, head) || !check_token(client, head, &claims))
		return;
	bev_client_identify(client, &claims);
	bev_claims_free(&claims);
	RAND_bytes(client->id, sizeof(client->id));
	client->since = copy_parameter(head, "since");
	client->since_stream = copy_parameter(head, "stream");
	gateway->clients_open++;
	client->state = BEV_CLIENT_WAITING;
	bev_registration_ask(client);
}

/* What it sent while it waited is read now. */
static void
welcome_early_bird(BevClient *client)
{
	BevText early = client->head;

	client->head = (BevText){0};
	welcome(client);
	bev_client_received(&client->socket, early.data, early.len);
	bev_text_free(&early);
}

/* There is a stream and the client may have it: now, or when it gets there. */
static void
welcome_or_hold(BevClient *client)
{
	BevGateway *gateway = client->gateway;

	if (is_ahead(client))
	{
		client->held_until = uv_now(&gateway->loop) + HOLD_MS;
		gateway->held++;
	}
	else
		welcome_early_bird(client);
}

void
bev_upgrade_admitted(BevClient *client)
{
	if (client->gateway->stream[0])
		welcome_or_hold(client);
}

void
bev_upgrade_look_at_held(BevGateway *gateway)
{
	uint32_t held = 0;

	if (gateway->held == 0)
		return;
	for (BevClient *client = gateway->first; client; client = client->next)
	{
		if (client->state != BEV_CLIENT_WAITING || client->held_until == 0)
			continue;
		if (is_ahead(client) && uv_now(&gateway->loop) < client->held_until)
			held++;
		else
			welcome_early_bird(client);
	}
	gateway->held = held;
}

void
bev_upgrade_welcome_waiting(BevGateway *gateway)
{
	for (BevClient *client = gateway->first; client; client = client->next)
		if (client->state == BEV_CLIENT_WAITING && client->admitted && client->held_until == 0)
			bev_registration_ask_again(client);
}

/* ---- The handshake ---- */

static void
answer_head(BevClient *client, size_t head_len)
{
	BevHead head;
	int status = bev_head_parse(client->head.data, head_len, &head);
	char peer[BEV_ADDRESS_LEN];
	double wait = 0;

	if (status == 0)
	{
		bev_socket_peer(&client->socket, peer, sizeof(peer));
		bev_address_origin(peer, head.forwarded, client->gateway->config->trusted_proxies,
		                   client->address);
		wait = wait_for_handshake(client);
	}
	if (wait > 0 && !bev_head_wants_upgrade(&head))
		status = 429;
	if (status == 0 && !bev_head_wants_upgrade(&head))
	{
		bev_http_answer(client, &head);
		return;
	}
	if (status == 0)
		status = bev_span_is(head.path, "/ws") ? bev_head_check_upgrade(&head) : 404;
	if (status != 0)
	{
		bev_http_refuse(client, status);
		return;
	}
	bev_http_accept(client, &head);
	if (wait > 0)
	{
		bev_abuse_note(client, BEV_COUNT_ABUSE_too_many_handshakes);
		turn_back(client, wait, "too many requests from your address");
	}
	else
		let_in(client, &head);
}

void
bev_upgrade_receive(BevClient *client, const char *data, size_t len)
{
	/* The end may have begun three bytes ago. */
	size_t from = client->head.len > 3 ? client->head.len - 3 : 0;
	size_t end;
	BevText head;

	bev_text_add(&client->head, data, len);
	end = bev_head_end(client->head.data + from, client->head.len - from);
	if (end > 0 ? from + end > BEV_HEAD_MAX : client->head.len >= BEV_HEAD_MAX)
		bev_http_refuse(client, 431);
	if (client->state != BEV_CLIENT_HANDSHAKE || end == 0)
		return;
	answer_head(client, from + end);

	/* What came behind the head are frames already. */
	head = client->head;
	client->head = (BevText){0};
	bev_client_received(&client->socket, head.data + from + end, head.len - from - end);
	OPENSSL_cleanse(head.data, head.len); /* a token was in it */
	bev_text_free(&head);
}
