/*
 * visibility.c - whether somebody may see what has an audience, asked in the server.
 *
 * Model: the same rule as the gateway's (src/common/event/audience.c), over sets that are read
 * from the tables, and only if a principal asks for them.
 */
#include "server/users/visibility.h"

#include "server/users/user_lookup.h"
#include "server/encode/database_text.h"
#include "common/event/access.h"

/* One who is compared with an audience; what tables say is read when it matters. */
typedef struct Viewer
{
	const char *id;   /* UTF-8 */
	const char *role; /* where no table says it */
	bool is_read;
	bool is_admin;
	BevUserLookupEntry entry;
} Viewer;

static void
read_tables(Viewer *viewer)
{
	BevSpan rest;
	BevAccess access;
	BevUserLookupResult result;

	if (viewer->is_read)
		return;
	viewer->is_read = true;
	viewer->entry.user = viewer->id;
	initStringInfo(&viewer->entry.access);
	result = bev_user_lookup_read(&viewer->entry, 1);
	if (result == BEV_USER_LOOKUP_NONE)
		viewer->is_admin = viewer->role && strcmp(viewer->role, "admin") == 0;
	else if (result != BEV_USER_LOOKUP_READ)
		ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
		                errmsg("could not read what user \"%s\" may see", viewer->id)));

	rest = (BevSpan){viewer->entry.access.data, (uint32_t) viewer->entry.access.len};
	while (bev_access_next(&rest, &access))
		if (access.kind == BEV_ACCESS_ACTIVE)
			viewer->is_admin = strcmp(access.value, "admin") == 0;
}

static bool
is_member(const Viewer *viewer, BevSpan project)
{
	BevSpan rest = {viewer->entry.access.data, (uint32_t) viewer->entry.access.len};
	BevAccess access;

	while (bev_access_next(&rest, &access))
		if (access.kind == BEV_ACCESS_MEMBER && bev_span_is(project, access.value))
			return true;
	return false;
}

static bool
starts_with(BevSpan span, const char *prefix, BevSpan *rest)
{
	Size len = strlen(prefix);

	if (span.len < len || memcmp(span.data, prefix, len) != 0)
		return false;
	*rest = (BevSpan){span.data + len, (uint32_t) (span.len - len)};
	return true;
}

static bool
belongs(Viewer *viewer, BevSpan principal)
{
	BevSpan id;

	if (bev_span_is(principal, BEV_PRINCIPAL_ALL))
		return true;
	if (starts_with(principal, BEV_PRINCIPAL_USER, &id))
		return bev_span_is(id, viewer->id);
	read_tables(viewer);
	if (bev_span_is(principal, BEV_PRINCIPAL_ADMIN))
		return viewer->is_admin;
	return starts_with(principal, BEV_PRINCIPAL_PROJECT, &id) && is_member(viewer, id);
}

bool
bev_visibility_may_see(const char *user, const char *role, BevSpan audience)
{
	Viewer viewer = {.id = bev_database_text_to_cstring(user), .role = role};
	BevSpan line;
	bool included = false;
	bool limited = false;
	bool within = false;

	while (bev_audience_next(&audience, &line))
	{
		BevSpan principal = {line.data + 1, line.len - 1};

		if (line.len > 0 && *line.data == BEV_AUDIENCE_EXCEPT)
		{
			if (belongs(&viewer, principal))
				return false;
		}
		else if (line.len > 0 && *line.data == BEV_AUDIENCE_ONLY)
		{
			limited = true;
			within = within || belongs(&viewer, principal);
		}
		else
			included = included || belongs(&viewer, line);
	}
	return included && (within || !limited);
}
