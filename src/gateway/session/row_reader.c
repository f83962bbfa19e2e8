/*
 * row_reader.c - gives a client the rows of some ranges, all as of one seq, in parts.
 *
 * Model
 *	range | range | ...		a range: | snapshot, in memory | pages of its base |
 *
 *	Each item is judged when it is given, by what the client is then.  Of a row in the base that
 *	events had news about for the client the snapshot decides (stream/row_set.h).
 *
 * Memory
 *	The snapshots, which are shared, and a page.  A client that takes nothing is given nothing.
 *
 * Cost
 *	A look at each row, and for each page a question.
 */
#include "gateway/session/row_reader.h"
#include "common/program/memory.h"
#include "gateway/wire/frame.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PART_BYTES (64 * 1024)
#define PART_ROWS  20000 /* looked at, whoever may see them */
#define TURN_BYTES (2 * PART_BYTES)
#define TURN_PARTS 2 /* for one client, before others are looked after */

/* ---- Items ---- */

/* Does the client want it, which sees this face of it? */
static bool
is_wanted(const BevSession *session, const BevRowRange *range, const BevRowFace *face)
{
	BevEvent row = {.field = {
						[BEV_EVENT_TYPE] = {range->type, (uint32_t) strlen(range->type)},
						[BEV_EVENT_PROJECT] = {face->project, (uint32_t) strlen(face->project)},
						[BEV_EVENT_BUG] = {face->bug, (uint32_t) strlen(face->bug)},
						[BEV_EVENT_PAYLOAD] = face->payload,
						[BEV_EVENT_OPEN_PAYLOAD] = face->open_payload,
					}};

	return bev_row_range_has(range, face->project, face->bug) &&
	       bev_subscription_passes_event(session->subscription, &row, session->principals.is_admin,
	                                     true);
}

static void
add_item(BevRowReader *reader, const BevRowFace *face, BevText *items)
{
	bool open = face->open_payload.len > 0 && !reader->session->principals.is_admin;
	BevSpan payload = open ? face->open_payload : face->payload;

	if (!is_wanted(reader->session, &reader->range[reader->at], face))
		return;
	/* It is no admin any more, as it will find itself; nothing is left of what is for admins. */
	if (payload.len == 0)
		return;
	bev_text_add_string(items, items->len > 0 ? "," : "");
	bev_text_add(items, payload.data, payload.len);
}

/* The rows of a snapshot from the next one on, as many as a part takes. */
static void
add_kept(BevRowReader *reader, BevText *items)
{
	const BevRowSnapshot *snapshot = reader->snapshot[reader->at];
	uint32_t end =
		snapshot->count - reader->next > PART_ROWS ? reader->next + PART_ROWS : snapshot->count;

	for (; reader->next < end && items->len < PART_BYTES; reader->next++)
	{
		const BevRowFace *face =
			bev_row_version_find(snapshot->version[reader->next], &reader->session->principals);

		if (face)
			add_item(reader, face, items);
	}
}

/* Those of the page at hand, where no event had news for the client. */
static void
add_spooled(BevRowReader *reader, BevText *items)
{
	const BevPrincipals *principals = &reader->session->principals;
	BevEvent record;

	while (items->len < PART_BYTES && bev_row_page_next(reader->page, &record))
	{
		BevRowFace *face;
		size_t unused = 0;

		if (bev_row_snapshot_overrides(reader->snapshot[reader->at], record.field[BEV_EVENT_KEY],
		                               principals))
			continue;
		face = bev_row_face_create(&record, false, &unused);
		if (bev_audience_matches(face->audience, face->flags, principals))
			add_item(reader, face, items);
		bev_row_face_release(face, &unused);
	}
}

/* Where is it in its range? */
typedef enum Place
{
	IN_SNAPSHOT,
	IN_PAGE,
	BEHIND_PAGE,
	AT_END
} Place;

static Place
place_of(const BevRowReader *reader)
{
	const BevRowSnapshot *snapshot = reader->snapshot[reader->at];

	if (reader->next < snapshot->count)
		return IN_SNAPSHOT;
	if (snapshot->base == NULL)
		return AT_END;
	if (reader->page && reader->page->rest.len > 0)
		return IN_PAGE;
	return reader->page && reader->page->is_last ? AT_END : BEHIND_PAGE;
}

