/*
 * window_test.c - the window and the replay: what they hold, find and drop.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "gateway/stream/replay.h"
#include "gateway/stream/window.h"
#include "make_event.h"
#include "tap.h"

static void
add(BevWindow *window, uint64_t seq, size_t size)
{
	BevEventsMessage message = {.first_seq = seq, .tx_n = 1, .tx_of = 1};
	char *payload = malloc(size + 1);
	BevEvent event;
	char *record;

	memset(payload, 'x', size);
	payload[size] = '\0';
	record = make_simple("all", payload, &event);
	bev_window_add(window, &message, 0, &event);
	free(record);
	free(payload);
}

/* The seqs above one, as far as they are in the window, in order? */
static bool
holds_all(const BevWindow *window, uint64_t seq, uint64_t step)
{
	uint32_t i;
	const BevChunk *chunk;

	while ((chunk = bev_window_find(window, seq, &i)) != NULL)
		for (; i < chunk->count; i++)
		{
			if (chunk->frame[i].seq != seq + step - seq % step)
				return false;
			seq = chunk->frame[i].seq;
		}
	return seq + step > window->tip;
}

static void
test_window(void)
{
	BevWindow window = {.limit = 1024 * 1024};
	uint32_t i;
	bool good = true;

	bev_window_reset(&window, 9);
	tap_ok(window.floor == 9 && window.tip == 9 && bev_window_find(&window, 9, &i) == NULL,
	       "an empty window");
	bev_window_advance(&window, 15);
	tap_ok(window.floor == 15 && window.tip == 15, "progress moves an empty window");
	bev_window_reset(&window, 0);
	for (uint64_t seq = 10; seq <= 10000; seq += 10)
		add(&window, seq, 100);
	for (uint64_t seq = 0; seq <= 10000; seq += 7)
		good &= holds_all(&window, seq, 10);
	tap_ok(good, "what follows any seq is found, with gaps");
	bev_window_advance(&window, 10005);
	tap_ok(window.tip == 10005 && bev_window_find(&window, 10000, &i) == NULL,
	       "progress moves the tip, and there is nothing new");
	for (uint64_t seq = 10010; seq <= 100000; seq += 10)
		add(&window, seq, 100);
	tap_ok(window.floor == 0, "nothing is dropped before the batch was sent");
	bev_window_trim(&window);
	tap_ok(window.floor > 0 && window.bytes <= window.limit, "then the oldest go");
	tap_ok(holds_all(&window, window.floor, 10), "and the rest is whole");
	add(&window, 100010, 3000000);
	add(&window, 100020, 10);
	bev_window_trim(&window);
	tap_ok(holds_all(&window, window.floor, 10), "an event larger than all");
	bev_window_limit(&window, 1);
	tap_ok(window.count == 1, "one chunk stays at least");
	bev_window_free(&window);
}

/* The last seq of each of so many rows, by looking at every frame. */
static bool
index_is_right(const BevWindow *window, uint32_t rows)
{
	bool good = true;

	for (uint32_t row = 0; row < rows; row++)
	{
		uint64_t last = 0;
		char name[32];
		int len = snprintf(name, sizeof(name), "note%c%" PRIu32, '\0', row);
		uint32_t i;
		const BevChunk *chunk;

		for (uint64_t seq = window->floor; (chunk = bev_window_find(window, seq, &i)) != NULL;
		     seq = chunk->covered)
			for (; i < chunk->count; i++)
			{
				BevSpan here = bev_chunk_row(chunk, &chunk->frame[i]);

				if (here.len == (uint32_t) len && memcmp(here.data, name, here.len) == 0)
					last = chunk->frame[i].seq;
			}
		good &= bev_latest_find(&window->latest, (BevSpan){name, (uint32_t) len}) == last;
	}
	return good;
}

static void
add_row(BevWindow *window, uint64_t seq, uint32_t row)
{
	static char payload[1000];
	char key[16];
	BevEventsMessage message = {.first_seq = seq, .tx_n = 1, .tx_of = 1};
	BevEvent event;
	size_t size;
	char *record;

	memset(payload, 'x', sizeof(payload) - 1);
	snprintf(key, sizeof(key), "%" PRIu32, row);
	record = make_event(
		(const char *[BEV_EVENT_FIELDS]){"note", "updated", "all", key, "", "", payload, ""},
		&size);
	if (!bev_event_read(record, size, &event))
		abort();
	bev_window_add(window, &message, 0, &event);
	free(record);
}

static void
test_index(void)
{
	BevWindow window = {.limit = 1024 * 1024};
	uint64_t seq = 0;

	bev_window_reset(&window, 0);
	for (int i = 0; i < 500; i++)
	{
		seq++;
		add_row(&window, seq, seq % 300);
	}
	tap_ok(window.latest.rows.count == 0, "nobody conflates: no index");
	bev_window_index(&window, true);
	tap_ok(index_is_right(&window, 300), "an index is made of what is there");
	for (int i = 0; i < 5000; i++)
	{
		seq++;
		add_row(&window, seq, seq * seq % 2500);
		bev_window_trim(&window);
	}
	tap_ok(window.floor > 1000 && index_is_right(&window, 2500),
	       "and kept while events come and go");
	tap_ok(window.latest.rows.count <= seq - window.floor, "within the bound of the window");
	bev_window_reset(&window, seq);
	tap_ok(window.latest.rows.count == 0, "an empty window has no rows");
	bev_window_index(&window, false);
	add_row(&window, ++seq, 1);
	tap_ok(window.latest.rows.buckets == 0, "and no index when nobody needs one any more");
	bev_window_free(&window);
}

