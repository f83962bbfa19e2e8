/*
 * token_checks.c - the tokens that gateways were shown, on their way to the verifier and back.
 *
 * Model: what waits is a queue.  The verifier is asked in its order, as far as its pipe takes it,
 * and answers in the same; should another one take its place, what is left is asked again.
 *
 * Trust: a gateway's word for who somebody is isn't asked for.  It brings a token, whose bytes are
 * passed on unread, and what is then believed comes from the verifier (test/t/333_verifier.pl).
 *
 * Failure: who has waited for PATIENCE is told so.  Its place stays until the verifier has
 * answered or is another one, since answers come in order.
 *
 * Memory: an entry with its token for each OPEN and TOKEN that waits; feed.c limits these.  The
 * token is wiped with it.
 */
#include "server/dispatcher/token_checks.h"

#include "lib/ilist.h"
#include "server/base/clock.h"
#include "server/dispatcher/verifier_process.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define PATIENCE 10000 /* ms */

typedef struct Check
{
	dlist_node node;
	uint64 ticket;
	bool asked;
	int gateway; /* 0: told, or gone */
	TimestampTz since;
	bool opens; /* which of the two it is */
	BevOpenMessage open;
	BevTokenMessage shown;
	uint32 token_len;
	char token[FLEXIBLE_ARRAY_MEMBER];
} Check;

static dlist_head checks = DLIST_STATIC_INIT(checks);
static uint64 last_ticket = 0;
static const BevTokenAnswers *answers = NULL;

/* ---- The queue ---- */

static Check *
add(int gateway, BevSpan token)
{
	Check *check = MemoryContextAllocZero(TopMemoryContext, offsetof(Check, token) + token.len + 1);

	check->ticket = ++last_ticket;
	check->gateway = gateway;
	check->since = GetCurrentTimestamp();
	check->token_len = token.len;
	memcpy(check->token, token.data, token.len);
	dlist_push_tail(&checks, &check->node);
	return check;
}

static void
discard(Check *check)
{
	dlist_delete(&check->node);
	explicit_bzero(check->token, check->token_len);
	pfree(check);
}

void
bev_token_checks_open(int gateway, const BevOpenMessage *open, BevSpan token)
{
	Check *check = add(gateway, token);

	check->opens = true;
	check->open = *open;
}

void
bev_token_checks_show(int gateway, const BevTokenMessage *shown, BevSpan token)
{
	add(gateway, token)->shown = *shown;
}

static void
tell(Check *check, const BevTokenFound *found)
{
	int gateway = check->gateway;

	check->gateway = 0;
	if (gateway != 0 && check->opens)
		answers->opened(gateway, &check->open, found);
	else if (gateway != 0)
		answers->shown(gateway, &check->shown, found);
}

void
bev_token_checks_forget(int gateway)
{
	dlist_iter it;

	dlist_foreach (it, &checks)
	{
		Check *check = dlist_container(Check, node, it.cur);

		if (check->gateway == gateway)
			check->gateway = 0;
	}
}

/* ---- The verifier ---- */

static bool
take_checked(const BevCheckedMessage *checked, BevSpan rest)
{
	BevTokenFound found = {
		.known = true, .result = checked->result, .grant = checked->grant, .rest = rest};
	Check *check;

	if (dlist_is_empty(&checks))
		return false;
	check = dlist_head_element(Check, node, &checks);
	if (!check->asked || check->ticket != checked->ticket)
		return false;
	tell(check, &found);
	discard(check);
	return true;
}

static void
begin_anew(void)
{
	dlist_mutable_iter it;

	dlist_foreach_modify (it, &checks)
	{
		Check *check = dlist_container(Check, node, it.cur);

		check->asked = false;
		if (check->gateway == 0)
			discard(check);
	}
}

void
bev_token_checks_begin(const BevTokenAnswers *to, void (*keys_changed)(void))
{
	static BevVerifierEvents events = {.checked = take_checked, .began = begin_anew};

	answers = to;
	events.keys_changed = keys_changed;
	bev_verifier_process_begin(&events);
}

static bool
ask(Check *check)
{
	if (!check->asked)
		check->asked =
			bev_verifier_process_check(check->ticket, (BevSpan){check->token, check->token_len});
	return check->asked;
}

static void
tell_late(Check *check)
{
	static const BevTokenFound unknown = {.known = false};

	if (check->gateway != 0 &&
	    bev_clock_has_come(TimestampTzPlusMilliseconds(check->since, PATIENCE), PATIENCE))
		tell(check, &unknown);
}

void
bev_token_checks_run(void)
{
	bool asks = true;
	dlist_iter it;

	dlist_foreach (it, &checks)
	{
		Check *check = dlist_container(Check, node, it.cur);

		asks = asks && ask(check);
		tell_late(check);
	}
}
