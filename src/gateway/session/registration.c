/*
 * registration.c - asks the dispatcher whether a client may stay.
 *
 * Model: the dispatcher answers in the order in which it was asked, so what waits
 * is a queue.  A client that goes while it waits leaves its place empty; should
 * the answer be that it is admitted, CLOSED takes that back.
 *
 * Not here: what the answer is based on.
 */
#include "gateway/session/registration.h"
#include "gateway/session/access_update.h"
#include "gateway/client/upgrade.h"
#include "common/program/hash.h"
#include "common/program/memory.h"
#include "gateway/session/abuse.h"
#include "common/pipe/body.h"
#include "common/text/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reports that fit in one message. */
#define REPORTS_MAX (BEV_MESSAGE_MAX_UP / sizeof(BevClientsMessage))

struct BevAsked
{
	BevAsked *next;
	BevClient *client; /* NULL: gone meanwhile */
	uint64_t number;
};

static void
write_id(const BevClient *client, char *text)
{
	for (size_t i = 0; i < sizeof(client->id); i++)
		sprintf(text + 2 * i, "%02x", client->id[i]);
}

/* Copy text, cut at a character if it is too long. */
static void
copy_clipped(char *to, size_t size, const char *text)
{
	size_t len = bev_utf8_clip(text, strlen(text), size - 1);

	memcpy(to, text, len);
	to[len] = '\0';
}

static void
send_open(BevClient *client)
{
	BevOpenMessage open = {
		.client = client->number,
		.expires_at = client->expires_at * 1000000,
	};

	write_id(client, open.id);
	copy_clipped(open.user, sizeof(open.user), client->user_id);
	copy_clipped(open.role, sizeof(open.role), client->role);
	copy_clipped(open.address, sizeof(open.address), bev_client_address(client));
	bev_link_send(&client->gateway->link, BEV_MSG_OPEN, &open, sizeof(open), NULL, 0);
}

static void
send_closed(BevGateway *gateway, uint64_t number, int code, const char *reason)
{
	BevClosedMessage closed = {.client = number, .code = code};

	copy_clipped(closed.reason, sizeof(closed.reason), reason);
	bev_link_send(&gateway->link, BEV_MSG_CLOSED, &closed, sizeof(closed), NULL, 0);
}

/* What there is to report of a client; false: nothing new. */
static bool
fill_report(BevClient *client, BevClientsMessage *report)
{
	if (!client->admitted || client->state != BEV_CLIENT_OPEN)
		return false;
	*report = (BevClientsMessage){
		.client = client->number,
		.start = client->start,
		.cursor = client->standing == BEV_LIVE ? client->gateway->sent_tip : client->cursor,
		.sent = client->sent,
		.received = client->received,
		.expires_at = client->expires_at * 1000000,
		.lags = client->standing != BEV_LIVE,
	};
	if (report->cursor == client->reported_cursor &&
	    report->received == client->reported_received && report->lags == client->reported_lags)
		return false;
	client->reported_cursor = report->cursor;
	client->reported_received = report->received;
	client->reported_lags = report->lags;
	return true;
}

/* What the client wants, unless that is known. */
static void
report_interest(BevClient *client)
{
	BevSubscriptionMessage who = {.client = client->number};
	char bytes[BEV_PACKED_SUBSCRIPTION_MAX];
	uint32_t len = 0;
	uint32_t hash;

	client->subscription_changed = false;
	if (client->muted)
		(void) bev_packed_subscription_add(bytes, &len, BEV_PACKED_SUBSCRIPTION_NOTHING, "");
	if (client->conflates)
		(void) bev_packed_subscription_add(bytes, &len, BEV_PACKED_SUBSCRIPTION_CONFLATED, "");
	bev_subscription_write(client->subscription, bytes, &len);

	hash = bev_hash((BevSpan){bytes, len});
	if (hash == client->told_subscription)
		return;
	client->told_subscription = hash;
	bev_link_send(&client->gateway->link, BEV_MSG_SUBSCRIPTION, &who, sizeof(who), bytes, len);
}

/* What is not told yet of one that is about to go. */
static void
report_last(BevClient *client)
{
	BevClientsMessage report;

	if (client->subscription_changed)
		report_interest(client);
	if (fill_report(client, &report))
		bev_link_send(&client->gateway->link, BEV_MSG_CLIENTS, &report, sizeof(report), NULL, 0);
}

void
bev_registration_ask(BevClient *client)
{
	BevGateway *gateway = client->gateway;
	BevAsked *asked = bev_alloc(sizeof(*asked));

	client->number = ++gateway->last_number;
	client->asked = asked;
	*asked = (BevAsked){.client = client, .number = client->number};
	if (gateway->asked_last)
		gateway->asked_last->next = asked;
	else
		gateway->asked_first = asked;
	gateway->asked_last = asked;
	send_open(client);
}

