/*
 * scope.c - what of the stream a gateway gets that has no admin connected.
 *
 * Model: a gateway is sent what is for admins alone while it has one, as admission.c has it by the
 * verifier's word and the tables', not by the gateway's (test/t/333_verifier.pl).  Else it gets
 * each event, since seqs follow each other and rights follow from them, but without what only
 * admins may read (common/event/concealed.h).
 *
 * Memory: one transaction, or one run of the journal.
 *
 * Cost: a look at each record, once for all gateways, and a copy of a transaction in which there
 * is something to conceal.
 */
#include "server/dispatcher/scope.h"

#include "common/event/concealed.h"
#include "server/admission/admission.h"

/* More than that isn't kept for the next one. */
#define KEPT (1024 * 1024)

/* Not PostgreSQL's memory, since what can't be had must not be an error (feed.c). */
typedef struct Room
{
	char *data;
	Size size;
} Room;

static char *
make_room(Room *room, Size size)
{
	if (room->size >= size && (room->size <= KEPT || size > KEPT))
		return room->data;
	free(room->data);
	room->data = malloc(size);
	room->size = room->data ? size : 0;
	return room->data;
}

/* The next record, which we wrote; *records moves behind it. */
static bool
next_record(BevSpan *records, BevEvent *event)
{
	if (!bev_event_read(records->data, records->len, event))
		return false;
	records->data += event->size;
	records->len -= event->size;
	return true;
}

/* Is there something to conceal?  What follows for rights is taken in. */
static bool
look_at(uint64 first_seq, BevSpan records, uint32 count)
{
	bool secrets = false;
	BevEvent event;

	for (uint32 i = 0; i < count && next_record(&records, &event); i++)
	{
		secrets |= bev_event_has_secrets(&event);
		if (event.field[BEV_EVENT_ACCESS].len > 0)
			bev_admission_take_access(first_seq + i, event.field[BEV_EVENT_ACCESS]);
	}
	return secrets;
}

/* No record becomes larger by it. */
static bool
write_concealed(BevSpan records, uint32 count, BevSpan *concealed)
{
	static Room room = {0};
	char *data = make_room(&room, records.len);
	Size len = 0;
	BevEvent event;

	if (data == NULL)
		return false;
	while (count-- > 0 && next_record(&records, &event))
		len += bev_event_conceal(&event, data + len);
	*concealed = (BevSpan){data, (uint32) len};
	return true;
}

bool
bev_scope_take(uint64 first_seq, BevSpan records, uint32 count, BevSpan *concealed)
{
	*concealed = records;
	return !look_at(first_seq, records, count) || write_concealed(records, count, concealed);
}

bool
bev_scope_conceal(BevSpan records, uint32 count, BevSpan *concealed)
{
	BevSpan rest = records;
	BevEvent event;

	*concealed = records;
	for (uint32 i = 0; i < count && next_record(&rest, &event); i++)
		if (bev_event_has_secrets(&event))
			return write_concealed(records, count, concealed);
	return true;
}

/* Its records in one piece: theirs, or where the ring ends a copy until the next call. */
static bool
join(const BevQueueItem *item, BevSpan *records)
{
	static Room room = {0};
	Size size = item->part_size[0] + item->part_size[1];
	char *data;

	*records = (BevSpan){item->part[0], (uint32) item->part_size[0]};
	if (item->part_size[1] == 0)
		return true;
	data = make_room(&room, size);
	if (data == NULL)
		return false;
	memcpy(data, item->part[0], item->part_size[0]);
	memcpy(data + item->part_size[0], item->part[1], item->part_size[1]);
	*records = (BevSpan){data, (uint32) size};
	return true;
}

BevQueueItem
bev_scope_take_item(const BevQueueItem *item)
{
	BevQueueItem open = *item;
	BevSpan records;
	BevSpan concealed;

	if (!item->committed || !item->carried)
		return open;
	open.carried =
		join(item, &records) && bev_scope_take(item->first_seq, records, item->n, &concealed);
	if (!open.carried || concealed.data == records.data)
		return open;
	open.part[0] = concealed.data;
	open.part_size[0] = concealed.len;
	open.part_size[1] = 0;
	return open;
}
