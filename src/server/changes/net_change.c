/*
 * net_change.c - what became of each row, of all the changes that a transaction made to it.
 *
 * Model: in two steps.
 *
 * Versions are linked into chains.  An UPDATE leads from a version to another one, and within
 * a transaction no place is used for two versions; so an entry goes on the chain that ends with
 * its old version, and before the one that begins with its new version.  Both have to be
 * looked for, because entries don't come in the order of the versions: what a trigger changes
 * while a statement is under way is logged before the statement's own changes.
 *
 *		log		3>4   1>2   2>3   5>-   ->6			chains	1>4   5>-   ->6
 *
 * Then a row that ends and one that begins with the same key are one row that changed.
 * Only rows whose chain begins or ends within the transaction, or whose key may have been changed,
 * can be such, and only if there are some of both kinds; so most transactions compare no key.
 *
 *		5>-  and  ->6  with the same key: 5>6.		K1>K2  and  K2>K3: K1 is deleted, K2 is
 *		changed, K3 is created.						K1>K2  and  K2>K1: both are changed.
 *
 * Memory: for each row 12 bytes, and at most 32 for each entry while versions are linked.
 *
 * Cost: about 300 instructions for each entry, next to nothing where there is one, or where all
 * rows come or all go.
 */
#include "server/changes/net_change.h"

#include "common/hashfn.h"
#include "port/pg_bitutils.h"

/* ---- linking ---- */

/*
 * Places of chains by a version that they begin or end with.  What a chain doesn't begin or end
 * with any more stays, and isn't taken for it: the chain tells.
 */
typedef struct Links
{
	const BevLogged *entries;
	BevNetChange *chains;
	uint32 n;
	uint32 *slots; /* chain + 1; 0: free */
	uint32 mask;
} Links;

/* What the chain is looked up by, at one of its ends; NULL: it has no version there. */
static const ItemPointerData *
end_of(const Links *links, const BevNetChange *chain, bool at_end, uint32 *table)
{
	uint32 entry = at_end ? chain->new : chain->old;

	if (entry == BEV_NO_ENTRY)
		return NULL;
	*table = links->entries[entry].table;
	return at_end ? &links->entries[entry].new : &links->entries[entry].old;
}

static uint32
hash_version(uint32 table, const ItemPointerData *tid)
{
	uint32 block = ItemPointerGetBlockNumberNoCheck(tid);
	uint32 place = (table << 16) | ItemPointerGetOffsetNumberNoCheck(tid);

	return murmurhash32(block ^ murmurhash32(place));
}

static void
put(Links *links, const BevNetChange *chain, uint32 hash)
{
	uint32 slot = hash & links->mask;

	while (links->slots[slot] != 0)
		slot = (slot + 1) & links->mask;
	links->slots[slot] = (uint32) (chain - links->chains) + 1;
}

static void
put_end(Links *links, const BevNetChange *chain, bool at_end)
{
	uint32 table;
	const ItemPointerData *tid = end_of(links, chain, at_end, &table);

	if (tid)
		put(links, chain, hash_version(table, tid));
}

/* The chain with this version, if there is one, at that end. */
static BevNetChange *
find(const Links *links, uint32 table, const ItemPointerData *tid, bool at_end, uint32 hash)
{
	uint32 slot = hash & links->mask;

	if (!ItemPointerIsValid(tid))
		return NULL;
	for (; links->slots[slot] != 0; slot = (slot + 1) & links->mask)
	{
		BevNetChange *chain = &links->chains[links->slots[slot] - 1];
		uint32 other;
		const ItemPointerData *end = end_of(links, chain, at_end, &other);

		if (end && other == table &&
		    ItemPointerEquals(unconstify(ItemPointerData *, end),
		                      unconstify(ItemPointerData *, tid)))
			return chain;
	}
	return NULL;
}

#define NO_LAST (PG_UINT32_MAX >> 1)

/* A chain that is a part of another one now. */
static void
drop(BevNetChange *chain)
{
	chain->old = chain->new = BEV_NO_ENTRY;
	chain->last = NO_LAST;
}

