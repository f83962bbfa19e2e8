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
#include "common/text/hash.h"
#include "common/program/memory.h"
#include "gateway/session/abuse.h"
#include "common/pipe/body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reports that fit in one message. */
#define REPORTS_MAX		(BE_MESSAGE_MAX_UP / sizeof(BeClientsMessage))

struct BeAsked
{
	BeAsked    *next;
	BeClient   *client;			/* NULL: gone meanwhile */
	uint64_t	number;
};

static void
write_id(const BeClient *client, char *text)
{
	for (size_t i = 0; i < sizeof(client->id); i++)
		sprintf(text + 2 * i, "%02x", client->id[i]);
}

/* Copy text, cut at a character if it is too long. */
static void
copy_clipped(char *to, size_t size, const char *text)
{
	size_t		len = strlen(text);

	if (len >= size)
		for (len = size - 1; len > 0 && ((unsigned char) text[len] & 0xc0) == 0x80;)
			len--;
	memcpy(to, text, len);
	to[len] = '\0';
}

static void
send_open(BeClient *client)
{
	BeOpenMessage open = {
		.client = client->number,
		.expires_at = client->expires_at * 1000000,
	};

	write_id(client, open.id);
	copy_clipped(open.user, sizeof(open.user), client->user_id);
	copy_clipped(open.role, sizeof(open.role), client->role);
	copy_clipped(open.address, sizeof(open.address), be_client_address(client));
	be_link_send(&client->gateway->link, BE_MSG_OPEN, &open, sizeof(open), NULL, 0);
}

static void
send_closed(BeGateway *gateway, uint64_t number, int code, const char *reason)
{
	BeClosedMessage closed = {.client = number,.code = code};

	copy_clipped(closed.reason, sizeof(closed.reason), reason);
	be_link_send(&gateway->link, BE_MSG_CLOSED, &closed, sizeof(closed), NULL, 0);
}

/* What there is to report of a client; false: nothing new. */
static bool
fill_report(BeClient *client, BeClientsMessage *report)
{
	if (!client->admitted || client->state != BE_CLIENT_OPEN)
		return false;
	*report = (BeClientsMessage) {
		.client = client->number,
		.start = client->start,
		.cursor = client->standing == BE_LIVE ? client->gateway->sent_tip : client->cursor,
		.sent = client->sent,
		.received = client->received,
		.expires_at = client->expires_at * 1000000,
		.lags = client->standing != BE_LIVE,
	};
	if (report->cursor == client->reported_cursor &&
		report->received == client->reported_received &&
		report->lags == client->reported_lags)
		return false;
	client->reported_cursor = report->cursor;
	client->reported_received = report->received;
	client->reported_lags = report->lags;
	return true;
}

/* What the client wants, unless that is known. */
static void
report_interest(BeClient *client)
{
	BeInterestMessage who = {.client = client->number};
	char		bytes[BE_INTEREST_MAX];
	uint32_t	len = 0;
	uint32_t	hash;

	client->interest_changed = false;
	if (client->muted)
		(void) be_interest_add(bytes, &len, BE_INTEREST_NOTHING, "");
	if (client->conflates)
		(void) be_interest_add(bytes, &len, BE_INTEREST_CONFLATED, "");
	be_subscription_write(client->subscription, bytes, &len);

	hash = be_hash((BeSpan) {bytes, len});
	if (hash == client->told_interest)
		return;
	client->told_interest = hash;
	be_link_send(&client->gateway->link, BE_MSG_INTEREST, &who, sizeof(who), bytes, len);
}

/* What is not told yet of one that is about to go. */
static void
report_last(BeClient *client)
{
	BeClientsMessage report;

	if (client->interest_changed)
		report_interest(client);
	if (fill_report(client, &report))
		be_link_send(&client->gateway->link, BE_MSG_CLIENTS, &report, sizeof(report), NULL, 0);
}

