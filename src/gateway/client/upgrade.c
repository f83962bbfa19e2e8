/*
 * upgrade.c - who is let in: from the request's head to ready.
 *
 * Model: the head is answered as soon as it is complete: a plain request by
 * http.c, an upgrade by accepting it.  Only then is the client judged, because a
 * browser shows its page nothing of a refused handshake; a refusal is an error
 * message and a close code.  Without a good token nothing else is sent
 * (test/gateway/tokens.py).
 *
 * Memory: our copies of a token are wiped as soon as it was checked; libraries have theirs.
 */
#include "gateway/client/upgrade.h"
#include "common/program/memory.h"
#include "gateway/client/event_request.h"
#include "gateway/session/reply.h"
#include "gateway/wire/frame.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long a client that is ahead is held. */
#define HOLD_MS 2000

/* ---- Being welcomed ---- */

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
 * Does it come from another gateway, or server, which is a moment ahead of this one?  Then
 * it is held until the stream gets there, if it does soon.
 */
static bool
is_ahead(const BevFanout *fanout, const BevClient *client)
{
	uint64_t since;

	return client->since && client->since_stream && read_seq(client->since, &since) &&
	       bev_stream_may_come_to(&fanout->stream, client->since_stream, since,
	                              fanout->sessions->sent_tip);
}

/* Can the stream go on exactly after since? */
static bool
can_resume(const BevFanout *fanout, const BevClient *client, uint64_t *since)
{
	const BevStream *stream = &fanout->stream;

	return client->since_stream && read_seq(client->since, since) &&
	       bev_stream_knows(stream, client->since_stream, *since, fanout->sessions->sent_tip) &&
	       (*since >= stream->dropped || *since >= stream->window.floor);
}

/* From here on it has the stream, beginning behind a seq. */
static void
open_session(const BevUpgrade *upgrade, BevSession *session, uint64_t seq)
{
	session->state = BEV_SESSION_OPEN;
	session->start = seq;
	session->deadline = 0;
	bev_bucket_fill(&bev_client_of(session)->bucket, upgrade->config->message_rate,
	                bev_session_now(session));
	bev_bucket_fill(&bev_client_of(session)->trifles, UINT32_MAX, bev_session_now(session));
}

static void
forget_since(BevClient *client)
{
	free(client->since);
	free(client->since_stream);
	client->since = client->since_stream = NULL;
}

/* What the query asked for; a WebSocket says it later. */
static void
use_query(const BevUpgrade *upgrade, BevClient *client)
{
	BevSession *session = &client->session;

	if (session->http == NULL)
		return;
	bev_fanout_subscribe(upgrade->fanout, session, client->wanted);
	bev_fanout_conflate(upgrade->fanout, session, client->conflates);
	session->subscription_changed = session->subscription || session->conflates;
	session->http->wait_until = bev_session_now(session) + session->http->wait;
	client->wanted = NULL;
	client->pinged_at = bev_session_now(session);
}

/* Something is wrong with the query of one that may know. */
static void
refuse_query(BevClient *client)
{
	char more[64];

	snprintf(more, sizeof(more), ",\"field\":\"%s\"", client->fault_field);
	bev_reply_error_with(&client->session, NULL, "invalid_field", client->fault, more);
	bev_session_end(&client->session, BEV_CLOSE_POLICY, "invalid_field");
}

static void
welcome(const BevUpgrade *upgrade, BevClient *client)
{
	BevSession *session = &client->session;
	BevFanout *fanout = upgrade->fanout;
	BevCounts *counts = fanout->counts;
	uint64_t since = fanout->sessions->sent_tip;
	bool resumed = client->since && can_resume(fanout, client, &since);

	if (!resumed)
		since = fanout->sessions->sent_tip;
	open_session(upgrade, session, since);
	use_query(upgrade, client);
	bev_count(counts, BEV_COUNT_CONNECTIONS, 1);
	bev_count(counts, BEV_COUNT_RESUMED, resumed);
	bev_count(counts, BEV_COUNT_RESYNC_REQUIRED, client->since && !resumed);
	bev_reply_ready(session, upgrade->config, fanout->stream.id, since, resumed);
	if (client->since && !resumed)
		bev_reply_resync(session, fanout->stream.id, fanout->stream.dropped,
		                 fanout->stream.window.tip);
	forget_since(client);
	bev_session_flush(session);
	bev_fanout_place(fanout, session, since);
}

/* ---- Who comes too often ---- */

/* Tell in how many seconds it may come again. */
static void
refuse_for_now(BevSession *session, double wait, const char *message)
{
	bev_reply_rate_limited(session, NULL, wait, message);
	bev_session_end(session, BEV_CLOSE_POLICY, "rate_limited");
}

/* Seconds until the address may make another request; 0: now. */
static double
wait_for_handshake(const BevUpgrade *upgrade, BevSession *session)
{
	return bev_addresses_take(upgrade->tokens->addresses, bev_session_rated_address(session),
	                          BEV_SPENT_HANDSHAKE, upgrade->config->handshake_rate,
	                          bev_session_now(session));
}

