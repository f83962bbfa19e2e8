/*
 * connections.c - bugevents.connections and bugevents.disconnect().
 */
#include "postgres.h"

#include "server/shared/clients.h"
#include "server/base/settings.h"
#include "server/base/compat.h"
#include "funcapi.h"
#include "server/queue/queue.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"
#include "utils/timestamp.h"

enum
{
	CONNECTION_ID,
	CONNECTION_GATEWAY,
	CONNECTION_USER_ID,
	CONNECTION_ROLE,
	CONNECTION_ADDRESS,
	CONNECTION_CONNECTED_AT,
	CONNECTION_EXPIRES_AT,
	CONNECTION_CURSOR,
	CONNECTION_LAG,
	CONNECTION_SENT,
	CONNECTION_RECEIVED,
	CONNECTION_SUBSCRIPTION,
	CONNECTION_PROTOCOL,
	CONNECTION_COLUMNS
};

static const char *const protocols[BEV_PROTOCOLS] = {"", "websocket", "sse", "json"};

BEV_FUNCTION_INFO_V1(bugevents_connections);
BEV_FUNCTION_INFO_V1(bugevents_disconnect);

static Datum
text_datum(const char *utf8)
{
	return CStringGetTextDatum(bev_clients_text(utf8));
}

static void
put_client(ReturnSetInfo *result, const BevConnection *client, uint64 tip)
{
	Datum values[CONNECTION_COLUMNS];
	bool nulls[CONNECTION_COLUMNS] = {0};

	values[CONNECTION_ID] = text_datum(client->id);
	values[CONNECTION_GATEWAY] = Int32GetDatum(client->gateway);
	values[CONNECTION_USER_ID] = text_datum(client->user);
	values[CONNECTION_ROLE] = text_datum(client->role);
	values[CONNECTION_ADDRESS] = text_datum(client->address);
	values[CONNECTION_CONNECTED_AT] = TimestampTzGetDatum(client->connected_at);
	values[CONNECTION_EXPIRES_AT] = TimestampTzGetDatum(client->expires_at);
	values[CONNECTION_CURSOR] = Int64GetDatum(client->cursor);
	values[CONNECTION_LAG] = Int64GetDatum(tip > client->cursor ? tip - client->cursor : 0);
	values[CONNECTION_SENT] = Int64GetDatum(client->sent);
	values[CONNECTION_RECEIVED] = Int64GetDatum(client->received);
	values[CONNECTION_SUBSCRIPTION] = JsonbPGetDatum(bev_clients_subscription(client));
	nulls[CONNECTION_PROTOCOL] = client->protocol == BEV_PROTOCOL_UNTOLD;
	values[CONNECTION_PROTOCOL] = CStringGetTextDatum(protocols[client->protocol]);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
bugevents_connections(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	BevConnection client;

	bev_settings_require_served();
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < bev_clients_capacity(); i++)
		if (bev_clients_get(i, &client))
			put_client(result, &client, bev_queue_settled());
	return (Datum) 0;
}

Datum
bugevents_disconnect(PG_FUNCTION_ARGS)
{
	char *id = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char *reason = text_to_cstring(PG_GETARG_TEXT_PP(1));
	bool found;

	bev_settings_require_served();
	for (char *p = reason; *p; p++)
		if ((unsigned char) *p < ' ' || (unsigned char) *p > '~')
			ereport(ERROR,
			        (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("reason must be plain ASCII"),
			         errdetail("It is sent in a WebSocket close frame.")));
	if (strlen(reason) >= BEV_CLIENT_REASON_LEN)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		                errmsg("reason is longer than %d characters", BEV_CLIENT_REASON_LEN - 1)));
	found = bev_clients_ask_disconnect(id, reason);
	if (found)
		bev_queue_wake();
	PG_RETURN_BOOL(found);
}