void
be_admission_ask(BeClient *client)
{
	BeGateway  *gateway = client->gateway;
	BeAsked    *asked = be_alloc(sizeof(*asked));

	client->number = ++gateway->last_number;
	client->asked = asked;
	*asked = (BeAsked) {.client = client, .number = client->number};
	if (gateway->asked_last)
		gateway->asked_last->next = asked;
	else
		gateway->asked_first = asked;
	gateway->asked_last = asked;
	send_open(client);
}

void
be_admission_ask_again(BeClient *client)
{
	send_closed(client->gateway, client->number, 0, "");
	client->admitted = false;
	be_identity_forget_tables(&client->identity);
	be_client_regroup(client);
	be_admission_ask(client);
}

static BeAsked *
pop_asked(BeGateway *gateway)
{
	BeAsked    *asked = gateway->asked_first;

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
let_in(BeClient *client, const BeAdmitMessage *admit, BeSpan access)
{
	client->admitted = true;
	client->unread = admit->unread;
	if (!be_access_admit(client, admit->as_of, access))
		return false;
	if (client->state == BE_CLIENT_WAITING)
		be_door_admitted(client);
	return true;
}

static void
refuse(BeClient *client, uint32_t verdict)
{
	switch (verdict)
	{
		case BE_TOO_MANY_CONNECTIONS:
			be_suspect(client, BE_COUNT_SUSPICION_too_many_connections);
			be_client_refuse(client, BE_CLOSE_POLICY, "too_many_connections",
							 "this user has too many connections");
			break;
		case BE_NOT_LOOKED_UP:
			be_client_refuse(client, BE_CLOSE_INTERNAL, "internal_error",
							 "who you are could not be looked up");
			break;
		default:
			be_client_refuse(client, BE_CLOSE_TRY_LATER, "server_full",
							 "the server takes no more connections");
	}
}

bool
be_admission_answer(BeGateway *gateway, const BeMessage *message)
{
	BeAdmitMessage admit;
	BeSpan		access;
	BeAsked    *asked = pop_asked(gateway);
	bool		fits = asked && be_body_admit(message, &admit, &access) &&
		admit.client == asked->number;

	if (fits && asked->client && admit.verdict == BE_ADMITTED)
		fits = let_in(asked->client, &admit, access);
	else if (fits && asked->client)
		refuse(asked->client, admit.verdict);
	else if (fits && admit.verdict == BE_ADMITTED)
		send_closed(gateway, admit.client, BE_CLOSE_ABNORMAL, "");
	free(asked);
	return fits;
}

void
be_admission_tell_role(BeClient *client)
{
	BeRoleMessage role = {.client = client->number};

	copy_clipped(role.role, sizeof(role.role), client->role);
	be_link_send(&client->gateway->link, BE_MSG_ROLE, &role, sizeof(role), NULL, 0);
}

void
be_admission_leave(BeClient *client, int code, const char *reason)
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
be_admission_disconnect(BeGateway *gateway, const BeMessage *message)
{
	BeDisconnectMessage disconnect;

	if (!be_body_disconnect(message, &disconnect))
		return false;

	/* A walk, since it is an operator who asks.  None: it went by itself. */
	for (BeClient *client = gateway->first; client; client = client->next)
		if (client->admitted && client->number == disconnect.client)
		{
			be_client_end(client, BE_CLOSE_POLICY, disconnect.reason);
			break;
		}
	return true;
}

void
be_admission_report(BeGateway *gateway)
{
	static BeClientsMessage reports[REPORTS_MAX];
	size_t		count = 0;

	for (BeClient *client = gateway->first; client; client = client->next)
	{
		if (client->interest_changed && client->admitted)
			report_interest(client);
		if (!fill_report(client, &reports[count]))
			continue;
		if (++count == REPORTS_MAX)
		{
			be_link_send(&gateway->link, BE_MSG_CLIENTS, reports,
						 count * sizeof(reports[0]), NULL, 0);
			count = 0;
		}
	}
	if (count > 0)
		be_link_send(&gateway->link, BE_MSG_CLIENTS, reports,
					 count * sizeof(reports[0]), NULL, 0);
}

void
be_admission_free(BeGateway *gateway)
{
	BeAsked    *asked;

	while ((asked = pop_asked(gateway)) != NULL)
		free(asked);
}