/* So many bad tokens came from there that no more are looked at for now. */
static bool
refuse_address(const BevUpgrade *upgrade, BevSession *session)
{
	double wait = bev_token_check_wait(upgrade->tokens, session);

	if (wait > 0)
		refuse_for_now(session, wait, BEV_ATTEMPTS_REFUSED);
	return wait > 0;
}

static bool
refuse_origin(const BevUpgrade *upgrade, BevSession *session, const BevHead *head)
{
	if (bev_origin_allowed(head, upgrade->config->allowed_origins))
		return false;
	bev_session_abuse(session, BEV_COUNT_ABUSE_wrong_origin);
	bev_reply_refuse(session, BEV_CLOSE_POLICY, "origin_not_allowed",
	                 "pages of this origin may not connect");
	return true;
}

/* Is there a reason to refuse this one before its token is looked at? */
static bool
refuse_before_token(const BevUpgrade *upgrade, BevSession *session, const BevHead *head)
{
	const BevSessions *sessions = session->sessions;

	if (sessions->shutting_down)
		bev_reply_refuse(session, BEV_CLOSE_RESTART, "shutting_down",
		                 "the server is shutting down");
	else if (sessions->let_in >= upgrade->config->max_connections)
		bev_reply_refuse(session, BEV_CLOSE_TRY_LATER, "server_full",
		                 "the server takes no more connections");
	else
		return refuse_origin(upgrade, session, head) || refuse_address(upgrade, session);
	return true;
}

/* Ask to be let in; it is told once its token was checked. */
static void
wait_for_admission(const BevUpgrade *upgrade, BevClient *client, const BevHead *head,
                   const char *token)
{
	BevSession *session = &client->session;

	RAND_bytes(session->id, sizeof(session->id));
	if (session->http == NULL)
		bev_event_request_read_position(client, head);
	session->sessions->let_in++;
	session->state = BEV_SESSION_WAITING;
	bev_registration_ask(upgrade->registrations, session, token);
}

static void
authenticate(const BevUpgrade *upgrade, BevClient *client, const BevHead *head)
{
	char token[BEV_TOKEN_MAX + 1];
	BevSession *session = &client->session;

	if (refuse_before_token(upgrade, session, head))
		return;
	if (bev_head_token(head, token))
		wait_for_admission(upgrade, client, head, token);
	else
	{
		bev_session_abuse(session, BEV_COUNT_ABUSE_missing_token);
		bev_reply_refuse(session, BEV_CLOSE_POLICY, "missing_token", "a token is required");
	}
	OPENSSL_cleanse(token, sizeof(token));
}

/* ---- Where a moment is ---- */

/* The position is known: it goes on when it is looked at next, as one that is held. */
static bool
on_since(BevQuestions *questions __attribute__((unused)), BevSession *session,
         const char *id __attribute__((unused)), const BevAnswerMessage *answer, BevSpan rest,
         void **state)
{
	static const char before[] = "{\"seq\":";
	BevClient *client = bev_client_of(session);
	const char *stream = *state;

	if (answer->kind == BEV_ANSWER_ERROR)
	{
		bev_question_report(session, NULL, answer, rest);
		bev_session_end(session, BEV_CLOSE_INTERNAL, answer->code);
		return true;
	}
	if (answer->kind != BEV_ANSWER_OBJECT || rest.len <= sizeof(before) ||
	    memcmp(rest.data, before, sizeof(before) - 1) != 0)
		return false;
	client->asks_time = false;
	client->since = bev_copy_text(rest.data + sizeof(before) - 1, rest.len - sizeof(before));
	client->since_stream = bev_copy_text(stream, strlen(stream));
	return true;
}

/* By what the database knows, which has the whole journal. */
static void
ask_time(const BevUpgrade *upgrade, BevClient *client)
{
	const char *stream = upgrade->fanout->stream.id;
	char payload[64];

	client->held_until = UINT64_MAX;
	snprintf(payload, sizeof(payload), "{\"at\":%" PRIi64 "}", client->since_time);
	bev_question_ask_for(upgrade->questions, &client->session, NULL, BEV_VERB_SINCE, payload,
	                     on_since, bev_copy_text(stream, strlen(stream)), free);
}

/* ---- Being admitted ---- */

static void
refuse_token(const BevUpgrade *upgrade, BevSession *session, const BevAdmission *admission)
{
	bool expired = admission->verdict == BEV_EXPIRED_TOKEN;
	char *why = bev_copy_text(admission->why.data, admission->why.len);

	bev_token_check_failed(upgrade->tokens, session, expired);
	bev_reply_refuse(session, BEV_CLOSE_POLICY, expired ? "token_expired" : "invalid_token", why);
	free(why);
}

