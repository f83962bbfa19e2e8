/*
 * lookup_answer.c - what the tables say of those who connect.
 *
 * Model: all of a batch are read by one query for each table (server/users/user_lookup.c).
 *
 * Concurrency: it runs in a worker of its own, so whatever holds it up costs those who connect,
 * and nobody else.  A table that somebody has locked isn't waited for: the dispatcher asks again.
 *
 * Failure: when the tables can't be read, each user is looked up alone, since one bad row
 * shall not keep the others out; for RETRY_MS together, since others wait.
 */
#include "server/responder/lookup_answer.h"

#include "nodes/pg_list.h"
#include "server/admission/unread.h"
#include "server/base/time_limit.h"
#include "server/users/user_lookup.h"
#include "utils/timestamp.h"

#define RETRY_MS  1000
#define UNREAD_MS 1000

bool
bev_lookup_answer_next(BevSpan *rest, BevLookupHead *head, BevSpan *statements)
{
	if (rest->len < sizeof(*head))
		return false;
	memcpy(head, rest->data, sizeof(*head));
	if (rest->len - sizeof(*head) < head->size)
		return false;
	*statements = (BevSpan){rest->data + sizeof(*head), head->size};
	rest->data += sizeof(*head) + head->size;
	rest->len -= (uint32_t) sizeof(*head) + head->size;
	return true;
}

static BevUserLookupEntry *
make_entries(const char *users, Size size, int *n)
{
	BevUserLookupEntry *entries = palloc(sizeof(BevUserLookupEntry) * BEV_LOOKUP_MAX);

	*n = 0;
	for (const char *user = users; user < users + size; user += strlen(user) + 1)
	{
		entries[*n].user = user;
		initStringInfo(&entries[*n].access);
		++*n;
	}
	return entries;
}

/* Each by itself; who can't be read gets user NULL. */
static void
read_one_by_one(BevUserLookupEntry *entries, int n)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), RETRY_MS);

	for (int i = 0; i < n; i++)
	{
		resetStringInfo(&entries[i].access);
		if (GetCurrentTimestamp() >= end ||
		    bev_user_lookup_read(&entries[i], 1) != BEV_USER_LOOKUP_READ)
			entries[i].user = NULL;
	}
}

/* Nobody is known. */
static void
forget_all(BevUserLookupEntry *entries, int n)
{
	for (int i = 0; i < n; i++)
		entries[i].user = NULL;
}

static void
append_entry(StringInfo rest, const BevUserLookupEntry *entry, int unread)
{
	BevLookupHead head = {.known = entry->user != NULL,
	                      .unread = unread,
	                      .size = entry->user ? (uint32) entry->access.len : 0};

	appendBinaryStringInfo(rest, (const char *) &head, sizeof(head));
	appendBinaryStringInfo(rest, entry->access.data, (int) head.size);
}

static void
append_all(BevAnswer *answer, const BevUserLookupEntry *entries, int n)
{
	const char **users = palloc(sizeof(char *) * n);
	int *unread = palloc(sizeof(int) * n);

	for (int i = 0; i < n; i++)
		users[i] = entries[i].user;
	bev_time_limit_begin(UNREAD_MS);
	bev_unread_count(users, n, unread);
	bev_time_limit_end();
	for (int i = 0; i < n; i++)
		append_entry(&answer->rest, &entries[i], unread[i]);
}

void
bev_lookup_answer(const BevQuestionHead *head, const char *users, BevAnswer *answer)
{
	int n;
	BevUserLookupEntry *entries = make_entries(users, head->payload_size, &n);
	BevUserLookupResult result =
		bev_user_lookup_try_lock() ? bev_user_lookup_read(entries, n) : BEV_USER_LOOKUP_LOCKED;

	answer->message.kind = BEV_ANSWER_OBJECT;
	if (result == BEV_USER_LOOKUP_LOCKED)
	{
		strlcpy(answer->message.code, BEV_LOOKUP_LOCKED, sizeof(answer->message.code));
		return;
	}
	if (result == BEV_USER_LOOKUP_NONE)
		answer->message.seq = 0;
	if (result == BEV_USER_LOOKUP_BROKEN && n > 1)
		read_one_by_one(entries, n);
	else if (result == BEV_USER_LOOKUP_BROKEN || result == BEV_USER_LOOKUP_TOO_SLOW)
		forget_all(entries, n);
	append_all(answer, entries, n);
}
