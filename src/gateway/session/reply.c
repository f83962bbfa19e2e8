/*
 * reply.c - the messages that are for one client: ready, expiring, error, reply.
 */
#include "gateway/session/reply.h"
#include "gateway/wire/frame.h"

#include <inttypes.h>
#include <string.h>

static BevSpan
span_of(const BevText *text)
{
	return (BevSpan){text->data, (uint32_t) text->len};
}

/* event: what it is called where each has a name; stream and seq: the position with it, or NULL. */
static void
send_message(BevSession *session, const char *event, const char *stream, uint64_t seq,
             BevText *json)
{
	if (session->http)
		bev_http_stream_message(session->http, &session->out, event, stream, seq, span_of(json));
	else
		bev_frame_add(&session->out, BEV_OP_TEXT, json->data, json->len);
	bev_text_free(json);
}

static void
send_error(BevSession *session, const char *code, double retry_after, BevText *json)
{
	if (session->http)
		bev_http_stream_error(session->http, &session->out, code, retry_after, span_of(json));
	else
		bev_frame_add(&session->out, BEV_OP_TEXT, json->data, json->len);
	bev_text_free(json);
}

static void
report(BevSession *session, const char *id, const char *code, const char *message, const char *more,
       double retry_after)
{
	BevText json = {0};

	bev_count_error(session->sessions->counts, code);
	bev_text_add_string(&json, "{\"type\":\"error\"");
	if (id)
	{
		bev_text_add_string(&json, ",\"id\":");
		bev_text_add_string(&json, id);
	}
	bev_text_printf(&json, ",\"payload\":{\"code\":\"%s\",\"message\":", code);
	bev_text_add_json(&json, message, strlen(message));
	bev_text_add_string(&json, more);
	bev_text_add_string(&json, "}}");
	send_error(session, code, retry_after, &json);
}

void
bev_reply_error_with(BevSession *session, const char *id, const char *code, const char *message,
                     const char *more)
{
	report(session, id, code, message, more, 0);
}

void
bev_reply_error(BevSession *session, const char *id, const char *code, const char *message)
{
	bev_reply_error_with(session, id, code, message, "");
}

void
bev_reply_rate_limited(BevSession *session, const char *id, double wait, const char *message)
{
	char more[48];

	snprintf(more, sizeof(more), ",\"retry_after\":%.3f", wait);
	report(session, id, "rate_limited", message, more, wait);
}

/* {"type":"reply","id":7, and what is still to be added. */
static void
begin_reply(BevText *json, const char *id)
{
	bev_text_add_string(json, "{\"type\":\"reply\",\"id\":");
	bev_text_add_string(json, id ? id : "null");
}

static void
send_payload(BevSession *session, BevText *json, const char *payload)
{
	bev_text_add_string(json, ",\"payload\":");
	bev_text_add_string(json, payload);
	bev_text_add_string(json, "}");
	send_message(session, "reply", NULL, 0, json);
}

void
bev_reply_ok(BevSession *session, const char *id, const char *payload)
{
	BevText json = {0};

	begin_reply(&json, id);
	send_payload(session, &json, payload);
}

void
bev_reply_as_of(BevSession *session, const char *id, uint64_t seq, const char *payload)
{
	BevText json = {0};

	begin_reply(&json, id);
	bev_text_printf(&json, ",\"as_of\":%" PRIu64, seq);
	send_payload(session, &json, payload);
}

static void
add_id(BevText *json, const uint8_t id[16])
{
	for (int i = 0; i < 16; i++)
		bev_text_printf(json, "%02x", id[i]);
}

void
bev_reply_ready(BevSession *session, const BevConfig *config, const char *stream, uint64_t seq,
                bool resumed)
{
	BevText json = {0};
	char expires[BEV_TIME_LEN + 1];

	bev_time_format(expires, session->expires_at * 1000000);
	bev_text_add_string(&json, "{\"type\":\"connection\",\"action\":\"ready\","
	                           "\"payload\":{\"connection_id\":\"");
	add_id(&json, session->id);
	bev_text_add_string(&json, "\",\"user_id\":");
	bev_text_add_json(&json, session->user_id, strlen(session->user_id));
	bev_text_add_string(&json, ",\"role\":");
	bev_text_add_json(&json, session->role, strlen(session->role));
	bev_text_printf(&json,
	                ",\"stream\":\"%s\",\"seq\":%" PRIu64
	                ",\"resumed\":%s,\"expires_at\":\"%s\",\"ping_interval\":%g",
	                stream, seq, resumed ? "true" : "false", expires,
	                config->ping_interval / 1000.0);
	if (session->unread >= 0)
		bev_text_printf(&json, ",\"unread\":%" PRIi32, session->unread);
	bev_text_printf(&json,
	                ",\"limits\":{\"max_message_size\":%zu,"
	                "\"message_rate\":%" PRIu32 ",\"max_connections_per_user\":%" PRIu32 "}}}",
	                config->max_message_size, config->message_rate,
	                config->max_connections_per_user);
	send_message(session, "connection.ready", stream, seq, &json);
}

void
bev_reply_stream(BevSession *session, const char *stream, uint64_t seq)
{
	BevText json = {0};

	if (bev_session_form(session) == BEV_FORM_JSON)
		return; /* its answer will say it */
	bev_text_printf(&json,
	                "{\"type\":\"connection\",\"action\":\"stream\","
	                "\"payload\":{\"stream\":\"%s\",\"seq\":%" PRIu64 "}}",
	                stream, seq);
	send_message(session, "connection.stream", stream, seq, &json);
}

void
bev_reply_too_far_behind(BevSession *session, const char *stream)
{
	char more[128];

	snprintf(more, sizeof(more), ",\"seq\":%" PRIu64 ",\"stream\":\"%s\"", session->cursor, stream);
	bev_reply_error_with(session, NULL, "too_far_behind",
	                     "you read more slowly than the stream moves; "
	                     "you have everything up to seq",
	                     more);
}

void
bev_reply_expiring(BevSession *session, int64_t seconds)
{
	BevText json = {0};
	char expires[BEV_TIME_LEN + 1];

	bev_time_format(expires, session->expires_at * 1000000);
	bev_text_printf(&json,
	                "{\"type\":\"connection\",\"action\":\"expiring\","
	                "\"payload\":{\"expires_at\":\"%s\",\"seconds\":%" PRIi64 "}}",
	                expires, seconds);
	send_message(session, "connection.expiring", NULL, 0, &json);
}

void
bev_reply_resync(BevSession *session, const char *stream, uint64_t oldest, uint64_t tip)
{
	char more[160];

	snprintf(more, sizeof(more), ",\"oldest\":%" PRIu64 ",\"seq\":%" PRIu64 ",\"stream\":\"%s\"",
	         oldest, tip, stream);
	bev_reply_error_with(session, NULL, "resync_required",
	                     "what follows your position can't be given without a gap; "
	                     "read the current state, the stream goes on from seq",
	                     more);
	if (bev_session_form(session) == BEV_FORM_JSON)
		bev_session_end(session, BEV_CLOSE_NORMAL, "");
}

void
bev_reply_refuse(BevSession *session, int code, const char *error, const char *message)
{
	if (session->state != BEV_SESSION_CLOSING)
		bev_reply_error(session, NULL, error, message);
	bev_session_end(session, code, error);
}