/* Another server may have what this one has not yet. */
static void
refuse_behind(BevSession *session, const char *message)
{
	bev_reply_refuse(session, BEV_CLOSE_TRY_LATER, "behind", message);
}

/* It is somebody now; false: malformed. */
static bool
identify(const BevUpgrade *upgrade, BevSession *session, const BevAdmission *admission)
{
	bev_session_identify(session, &admission->grant, admission->projects);
	return bev_access_update_admit(upgrade->updates, session, admission->as_of,
	                               admission->statements);
}

bool
bev_upgrade_admit(const BevUpgrade *upgrade, const BevMessage *message, BevClient **client)
{
	BevAdmission admission;
	BevSession *session;

	*client = NULL;
	if (!bev_registration_answer(upgrade->registrations, message, &admission))
		return false;
	session = admission.session;
	if (session == NULL)
		return true;
	if (admission.verdict != BEV_ADMITTED)
	{
		refuse_token(upgrade, session, &admission);
		return true;
	}
	if (!identify(upgrade, session, &admission))
		return false;
	if (session->state != BEV_SESSION_WAITING || upgrade->fanout->stream.id[0] == '\0')
		return true; /* refused, or there is no stream yet */
	*client = bev_client_of(session);
	if ((*client)->fault)
		refuse_query(*client);
	else if (upgrade->http->behind)
		refuse_behind(session, "this standby is too far behind its primary");
	else if ((*client)->asks_time)
		ask_time(upgrade, *client);
	else if (is_ahead(upgrade->fanout, *client))
		(*client)->held_until = bev_session_now(session) + HOLD_MS;
	else
		welcome(upgrade, *client);
	return true;
}

bool
bev_upgrade_is_held(const BevClient *client)
{
	return client->session.state == BEV_SESSION_WAITING && client->held_until > 0;
}

bool
bev_upgrade_release(const BevUpgrade *upgrade, BevClient *client)
{
	bool ahead = !client->asks_time && is_ahead(upgrade->fanout, client);

	if (client->asks_time || (ahead && bev_session_now(&client->session) < client->held_until))
		return false;
	if (ahead && upgrade->fanout->stream.follows)
		refuse_behind(&client->session, "this standby isn't at your position yet");
	else
		welcome(upgrade, client);
	return true;
}

/* ---- The handshake ---- */

/* Take the address, and give the seconds until it may make this request; 0: now. */
static double
take_address(const BevUpgrade *upgrade, BevSession *session, const BevHead *head)
{
	char peer[BEV_ADDRESS_LEN];

	bev_socket_peer(&session->socket, peer, sizeof(peer));
	session->origin_hidden = !bev_address_origin(
		peer, &head->forwarded, upgrade->config->trusted_proxies, session->address);
	return wait_for_handshake(upgrade, session);
}

/* An upgrade, or a GET for events: both are let in by the same rules. */
static void
accept_stream(const BevUpgrade *upgrade, BevClient *client, const BevHead *head, double wait)
{
	BevSession *session = &client->session;

	if (bev_head_wants_upgrade(head))
		bev_http_accept(session, head);
	else
		bev_event_request_read(client, head, upgrade->config->allowed_origins);
	if (wait > 0)
	{
		bev_session_abuse(session, BEV_COUNT_ABUSE_too_many_handshakes);
		refuse_for_now(session, wait, "too many requests from your address");
	}
	else
		authenticate(upgrade, client, head);
}

void
bev_upgrade_answer(const BevUpgrade *upgrade, BevClient *client, const char *data, size_t len)
{
	BevSession *session = &client->session;
	BevHead head;
	int status = bev_head_parse(data, len, &head);
	double wait = status == 0 ? take_address(upgrade, session, &head) : 0;

	bool upgrades = status == 0 && bev_head_wants_upgrade(&head);
	bool reads = status == 0 && !upgrades && bev_event_request_is_one(&head);

	if (wait > 0 && !upgrades && !reads)
		status = 429;
	if (upgrades)
		status = bev_span_is(head.path, "/ws") ? bev_head_check_upgrade(&head) : 404;
	if (reads && head.has_body)
		status = 400;
	if (status != 0)
		bev_http_refuse(session, status);
	else if (upgrades || reads)
		accept_stream(upgrade, client, &head, wait);
	else
		bev_http_answer(upgrade->http, session, &head);
}

bool
bev_upgrade_receive(BevClient *client, const char *data, size_t len)
{
	size_t had = client->head.len;
	size_t from = had > 3 ? had - 3 : 0; /* the end may have begun three bytes ago */
	size_t end;

	bev_text_add(&client->head, data, len);
	end = bev_head_end(client->head.data + from, client->head.len - from);
	if (end > 0 ? from + end > BEV_HEAD_MAX : client->head.len >= BEV_HEAD_MAX)
		bev_http_refuse(&client->session, 431);
	else if (end > 0)
		client->head_len = from + end;
	return client->head_len > 0;
}
