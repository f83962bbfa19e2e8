/*
 * admission.c - who may connect, counted over all gateways.
 *
 * Model: two hash tables of the dispatcher's own: which slot of the clients'
 * table a gateway's client has, with what the verifier said of its token, and how many connections
 * a user has.  A limit that was lowered holds for new connections; nobody is thrown out for it.
 *
 * Admins are counted for each gateway, since one that has none is not sent what is for them
 * (dispatcher/scope.c).  Whether somebody with an admin's token is one by the tables is known from
 * admission on, and from what events say since; each table's row is kept, so that where one goes
 * the others say what holds (test/t/333_verifier.pl).
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

/* What one table says of a user. */
typedef struct SaidRow
{
	struct SaidRow *next;
	uint64 seq; /* said as of; what comes with an older one is outdated */
	bool is_gone;
	bool is_active;
	bool is_admin;
	char source[FLEXIBLE_ARRAY_MEMBER];
} SaidRow;

typedef struct ClientEntry
{
	ClientKey key;
	int slot;
	BevApplicant who;

	bool is_listed;    /* among those with an admin's token, in by_token */
	dlist_node listed; /* there */
	uint64 as_of;      /* what events up to here say is outdated */
	SaidRow *said;
	bool is_unsure; /* there was no memory for what was said */
	bool is_denied; /* by the tables it is no admin */
	bool is_admin;  /* and counted as one */
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
forget_said(ClientEntry *entry)
{
	while (entry->said)
	{
		SaidRow *row = entry->said;

		entry->said = row->next;
		pfree(row);
	}
	entry->is_unsure = false;
}

static void
forget_admin(ClientEntry *entry)
{
	count_admin(entry, false);
	if (entry->is_listed)
		dlist_delete(&entry->listed);
	forget_said(entry);
}

/* By the rule; where something isn't known, it is no admin. */
static void
judge_said(ClientEntry *entry)
{
	BevUserFacts facts = {.token = BEV_ROLE_ADMIN, .deleted = entry->said != NULL};
	BevUserStanding standing;

	for (const SaidRow *row = entry->said; row; row = row->next)
		if (!row->is_gone)
			bev_user_facts_add_row(&facts, row->is_active, row->is_admin ? BEV_ROLE_ADMIN : "");
	standing = bev_user_facts_standing(&facts);
	entry->is_denied = entry->is_unsure || !bev_user_facts_is_admin(&facts) ||
	                   standing == BEV_USER_INACTIVE || standing == BEV_USER_DELETED;
	judge_admin(entry);
}

/* This table's, as new if there is none; NULL: no memory.  Doesn't throw (bev_feed_push). */
static SaidRow *
said_by(ClientEntry *entry, const char *source)
{
	Size len = strlen(source) + 1;
	SaidRow *row = entry->said;

	while (row && strcmp(row->source, source) != 0)
		row = row->next;
	if (row)
		return row;
	row = MemoryContextAllocExtended(TopMemoryContext, offsetof(SaidRow, source) + len,
	                                 MCXT_ALLOC_NO_OOM | MCXT_ALLOC_ZERO);
	if (row == NULL)
		return NULL;
	memcpy(row->source, source, len);
	row->next = entry->said;
	entry->said = row;
	return row;
}

static void
take_said(ClientEntry *entry, uint64 seq, const BevAccess *access)
{
	SaidRow *row = said_by(entry, access->source);

	entry->is_unsure |= row == NULL;
	if (row == NULL || seq < row->seq)
		return;
	row->seq = seq;
	row->is_gone = access->kind == BEV_ACCESS_DELETED;
	row->is_active = access->kind == BEV_ACCESS_ACTIVE;
	row->is_admin = strcmp(access->value, BEV_ROLE_ADMIN) == 0;
}

static bool
is_of_users(const BevAccess *access)
{
	return access->kind == BEV_ACCESS_ACTIVE || access->kind == BEV_ACCESS_INACTIVE ||
	       access->kind == BEV_ACCESS_DELETED;
}

void
bev_admission_tables(int gateway, uint64 client, uint64 as_of, BevSpan statements)
{
	ClientEntry *entry = find_client(gateway, client, HASH_FIND);
	BevAccess access;

	if (entry == NULL)
		return;
	forget_said(entry);
	entry->as_of = as_of;
	while (bev_access_next(&statements, &access))
		if (is_of_users(&access))
			take_said(entry, as_of, &access);
	judge_said(entry);
}

/* A gateway that is behind brings again what others had. */
void
bev_admission_take_access(uint64 seq, BevSpan statements)
{
	BevAccess access;

	while (!dlist_is_empty(&by_token) && bev_access_next(&statements, &access))
	{
		dlist_iter it;

		if (!is_of_users(&access))
			continue;
		dlist_foreach (it, &by_token)
		{
			ClientEntry *entry = dlist_container(ClientEntry, listed, it.cur);

			if (seq <= entry->as_of || strcmp(entry->who.grant.user, access.user) != 0)
				continue;
			take_said(entry, seq, &access);
			judge_said(entry);
		}
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
	entry->is_listed = entry->is_denied = entry->is_admin = entry->is_unsure = false;
	entry->said = NULL;
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