/* ---- Replay ---- */

typedef struct Log
{
	BevFetchMessage fetch[16];
	int fetches;
	int ready;
	int gone;
} Log;

static void
on_fetch(void *owner, const BevFetchMessage *message)
{
	Log *log = owner;

	log->fetch[log->fetches++ % 16] = *message;
}

static void
on_ready(void *owner, BevWaiter *waiter)
{
	((Log *) owner)->ready++;
}

static void
on_gone(void *owner, BevWaiter *waiter)
{
	((Log *) owner)->gone++;
}

static const BevReplayEvents replay_events = {on_fetch, on_ready, on_gone};

static bool
answer_as(BevReplay *replay, const BevFetchMessage *fetch, uint64_t covered, bool whole)
{
	BevFetchedMessage message = {.request = fetch->request, .covered = covered};

	for (uint64_t seq = fetch->after + 1; seq <= covered; seq++)
	{
		BevEventsMessage events = {.request = fetch->request, .first_seq = seq};
		BevEvent event;
		char *record = make_simple("all", "{}", &event);

		bev_replay_add(replay, &events, 0, &event);
		free(record);
	}
	return bev_replay_end(replay, &message, whole);
}

static bool
answer(BevReplay *replay, const BevFetchMessage *fetch, uint64_t covered)
{
	return answer_as(replay, fetch, covered, false);
}

/* Who waits for what is for admins isn't served by what has that not. */
static void
test_whole(void)
{
	Log log = {0};
	BevReplay *replay = bev_replay_create(&replay_events, &log);
	BevWaiter one, other;

	bev_replay_wait(replay, &one, 0, false);
	bev_replay_ask(replay, 100, 500);
	tap_ok(log.fetch[0].upto == 100, "up to the floor");
	bev_replay_wait(replay, &other, 10, true);
	bev_replay_ask(replay, 100, 500);
	tap_ok(log.fetches == 2 && log.fetch[1].after == 10 && log.fetch[1].upto == 500,
	       "an admin's position is asked for besides, and up to another floor");
	answer(replay, &log.fetch[0], 100);
	tap_ok(bev_replay_find(replay, 10, false) && !bev_replay_find(replay, 10, true),
	       "what isn't whole is none for an admin");
	bev_replay_leave(&other);
	bev_replay_wait(replay, &other, 10, true);
	answer_as(replay, &log.fetch[1], 500, true);
	tap_ok(log.ready == 3 && bev_replay_find(replay, 10, true) &&
	           bev_replay_find(replay, 499, false),
	       "what is serves both");
	bev_replay_wait(replay, &one, 5, true);
	bev_replay_ask(replay, 100, 500);
	tap_ok(log.fetch[2].after == 5 && log.fetch[2].upto == 10, "... up to which is asked for then");
	bev_replay_leave(&one);
	bev_replay_free(replay);
}

static void
test_replay(void)
{
	Log log = {0};
	BevReplay *replay = bev_replay_create(&replay_events, &log);
	BevWaiter waiter[20];
	BevFetchedMessage gone = {.result = BEV_FETCH_GONE, .dropped = 60};

	for (int i = 0; i < 20; i++)
		bev_replay_wait(replay, &waiter[i], (uint64_t) (19 - i) * 5, false);
	bev_replay_ask(replay, 1000, 1000);
	tap_ok(log.fetches == 1 && log.fetch[0].after == 0 && log.fetch[0].upto == 1000,
	       "one fetch from the lowest position, up to the floor");
	tap_ok(answer(replay, &log.fetch[0], 30) && log.ready == 6,
	       "its answer serves all in its range");
	tap_ok(bev_replay_find(replay, 29, false) && !bev_replay_find(replay, 30, false),
	       "and is kept");
	bev_replay_ask(replay, 1000, 1000);
	tap_ok(log.fetches > 1 && log.fetches <= 1 + BEV_FETCHES_MAX && log.fetch[1].after == 30,
	       "then it goes upwards");
	bev_replay_leave(&waiter[0]);
	gone.request = log.fetch[1].request;
	tap_ok(bev_replay_end(replay, &gone, false) && log.gone == 6, "what is gone is told");
	tap_ok(!answer(replay, &log.fetch[2], log.fetch[2].after),
	       "an answer that leads nowhere breaks the rules");
	bev_replay_reset(replay);
	tap_ok(log.gone == 6 + 7 && bev_replay_find(replay, 1, false) == NULL, "a reset forgets all");
	tap_ok(answer(replay, &log.fetch[0], 10), "an answer from before is ignored");
	tap_ok(bev_replay_find(replay, 1, false) == NULL, "indeed");
	bev_replay_free(replay);
}

int
main(void)
{
	test_window();
	test_index();
	test_replay();
	test_whole();
	return tap_done();
}
