/*
 * access_change.c - what a change of a row says of who somebody is and may.
 *
 * Failure: doubt narrows.  A status that can't be read is not "active", a role is
 * none, a project is none; a row that a filter might leave out makes nobody active or
 * a member.  Where not even the user is known, because it would have
 * come from an expression that failed, everything that was ever said is void, and
 * clients are looked up again.  So it is where the transaction may make it another yet.
 */
#include "server/capture/access_change.h"

#include "server/attach/access_statement.h"
#include "server/capture/payload.h"

/* What matters of a row, as text; empty where it is null. */
typedef struct Standing
{
	const char *source;
	const char *user;
	const char *value;  /* role, project or principal */
	BevAccessKind kind; /* what the row says while it is there */
} Standing;

BevSpan
bev_access_change_void(void)
{
	static const char nothing[] = {BEV_ACCESS_VOID, '\0', '\0', '\0'};

	return (BevSpan){nothing, sizeof(nothing)};
}

static Standing
standing_of(BevMapping *mapping, BevRow *row)
{
	Standing standing = {.user = bev_payload_row_text(mapping, row, mapping->person)};
	bool counts = !row->doubtful;

	if (mapping->entity->id == BEV_MEMBERSHIP)
	{
		standing.value = bev_payload_row_text(mapping, row, mapping->belongs);
		standing.source = bev_access_statement_membership(
			mapping->root, bev_payload_row_text(mapping, row, mapping->key), standing.user,
			standing.value);
		standing.kind = counts ? bev_access_statement_kind(standing.value,
		                                                   mapping->belongs != mapping->project) :
		                         BEV_ACCESS_LEFT;
	}
	else
	{
		char *status = bev_payload_row_text(mapping, row, mapping->status);

		standing.value = bev_payload_row_text(mapping, row, mapping->role);
		standing.source = psprintf("%u", mapping->root);
		standing.kind = counts && strcmp(status, BEV_STATUS_ACTIVE) == 0 ? BEV_ACCESS_ACTIVE :
		                                                                   BEV_ACCESS_INACTIVE;
	}
	return standing;
}

/* Is it unknown which user and which row this is about? */
static bool
subject_is_unknown(const BevMapping *mapping, const BevRow *row)
{
	return row && (bev_row_field_failed(mapping, row, mapping->person) ||
	               bev_row_field_failed(mapping, row, mapping->key));
}

static bool
is_provisional(const BevRow *row)
{
	return row && row->provisional;
}

static bool
is_same(const Standing *a, const Standing *b)
{
	return a->kind == b->kind && strcmp(a->source, b->source) == 0 &&
	       strcmp(a->user, b->user) == 0 && strcmp(a->value, b->value) == 0;
}

BevSpan
bev_access_change_append(BevMapping *mapping, BevRow *old, BevRow *new)
{
	Standing before = {.user = "", .source = "", .value = ""};
	Standing now = before;
	StringInfoData out;

	if (!mapping->gives_access)
		return (BevSpan){NULL, 0};
	if (subject_is_unknown(mapping, old) || subject_is_unknown(mapping, new))
		return bev_access_change_void();
	if (old)
		before = standing_of(mapping, old);
	if (new)
		now = standing_of(mapping, new);
	if (is_provisional(old) || is_provisional(new))
		return is_same(&before, &now) ? (BevSpan){NULL, 0} : bev_access_change_void();

	initStringInfo(&out);
	if (*before.user &&
	    (strcmp(before.user, now.user) != 0 || strcmp(before.source, now.source) != 0))
		bev_access_statement_append(
			&out, mapping->entity->id == BEV_MEMBERSHIP ? BEV_ACCESS_LEFT : BEV_ACCESS_DELETED,
			before.source, before.user, "");
	if (*now.user)
		bev_access_statement_append(&out, now.kind, now.source, now.user, now.value);
	return (BevSpan){out.data, (uint32_t) out.len};
}

/* Of one who may do something; now is empty if the row is gone. */
static void
append_loss(const BevMapping *mapping, const Standing *before, const Standing *now, StringInfo out)
{
	if (mapping->entity->id == BEV_MEMBERSHIP)
		bev_access_statement_append(out, BEV_ACCESS_LEFT, before->source, before->user, "");
	else if (strcmp(before->user, now->user) != 0)
		bev_access_statement_append(out, BEV_ACCESS_DELETED, before->source, before->user, "");
	else if (now->kind != BEV_ACCESS_ACTIVE || strcmp(before->value, BEV_PRINCIPAL_ADMIN) == 0)
		bev_access_statement_append(out, now->kind, now->source, now->user, now->value);
}

void
bev_access_change_append_loss(BevMapping *mapping, BevRow *old, BevRow *new, StringInfo out)
{
	Standing before;
	Standing now = {.user = "", .source = "", .value = ""};

	if (!mapping->gives_access || old == NULL || !old->wanted)
		return;
	if (subject_is_unknown(mapping, old) || subject_is_unknown(mapping, new))
		return; /* all is void */
	before = standing_of(mapping, old);
	if (new &&new->wanted)
		now = standing_of(mapping, new);
	if ((before.kind == BEV_ACCESS_MEMBER || before.kind == BEV_ACCESS_ACTIVE) &&
	    !is_same(&before, &now))
		append_loss(mapping, &before, &now, out);
}
