/*
 * startup.c - connections that have not shown a good token yet.
 *
 * Model: an entry for each address (IPv6: its first 64 bits) that has any, with two queues: those
 * that wait for their peer, and those that have work, each in the order in which they began to.
 * Whoever's turn it was waits for its peer again, so age is counted anew.  Addresses with
 * work stand in a ring; who is next is the first of the first address, which goes to the end
 * then.  So an address with a thousand waits for itself, and one with a single connection for
 * one turn of the ring.
 *
 * Who has many: addresses are kept in classes, by the power of two that their number reaches.
 * Any of the highest class has at least half of what the first has.
 *
 * Memory: an entry for each address, and it goes with the last of its connections.  The table is
 * of a fixed size; its chains are as long as there are connections, which the owner limits.
 *
 * Cost: all is done in a few steps, whatever there are, but for finding the entry of an address
 * among those of its chain.
 */
#include "gateway/net/startup.h"
#include "common/program/hash.h"
#include "common/program/memory.h"
#include "gateway/net/address.h"

#include <stdlib.h>
#include <string.h>

#define CHAINS  1024
#define CLASSES 32

typedef struct BevStartupPeer
{
	LIST_ENTRY(BevStartupPeer) in_chain;
	TAILQ_ENTRY(BevStartupPeer) in_class;
	TAILQ_ENTRY(BevStartupPeer) in_ring; /* if any has work */
	TAILQ_HEAD(, BevStartup) waiting;
	TAILQ_HEAD(BevReadyQueue, BevStartup) ready;
	BevNetwork network;
	uint32_t count;
} Peer;

struct BevStartups
{
	LIST_HEAD(, BevStartupPeer) chain[CHAINS];
	TAILQ_HEAD(, BevStartupPeer) class[CLASSES];
	TAILQ_HEAD(, BevStartupPeer) ring;
	uint32_t count;
};

BevStartups *
bev_startups_create(void)
{
	BevStartups *startups = bev_alloc(sizeof(*startups));

	TAILQ_INIT(&startups->ring);
	for (int i = 0; i < CLASSES; i++)
		TAILQ_INIT(&startups->class[i]);
	return startups;
}

void
bev_startups_free(BevStartups *startups)
{
	free(startups);
}

/* The class of so many, of one at least. */
static int
class_of(uint32_t count)
{
	return 31 - __builtin_clz(count);
}

static uint32_t
chain_of(const BevNetwork *network)
{
	return bev_hash((BevSpan){(const char *) network, sizeof(*network)}) % CHAINS;
}

static Peer *
find_peer(BevStartups *startups, const BevNetwork *network)
{
	Peer *peer;

	LIST_FOREACH (peer, &startups->chain[chain_of(network)], in_chain)
		if (memcmp(&peer->network, network, sizeof(*network)) == 0)
			return peer;
	return NULL;
}

static Peer *
add_peer(BevStartups *startups, const BevNetwork *network)
{
	Peer *peer = bev_alloc(sizeof(*peer));

	peer->network = *network;
	TAILQ_INIT(&peer->waiting);
	TAILQ_INIT(&peer->ready);
	LIST_INSERT_HEAD(&startups->chain[chain_of(network)], peer, in_chain);
	return peer;
}

/* Its number is another one now. */
static void
recount(BevStartups *startups, Peer *peer, uint32_t count)
{
	bool same = peer->count > 0 && count > 0 && class_of(peer->count) == class_of(count);

	if (!same && peer->count > 0)
		TAILQ_REMOVE(&startups->class[class_of(peer->count)], peer, in_class);
	if (!same && count > 0)
		TAILQ_INSERT_TAIL(&startups->class[class_of(count)], peer, in_class);
	peer->count = count;
}

void
bev_startups_add(BevStartups *startups, BevStartup *startup, const char *address)
{
	BevNetwork network = bev_address_network(address);
	Peer *peer = find_peer(startups, &network);

	if (peer == NULL)
		peer = add_peer(startups, &network);
	startup->peer = peer;
	TAILQ_INSERT_TAIL(&peer->waiting, startup, entry);
	recount(startups, peer, peer->count + 1);
	startups->count++;
}

static void
take_turn(BevStartups *startups, BevStartup *startup)
{
	Peer *peer = startup->peer;

	startup->is_ready = false;
	TAILQ_REMOVE(&peer->ready, startup, entry);
	TAILQ_INSERT_TAIL(&peer->waiting, startup, entry);
	TAILQ_REMOVE(&startups->ring, peer, in_ring);
	if (!TAILQ_EMPTY(&peer->ready))
		TAILQ_INSERT_TAIL(&startups->ring, peer, in_ring);
}

void
bev_startups_remove(BevStartups *startups, BevStartup *startup)
{
	Peer *peer = startup->peer;

	if (peer == NULL)
		return;
	if (startup->is_ready)
		take_turn(startups, startup);
	TAILQ_REMOVE(&peer->waiting, startup, entry);
	recount(startups, peer, peer->count - 1);
	startups->count--;
	startup->peer = NULL;
	if (peer->count > 0)
		return;
	LIST_REMOVE(peer, in_chain);
	free(peer);
}

uint32_t
bev_startups_count(const BevStartups *startups)
{
	return startups->count;
}

uint32_t
bev_startups_count_alike(const BevStartup *startup)
{
	return startup->peer->count;
}

static BevStartup *
least_of(const Peer *peer)
{
	return TAILQ_EMPTY(&peer->waiting) ? TAILQ_LAST(&peer->ready, BevReadyQueue) :
	                                     TAILQ_FIRST(&peer->waiting);
}

BevStartup *
bev_startups_least_alike(const BevStartup *startup)
{
	return least_of(startup->peer);
}

BevStartup *
bev_startups_least_of_many(const BevStartups *startups, BevStartup *newcomer)
{
	int class = CLASSES - 1;
	BevStartup *least;

	while (TAILQ_EMPTY(&startups->class[class]))
		class --;
	least = least_of(TAILQ_FIRST(&startups->class[class]));
	return class == 0 && least->is_ready ? newcomer : least;
}

void
bev_startups_set_ready(BevStartups *startups, BevStartup *startup)
{
	Peer *peer = startup->peer;

	if (startup->is_ready)
		return;
	startup->is_ready = true;
	if (TAILQ_EMPTY(&peer->ready))
		TAILQ_INSERT_TAIL(&startups->ring, peer, in_ring);
	TAILQ_REMOVE(&peer->waiting, startup, entry);
	TAILQ_INSERT_TAIL(&peer->ready, startup, entry);
}

BevStartup *
bev_startups_next_ready(BevStartups *startups)
{
	Peer *peer = TAILQ_FIRST(&startups->ring);
	BevStartup *startup = peer ? TAILQ_FIRST(&peer->ready) : NULL;

	if (startup)
		take_turn(startups, startup);
	return startup;
}

bool
bev_startups_any_ready(const BevStartups *startups)
{
	return !TAILQ_EMPTY(&startups->ring);
}
