/*
 * share.c - how much of the responders' time each user has had lately.
 *
 * Model: a user's time is added up and forgotten exponentially, so that it is about what was
 * used in the last MEMORY.  Whoever used the least is served next (questions.c): users who want
 * more than there is get the same time, however many questions that is, and who asks for little
 * hardly waits.
 *
 * Memory: an entry for each user who has a question, or had much time lately; others go when there
 * are SWEEP_AT more.
 */
#include "server/dispatcher/share.h"

#include <math.h>

#include "utils/hsearch.h"
#include "utils/memutils.h"

#define USER_LEN 256     /* of BevQuestionHead */
#define MEMORY   10e6    /* us */
#define HEAVY    (0.5e6) /* us of that: one second in twenty */
#define TRIFLE   1e3     /* us: who used less is as good as new */
#define SWEEP_AT 1024

struct BevShare
{
	char user[USER_LEN];
	double used;      /* us, as of then */
	TimestampTz then; /* when it was added up */
	int questions;
	int running;
};

static HTAB *shares = NULL;

static void
begin(void)
{
	HASHCTL ctl = {.keysize = USER_LEN, .entrysize = sizeof(BevShare), .hcxt = TopMemoryContext};

	shares = hash_create("bugevents shares", 64, &ctl, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

double
bev_share_used(const BevShare *share, TimestampTz now)
{
	double passed = Max(0, now - share->then);

	return share->used * exp(-passed / MEMORY) + share->running * passed;
}

/* To be called whenever running changes. */
static void
add_up(BevShare *share)
{
	TimestampTz now = GetCurrentTimestamp();

	share->used = bev_share_used(share, now);
	share->then = now;
}

static void
sweep(void)
{
	static long swept_to = 0;
	TimestampTz now = GetCurrentTimestamp();
	HASH_SEQ_STATUS scan;
	BevShare *share;

	if (hash_get_num_entries(shares) < swept_to + SWEEP_AT)
		return;
	hash_seq_init(&scan, shares);
	while ((share = hash_seq_search(&scan)) != NULL)
		if (share->questions == 0 && bev_share_used(share, now) < TRIFLE)
			hash_search(shares, share->user, HASH_REMOVE, NULL);
	swept_to = hash_get_num_entries(shares);
}

BevShare *
bev_share_take(const char *user)
{
	BevShare *share;
	bool found;

	if (shares == NULL)
		begin();
	sweep();
	share = hash_search(shares, user, HASH_ENTER, &found);
	if (!found)
	{
		share->used = 0;
		share->then = GetCurrentTimestamp();
		share->questions = share->running = 0;
	}
	share->questions++;
	return share;
}

void
bev_share_release(BevShare *share)
{
	share->questions--;
}

void
bev_share_begin(BevShare *share)
{
	add_up(share);
	share->running++;
}

void
bev_share_end(BevShare *share)
{
	add_up(share);
	share->running--;
}

int
bev_share_running(const BevShare *share)
{
	return share->running;
}

bool
bev_share_is_heavy(const BevShare *share, TimestampTz now)
{
	return bev_share_used(share, now) > HEAVY;
}
