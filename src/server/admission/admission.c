/*
 * admission.c - who may connect, counted over all gateways.
 *
 * Model: two hash tables of the dispatcher's own: which slot of the clients'
 * table a gateway's client has, with what the verifier said of its token, and how many connections
 * a user has.  A limit that was lowered holds for new connections; nobody is thrown out for it.
 *
 * Admins are counted for each gateway, since one that has none is not sent what is for them
 * (dispatcher/scope.c).  Whether somebody with an admin's token is one by the tables is known from
 * admission on, and from what events say since.
 *
 * Trust: a gateway names a client by its number; who that is, is what the verifier said.
 *
 * Not here: what a gateway counts for each of its connections (messages, sizes,
 * time to finish the handshake).
 */
#include "server/admission/admission.h"

#include "server/shared/clients.h"
#include "server/shared/ended.h"
#include "common/event/access.h"
#include "common/event/user_facts.h"
#include "common/int.h"
#include "lib/ilist.h"
#include "server/base/unix_time.h"
#include "server/base/settings.h"
#include "utils/hsearch.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* A close code: no close frame was sent. */
#define ENDED_WITH_GATEWAY 1006

typedef struct ClientKey
{
	uint64 client;
	int64 gateway; /* 64 bits: no padding in a hash key */
} ClientKey;

typedef struct ClientEntry
{
	ClientKey key;
	int slot;
	BevApplicant who;

	bool is_listed;    /* among those with an admin's token, in by_token */
	dlist_node listed; /* there */
	uint64 as_of;      /* what events up to here say is outdated */
	bool is_denied;    /* by the tables it is no admin */
	bool is_admin;     /* and counted as one */
} ClientEntry;

typedef struct UserEntry
{
	char user[BEV_CLIENT_USER_LEN];
	int connections;
} UserEntry;

static HTAB *clients = NULL;
static HTAB *users = NULL;
static ClientEntry **by_slot = NULL;
static dlist_head by_token = DLIST_STATIC_INIT(by_token);
static int admins[BEV_GATEWAYS_MAX + 1]; /* of each gateway, from 1 */

/* Those of a predecessor, whose gateways went with it. */
static void
end_all(void)
{
	BevConnection client;

	for (int slot = 0; slot < bev_clients_capacity(); slot++)
		if (bev_clients_get(slot, &client))
			bev_ended_add(&client, ENDED_WITH_GATEWAY, "");
}

