/*
 * access_update.c - lets what tables say of users take effect on the clients.
 *
 * Model: the stream itself carries the changes, in its order.  A statement that
 * changes something for a client that is here parts the batch: what came before is
 * delivered to whoever might see it then, and only then the client is made what it is
 * now, or closed.  Events that change nothing for anybody cost a look into the
 * directory.
 *
 * What a client was told about at its admission is the state as of a seq or later;
 * statements of events up to that seq are outdated and passed over.  Those of later
 * events are taken even if the state had them already, which changes nothing.
 *
 * History (request is not 0) says nothing about now, and doesn't come here.
 */
#include "gateway/session/access_update.h"
#include "gateway/session/fanout.h"
#include "common/program/memory.h"
#include "gateway/session/abuse.h"

#include <stdlib.h>
#include <string.h>

/* Clients for which something changed, each once. */
typedef struct Changed
{
	BevClient **client;
	uint32_t count;
} Changed;

/* Turn a client away whom the tables don't let in; false: it may stay. */
static bool
turn_away(BevClient *client)
{
	switch (bev_identity_standing(&client->identity))
	{
		case BEV_USER_INACTIVE:
			bev_abuse_note(client, BEV_COUNT_ABUSE_inactive_user);
			bev_client_refuse(client, BEV_CLOSE_POLICY, "user_inactive", "this user is not active");
			return true;
		case BEV_USER_DELETED:
			bev_abuse_note(client, BEV_COUNT_ABUSE_inactive_user);
			bev_client_refuse(client, BEV_CLOSE_POLICY, "user_inactive", "this user was deleted");
			return true;
		case BEV_USER_UNKNOWN:
			if (!client->gateway->config->require_user)
				return false;
			bev_client_refuse(client, BEV_CLOSE_POLICY, "forbidden", "this user is not known");
			return true;
		default:
			return false;
	}
}

static bool
is_in(const BevClient *client)
{
	return client->admitted &&
	       (client->state == BEV_CLIENT_OPEN || client->state == BEV_CLIENT_WAITING);
}

/* It has to be looked up again, and can go on where it was. */
static void
send_back(BevClient *client)
{
	bev_client_refuse(client, BEV_CLOSE_RESTART, "access_changed",
	                  "what you may see has to be looked up again: "
	                  "connect again, and resume");
}

bool
bev_access_update_admit(BevClient *client, uint64_t as_of, BevSpan statements)
{
	BevAccess access;

	client->identity.as_of = as_of;
	while (bev_access_next(&statements, &access))
		bev_identity_take(&client->identity, &access);
	if (statements.len > 0)
		return false;
	bev_client_regroup(client);
	turn_away(client);
	return true;
}

static void
add_changed(Changed *changed, BevClient *client)
{
	for (uint32_t i = 0; i < changed->count; i++)
		if (changed->client[i] == client)
			return;
	changed->client = bev_realloc(changed->client, sizeof(BevClient *) * (changed->count + 1));
	changed->client[changed->count++] = client;
}

/* Take a statement in for the connections of its user. */
static void
take(BevGateway *gateway, uint64_t seq, const BevAccess *access, Changed *changed)
{
	BevText name = {0};
	const BevGroup *group;

	bev_text_add_string(&name, BEV_PRINCIPAL_USER);
	bev_text_add_string(&name, access->user);
	group = bev_directory_find(&gateway->directory, (BevSpan){name.data, (uint32_t) name.len});
	for (BevMembership *one = group ? group->first : NULL; one; one = one->next)
	{
		BevClient *client = one->member;

		if (is_in(client) && client->identity.as_of < seq &&
		    bev_identity_take(&client->identity, access))
			add_changed(changed, client);
	}
	bev_text_free(&name);
}

static void
send_all_back(BevGateway *gateway, uint64_t seq)
{
	bev_fanout_batch(gateway);
	for (BevClient *client = gateway->first; client; client = client->next)
		if (is_in(client) && client->identity.as_of < seq)
			send_back(client);
}

bool
bev_access_update_event(BevGateway *gateway, uint64_t seq, BevSpan statements)
{
	Changed changed = {0};
	BevAccess access;

	if (statements.len == 0)
		return true;
	while (bev_access_next(&statements, &access))
	{
		if (access.kind == BEV_ACCESS_VOID)
			send_all_back(gateway, seq);
		else
			take(gateway, seq, &access, &changed);
	}
	if (changed.count > 0)
		bev_fanout_batch(gateway);
	for (uint32_t i = 0; i < changed.count; i++)
	{
		/* Delivering may have found the connection broken. */
		if (is_in(changed.client[i]) && !turn_away(changed.client[i]))
			bev_client_regroup(changed.client[i]);
	}
	free(changed.client);
	return statements.len == 0;
}

void
bev_access_update_missed(BevGateway *gateway)
{
	for (BevClient *client = gateway->first; client; client = client->next)
		if (is_in(client) && client->identity.as_of > 0)
			send_back(client);
}

void
bev_access_update_review(BevGateway *gateway)
{
	for (BevClient *client = gateway->first; client; client = client->next)
		if (is_in(client))
			turn_away(client);
}
