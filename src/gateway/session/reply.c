/*
 * reply.c - the messages that are for one client: ready, expiring, error, reply.
 */
#include "gateway/session/reply.h"
#include "gateway/session/count.h"

#include <inttypes.h>
#include <string.h>

static void
send_text(BevClient *client, BevText *json)
{
	bev_frame_add(&client->out, BEV_OP_TEXT, json->data, json->len);
	bev_text_free(json);
}

void
bev_reply_error_with(BevClient *client, const char *id, const char *code, const char *message,
                     const char *more)
{
	BevText json = {0};

	bev_count_error(client->gateway, code);
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
	send_text(client, &json);
}

void
bev_reply_error(BevClient *client, const char *id, const char *code, const char *message)
{
	bev_reply_error_with(client, id, code, message, "");
}

void
bev_reply_rate_limited(BevClient *client, const char *id, double wait, const char *message)
{
	char more[48];

	snprintf(more, sizeof(more), ",\"retry_after\":%.3f", wait);
	bev_reply_error_with(client, id, "rate_limited", message, more);
}

/* {"type":"reply","id":7, and what is still to be added. */
static void
begin_reply(BevText *json, const char *id)
{
	bev_text_add_string(json, "{\"type\":\"reply\",\"id\":");
	bev_text_add_string(json, id ? id : "null");
}

static void
send_payload(BevClient *client, BevText *json, const char *payload)
{
	bev_text_add_string(json, ",\"payload\":");
	bev_text_add_string(json, payload);
	bev_text_add_string(json, "}");
	send_text(client, json);
}

void
bev_reply_ok(BevClient *client, const char *id, const char *payload)
{
	BevText json = {0};

	begin_reply(&json, id);
	send_payload(client, &json, payload);
}

void
bev_reply_as_of(BevClient *client, const char *id, uint64_t seq, const char *payload)
{
	BevText json = {0};

	begin_reply(&json, id);
	bev_text_printf(&json, ",\"as_of\":%" PRIu64, seq);
	send_payload(client, &json, payload);
}

static void
add_id(BevText *json, const uint8_t id[16])
{
	for (int i = 0; i < 16; i++)
		bev_text_printf(json, "%02x", id[i]);
}

void
bev_reply_ready(BevClient *client, uint64_t seq, bool resumed)
{
	const BevGateway *gateway = client->gateway;
	const BevConfig *config = gateway->config;
	BevText json = {0};
	char expires[BEV_TIME_LEN + 1];

	bev_time_format(expires, client->expires_at * 1000000);
	bev_text_add_string(&json, "{\"type\":\"connection\",\"action\":\"ready\","
	                           "\"payload\":{\"connection_id\":\"");
	add_id(&json, client->id);
	bev_text_add_string(&json, "\",\"user_id\":");
	bev_text_add_json(&json, client->user_id, strlen(client->user_id));
	bev_text_add_string(&json, ",\"role\":");
	bev_text_add_json(&json, client->role, strlen(client->role));
	bev_text_printf(&json,
	                ",\"stream\":\"%s\",\"seq\":%" PRIu64
	                ",\"resumed\":%s,\"expires_at\":\"%s\",\"ping_interval\":%g",
	                gateway->stream, seq, resumed ? "true" : "false", expires,
	                config->ping_interval / 1000.0);
	if (client->unread >= 0)
		bev_text_printf(&json, ",\"unread\":%" PRIi32, client->unread);
	bev_text_printf(&json,
	                ",\"limits\":{\"max_message_size\":%zu,"
	                "\"message_rate\":%" PRIu32 ",\"max_connections_per_user\":%" PRIu32 "}}}",
	                config->max_message_size, config->message_rate,
	                config->max_connections_per_user);
	send_text(client, &json);
}

void
bev_reply_too_far_behind(BevClient *client)
{
	char more[128];

	snprintf(more, sizeof(more), ",\"seq\":%" PRIu64 ",\"stream\":\"%s\"", client->cursor,
	         client->gateway->stream);
	bev_reply_error_with(client, NULL, "too_far_behind",
	                     "you read more slowly than the stream moves; "
	                     "you have everything up to seq",
	                     more);
}

void
bev_reply_expiring(BevClient *client, int64_t seconds)
{
	BevText json = {0};
	char expires[BEV_TIME_LEN + 1];

	bev_time_format(expires, client->expires_at * 1000000);
	bev_text_printf(&json,
	                "{\"type\":\"connection\",\"action\":\"expiring\","
	                "\"payload\":{\"expires_at\":\"%s\",\"seconds\":%" PRIi64 "}}",
	                expires, seconds);
	send_text(client, &json);
}

void
bev_reply_resync(BevClient *client)
{
	const BevGateway *gateway = client->gateway;
	char more[96];

	snprintf(more, sizeof(more), ",\"oldest\":%" PRIu64 ",\"seq\":%" PRIu64, gateway->dropped,
	         gateway->window.tip);
	bev_reply_error_with(client, NULL, "resync_required",
	                     "what follows your position can't be given without a gap; "
	                     "read the current state, the stream goes on from seq",
	                     more);
}
