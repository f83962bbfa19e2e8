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
	BeClient  **client;
	uint32_t	count;
} Changed;

/* Turn a client away whom the tables don't let in; false: it may stay. */
static bool
turn_away(BeClient *client)
{
	switch (be_identity_standing(&client->identity))
	{
		case BE_USER_INACTIVE:
			be_suspect(client, BE_COUNT_SUSPICION_inactive_user);
			be_client_refuse(client, BE_CLOSE_POLICY, "user_inactive",
							 "this user is not active");
			return true;
		case BE_USER_DELETED:
			be_suspect(client, BE_COUNT_SUSPICION_inactive_user);
			be_client_refuse(client, BE_CLOSE_POLICY, "user_inactive",
							 "this user was deleted");
			return true;
		case BE_USER_UNKNOWN:
			if (!client->gateway->config->require_user)
				return false;
			be_client_refuse(client, BE_CLOSE_POLICY, "forbidden",
							 "this user is not known");
			return true;
		default:
			return false;
	}
}

static bool
is_in(const BeClient *client)
{
	return client->admitted &&
		(client->state == BE_CLIENT_OPEN || client->state == BE_CLIENT_WAITING);
}

/* It has to be looked up again, and can go on where it was. */
static void
send_back(BeClient *client)
{
	be_client_refuse(client, BE_CLOSE_RESTART, "access_changed",
					 "what you may see has to be looked up again: "
					 "connect again, and resume");
}

bool
be_access_admit(BeClient *client, uint64_t as_of, BeSpan statements)
{
	BeAccess	access;

	client->identity.as_of = as_of;
	while (be_access_next(&statements, &access))
		be_identity_take(&client->identity, &access);
	if (statements.len > 0)
		return false;
	be_client_regroup(client);
	turn_away(client);
	return true;
}

static void
add_changed(Changed *changed, BeClient *client)
{
	for (uint32_t i = 0; i < changed->count; i++)
		if (changed->client[i] == client)
			return;
	changed->client = be_realloc(changed->client,
								 sizeof(BeClient *) * (changed->count + 1));
	changed->client[changed->count++] = client;
}

/* Take a statement in for the connections of its user. */
static void
take(BeGateway *gateway, uint64_t seq, const BeAccess *access, Changed *changed)
{
	BeText		name = {0};
	const BeGroup *group;

	be_text_add_string(&name, BE_PRINCIPAL_USER);
	be_text_add_string(&name, access->user);
	group = be_directory_find(&gateway->directory,
							  (BeSpan) {name.data, (uint32_t) name.len});
	for (BeMembership *one = group ? group->first : NULL; one; one = one->next)
	{
		BeClient   *client = one->member;

		if (is_in(client) && client->identity.as_of < seq &&
			be_identity_take(&client->identity, access))
			add_changed(changed, client);
	}
	be_text_free(&name);
}

static void
send_all_back(BeGateway *gateway, uint64_t seq)
{
	be_fanout_batch(gateway);
	for (BeClient *client = gateway->first; client; client = client->next)
		if (is_in(client) && client->identity.as_of < seq)
			send_back(client);
}

bool
be_access_event(BeGateway *gateway, uint64_t seq, BeSpan statements)
{
	Changed		changed = {0};
	BeAccess	access;

	if (statements.len == 0)
		return true;
	while (be_access_next(&statements, &access))
	{
		if (access.kind == BE_ACCESS_VOID)
			send_all_back(gateway, seq);
		else
			take(gateway, seq, &access, &changed);
	}
	if (changed.count > 0)
		be_fanout_batch(gateway);
	for (uint32_t i = 0; i < changed.count; i++)
	{
		/* Delivering may have found the connection broken. */
		if (is_in(changed.client[i]) && !turn_away(changed.client[i]))
			be_client_regroup(changed.client[i]);
	}
	free(changed.client);
	return statements.len == 0;
}

void
be_access_missed(BeGateway *gateway)
{
	for (BeClient *client = gateway->first; client; client = client->next)
		if (is_in(client) && client->identity.as_of > 0)
			send_back(client);
}

void
be_access_review(BeGateway *gateway)
{
	for (BeClient *client = gateway->first; client; client = client->next)
		if (is_in(client))
			turn_away(client);
}