static bool
is_dropped(const BevNetChange *chain)
{
	return chain->last == NO_LAST;
}

bool
bev_net_change_is_nothing(const BevNetChange *change)
{
	return change->old == BEV_NO_ENTRY && change->new == BEV_NO_ENTRY;
}

static BevNetChange
chain_of(const BevLogged *entry, uint32 number)
{
	return (BevNetChange){
		.old = ItemPointerIsValid(&entry->old) ? number : BEV_NO_ENTRY,
		.new = ItemPointerIsValid(&entry->new) ? number : BEV_NO_ENTRY,
		.last = number,
		.rekeyed = entry->rekeyed,
	};
}

/* Join two chains in the place of the earlier one. */
static BevNetChange *
concatenate(BevNetChange *before, BevNetChange *after)
{
	BevNetChange joined = {.old = before->old,
	                       .new = after->new,
	                       .last = after->last,
	                       .rekeyed = before->rekeyed || after->rekeyed};
	BevNetChange *first = before < after ? before : after;

	if (bev_net_change_is_nothing(&joined))
		joined.last = before->new;
	drop(before);
	drop(after);
	*first = joined;
	return first;
}

/*
 * Where a chain goes on, it keeps its number, and is found by its beginning as before; so there is
 * nothing to put but the new end.
 */
static void
link_entry(Links *links, uint32 number)
{
	const BevLogged *entry = &links->entries[number];
	uint32 old_hash = hash_version(entry->table, &entry->old);
	uint32 new_hash = hash_version(entry->table, &entry->new);
	BevNetChange *before = find(links, entry->table, &entry->old, true, old_hash);
	BevNetChange *after = find(links, entry->table, &entry->new, false, new_hash);
	BevNetChange *chain = &links->chains[links->n];

	*chain = chain_of(entry, number);
	if (before)
		chain = concatenate(before, chain);
	else
		links->n++;
	if (after)
	{
		chain = concatenate(chain, after);
		put_end(links, chain, true);
		put_end(links, chain, false);
		return;
	}
	if (chain->new != BEV_NO_ENTRY)
		put(links, chain, new_hash);
	if (before == NULL && chain->old != BEV_NO_ENTRY)
		put(links, chain, old_hash);
}

static uint32
sweep(BevNetChange *chains, uint32 n)
{
	uint32 kept = 0;

	for (uint32 i = 0; i < n; i++)
		if (!is_dropped(&chains[i]))
			chains[kept++] = chains[i];
	return kept;
}

static void *
allocate(Size size, int flags)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, size, MCXT_ALLOC_HUGE | flags);
}

/* Do all rows come, or all go?  Then nothing leads from one entry to another. */
static bool
has_links(const BevLogged *entries, uint32 n)
{
	bool old = false;
	bool new = false;

	for (uint32 i = 0; i < n && !(old && new); i++)
	{
		old |= entries[i].table != BEV_LOG_RECORD && ItemPointerIsValid(&entries[i].old);
		new |= entries[i].table != BEV_LOG_RECORD &&ItemPointerIsValid(&entries[i].new);
	}
	return old && new;
}

static void
add_entry(Links *links, uint32 number)
{
	if (links->entries[number].table == BEV_LOG_RECORD)
		links->chains[links->n++] = (BevNetChange){.old = number, .new = number, .last = number};
	else if (links->slots)
		link_entry(links, number);
	else
		links->chains[links->n++] = chain_of(&links->entries[number], number);
}

static bool
is_wanted(const BevLogged *entry, const bool *tables)
{
	if (entry->formed)
		return false;
	return tables == NULL || (entry->table != BEV_LOG_RECORD && tables[entry->table]);
}

