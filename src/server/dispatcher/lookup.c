/*
 * lookup.c - who waits to be looked up in the tables of users, and admitted then.
 *
 * Model: a responder looks up (server/responder/lookup_answer.c).  One batch is under way at a
 * time, and all who come meanwhile are the next one: a storm of clients costs few queries, and
 * the stream goes on whatever becomes of them (test/t/112_locks.pl).
 *
 * Failure: a table that somebody has locked is waited for, LOCKED_RETRY at a time.  Who has
 * waited for PATIENCE is refused, whatever the reason.
 *
 * Memory: an entry for each client that a gateway has let in so far.
 */
#include "server/dispatcher/lookup.h"

#include "nodes/pg_list.h"
#include "server/base/clock.h"
#include "server/dispatcher/questions.h"
#include "server/responder/lookup_answer.h"
#include "server/shared/counters.h"
#include "utils/memutils.h"

#define LOCKED_RETRY 50   /* ms */
#define PATIENCE     5000 /* ms */

typedef struct Waiting
{
	int gateway; /* 0: answered, or gone */
	BevApplicant who;
	TimestampTz since;
} Waiting;

static List *asked = NIL;   /* of Waiting, in TopMemoryContext: the batch under way */
static List *waiting = NIL; /* those who came later */
static bool under_way = false;
static bool lost = false; /* there was nobody to ask */
static TimestampTz not_before = 0;
static BevLookupAnswer answer_to = NULL;

void
bev_lookup_add(int gateway, const BevApplicant *who)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	Waiting *one = palloc(sizeof(Waiting));

	one->gateway = gateway;
	one->who = *who;
	one->since = GetCurrentTimestamp();
	waiting = lappend(waiting, one);
	MemoryContextSwitchTo(old);
}

static void
forget(List *list, int gateway)
{
	ListCell *cell;

	foreach (cell, list)
	{
		Waiting *one = lfirst(cell);

		if (one->gateway == gateway)
			one->gateway = 0;
	}
}

void
bev_lookup_forget(int gateway)
{
	forget(asked, gateway);
	forget(waiting, gateway);
}

long
bev_lookup_due_in(void)
{
	if (under_way || (asked == NIL && waiting == NIL))
		return -1;
	return bev_clock_has_come(not_before, LOCKED_RETRY) ?
	           0 :
	           TimestampDifferenceMilliseconds(GetCurrentTimestamp(), not_before);
}

static void
answer(Waiting *one, const BevLookupFound *found)
{
	if (one->gateway != 0)
		answer_to(one->gateway, &one->who, found);
	one->gateway = 0;
}

static void
end_batch(void)
{
	ListCell *cell;

	foreach (cell, asked)
	{
		bev_applicant_free(&((Waiting *) lfirst(cell))->who);
	}
	list_free_deep(asked);
	asked = NIL;
}

/* ---- the answer ---- */

/* Of each in the order of the batch, as lookup_answer.h says; false: it isn't. */
static bool
take_found(BevSpan rest, uint64 as_of)
{
	ListCell *cell;

	foreach (cell, asked)
	{
		BevLookupHead head;
		BevLookupFound found;

		if (!bev_lookup_answer_next(&rest, &head, &found.statements))
			return false;
		found.known = head.known != 0;
		found.as_of = as_of;
		found.unread = head.unread;
		answer(lfirst(cell), &found);
	}
	return true;
}

static void
take_answer(uint64 settled pg_attribute_unused(), const BevAnswerMessage *message, BevSpan rest)
{
	under_way = false;
	if (message && strcmp(message->code, BEV_LOOKUP_LOCKED) == 0)
	{
		bev_counters_skip();
		not_before = bev_clock_ahead(LOCKED_RETRY);
		return;
	}
	if (message == NULL || !take_found(rest, message->seq))
		lost = true;
	else
		end_batch();
}

/* ---- asking ---- */

/* Those who were looked up in vain, because a table is locked, are the first again. */
static void
form_batch(void)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	while (waiting != NIL && list_length(asked) < BEV_LOOKUP_MAX)
	{
		asked = lappend(asked, linitial(waiting));
		waiting = list_delete_first(waiting);
	}
	MemoryContextSwitchTo(old);
}

static void
ask(void)
{
	StringInfoData users;
	ListCell *cell;

	form_batch();
	initStringInfo(&users);
	foreach (cell, asked)
	{
		const char *user = ((Waiting *) lfirst(cell))->who.grant.user;

		appendBinaryStringInfo(&users, user, strlen(user) + 1);
	}
	under_way = bev_questions_add_own(BEV_VERB_LOOKUP, users.data, users.len, take_answer);
	if (!under_way)
		not_before = bev_clock_ahead(LOCKED_RETRY);
	pfree(users.data);
}

/* Tell those of a list who have waited for so long; how many. */
static int
refuse(List *list, long ms)
{
	static const BevLookupFound unknown = {.known = false, .unread = -1};
	ListCell *cell;
	int refused = 0;

	foreach (cell, list)
	{
		Waiting *one = lfirst(cell);

		if (one->gateway == 0 ||
		    !bev_clock_has_come(TimestampTzPlusMilliseconds(one->since, ms), ms))
			continue;
		answer(one, &unknown);
		refused++;
	}
	return refused;
}

static void
refuse_late(void)
{
	int refused = refuse(asked, PATIENCE) + refuse(waiting, PATIENCE);

	if (refused > 0)
		ereport(
			WARNING,
			(errmsg_plural("bugevents could not look up %d client in time",
		                   "bugevents could not look up %d clients in time", refused, refused),
		     errdetail("A table of entity user or membership, or an index of one, is locked, or "
		               "reading it takes too long."),
		     errhint("They are refused, and welcome when it is free.")));
}

static bool
anybody_is_left(const List *list)
{
	ListCell *cell;

	foreach (cell, list)
	{
		if (((Waiting *) lfirst(cell))->gateway != 0)
			return true;
	}
	return false;
}

void
bev_lookup_run(BevLookupAnswer answer_all)
{
	if (asked == NIL && waiting == NIL)
		return;
	answer_to = answer_all;
	if (lost)
	{
		refuse(asked, 0);
		lost = false;
	}
	refuse_late();
	if (!under_way && !anybody_is_left(asked))
		end_batch();
	if (bev_lookup_due_in() == 0)
		ask();
}