void
bev_registration_ask_again(BevClient *client)
{
	send_closed(client->gateway, client->number, 0, "");
	client->admitted = false;
	bev_identity_forget_tables(&client->identity);
	bev_client_regroup(client);
	bev_registration_ask(client);
}

static BevAsked *
pop_asked(BevGateway *gateway)
{
	BevAsked *asked = gateway->asked_first;

	if (asked == NULL)
		return NULL;
	gateway->asked_first = asked->next;
	if (gateway->asked_first == NULL)
		gateway->asked_last = NULL;
	if (asked->client)
		asked->client->asked = NULL;
	return asked;
}

/* False: what is said of the client is malformed. */
static bool
let_in(BevClient *client, const BevAdmitMessage *admit, BevSpan access)
{
	client->admitted = true;
	client->unread = admit->unread;
	if (!bev_access_update_admit(client, admit->as_of, access))
		return false;
	if (client->state == BEV_CLIENT_WAITING)
		bev_upgrade_admitted(client);
	return true;
}

static void
refuse(BevClient *client, uint32_t verdict)
{
	switch (verdict)
	{
		case BEV_TOO_MANY_CONNECTIONS:
			bev_abuse_note(client, BEV_COUNT_ABUSE_too_many_connections);
			bev_client_refuse(client, BEV_CLOSE_POLICY, "too_many_connections",
			                  "this user has too many connections");
			break;
		case BEV_NOT_LOOKED_UP:
			bev_client_refuse(client, BEV_CLOSE_INTERNAL, "internal_error",
			                  "who you are could not be looked up");
			break;
		default:
			bev_client_refuse(client, BEV_CLOSE_TRY_LATER, "server_full",
			                  "the server takes no more connections");
	}
}

bool
bev_registration_answer(BevGateway *gateway, const BevMessage *message)
{
	BevAdmitMessage admit;
	BevSpan access;
	BevAsked *asked = pop_asked(gateway);
	bool fits = asked && bev_body_admit(message, &admit, &access) && admit.client == asked->number;

	if (fits && asked->client && admit.verdict == BEV_ADMITTED)
		fits = let_in(asked->client, &admit, access);
	else if (fits && asked->client)
		refuse(asked->client, admit.verdict);
	else if (fits && admit.verdict == BEV_ADMITTED)
		send_closed(gateway, admit.client, BEV_CLOSE_ABNORMAL, "");
	free(asked);
	return fits;
}

void
bev_registration_tell_role(BevClient *client)
{
	BevRoleMessage role = {.client = client->number};

	copy_clipped(role.role, sizeof(role.role), client->role);
	bev_link_send(&client->gateway->link, BEV_MSG_ROLE, &role, sizeof(role), NULL, 0);
}

void
bev_registration_leave(BevClient *client, int code, const char *reason)
{
	if (client->asked)
		client->asked->client = NULL;
	client->asked = NULL;
	if (client->admitted)
	{
		report_last(client);
		send_closed(client->gateway, client->number, code, reason);
	}
	client->admitted = false;
}

bool
bev_registration_disconnect(BevGateway *gateway, const BevMessage *message)
{
	BevDisconnectMessage disconnect;

	if (!bev_body_disconnect(message, &disconnect))
		return false;

	/* A walk, since it is an operator who asks.  None: it went by itself. */
	for (BevClient *client = gateway->first; client; client = client->next)
		if (client->admitted && client->number == disconnect.client)
		{
			bev_client_end(client, BEV_CLOSE_POLICY, disconnect.reason);
			break;
		}
	return true;
}

void
bev_registration_report(BevGateway *gateway)
{
	static BevClientsMessage reports[REPORTS_MAX];
	size_t count = 0;

	for (BevClient *client = gateway->first; client; client = client->next)
	{
		if (client->subscription_changed && client->admitted)
			report_interest(client);
		if (!fill_report(client, &reports[count]))
			continue;
		if (++count == REPORTS_MAX)
		{
			bev_link_send(&gateway->link, BEV_MSG_CLIENTS, reports, count * sizeof(reports[0]),
			              NULL, 0);
			count = 0;
		}
	}
	if (count > 0)
		bev_link_send(&gateway->link, BEV_MSG_CLIENTS, reports, count * sizeof(reports[0]), NULL,
		              0);
}

void
bev_registration_free(BevGateway *gateway)
{
	BevAsked *asked;

	while ((asked = pop_asked(gateway)) != NULL)
		free(asked);
}
