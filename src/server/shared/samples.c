/*
 * samples.c - what the server's numbers were in the last hour, in shared memory.
 *
 * Model: a ring of BEV_SAMPLES places, which the dispatcher fills one after the other.
 *
 * Concurrency: no lock, so that a reader that was stopped holds up nobody.  A place has a number
 * that is 0 while it is written; who finds another number behind a copy than before it has nothing.
 */
#include "server/shared/samples.h"

#include "port/atomics.h"

typedef struct Place
{
	pg_atomic_uint64 number; /* of the sample, from 1 on; 0: none */
	BevSample sample;
} Place;

typedef struct Ring
{
	uint64 count; /* that were added; the dispatcher's */
	Place place[BEV_SAMPLES];
} Ring;

static Ring *ring;

static void
init(void *memory, LWLock *lock pg_attribute_unused())
{
	ring = memory;
	for (int i = 0; i < BEV_SAMPLES; i++)
		pg_atomic_init_u64(&ring->place[i].number, 0);
}

const BevSharedArea bev_samples_area = {
	.name = "bugevents samples", .size = sizeof(Ring), .init = init};

void
bev_samples_add(const BevSample *sample)
{
	Place *place = &ring->place[ring->count % BEV_SAMPLES];

	pg_atomic_write_u64(&place->number, 0);
	pg_write_barrier();
	place->sample = *sample;
	pg_write_barrier();
	pg_atomic_write_u64(&place->number, ++ring->count);
}

bool
bev_samples_get(int place, BevSample *sample)
{
	Place *from = &ring->place[place];
	uint64 number = pg_atomic_read_u64(&from->number);

	if (number == 0)
		return false;
	pg_read_barrier();
	*sample = from->sample;
	pg_read_barrier();
	return pg_atomic_read_u64(&from->number) == number;
}