BevNetChanges
bev_net_changes_link(const BevLogged *entries, uint32 n, const bool *tables)
{
	/* Each entry puts a chain at two ends; half of the slots stay free. */
	uint64 slots = pg_nextpower2_64((uint64) Max(n, 1) * 4);
	Links links = {.entries = entries,
	               .chains = allocate(sizeof(BevNetChange) * Max(n, 1), 0),
	               .mask = (uint32) (slots - 1)};

	if (n > 1 && has_links(entries, n))
		links.slots = allocate(sizeof(uint32) * slots, MCXT_ALLOC_ZERO);
	for (uint32 i = 0; i < n; i++)
		if (is_wanted(&entries[i], tables))
			add_entry(&links, i);
	if (links.slots)
		pfree(links.slots);
	return (BevNetChanges){links.chains, sweep(links.chains, links.n)};
}

/* ---- joining by key ---- */

/* The end or the beginning of a row under a key. */
typedef struct Half
{
	uint64 id;
	uint32 change;
} Half;

typedef struct Joining
{
	const BevLogged *entries;
	const BevRowKeys *keys;
	BevNetChanges *changes;
	bool *has_both; /* by group: rows that end, and rows that begin */
	Half *ends;     /* a hash table */
	uint64 mask;
	uint32 *new_of; /* by change: whose new version goes with its old one, BEV_NO_ENTRY: none's */
	uint32 *old_of; /* and the other way round */
} Joining;

/* Whose version is the last one of a row that ended; of one that came and went, the new one. */
static uint32
end_entry(const BevNetChange *change)
{
	return bev_net_change_is_nothing(change) ? change->last : change->old;
}

static bool
ends(const BevLogged *entries, const BevNetChange *change)
{
	if (bev_net_change_is_nothing(change))
		return true;
	return change->old != BEV_NO_ENTRY && entries[change->old].table != BEV_LOG_RECORD &&
	       (change->new == BEV_NO_ENTRY || change->rekeyed);
}

static bool
begins(const BevLogged *entries, const BevNetChange *change)
{
	return change->new != BEV_NO_ENTRY &&entries[change->new].table != BEV_LOG_RECORD &&
	       (change->old == BEV_NO_ENTRY || change->rekeyed);
}

/*
 * A key that may be another one is often the same: an expression's, or one that was changed back.
 * Then its own versions belong together, whatever else has that key (test/t/113_trackers.pl: a
 * filter leaves one of several rows).
 */
static void
settle(Joining *joining)
{
	for (uint32 i = 0; i < joining->changes->n; i++)
	{
		BevNetChange *change = &joining->changes->list[i];

		if (change->rekeyed && change->old != BEV_NO_ENTRY && change->new != BEV_NO_ENTRY &&
		    joining->keys->is_same(joining->keys->arg, change->old, false, change->new))
			change->rekeyed = false;
	}
}

/* Which groups have rows of both kinds; returns how many rows end in those. */
static uint32
count_halves(Joining *joining)
{
	uint32 tables = bev_change_log_tables();
	uint32 *ending = palloc0(sizeof(uint32) * Max(tables, 1));
	bool *beginning = palloc0(sizeof(bool) * Max(tables, 1));
	uint32 count = 0;

	for (uint32 i = 0; i < joining->changes->n; i++)
	{
		const BevNetChange *change = &joining->changes->list[i];

		if (ends(joining->entries, change))
			ending[joining->keys->groups[joining->entries[end_entry(change)].table]]++;
		if (begins(joining->entries, change))
			beginning[joining->keys->groups[joining->entries[change->new].table]] = true;
	}
	for (uint32 group = 0; group < tables; group++)
	{
		beginning[group] = beginning[group] && ending[group] > 0;
		if (beginning[group])
			count += ending[group];
	}
	joining->has_both = beginning;
	pfree(ending);
	return count;
}

static bool
identify(Joining *joining, uint32 entry, bool new, uint64 *id)
{
	return joining->has_both[joining->keys->groups[joining->entries[entry].table]] &&
	       joining->keys->identify(joining->keys->arg, entry, new, id);
}

static void
collect_ends(Joining *joining)
{
	for (uint32 i = 0; i < joining->changes->n; i++)
	{
		const BevNetChange *change = &joining->changes->list[i];
		uint64 id;
		uint64 slot;

		if (!ends(joining->entries, change) ||
		    !identify(joining, end_entry(change), bev_net_change_is_nothing(change), &id))
			continue;
		slot = id & joining->mask;
		while (joining->ends[slot].change != BEV_NO_ENTRY)
			slot = (slot + 1) & joining->mask;
		joining->ends[slot] = (Half){id, i};
	}
}

