/*
 * reply.c - the messages that are for one client: ready, expiring, error, reply.
 */
#include "gateway/session/reply.h"
#include "gateway/session/count.h"

#include <inttypes.h>
#include <string.h>

static void
send_text(BeClient *client, BeText *json)
{
	be_frame_add(&client->out, BE_OP_TEXT, json->data, json->len);
	be_text_free(json);
}

void
be_reply_error_with(BeClient *client, const char *id, const char *code,
					const char *message, const char *more)
{
	BeText		json = {0};

	be_count_error(client->gateway, code);
	be_text_add_string(&json, "{\"type\":\"error\"");
	if (id)
	{
		be_text_add_string(&json, ",\"id\":");
		be_text_add_string(&json, id);
	}
	be_text_printf(&json, ",\"payload\":{\"code\":\"%s\",\"message\":", code);
	be_text_add_json(&json, message, strlen(message));
	be_text_add_string(&json, more);
	be_text_add_string(&json, "}}");
	send_text(client, &json);
}

void
be_reply_error(BeClient *client, const char *id, const char *code,
			   const char *message)
{
	be_reply_error_with(client, id, code, message, "");
}

void
be_reply_rate_limited(BeClient *client, const char *id, double wait, const char *message)
{
	char		more[48];

	snprintf(more, sizeof(more), ",\"retry_after\":%.3f", wait);
	be_reply_error_with(client, id, "rate_limited", message, more);
}

/* {"type":"reply","id":7, and what is still to be added. */
static void
begin_reply(BeText *json, const char *id)
{
	be_text_add_string(json, "{\"type\":\"reply\",\"id\":");
	be_text_add_string(json, id ? id : "null");
}

static void
send_payload(BeClient *client, BeText *json, const char *payload)
{
	be_text_add_string(json, ",\"payload\":");
	be_text_add_string(json, payload);
	be_text_add_string(json, "}");
	send_text(client, json);
}

void
be_reply_ok(BeClient *client, const char *id, const char *payload)
{
	BeText		json = {0};

	begin_reply(&json, id);
	send_payload(client, &json, payload);
}

void
be_reply_as_of(BeClient *client, const char *id, uint64_t seq, const char *payload)
{
	BeText		json = {0};

	begin_reply(&json, id);
	be_text_printf(&json, ",\"as_of\":%" PRIu64, seq);
	send_payload(client, &json, payload);
}

static void
add_id(BeText *json, const uint8_t id[16])
{
	for (int i = 0; i < 16; i++)
		be_text_printf(json, "%02x", id[i]);
}

void
be_reply_ready(BeClient *client, uint64_t seq, bool resumed)
{
	const BeGateway *gateway = client->gateway;
	const BeConfig *config = gateway->config;
	BeText		json = {0};
	char		expires[BE_TIME_LEN + 1];

	be_time_format(expires, client->expires_at * 1000000);
	be_text_add_string(&json, "{\"type\":\"connection\",\"action\":\"ready\","
					   "\"payload\":{\"connection_id\":\"");
	add_id(&json, client->id);
	be_text_add_string(&json, "\",\"user_id\":");
	be_text_add_json(&json, client->user_id, strlen(client->user_id));
	be_text_add_string(&json, ",\"role\":");
	be_text_add_json(&json, client->role, strlen(client->role));
	be_text_printf(&json, ",\"stream\":\"%s\",\"seq\":%" PRIu64
				   ",\"resumed\":%s,\"expires_at\":\"%s\",\"ping_interval\":%g",
				   gateway->stream, seq, resumed ? "true" : "false", expires,
				   config->ping_interval / 1000.0);
	if (client->unread >= 0)
		be_text_printf(&json, ",\"unread\":%" PRIi32, client->unread);
	be_text_printf(&json, ",\"limits\":{\"max_message_size\":%zu,"
				   "\"message_rate\":%" PRIu32 ",\"max_connections_per_user\":%"
				   PRIu32 "}}}", config->max_message_size, config->message_rate,
				   config->max_connections_per_user);
	send_text(client, &json);
}

void
be_reply_too_far_behind(BeClient *client)
{
	char		more[128];

	snprintf(more, sizeof(more), ",\"seq\":%" PRIu64 ",\"stream\":\"%s\"",
			 client->cursor, client->gateway->stream);
	be_reply_error_with(client, NULL, "too_far_behind",
						"you read more slowly than the stream moves; "
						"you have everything up to seq", more);
}

void
be_reply_expiring(BeClient *client, int64_t seconds)
{
	BeText		json = {0};
	char		expires[BE_TIME_LEN + 1];

	be_time_format(expires, client->expires_at * 1000000);
	be_text_printf(&json, "{\"type\":\"connection\",\"action\":\"expiring\","
				   "\"payload\":{\"expires_at\":\"%s\",\"seconds\":%" PRIi64 "}}",
				   expires, seconds);
	send_text(client, &json);
}

void
be_reply_resync(BeClient *client)
{
	const BeGateway *gateway = client->gateway;
	char		more[96];

	snprintf(more, sizeof(more), ",\"oldest\":%" PRIu64 ",\"seq\":%" PRIu64,
			 gateway->dropped, gateway->window.tip);
	be_reply_error_with(client, NULL, "resync_required",
						"what follows your position can't be given without a gap; "
						"read the current state, the stream goes on from seq", more);
}
