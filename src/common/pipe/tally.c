/*
 * tally.c - which abuse is worth telling, and how often the rest came.
 *
 * Model: pairs are in a hash table without chains: one may stand in any of PROBES
 * places behind its own.  Who chooses addresses that meet there finds no room sooner,
 * and nothing else.
 */
#include "common/pipe/tally.h"

#include <stddef.h>
#include <string.h>

#define MINUTE 60000
#define PROBES 16

/* FNV-1a */
static uint32_t
hash(uint32_t kind, const char *address)
{
	uint32_t value = (2166136261u ^ kind) * 16777619u;

	for (; *address; address++)
		value = (value ^ (uint8_t) *address) * 16777619u;
	return value;
}

/* The pair's place; or a free one in *free, NULL if there is none. */
static BevTallyPair *
find(BevTally *tally, uint32_t kind, const char *address, BevTallyPair **free)
{
	uint32_t start = hash(kind, address);

	*free = NULL;
	for (uint32_t i = 0; i < PROBES; i++)
	{
		BevTallyPair *pair = &tally->pair[(start + i) % BEV_TALLY_PAIRS];

		if (pair->used && pair->kind == kind && strcmp(pair->address, address) == 0)
			return pair;
		if (!pair->used && *free == NULL)
			*free = pair;
	}
	return NULL;
}

void
bev_tally_begin(BevTally *tally, uint64_t now)
{
	for (int i = 0; i < BEV_ABUSE_KINDS; i++)
		bev_bucket_fill(&tally->kind[i].told, BEV_TALLY_TOLD, now);
}

void
bev_tally_add(BevTally *tally, const BevAbuseMessage *abuse, int gateway, uint64_t now)
{
	BevTallyKind *kind = &tally->kind[abuse->kind];
	BevTallyPair *room;
	BevTallyPair *pair = find(tally, abuse->kind, abuse->address, &room);

	if (pair)
	{
		pair->gateway = gateway;
		pair->times += abuse->times;
	}
	else if (*abuse->address && room && bev_bucket_take(&kind->told, BEV_TALLY_TOLD, now) == 0)
	{
		*room = (BevTallyPair){.used = 1, .kind = abuse->kind, .told_at = now};
		strcpy(room->address, abuse->address);
		tally->tell(abuse->kind, abuse->address, gateway, abuse->times);
	}
	else
		kind->times += abuse->times;
}

/* The pair's minute is over.  It is followed for another one if there was something. */
static void
end_minute(BevTally *tally, BevTallyPair *pair, uint64_t now)
{
	BevTallyKind *kind = &tally->kind[pair->kind];

	if (pair->times > 0 && bev_bucket_take(&kind->told, BEV_TALLY_TOLD, now) == 0)
	{
		tally->tell(pair->kind, pair->address, pair->gateway, pair->times);
		pair->told_at = now;
		pair->times = 0;
		return;
	}
	kind->times += pair->times;
	pair->used = 0;
}

void
bev_tally_due(BevTally *tally, uint64_t now)
{
	for (int i = 0; i < BEV_TALLY_PAIRS; i++)
		if (tally->pair[i].used && now - tally->pair[i].told_at >= MINUTE)
			end_minute(tally, &tally->pair[i], now);
	for (uint32_t i = 0; i < BEV_ABUSE_KINDS; i++)
	{
		BevTallyKind *kind = &tally->kind[i];

		if (kind->times == 0 || (kind->told_at != 0 && now - kind->told_at < MINUTE))
			continue;
		tally->tell(i, "", 0, kind->times);
		kind->told_at = now;
		kind->times = 0;
	}
}
