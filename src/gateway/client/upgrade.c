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
#define HOLD_MS		2000

/* ---- Being let in ---- */

static char *
copy_parameter(const BeHead *head, const char *name)
{
	char		text[64];
	int			len = be_head_parameter(head, name, text, sizeof(text));

	if (len == -1)
		return NULL;
	return be_copy_text(text, len < 0 ? 0 : (size_t) len);
}

/* The whole text as a number; false: it is not one. */
static bool
read_seq(const char *text, uint64_t *seq)
{
	char	   *end;

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
is_ahead(const BeClient *client)
{
	const BeGateway *gateway = client->gateway;
	uint64_t	since;

	return client->since && client->since_stream && read_seq(client->since, &since) &&
		strcmp(client->since_stream, gateway->stream) == 0 && since > gateway->sent_tip;
}

/* Can the stream go on exactly after since? */
static bool
can_resume(const BeClient *client, uint64_t *since)
{
	const BeGateway *gateway = client->gateway;

	return client->since_stream && read_seq(client->since, since) &&
		strcmp(client->since_stream, gateway->stream) == 0 &&
		*since <= gateway->sent_tip &&
		(*since >= gateway->dropped || *since >= gateway->window.floor);
}

static void
welcome(BeClient *client)
{
	BeGateway  *gateway = client->gateway;
	uint64_t	since = gateway->sent_tip;
	bool		resumed = client->since && can_resume(client, &since);

	if (!resumed)
		since = gateway->sent_tip;
	client->state = BE_CLIENT_OPEN;
	client->start = since;
	be_count(gateway, BE_COUNT_CONNECTIONS, 1);
	be_count(gateway, BE_COUNT_RESUMED, resumed);
	be_count(gateway, BE_COUNT_RESYNC_REQUIRED, client->since && !resumed);
	client->deadline = 0;
	be_bucket_fill(&client->bucket, gateway->config->message_rate, uv_now(&gateway->loop));
	be_reply_ready(client, since, resumed);
	if (client->since && !resumed)
		be_reply_resync(client);
	free(client->since);
	free(client->since_stream);
	client->since = client->since_stream = NULL;
	be_client_flush(client);
	be_fanout_place(client, since);
}

/* ---- Who comes too often ---- */

/* Whoever may not come again before so many seconds is told. */
static void
turn_back(BeClient *client, double wait, const char *message)
{
	be_reply_rate_limited(client, NULL, wait, message);
	be_client_end(client, BE_CLOSE_POLICY, "rate_limited");
}

/* Seconds until the address may make another request; 0: now. */
static double
wait_for_handshake(BeClient *client)
{
	BeGateway  *gateway = client->gateway;

	return be_addresses_handshake(gateway->addresses, be_client_address(client),
								  gateway->config->handshake_rate, uv_now(&gateway->loop));
}

/* So many bad tokens came from there that no more are looked at for now. */
static bool
refuse_guesser(BeClient *client)
{
	double		wait = be_attempt_wait(client);

	if (wait > 0)
		turn_back(client, wait, BE_ATTEMPTS_REFUSED);
	return wait > 0;
}

static bool
refuse_origin(BeClient *client, const BeHead *head)
{
	if (be_origin_allowed(head, client->gateway->config->allowed_origins))
		return false;
	be_suspect(client, BE_COUNT_SUSPICION_wrong_origin);
	be_client_refuse(client, BE_CLOSE_POLICY, "origin_not_allowed",
					 "pages of this origin may not connect");
	return true;
}

/* Is there a reason to turn this one away before its token is looked at? */
static bool
refuse_at_the_door(BeClient *client, const BeHead *head)
{
	const BeGateway *gateway = client->gateway;

	if (gateway->shutting_down)
		be_client_refuse(client, BE_CLOSE_RESTART, "shutting_down",
						 "the server is shutting down");
	else if (gateway->clients_open >= gateway->config->max_connections)
		be_client_refuse(client, BE_CLOSE_TRY_LATER, "server_full",
						 "the server takes no more connections");
	else
		return refuse_origin(client, head) || refuse_guesser(client);
	return true;
}

/* The claims of the token that the request carries; false: it was refused. */
static bool
check_token(BeClient *client, const BeHead *head, BeClaims *claims)
{
	char		token[BE_TOKEN_MAX + 1];
	const char *why;
	BeTokenResult result;

	if (!be_head_token(head, token))
	{
		be_suspect(client, BE_COUNT_SUSPICION_missing_token);
		be_client_refuse(client, BE_CLOSE_POLICY, "missing_token",
						 "a token is required");
		return false;
	}
	result = be_attempt_check(client, token, claims, &why);
	OPENSSL_cleanse(token, sizeof(token));
	if (result != BE_TOKEN_GOOD)
		be_client_refuse(client, BE_CLOSE_POLICY, result == BE_TOKEN_EXPIRED ?
						 "token_expired" : "invalid_token", why);
	return result == BE_TOKEN_GOOD;
}

static void
let_in(BeClient *client, const BeHead *head)
{
	BeGateway  *gateway = client->gateway;
	BeClaims	claims = {0};

	if (refuse_at_the_door(client, head) || !check_token(client, head, &claims))
		return;
	be_client_identify(client, &claims);
	be_claims_free(&claims);
	RAND_bytes(client->id, sizeof(client->id));
	client->since = copy_parameter(head, "since");
	client->since_stream = copy_parameter(head, "stream");
	gateway->clients_open++;
	client->state = BE_CLIENT_WAITING;
	be_admission_ask(client);
}

/* What it sent while it waited is read now. */
static void
welcome_early_bird(BeClient *client)
{
	BeText		early = client->head;

	client->head = (BeText) {0};
	welcome(client);
	be_client_received(&client->socket, early.data, early.len);
	be_text_free(&early);
}

/* There is a stream and the client may have it: now, or when it gets there. */
static void
welcome_or_hold(BeClient *client)
{
	BeGateway  *gateway = client->gateway;

	if (is_ahead(client))
	{
		client->held_until = uv_now(&gateway->loop) + HOLD_MS;
		gateway->held++;
	}
	else
		welcome_early_bird(client);
}

void
be_door_admitted(BeClient *client)
{
	if (client->gateway->stream[0])
		welcome_or_hold(client);
}

void
be_door_look_at_held(BeGateway *gateway)
{
	uint32_t	held = 0;

	if (gateway->held == 0)
		return;
	for (BeClient *client = gateway->first; client; client = client->next)
	{
		if (client->state != BE_CLIENT_WAITING || client->held_until == 0)
			continue;
		if (is_ahead(client) && uv_now(&gateway->loop) < client->held_until)
			held++;
		else
			welcome_early_bird(client);
	}
	gateway->held = held;
}

void
be_door_welcome_waiting(BeGateway *gateway)
{
	for (BeClient *client = gateway->first; client; client = client->next)
		if (client->state == BE_CLIENT_WAITING && client->admitted &&
			client->held_until == 0)
			be_admission_ask_again(client);
}

/* ---- The handshake ---- */

static void
answer_head(BeClient *client, size_t head_len)
{
	BeHead		head;
	int			status = be_head_parse(client->head.data, head_len, &head);
	char		peer[BE_ADDRESS_LEN];
	double		wait = 0;

	if (status == 0)
	{
		be_socket_peer(&client->socket, peer, sizeof(peer));
		be_address_origin(peer, head.forwarded, client->gateway->config->trusted_proxies,
						  client->address);
		wait = wait_for_handshake(client);
	}
	if (wait > 0 && !be_head_wants_upgrade(&head))
		status = 429;
	if (status == 0 && !be_head_wants_upgrade(&head))
	{
		be_http_answer(client, &head);
		return;
	}
	if (status == 0)
		status = be_span_is(head.path, "/ws") ? be_head_check_upgrade(&head) : 404;
	if (status != 0)
	{
		be_http_refuse(client, status);
		return;
	}
	be_http_accept(client, &head);
	if (wait > 0)
	{
		be_suspect(client, BE_COUNT_SUSPICION_too_many_handshakes);
		turn_back(client, wait, "too many requests from your address");
	}
	else
		let_in(client, &head);
}

void
be_door_receive(BeClient *client, const char *data, size_t len)
{
	/* The end may have begun three bytes ago. */
	size_t		from = client->head.len > 3 ? client->head.len - 3 : 0;
	size_t		end;
	BeText		head;

	be_text_add(&client->head, data, len);
	end = be_head_end(client->head.data + from, client->head.len - from);
	if (end > 0 ? from + end > BE_HEAD_MAX : client->head.len >= BE_HEAD_MAX)
		be_http_refuse(client, 431);
	if (client->state != BE_CLIENT_HANDSHAKE || end == 0)
		return;
	answer_head(client, from + end);

	/* What came behind the head are frames already. */
	head = client->head;
	client->head = (BeText) {0};
	be_client_received(&client->socket, head.data + from + end,
					   head.len - from - end);
	OPENSSL_cleanse(head.data, head.len);	/* a token was in it */
	be_text_free(&head);
}
