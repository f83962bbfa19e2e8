/*
 * latest.c - for each row of a stretch of the stream, the seq of its last event.
 *
 * Memory: one entry for each row that has an event in the stretch, with a copy of
 * the row's name; the stretch's own bound is therefore this one's, too.
 */
#include "gateway/stream/latest.h"

typedef struct Row
{
	BevNamed named;
	uint64_t seq;
} Row;

void
bev_latest_note(BevLatest *latest, BevSpan row, uint64_t seq)
{
	Row *kept = bev_name_table_add(&latest->rows, sizeof(Row), row);

	kept->seq = seq;
}

uint64_t
bev_latest_find(const BevLatest *latest, BevSpan row)
{
	const Row *kept = bev_name_table_find(&latest->rows, sizeof(Row), row);

	return kept ? kept->seq : 0;
}

void
bev_latest_forget(BevLatest *latest, BevSpan row, uint64_t seq)
{
	Row *kept = bev_name_table_find(&latest->rows, sizeof(Row), row);

	if (kept && kept->seq == seq)
		bev_name_table_remove(&latest->rows, &kept->named);
}

void
bev_latest_free(BevLatest *latest)
{
	bev_name_table_free(&latest->rows);
}
