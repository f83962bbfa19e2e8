/*
 * person.c - what the projector knows of users.
 */
#include "notify/projector/person.h"

#include "server/base/statement.h"

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

bool
bev_person_current(BevPerson *person, const char *id)
{
	BevChange change;

	if (!bev_change_current(&change, "user", id))
		return false;
	bev_person_of_change(person, &change);
	return true;
}

static bool
find_current(BevPerson *person, const char *id)
{
	if (!bev_person_current(person, id))
		return false;
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

bool
bev_person_is_known(const char *id)
{
	static BevStatement find = {
		.sql = "SELECT FROM bugevents.people WHERE id = $1 UNION ALL"
			   " SELECT FROM bugevents.notifications WHERE user_id = $1 AND type = 'welcome'"};
	bool known = bev_statement_with(&find, bev_text_value(id)) > 0;

	bev_statement_done();
	return known;
}

BevKept bev_person_kept = {
	.entity = "user",
	.hide = {.sql = "DELETE FROM bugevents.people WHERE id = $1"},
	.forget =
		{
			{.sql = "DELETE FROM bugevents.people WHERE id = $1"},
			{.sql = "WITH gone AS (DELETE FROM bugevents.watchers WHERE user_id = $1 RETURNING *)"
                    " INSERT INTO bugevents.stats_due SELECT bug_report_id FROM gone"},
			{.sql = "DELETE FROM bugevents.project_watchers WHERE user_id = $1"},
			{.sql = "DELETE FROM bugevents.muted WHERE user_id = $1"},
			{.sql = "DELETE FROM bugevents.notifications WHERE user_id = $1"},
			{.sql = "DELETE FROM bugevents.preferences WHERE user_id = $1"},
			{.sql = "DELETE FROM bugevents.reminders WHERE user_id = $1"},
			{.sql = "DELETE FROM bugevents.delivery_options WHERE user_id = $1"},
		},
	.forget_all =
		{
			{.sql = "DELETE FROM bugevents.people"},
			{.sql = "WITH gone AS (DELETE FROM bugevents.watchers RETURNING *)"
                    " INSERT INTO bugevents.stats_due SELECT DISTINCT bug_report_id FROM gone"},
			{.sql = "DELETE FROM bugevents.project_watchers"},
			{.sql = "DELETE FROM bugevents.muted"},
			{.sql = "DELETE FROM bugevents.notifications"},
			{.sql = "DELETE FROM bugevents.preferences"},
			{.sql = "DELETE FROM bugevents.reminders WHERE user_id IS NOT NULL"},
			{.sql = "DELETE FROM bugevents.delivery_options"},
		},
	.rename =
		{
			{.sql = "DELETE FROM bugevents.people WHERE id = $2"},
			{.sql = "UPDATE bugevents.people SET id = $2 WHERE id = $1"},
			{.sql =
                 "INSERT INTO bugevents.watchers SELECT bug_report_id, $2 FROM bugevents.watchers"
                 " WHERE user_id = $1 ON CONFLICT DO NOTHING"},
			{.sql = "WITH gone AS (DELETE FROM bugevents.watchers WHERE user_id = $1 RETURNING *)"
                    " INSERT INTO bugevents.stats_due SELECT bug_report_id FROM gone"},
			{.sql = "INSERT INTO bugevents.project_watchers"
                    " SELECT project_id, $2 FROM bugevents.project_watchers"
                    " WHERE user_id = $1 ON CONFLICT DO NOTHING"},
			{.sql = "DELETE FROM bugevents.project_watchers WHERE user_id = $1"},
			{.sql = "INSERT INTO bugevents.muted SELECT bug_report_id, $2 FROM bugevents.muted"
                    " WHERE user_id = $1 ON CONFLICT DO NOTHING"},
			{.sql = "DELETE FROM bugevents.muted WHERE user_id = $1"},
			{.sql = "UPDATE bugevents.notifications SET user_id = $2 WHERE user_id = $1"},
			{.sql =
                 "INSERT INTO bugevents.preferences (user_id, type, channel, enabled)"
                 " SELECT $2, type, channel, enabled FROM bugevents.preferences WHERE user_id = $1"
                 " ON CONFLICT DO NOTHING"},
			{.sql = "DELETE FROM bugevents.preferences WHERE user_id = $1"},
			{.sql = "UPDATE bugevents.reminders SET user_id = $2 WHERE user_id = $1"},
			{.sql = "DELETE FROM bugevents.delivery_options WHERE user_id = $2 AND EXISTS"
                    " (SELECT FROM bugevents.delivery_options WHERE user_id = $1)"},
			{.sql = "UPDATE bugevents.delivery_options SET user_id = $2 WHERE user_id = $1"},
		},
	.ids = {.sql = "SELECT id FROM bugevents.people UNION SELECT user_id FROM bugevents.watchers"
                   " UNION SELECT user_id FROM bugevents.project_watchers"
                   " UNION SELECT user_id FROM bugevents.muted"
                   " UNION SELECT user_id FROM bugevents.notifications"
                   " UNION SELECT user_id FROM bugevents.preferences"
                   " UNION SELECT user_id FROM bugevents.delivery_options"
                   " UNION SELECT user_id FROM bugevents.reminders WHERE user_id IS NOT NULL"},
};
