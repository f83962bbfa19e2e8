/*
 * last_known.c - what the attached tables said of users the last time.
 *
 * Model: while somebody has locked one of those tables against reading, a question is judged by
 * what was read of its user up to a minute before, so that it needn't wait (lock_users of
 * test/nuisance).  The gateway judges each row as well, by what the stream says up to now.
 *
 * Concurrency: each process by itself.
 *
 * Memory: a bounded number of users, all of which are forgotten when there are more.
 */
#include "server/users/last_known.h"

#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define USERS_MAX     1000
#define USER_SIZE     256 /* longer ids aren't kept */
#define SIZE_MAX_KEPT (64 * 1024)
#define KEPT_FOR      60000 /* ms */

typedef struct Known
{
	char user[USER_SIZE];
	TimestampTz at;
	StringInfoData statements;
} Known;

static MemoryContext context = NULL;
static HTAB *known = NULL;

static void
begin(void)
{
	HASHCTL control = {.keysize = USER_SIZE, .entrysize = sizeof(Known)};

	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext, "bugevents last known users",
		                                ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(context);
	control.hcxt = context;
	known = hash_create("bugevents last known users", USERS_MAX, &control,
	                    HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

static bool
is_kept(const char *user)
{
	return strlen(user) < USER_SIZE;
}

void
bev_last_known_keep(const char *user, const StringInfoData *statements)
{
	MemoryContext old;
	Known *one;
	bool found;

	if (!is_kept(user) || statements->len > SIZE_MAX_KEPT)
		return;
	if (known == NULL || hash_get_num_entries(known) >= USERS_MAX)
		begin();
	old = MemoryContextSwitchTo(context);
	one = hash_search(known, user, HASH_ENTER, &found);
	if (!found)
		initStringInfo(&one->statements);
	resetStringInfo(&one->statements);
	appendBinaryStringInfo(&one->statements, statements->data, statements->len);
	one->at = GetCurrentTimestamp();
	MemoryContextSwitchTo(old);
}

bool
bev_last_known_recall(const char *user, StringInfo statements)
{
	Known *one = known && is_kept(user) ? hash_search(known, user, HASH_FIND, NULL) : NULL;

	if (one == NULL || TimestampDifferenceExceeds(one->at, GetCurrentTimestamp(), KEPT_FOR))
		return false;
	appendBinaryStringInfo(statements, one->statements.data, one->statements.len);
	return true;
}
