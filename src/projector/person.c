/*
 * person.c - what the projector knows of users.
 */
#include "projector/person.h"

#include "capture/roster.h"
#include "capture/utf8.h"
#include "event/access.h"
#include "projector/statement.h"
#include "responder/current.h"

void
be_person_of_change(BePerson *person, BeChange *change)
{
	char	   *status = be_change_text(change, "status");

	*person = (BePerson) {
		.id = change->key,
		.username = be_change_text(change, "username"),
		.email = be_change_text(change, "email"),
		.phone = be_change_text(change, "phone"),
		.role = be_change_text(change, "role"),
		.active = status && strcmp(status, "active") == 0,
	};
}

static bool
find_current(BePerson *person, const char *id)
{
	BeSpan		record = be_current_find("user", id);
	BeEvent		event;
	BeChange	change;

	if (record.len == 0 || !be_event_read(record.data, record.len, &event))
		return false;
	be_change_read(&change, 0, 0, &event);
	be_person_of_change(person, &change);
	be_person_put(person);
	return true;
}

bool
be_person_find(BePerson *person, const char *id)
{
	static BeStatement find = {
		.sql = "SELECT username, email, phone, role, active FROM bugevents.people WHERE id = $1"
	};

	if (be_statement_with(&find, be_text_value(id)) == 0)
	{
		be_statement_done();
		return find_current(person, id);
	}
	*person = (BePerson) {
		.id = id,
		.username = be_statement_text(0, 1),
		.email = be_statement_text(0, 2),
		.phone = be_statement_text(0, 3),
		.role = be_statement_text(0, 4),
		.active = strcmp(be_statement_text(0, 5), "t") == 0,
	};
	be_statement_done();
	return true;
}

void
be_person_put(const BePerson *person)
{
	static BeStatement put = {
		.sql = "INSERT INTO bugevents.people (id, username, email, phone, role, active) VALUES ($1, $2, $3, $4, $5, $6)"
		" ON CONFLICT (id) DO UPDATE SET username = excluded.username, email = excluded.email,"
		" phone = excluded.phone, role = excluded.role, active = excluded.active"
	};

	be_statement_with(&put, be_text_value(person->id), be_text_value(person->username),
					  be_text_value(person->email), be_text_value(person->phone),
					  be_text_value(person->role), be_bool_value(person->active));
}

void
be_person_delete(const char *id)
{
	static BeStatement people = {.sql = "DELETE FROM bugevents.people WHERE id = $1"};
	static BeStatement watchers = {.sql = "DELETE FROM bugevents.watchers WHERE user_id = $1"};
	static BeStatement notifications = {.sql = "DELETE FROM bugevents.notifications WHERE user_id = $1"};
	static BeStatement preferences = {.sql = "DELETE FROM bugevents.preferences WHERE user_id = $1"};
	static BeStatement reminders = {.sql = "DELETE FROM bugevents.reminders WHERE user_id = $1"};

	be_statement_with(&people, be_text_value(id));
	be_statement_with(&watchers, be_text_value(id));
	be_statement_with(&notifications, be_text_value(id));
	be_statement_with(&preferences, be_text_value(id));
	be_statement_with(&reminders, be_text_value(id));
}

void
be_person_delete_all(void)
{
	static BeStatement people = {.sql = "DELETE FROM bugevents.people"};

	be_statement_run(&people, 0, NULL);
}

/* ---- who may see what ---- */

/* One who is compared with an audience; what tables say is read when it matters. */
typedef struct Viewer
{
	const char *id;				/* UTF-8 */
	const char *server_id;
	bool		is_read;
	bool		is_admin;
	bool		is_active;
	BeRosterEntry entry;
} Viewer;

static void
read_role(Viewer *viewer)
{
	BePerson	person;

	viewer->is_active = be_person_find(&person, viewer->server_id) && person.active;
	viewer->is_admin = viewer->is_active && person.role && strcmp(person.role, "admin") == 0;
}

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
		read_role(viewer);
	else if (result != BE_ROSTER_READ)
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("could not read who \"%s\" is", viewer->server_id)));

	rest = (BeSpan) {viewer->entry.access.data, (uint32_t) viewer->entry.access.len};
	while (be_access_next(&rest, &access))
		if (access.kind == BE_ACCESS_ACTIVE)
		{
			viewer->is_active = true;
			viewer->is_admin = strcmp(access.value, "admin") == 0;
		}
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
be_person_may_see(const char *id, BeSpan audience)
{
	Viewer		viewer = {.id = be_utf8_cstring(id),.server_id = id};
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