/* ---- Parts ---- */

static void
send_part(BevRowReader *reader, const char *type, const BevText *items, bool last)
{
	BevText json = {0};

	bev_text_printf(&json,
	                "{\"type\":\"state\",\"id\":%s,\"as_of\":%" PRIu64 ",\"payload\":{\"type\":",
	                reader->id ? reader->id : "null", reader->session->cursor);
	bev_text_add_json(&json, type, strlen(type));
	bev_text_add_string(&json, ",\"items\":[");
	bev_text_add(&json, items->data, items->len);
	bev_text_printf(&json, "]%s%s}}", reader->has_given ? "" : ",\"first\":true",
	                last ? ",\"last\":true" : "");
	reader->has_given = true;
	bev_frame_add(&reader->session->out, BEV_OP_TEXT, json.data, json.len);
	bev_text_free(&json);
}

static void
end_page(BevRowReader *reader)
{
	if (reader->page)
		bev_row_page_end(reader->page);
	reader->page = NULL;
}

/* True: there is no other range. */
static bool
end_range(BevRowReader *reader)
{
	bev_row_snapshot_release(reader->snapshot[reader->at], &reader->cache->bytes);
	reader->snapshot[reader->at++] = NULL;
	reader->next = 0;
	end_page(reader);
	return reader->at == reader->ranges;
}

/* The next part, if it has an item or is the last; true: it is the last. */
static bool
give_part(BevRowReader *reader)
{
	BevText items = {0};
	const char *type = reader->range[reader->at].type;
	bool last;

	if (place_of(reader) == IN_SNAPSHOT)
		add_kept(reader, &items);
	else if (place_of(reader) == IN_PAGE)
		add_spooled(reader, &items);
	last = place_of(reader) == AT_END && end_range(reader);
	if (items.len > 0 || last)
		send_part(reader, type, &items, last);
	bev_text_free(&items);
	return last;
}

/* ---- Reading ---- */

static void
ask_page(BevRowReader *reader)
{
	if (reader->page == NULL)
		reader->page = bev_row_page_begin(reader->spools, reader->snapshot[reader->at]->base,
		                                  &reader->cache->bytes, reader->came, reader->owner);
	bev_row_page_ask(reader->page, reader->session);
}

bool
bev_row_reader_is_choked(const BevSession *session)
{
	return session->out.len > 0 || bev_socket_is_choked(&session->socket);
}

BevReading
bev_row_reader_give(BevRowReader *reader)
{
	BevSession *session = reader->session;
	size_t given = 0;
	bool last = false;

	for (int parts = 0; !last && given < TURN_BYTES && parts < TURN_PARTS &&
	                    place_of(reader) != BEHIND_PAGE && !bev_row_reader_is_choked(session);
	     parts++)
	{
		last = give_part(reader);
		given += session->out.len;
		bev_session_flush(session);
	}
	if (last)
		return BEV_ROWS_GIVEN;
	if (place_of(reader) != BEHIND_PAGE || bev_row_reader_is_choked(session))
		return BEV_ROWS_LEFT;
	ask_page(reader);
	return BEV_ROWS_ASKED;
}

bool
bev_row_reader_failed(const BevRowReader *reader)
{
	return reader->page && reader->page->failed;
}

void
bev_row_reader_begin(BevRowReader *reader, BevRowSet *const *sets)
{
	reader->at = reader->next = 0;
	reader->has_given = false;
	reader->snapshot = bev_alloc(sizeof(BevRowSnapshot *) * reader->ranges);
	for (uint32_t i = 0; i < reader->ranges; i++)
		reader->snapshot[i] = bev_row_set_snapshot(sets[i]);
}

void
bev_row_reader_end(BevRowReader *reader)
{
	for (uint32_t i = 0; reader->snapshot && i < reader->ranges; i++)
		if (reader->snapshot[i])
			bev_row_snapshot_release(reader->snapshot[i], &reader->cache->bytes);
	free(reader->snapshot);
	reader->snapshot = NULL;
	end_page(reader);
}
