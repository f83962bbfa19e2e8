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
	const char *id;				/* UTF-8 */
	const char *role;			/* where no table says it */
	bool		is_read;
	bool		is_admin;
	BeRosterEntry entry;
} Viewer;

static void
read_tables(Viewer *viewer)
{
	BeSpan		rest;
	BeAccess	access;
	BeRosterResult result;

	if (viewer->is_read)
		return;
	viewer->is_read = true;
	viewer->entry.user = viewer->id;
	initStringInfo(&viewer->entry.access);
	result = be_roster_read(&viewer->entry, 1);
	if (result == BE_ROSTER_NONE)
		viewer->is_admin = viewer->role && strcmp(viewer->role, "admin") == 0;
	else if (result != BE_ROSTER_READ)
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("could not read what user \"%s\" may see", viewer->id)));

	rest = (BeSpan) {viewer->entry.access.data, (uint32_t) viewer->entry.access.len};
	while (be_access_next(&rest, &access))
		if (access.kind == BE_ACCESS_ACTIVE)
			viewer->is_admin = strcmp(access.value, "admin") == 0;
}

static bool
is_member(const Viewer *viewer, BeSpan project)
{
	BeSpan		rest = {viewer->entry.access.data, (uint32_t) viewer->entry.access.len};
	BeAccess	access;

	while (be_access_next(&rest, &access))
		if (access.kind == BE_ACCESS_MEMBER && be_span_is(project, access.value))
			return true;
	return false;
}

static bool
starts_with(BeSpan span, const char *prefix, BeSpan *rest)
{
	Size		len = strlen(prefix);

	if (span.len < len || memcmp(span.data, prefix, len) != 0)
		return false;
	*rest = (BeSpan) {span.data + len, (uint32_t) (span.len - len)};
	return true;
}

static bool
belongs(Viewer *viewer, BeSpan principal)
{
	BeSpan		id;

	if (be_span_is(principal, BE_PRINCIPAL_ALL))
		return true;
	if (starts_with(principal, BE_PRINCIPAL_USER, &id))
		return be_span_is(id, viewer->id);
	read_tables(viewer);
	if (be_span_is(principal, BE_PRINCIPAL_ADMIN))
		return viewer->is_admin;
	return starts_with(principal, BE_PRINCIPAL_PROJECT, &id) && is_member(viewer, id);
}

bool
be_viewer_may_see(const char *user, const char *role, BeSpan audience)
{
	Viewer		viewer = {.id = be_utf8_cstring(user),.role = role};
	BeSpan		line;
	bool		included = false;
	bool		limited = false;
	bool		within = false;

	while (be_audience_next(&audience, &line))
	{
		BeSpan		principal = {line.data + 1, line.len - 1};

		if (line.len > 0 && *line.data == BE_AUDIENCE_EXCEPT)
		{
			if (belongs(&viewer, principal))
				return false;
		}
		else if (line.len > 0 && *line.data == BE_AUDIENCE_ONLY)
		{
			limited = true;
			within = within || belongs(&viewer, principal);
		}
		else
			included = included || belongs(&viewer, line);
	}
	return included && (within || !limited);
}
