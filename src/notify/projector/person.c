/*
 * person.c - what the projector knows of users.
 */
#include "notify/projector/person.h"

#include "server/base/statement.h"
#include "server/responder/row_fetch.h"

void
bev_person_of_change(BevPerson *person, BevChange *change)
{
	char *status = bev_change_text(change, "status");

	*person = (BevPerson){
		.id = change->key,
		.username = bev_change_text(change, "username"),
		.email = bev_change_text(change, "email"),
		.phone = bev_change_text(change, "phone"),
		.role = bev_change_text(change, "role"),
		.active = status && strcmp(status, "active") == 0,
	};
}

static bool
find_current(BevPerson *person, const char *id)
{
	BevSpan record = bev_row_fetch_find("user", id);
	BevEvent event;
	BevChange change;

	if (record.len == 0 || !bev_event_read(record.data, record.len, &event))
		return false;
	bev_change_read(&change, 0, 0, &event);
	bev_person_of_change(person, &change);
	bev_person_put(person);
	return true;
}

bool
bev_person_find(BevPerson *person, const char *id)
{
	static BevStatement find = {
		.sql = "SELECT username, email, phone, role, active FROM bugevents.people WHERE id = $1"};

	if (bev_statement_with(&find, bev_text_value(id)) == 0)
	{
		bev_statement_done();
		return find_current(person, id);
	}
	*person = (BevPerson){
		.id = id,
		.username = bev_statement_text(0, 1),
		.email = bev_statement_text(0, 2),
		.phone = bev_statement_text(0, 3),
		.role = bev_statement_text(0, 4),
		.active = strcmp(bev_statement_text(0, 5), "t") == 0,
	};
	bev_statement_done();
	return true;
}

void
bev_person_put(const BevPerson *person)
{
	static BevStatement put = {
		.sql =
			"INSERT INTO bugevents.people (id, username, email, phone, role, active) VALUES ($1, $2, $3, $4, $5, $6)"
			" ON CONFLICT (id) DO UPDATE SET username = excluded.username, email = excluded.email,"
			" phone = excluded.phone, role = excluded.role, active = excluded.active"};

	bev_statement_with(&put, bev_text_value(person->id), bev_text_value(person->username),
	                   bev_text_value(person->email), bev_text_value(person->phone),
	                   bev_text_value(person->role), bev_bool_value(person->active));
}

void
bev_person_delete(const char *id)
{
	static BevStatement people = {.sql = "DELETE FROM bugevents.people WHERE id = $1"};
	static BevStatement watchers = {.sql = "DELETE FROM bugevents.watchers WHERE user_id = $1"};
	static BevStatement notifications = {
		.sql = "DELETE FROM bugevents.notifications WHERE user_id = $1"};
	static BevStatement preferences = {.sql =
	                                       "DELETE FROM bugevents.preferences WHERE user_id = $1"};
	static BevStatement reminders = {.sql = "DELETE FROM bugevents.reminders WHERE user_id = $1"};
	static BevStatement options = {.sql =
	                                   "DELETE FROM bugevents.delivery_options WHERE user_id = $1"};

	bev_statement_with(&people, bev_text_value(id));
	bev_statement_with(&watchers, bev_text_value(id));
	bev_statement_with(&notifications, bev_text_value(id));
	bev_statement_with(&preferences, bev_text_value(id));
	bev_statement_with(&reminders, bev_text_value(id));
	bev_statement_with(&options, bev_text_value(id));
}

void
bev_person_delete_all(void)
{
	static BevStatement people = {.sql = "DELETE FROM bugevents.people"};
	static BevStatement watchers = {.sql = "DELETE FROM bugevents.watchers"};
	static BevStatement notifications = {.sql = "DELETE FROM bugevents.notifications"};
	static BevStatement preferences = {.sql = "DELETE FROM bugevents.preferences"};
	static BevStatement reminders = {
		.sql = "DELETE FROM bugevents.reminders WHERE user_id IS NOT NULL"};
	static BevStatement options = {.sql = "DELETE FROM bugevents.delivery_options"};

	bev_statement_run(&people, 0, NULL);
	bev_statement_run(&watchers, 0, NULL);
	bev_statement_run(&notifications, 0, NULL);
	bev_statement_run(&preferences, 0, NULL);
	bev_statement_run(&reminders, 0, NULL);
	bev_statement_run(&options, 0, NULL);
}