/* The first that ended with the key of that entry and is still alone; BEV_NO_ENTRY: none. */
static uint32
find_end(Joining *joining, uint32 entry, uint64 id, bool came_and_went)
{
	for (uint64 slot = id & joining->mask; joining->ends[slot].change != BEV_NO_ENTRY;
	     slot = (slot + 1) & joining->mask)
	{
		uint32 ending = joining->ends[slot].change;
		const BevNetChange *change = &joining->changes->list[ending];

		if (joining->ends[slot].id == id && joining->new_of[ending] == BEV_NO_ENTRY &&
		    bev_net_change_is_nothing(change) == came_and_went &&
		    joining->keys->is_same(joining->keys->arg, end_entry(change), came_and_went, entry))
			return ending;
	}
	return BEV_NO_ENTRY;
}

/* Give a row that begins one that ended with its key; else the place of one that came and went. */
static void
match(Joining *joining, uint32 beginning)
{
	const BevNetChange *change = &joining->changes->list[beginning];
	uint32 ending;
	uint64 id;

	if (!identify(joining, change->new, true, &id))
		return;
	ending = find_end(joining, change->new, id, false);
	if (ending == BEV_NO_ENTRY && change->old == BEV_NO_ENTRY)
		ending = find_end(joining, change->new, id, true);
	if (ending == BEV_NO_ENTRY)
		return;
	joining->new_of[ending] = beginning;
	joining->old_of[beginning] = ending;
}

/* Each change where the first one of its row's was; what isn't joined stays what it is. */
static BevNetChanges
arrange(const Joining *joining)
{
	const BevNetChange *list = joining->changes->list;
	uint32 n = joining->changes->n;
	BevNetChanges out = {.list = allocate(sizeof(BevNetChange) * 2 * n, 0)};

	for (uint32 i = 0; i < n; i++)
	{
		uint32 new = joining->new_of[i];
		uint32 old = joining->old_of[i];
		BevNetChange rest = list[i];

		if (new != BEV_NO_ENTRY)
			rest.old = BEV_NO_ENTRY;
		if (old != BEV_NO_ENTRY)
			rest.new = BEV_NO_ENTRY;
		if (!bev_net_change_is_nothing(&rest))
			out.list[out.n++] = rest;
		if (new != BEV_NO_ENTRY &&new >= i)
			out.list[out.n++] = (BevNetChange){list[i].old, list[new].new, list[new].last, false};
		if (old != BEV_NO_ENTRY && old > i)
			out.list[out.n++] = (BevNetChange){list[old].old, list[i].new, list[i].last, false};
	}
	return out;
}

void
bev_net_changes_join(const BevLogged *entries, BevNetChanges *changes, const BevRowKeys *keys)
{
	Joining joining = {.entries = entries, .keys = keys, .changes = changes};
	BevNetChanges joined;
	uint32 count;

	settle(&joining);
	count = count_halves(&joining);
	if (count == 0)
		return;
	joining.mask = pg_nextpower2_64((uint64) count * 2) - 1;
	joining.ends = allocate(sizeof(Half) * (joining.mask + 1), 0);
	joining.new_of = allocate(sizeof(uint32) * changes->n, 0);
	joining.old_of = allocate(sizeof(uint32) * changes->n, 0);
	memset(joining.ends, 0xff, sizeof(Half) * (joining.mask + 1));
	memset(joining.new_of, 0xff, sizeof(uint32) * changes->n);
	memset(joining.old_of, 0xff, sizeof(uint32) * changes->n);

	collect_ends(&joining);
	for (uint32 i = 0; i < changes->n; i++)
		if (begins(entries, &changes->list[i]))
			match(&joining, i);
	joined = arrange(&joining);
	pfree(joining.ends);
	pfree(joining.new_of);
	pfree(joining.old_of);
	pfree(changes->list);
	*changes = joined;
}
