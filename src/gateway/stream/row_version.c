/*
 * row_version.c - one row at one place in the stream, as each client sees it.
 *
 * Model: a change of a row is several events, each for a part of those who saw it or see it now
 * (moved_out, created, updated), and one that concerns admins alone reaches nobody else.  So what
 * an event leaves is added to what there was, and takes its place for those alone whom it reached.
 *
 * Memory: a face is shared by the versions that have it; one of an audience that a newer face has,
 * or of anybody at all behind one for everyone, is let go of.
 *
 * Failure: a row whose audience changed many times, each time to another one, has more faces than
 * there is room for; whoever keeps it reads it again.
 */
#include "gateway/stream/row_version.h"
#include "common/program/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- Faces ---- */

static char *
put(char *place, BevSpan from, BevSpan *span)
{
	memcpy(place, from.data, from.len);
	*span = (BevSpan){place, from.len};
	place[from.len] = '\0';
	return place + from.len + 1;
}

BevRowFace *
bev_row_face_create(const BevEvent *event, bool gone, size_t *bytes)
{
	const BevSpan *field = event->field;
	size_t size = sizeof(BevRowFace) + field[BEV_EVENT_AUDIENCE].len +
	              field[BEV_EVENT_PROJECT].len + field[BEV_EVENT_BUG].len +
	              field[BEV_EVENT_PAYLOAD].len + field[BEV_EVENT_OPEN_PAYLOAD].len + 5;
	BevRowFace *face = bev_alloc(size);
	char *place = (char *) (face + 1);
	BevSpan text;

	face->refs = 1;
	face->gone = gone;
	face->size = size;
	face->flags = bev_audience_flags(field[BEV_EVENT_AUDIENCE]);
	place = put(place, field[BEV_EVENT_AUDIENCE], &face->audience);
	place = put(place, field[BEV_EVENT_PROJECT], &text);
	face->project = text.data;
	place = put(place, field[BEV_EVENT_BUG], &text);
	face->bug = text.data;
	place = put(place, field[BEV_EVENT_PAYLOAD], &face->payload);
	(void) put(place, field[BEV_EVENT_OPEN_PAYLOAD], &face->open_payload);
	*bytes += size;
	return face;
}

void
bev_row_face_release(BevRowFace *face, size_t *bytes)
{
	if (--face->refs > 0)
		return;
	*bytes -= face->size;
	free(face);
}

/* ---- Versions ---- */

BevRowVersion *
bev_row_version_create(size_t *bytes)
{
	BevRowVersion *version = bev_alloc(sizeof(*version));

	version->refs = 1;
	*bytes += sizeof(*version);
	return version;
}

BevRowVersion *
bev_row_version_hold(BevRowVersion *version)
{
	version->refs++;
	return version;
}

void
bev_row_version_release(BevRowVersion *version, size_t *bytes)
{
	if (--version->refs > 0)
		return;
	for (uint32_t i = 0; i < version->count; i++)
		bev_row_face_release(version->face[i], bytes);
	*bytes -= sizeof(*version);
	free(version);
}

/* One that is ours alone. */
static BevRowVersion *
own(BevRowVersion *version, size_t *bytes)
{
	BevRowVersion *copy;

	if (version->refs == 1)
		return version;
	copy = bev_row_version_create(bytes);
	copy->count = version->count;
	for (uint32_t i = 0; i < copy->count; i++)
	{
		copy->face[i] = version->face[i];
		copy->face[i]->refs++;
	}
	bev_row_version_release(version, bytes);
	return copy;
}

static bool
is_hidden_by(const BevRowFace *face, BevSpan audience, bool by_everyone)
{
	return by_everyone || (face->audience.len == audience.len &&
	                       memcmp(face->audience.data, audience.data, audience.len) == 0);
}

/* Let go of those that nobody sees behind one of this audience. */
static void
drop_hidden(BevRowVersion *version, BevSpan audience, size_t *bytes)
{
	bool by_everyone = bev_seen_by_everyone(bev_audience_flags(audience));
	uint32_t kept = 0;

	for (uint32_t i = 0; i < version->count; i++)
	{
		if (is_hidden_by(version->face[i], audience, by_everyone))
			bev_row_face_release(version->face[i], bytes);
		else
			version->face[kept++] = version->face[i];
	}
	version->count = kept;
}

/* Would nobody see it behind the others? */
static bool
would_be_hidden(const BevRowVersion *version, BevSpan audience)
{
	for (uint32_t i = 0; i < version->count; i++)
		if (is_hidden_by(version->face[i], audience, bev_seen_by_everyone(version->face[i]->flags)))
			return true;
	return false;
}

static void
insert(BevRowVersion *version, uint32_t at, BevRowFace *face)
{
	memmove(&version->face[at + 1], &version->face[at],
	        sizeof(BevRowFace *) * (version->count - at));
	version->face[at] = face;
	version->count++;
}

bool
bev_row_version_add(BevRowVersion **version, const BevEvent *event, bool gone, bool oldest,
                    size_t *bytes)
{
	BevSpan audience = event->field[BEV_EVENT_AUDIENCE];

	if (oldest && would_be_hidden(*version, audience))
		return true;
	*version = own(*version, bytes);
	if (!oldest)
		drop_hidden(*version, audience, bytes);
	if ((*version)->count == BEV_ROW_FACES_MAX)
		return false;
	insert(*version, oldest ? (*version)->count : 0, bev_row_face_create(event, gone, bytes));
	return true;
}

/* The newest that is for somebody, whether it shows the row or its end; NULL: none is. */
static const BevRowFace *
find_face(const BevRowVersion *version, const BevPrincipals *principals)
{
	for (uint32_t i = 0; i < version->count; i++)
	{
		const BevRowFace *face = version->face[i];

		if (bev_audience_matches(face->audience, face->flags, principals))
			return face;
	}
	return NULL;
}

const BevRowFace *
bev_row_version_find(const BevRowVersion *version, const BevPrincipals *principals)
{
	const BevRowFace *face = find_face(version, principals);

	return face && !face->gone ? face : NULL;
}

bool
bev_row_version_is_for(const BevRowVersion *version, const BevPrincipals *principals)
{
	return find_face(version, principals) != NULL;
}