void
bev_admission_begin(void)
{
	HASHCTL client_ctl = {
		.keysize = sizeof(ClientKey), .entrysize = sizeof(ClientEntry), .hcxt = TopMemoryContext};
	HASHCTL user_ctl = {
		.keysize = BEV_CLIENT_USER_LEN, .entrysize = sizeof(UserEntry), .hcxt = TopMemoryContext};

	clients =
		hash_create("bugevents clients", 256, &client_ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	users = hash_create("bugevents users", 256, &user_ctl, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	by_slot =
		MemoryContextAllocZero(TopMemoryContext, bev_clients_capacity() * sizeof(ClientEntry *));
	end_all();
	bev_clients_clear();
}

static ClientEntry *
find_client(int gateway, uint64 client, HASHACTION action)
{
	ClientKey key = {.client = client, .gateway = gateway};

	return hash_search(clients, &key, action, NULL);
}

static UserEntry *
user_entry(const char *user)
{
	bool found;
	UserEntry *entry = hash_search(users, user, HASH_ENTER, &found);

	if (!found)
		entry->connections = 0;
	return entry;
}

static void
user_leaves(const char *user)
{
	UserEntry *entry = hash_search(users, user, HASH_FIND, NULL);

	if (entry && --entry->connections <= 0)
		hash_search(users, user, HASH_REMOVE, NULL);
}

/* A token may name any time, in s; one that PostgreSQL can't express is never. */
static TimestampTz
expiry(int64 unix_time)
{
	TimestampTz at;

	if (pg_mul_s64_overflow(unix_time, USECS_PER_SEC, &at) ||
	    pg_sub_s64_overflow(at, BEV_UNIX_EPOCH_DIFF, &at) || !IS_VALID_TIMESTAMP(at))
		TIMESTAMP_NOEND(at);
	return at;
}

/*
 * A line for the log: fields as NAME=VALUE, in an order that stays; texts that a token
 * or a client chose are JSON strings.
 */
static void
log_opened(const BevConnection *client)
{
	StringInfoData user;
	StringInfoData role;

	if (!bev_log_connections)
		return;
	initStringInfo(&user);
	escape_json(&user, client->user);
	initStringInfo(&role);
	escape_json(&role, client->role);
	ereport(
		LOG,
		(errmsg("bugevents connection: event=opened id=%s user=%s role=%s address=%s gateway=%d",
	            client->id, user.data, role.data, client->address, client->gateway)));
}

static void
log_closed(const BevConnection *client, uint64 code, const char *reason)
{
	StringInfoData why;

	if (!bev_log_connections)
		return;
	initStringInfo(&why);
	escape_json(&why, reason);
	ereport(
		LOG,
		(errmsg(
			"bugevents connection: event=closed id=%s gateway=%d seconds=%.3f sent=" UINT64_FORMAT
			" received=" UINT64_FORMAT " code=" UINT64_FORMAT " reason=%s",
			client->id, client->gateway, (GetCurrentTimestamp() - client->connected_at) / 1e6,
			client->sent, client->received, code, why.data)));
}

static void
describe(BevConnection *client, int gateway, const BevApplicant *who)
{
	*client = (BevConnection){.gateway = gateway,
	                          .connected_at = GetCurrentTimestamp(),
	                          .expires_at = expiry(who->grant.expires_at)};
	strlcpy(client->id, who->open.id, sizeof(client->id));
	strlcpy(client->user, who->grant.user, sizeof(client->user));
	strlcpy(client->role, who->grant.role, sizeof(client->role));
	strlcpy(client->address, who->open.address, sizeof(client->address));
}

static int
add_to_table(int gateway, const BevApplicant *who)
{
	BevConnection client;
	int slot;

	describe(&client, gateway, who);
	slot = bev_clients_add(&client);
	if (slot >= 0)
		log_opened(&client);
	return slot;
}

void
bev_admission_refused(int gateway, const BevApplicant *who, BevVerdict verdict)
{
	static const char *const reasons[] = {[BEV_TOO_MANY_CONNECTIONS] = "too_many_connections",
	                                      [BEV_SERVER_FULL] = "server_full",
	                                      [BEV_NOT_LOOKED_UP] = "internal_error"};
	BevConnection client;

	describe(&client, gateway, who);
	bev_ended_add_refused(&client, reasons[verdict]);
}

/* ---- Admins ---- */

static void
count_admin(ClientEntry *entry, bool is_admin)
{
	admins[entry->key.gateway] += (int) is_admin - (int) entry->is_admin;
	entry->is_admin = is_admin;
}

static void
judge_admin(ClientEntry *entry)
{
	const BevApplicant *who = &entry->who;

	if (who->grant.is_admin && !entry->is_listed)
	{
		dlist_push_tail(&by_token, &entry->listed);
		entry->is_listed = true;
	}
	count_admin(entry, who->grant.is_admin && !entry->is_denied && !bev_applicant_is_expired(who));
}

static void
forget_admin(ClientEntry *entry)
{
	count_admin(entry, false);
	if (entry->is_listed)
		dlist_delete(&entry->listed);
}

void
bev_admission_tables(int gateway, uint64 client, uint64 as_of, BevSpan statements)
{
	ClientEntry *entry = find_client(gateway, client, HASH_FIND);
	BevUserFacts facts = {.token = BEV_ROLE_ADMIN};
	BevAccess access;

	if (entry == NULL)
		return;
	while (bev_access_next(&statements, &access))
		if (access.kind == BEV_ACCESS_ACTIVE || access.kind == BEV_ACCESS_INACTIVE)
			bev_user_facts_add_row(&facts, access.kind == BEV_ACCESS_ACTIVE, access.value);
	entry->as_of = as_of;
	entry->is_denied =
		!bev_user_facts_is_admin(&facts) || bev_user_facts_standing(&facts) == BEV_USER_INACTIVE;
	judge_admin(entry);
}

/* One table has said so.  Whether all do, the next look will show. */
static void
take_row(ClientEntry *entry, uint64 seq, const BevAccess *access)
{
	if (seq <= entry->as_of || strcmp(entry->who.grant.user, access->user) != 0)
		return;
	entry->as_of = seq;
	entry->is_denied =
		access->kind == BEV_ACCESS_INACTIVE || strcmp(access->value, BEV_ROLE_ADMIN) != 0;
	judge_admin(entry);
}

void
bev_admission_take_access(uint64 seq, BevSpan statements)
{
	BevAccess access;

	while (!dlist_is_empty(&by_token) && bev_access_next(&statements, &access))
	{
		dlist_iter it;

		if (access.kind != BEV_ACCESS_ACTIVE && access.kind != BEV_ACCESS_INACTIVE)
			continue;
		dlist_foreach (it, &by_token)
			take_row(dlist_container(ClientEntry, listed, it.cur), seq, &access);
	}
}

bool
bev_admission_has_admin(int gateway)
{
	return admins[gateway] > 0;
}

void
bev_admission_review_admins(void)
{
	dlist_iter it;

	dlist_foreach (it, &by_token)
		judge_admin(dlist_container(ClientEntry, listed, it.cur));
}

/* ---- Coming and going ---- */

static BevVerdict
admit(int gateway, BevApplicant *who)
{
	UserEntry *user = user_entry(who->grant.user);
	ClientEntry *entry;
	int slot;

	user->connections++;
	if (user->connections > bev_max_connections_per_user)
	{
		user_leaves(who->grant.user);
		return BEV_TOO_MANY_CONNECTIONS;
	}
	slot = add_to_table(gateway, who);
	if (slot < 0)
	{
		user_leaves(who->grant.user);
		return BEV_SERVER_FULL;
	}
	entry = find_client(gateway, who->open.client, HASH_ENTER);
	entry->slot = slot;
	entry->who = *who;
	entry->is_listed = entry->is_denied = entry->is_admin = false;
	entry->as_of = 0;
	who->projects = NULL;
	judge_admin(entry);
	by_slot[slot] = entry;
	return BEV_ADMITTED;
}

bool
bev_admission_open(int gateway, BevApplicant *who, BevVerdict *verdict)
{
	if (find_client(gateway, who->open.client, HASH_FIND))
		return false;
	*verdict = admit(gateway, who);
	return true;
}

void
bev_admission_renew(int gateway, uint64 client, const BevGrant *grant, const char *projects)
{
	ClientEntry *entry = find_client(gateway, client, HASH_FIND);

	if (entry == NULL)
		return;
	bev_applicant_renew(&entry->who, grant, projects);
	judge_admin(entry);
	bev_clients_set_expiry(entry->slot, expiry(grant->expires_at));
}

static void
remove_client(ClientEntry *entry, uint64 code, const char *reason)
{
	BevConnection client;

	if (bev_clients_get(entry->slot, &client))
	{
		user_leaves(client.user);
		log_closed(&client, code, reason);
		bev_ended_add(&client, (int) code, reason);
	}
	forget_admin(entry);
	bev_applicant_free(&entry->who);
	bev_clients_remove(entry->slot);
	by_slot[entry->slot] = NULL;
	hash_search(clients, &entry->key, HASH_REMOVE, NULL);
}

bool
bev_admission_close(int gateway, const BevClosedMessage *closed)
{
	ClientEntry *entry = find_client(gateway, closed->client, HASH_FIND);

	if (entry == NULL)
		return false;
	remove_client(entry, closed->code, closed->reason);
	return true;
}

bool
bev_admission_role(int gateway, const BevRoleMessage *role)
{
	ClientEntry *entry = find_client(gateway, role->client, HASH_FIND);

	if (entry == NULL || (strcmp(role->role, BEV_ROLE_ADMIN) == 0 && !entry->who.grant.is_admin))
		return false;
	bev_clients_set_role(entry->slot, role->role);
	return true;
}

bool
bev_admission_report(int gateway, const BevClientsMessage *report)
{
	ClientEntry *entry = find_client(gateway, report->client, HASH_FIND);

	if (entry == NULL || report->protocol >= BEV_PROTOCOLS)
		return false;
	bev_clients_update(entry->slot, report->start, report->cursor, report->sent, report->received,
	                   report->lags != 0);
	bev_clients_set_protocol(entry->slot, (BevClientProtocol) report->protocol);
	return true;
}

bool
bev_admission_subscription(int gateway, uint64 client, BevSpan subscription)
{
	ClientEntry *entry = find_client(gateway, client, HASH_FIND);

	if (entry == NULL)
		return false;
	bev_clients_set_subscription(entry->slot, subscription, GetCurrentTimestamp());
	return true;
}

int
bev_admission_count(void)
{
	return (int) hash_get_num_entries(clients);
}

const BevApplicant *
bev_admission_who(int gateway, uint64 client)
{
	ClientEntry *entry = find_client(gateway, client, HASH_FIND);

	return entry ? &entry->who : NULL;
}

void
bev_admission_forget(int gateway)
{
	for (int slot = 0; slot < bev_clients_capacity(); slot++)
		if (by_slot[slot] && by_slot[slot]->key.gateway == gateway)
			remove_client(by_slot[slot], ENDED_WITH_GATEWAY, "");
}

bool
bev_admission_next_disconnect(int *gateway, BevDisconnectMessage *disconnect)
{
	int slot;

	while (bev_clients_next_disconnect(&slot, disconnect->reason))
	{
		if (by_slot[slot] == NULL)
			continue;
		*gateway = by_slot[slot]->key.gateway;
		disconnect->client = by_slot[slot]->key.client;
		return true;
	}
	return false;
}
