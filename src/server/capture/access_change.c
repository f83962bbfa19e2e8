/*
 * access_change.c - what a change of a row says of who somebody is and may.
 *
 * Failure: doubt narrows.  A status that can't be read is not "active", a role is
 * none, a project is none; a row that a filter might leave out makes nobody active or
 * a member.  Where not even the user is known, because it would have
 * come from an expression that failed, everything that was ever said is void, and
 * clients are looked up again.
 */
#include "server/capture/access_change.h"

#include "server/capture/payload.h"

/* What matters of a row, as text; empty where it is null. */
typedef struct Standing
{
	const char *source;
	const char *user;
	const char *value;			/* role or project */
	BeAccessKind kind;			/* what the row says while it is there */
} Standing;

void
be_access_append(StringInfo out, BeAccessKind kind, const char *source,
				 const char *user, const char *value)
{
	BeAccess	access = {kind, source, user, value};
	Size		size = be_access_size(&access);

	enlargeStringInfo(out, (int) size);
	be_access_write(out->data + out->len, &access);
	out->len += (int) size;
}

char *
be_access_membership(Oid table, const char *id, const char *user, const char *project)
{
	return *id ? psprintf("%u:%s", table, id) : psprintf("%u:%s:%s", table, user, project);
}

BeSpan
be_access_void(void)
{
	static const char nothing[] = {BE_ACCESS_VOID, '\0', '\0', '\0'};

	return (BeSpan) {nothing, sizeof(nothing)};
}

static Standing
standing_of(BeMapping *mapping, BeRow *row)
{
	Standing	standing = {.user = be_payload_row_text(mapping, row, mapping->person)};
	bool		counts = !row->failed || mapping->filter < 0;

	if (mapping->entity->id == BE_MEMBERSHIP)
	{
		standing.value = be_payload_row_text(mapping, row, mapping->project);
		standing.source = be_access_membership(mapping->root,
											   be_payload_row_text(mapping, row, mapping->key),
											   standing.user, standing.value);
		standing.kind = counts && *standing.value ? BE_ACCESS_MEMBER : BE_ACCESS_LEFT;
	}
	else
	{
		char	   *status = be_payload_row_text(mapping, row, mapping->status);

		standing.value = be_payload_row_text(mapping, row, mapping->role);
		standing.source = psprintf("%u", mapping->root);
		standing.kind = counts && strcmp(status, BE_STATUS_ACTIVE) == 0
			? BE_ACCESS_ACTIVE : BE_ACCESS_INACTIVE;
	}
	return standing;
}

/* Is it unknown which user and which row this is about? */
static bool
is_in_the_dark(const BeMapping *mapping, const BeRow *row)
{
	return row && row->failed &&
		(mapping->fields[mapping->person].result >= 0 ||
		 (mapping->key >= 0 && mapping->fields[mapping->key].result >= 0));
}

BeSpan
be_access_of_change(BeMapping *mapping, BeRow *old, BeRow *new)
{
	Standing	before = {.user = "",.source = ""};
	Standing	now = {.user = "",.source = ""};
	StringInfoData out;

	if (!mapping->decides)
		return (BeSpan) {NULL, 0};
	if (is_in_the_dark(mapping, old) || is_in_the_dark(mapping, new))
		return be_access_void();
	if (old)
		before = standing_of(mapping, old);
	if (new)
		now = standing_of(mapping, new);

	initStringInfo(&out);
	if (*before.user && (strcmp(before.user, now.user) != 0 ||
						 strcmp(before.source, now.source) != 0))
		be_access_append(&out, mapping->entity->id == BE_MEMBERSHIP ?
						 BE_ACCESS_LEFT : BE_ACCESS_DELETED, before.source, before.user, "");
	if (*now.user)
		be_access_append(&out, now.kind, now.source, now.user, now.value);
	return (BeSpan) {out.data, (uint32_t) out.len};
}
