/*
 * person.c - what the projector knows of users.
 */
#include "notify/projector/person.h"

#include "server/base/statement.h"
#include "server/responder/row_fetch.h"

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
	static BeStatement options = {.sql = "DELETE FROM bugevents.delivery_options WHERE user_id = $1"};

	be_statement_with(&people, be_text_value(id));
	be_statement_with(&watchers, be_text_value(id));
	be_statement_with(&notifications, be_text_value(id));
	be_statement_with(&preferences, be_text_value(id));
	be_statement_with(&reminders, be_text_value(id));
	be_statement_with(&options, be_text_value(id));
}

void
be_person_delete_all(void)
{
	static BeStatement people = {.sql = "DELETE FROM bugevents.people"};
	static BeStatement watchers = {.sql = "DELETE FROM bugevents.watchers"};
	static BeStatement notifications = {.sql = "DELETE FROM bugevents.notifications"};
	static BeStatement preferences = {.sql = "DELETE FROM bugevents.preferences"};
	static BeStatement reminders = {.sql = "DELETE FROM bugevents.reminders WHERE user_id IS NOT NULL"};
	static BeStatement options = {.sql = "DELETE FROM bugevents.delivery_options"};

	be_statement_run(&people, 0, NULL);
	be_statement_run(&watchers, 0, NULL);
	be_statement_run(&notifications, 0, NULL);
	be_statement_run(&preferences, 0, NULL);
	be_statement_run(&reminders, 0, NULL);
	be_statement_run(&options, 0, NULL);
}
