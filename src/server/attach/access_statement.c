/*
 * access_statement.c - statements about who somebody is and may, as the module writes them.
 *
 * Model: capture makes them of a change of a row, user_lookup.c of the rows that are there.  Both
 * name the source alike, so that the later one takes the place of the earlier one.
 */
#include "server/attach/access_statement.h"

#include "server/attach/row_audience.h"

void
bev_access_statement_append(StringInfo out, BevAccessKind kind, const char *source,
                            const char *user, const char *value)
{
	BevAccess access = {kind, source, user, value};
	Size size = bev_access_size(&access);

	enlargeStringInfo(out, (int) size);
	bev_access_write(out->data + out->len, &access);
	out->len += (int) size;
}

BevAccessKind
bev_access_statement_kind(const char *value, bool is_principal)
{
	if (*value == '\0' || (is_principal && !bev_row_audience_has_members(value)))
		return BEV_ACCESS_LEFT;
	return is_principal ? BEV_ACCESS_BELONGS : BEV_ACCESS_MEMBER;
}

char *
bev_access_statement_membership(Oid table, const char *id, const char *user, const char *value)
{
	return *id ? psprintf("%u:%s", table, id) : psprintf("%u:%s:%s", table, user, value);
}
