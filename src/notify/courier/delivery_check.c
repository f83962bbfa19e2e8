/*
 * delivery_check.c - may a delivery still be sent, as things are now, and where to?
 *
 * Model: a delivery was planned when its notification was made; between that and an attempt may be
 * quiet hours, a digest, an escalation or a mail server that is down.  So before each attempt it
 * is asked again: may the user see the bug and the comment that it tells of, by the rule that held
 * then (server/users/visibility.h), is the user active, what is the address, is it wanted, does it
 * bounce.  What a mail says of the bug besides (its project, status and priority) is looked up
 * here, too, by the same rule.
 *
 * Failure: what can't be looked up now waits; what can't be for good isn't sent.
 */
#include "notify/courier/delivery_check.h"

#include "common/event/event.h"
#include "notify/projector/change.h"
#include "notify/projector/delivery_plan.h"
#include "notify/projector/person.h"
#include "server/base/settings.h"
#include "server/base/statement.h"
#include "server/base/subtransaction.h"
#include "server/base/time_limit.h"
#include "server/users/visibility.h"

typedef struct Check
{
	BevDeliveryChannel kind;
	int64 id;
	const char *user;
	const char *address;
	const char *type;
	const char *bug;     /* NULL: none */
	const char *comment; /* likewise */
	const char *title;
	const char *message;
	const char *why; /* it isn't sent; NULL: it is */
	BevChange row;   /* of the bug */
} Check;

/* False: nobody's, a test. */
static bool
read_delivery(Check *check)
{
	static BevStatement find = {
		.sql =
			"SELECT n.user_id, d.address, n.type, n.bug_report_id, n.comment_id, n.title, n.message"
			" FROM bugevents.deliveries AS d"
			" JOIN bugevents.notifications AS n ON n.id = d.notification_id WHERE d.id = $1"};
	bool found = bev_statement_with(&find, bev_int_value(check->id)) > 0;

	if (found)
	{
		check->user = bev_statement_text(0, 1);
		check->address = bev_statement_text(0, 2);
		check->type = bev_statement_text(0, 3);
		check->bug = bev_statement_text(0, 4);
		check->comment = bev_statement_text(0, 5);
		check->title = bev_statement_text(0, 6);
		check->message = bev_statement_text(0, 7);
	}
	bev_statement_done();
	return found;
}

/* Is the row there, and for the user, and this field of it not for admins only? */
static bool
read_row(const Check *check, const char *entity, const char *id, const char *field, BevChange *row)
{
	return bev_change_current(row, entity, id) &&
	       (field == NULL || bev_change_is_open(row, field)) &&
	       bev_visibility_may_see(check->user, row->audience);
}

static bool
may_see_row(const Check *check, const char *entity, const char *id, const char *field)
{
	BevChange row;

	return read_row(check, entity, id, field, &row);
}

static bool
may_see(Check *check)
{
	static const BevSpan everyone = {BEV_PRINCIPAL_ALL, sizeof(BEV_PRINCIPAL_ALL) - 1};

	if (check->bug == NULL)
		return bev_visibility_may_see(check->user, everyone);
	return read_row(check, "bug_report", check->bug, check->title ? "title" : NULL, &check->row) &&
	       (check->comment == NULL ||
	        may_see_row(check, "comment", check->comment, *check->message ? "content" : NULL));
}

/* Comments that the user may not see any more are left out. */
static void
drop_hidden_parts(const Check *check)
{
	static BevStatement find = {
		.sql = "SELECT p.comment_id FROM bugevents.notification_parts AS p"
			   " JOIN bugevents.deliveries AS d ON d.notification_id = p.notification_id"
			   " WHERE d.id = $1 AND p.comment_id IS DISTINCT FROM $2"};
	static BevStatement drop = {
		.sql = "DELETE FROM bugevents.notification_parts AS p USING bugevents.deliveries AS d"
			   " WHERE d.id = $1 AND p.notification_id = d.notification_id AND p.comment_id = $2"};
	ListCell *cell;

	foreach (cell, bev_statement_texts(bev_statement_with(&find, bev_int_value(check->id),
	                                                      bev_text_value(check->comment))))
		if (!may_see_row(check, "comment", lfirst(cell), "content"))
			bev_statement_with(&drop, bev_int_value(check->id), bev_text_value(lfirst(cell)));
}

static bool
is_muted(const Check *check)
{
	static BevStatement find = {
		.sql = "SELECT FROM bugevents.muted WHERE bug_report_id = $1 AND user_id = $2"};
	bool muted;

	if (check->bug == NULL || strcmp(check->type, "reminder_sent") == 0)
		return false;
	muted = bev_statement_with(&find, bev_text_value(check->bug), bev_text_value(check->user)) > 0;
	bev_statement_done();
	return muted;
}

/* ---- what a mail says of the bug ---- */

static const char *
name_project(Check *check)
{
	char *id = bev_change_open_text(&check->row, "project_id");
	BevChange project;

	return id && read_row(check, "project", id, "name", &project) ?
	           bev_change_text(&project, "name") :
	           NULL;
}

/* Whoever did it is known by name then. */
static void
look_up_actors(const Check *check)
{
	static BevStatement find = {
		.sql =
			"SELECT n.actor FROM bugevents.deliveries AS d"
			" JOIN bugevents.notifications AS n ON n.id = d.notification_id WHERE d.id = $1 UNION"
			" SELECT p.actor FROM bugevents.deliveries AS d JOIN bugevents.notification_parts AS p"
			" ON p.notification_id = d.notification_id WHERE d.id = $1"};
	BevPerson person;
	ListCell *cell;

	foreach (cell, bev_statement_texts(bev_statement_with(&find, bev_int_value(check->id))))
		(void) bev_person_find(&person, lfirst(cell));
}

static void
set_facts(Check *check)
{
	static BevStatement set = {
		.sql = "UPDATE bugevents.deliveries SET facts = jsonb_strip_nulls(jsonb_build_object("
			   "'project', $2::text, 'status', $3::text, 'priority', $4::text)) WHERE id = $1"};

	if (check->kind != BEV_CHANNEL_EMAIL)
		return;
	look_up_actors(check);
	if (check->bug)
		bev_statement_with(&set, bev_int_value(check->id), bev_text_value(name_project(check)),
		                   bev_text_value(bev_change_open_text(&check->row, "status")),
		                   bev_text_value(bev_change_open_text(&check->row, "priority")));
}

/* ---- the check ---- */

static bool
bounces(const Check *check, const char *address)
{
	static BevStatement find = {
		.sql = "SELECT FROM bugevents.suspended_addresses WHERE address = lower($1)"};
	bool found;

	if (check->kind != BEV_CHANNEL_EMAIL)
		return false;
	found = bev_statement_with(&find, bev_text_value(address)) > 0;
	bev_statement_done();
	return found;
}

static void
set_address(const Check *check, const char *address)
{
	static BevStatement set = {.sql = "UPDATE bugevents.deliveries SET address = $2 WHERE id = $1"};

	if (strcmp(address, check->address) != 0)
		bev_statement_with(&set, bev_int_value(check->id), bev_text_value(address));
}

static void
check_step(void *arg)
{
	Check *check = arg;
	const char *address;

	if (!read_delivery(check))
		return;
	address = bev_delivery_plan_address(check->kind, check->user);
	if (!may_see(check))
		check->why = "the user may not see it any more";
	else if (!bev_delivery_plan_is_wanted(check->kind, check->user, check->type))
		check->why = "the user does not want it any more";
	else if (is_muted(check))
		check->why = "the user has muted the bug";
	else if (address == NULL)
		check->why = "the user has no address any more";
	else if (bounces(check, address))
		check->why = "the address is suspended, as mails to it came back";
	else
	{
		set_address(check, address);
		drop_hidden_parts(check);
		set_facts(check);
	}
}

BevDeliveryFate
bev_delivery_check(BevDeliveryChannel kind, int64 id, const char **why)
{
	Check check = {.kind = kind, .id = id};
	ErrorData *error;

	bev_time_limit_begin(bev_derive_timeout);
	error = bev_subtransaction_error(check_step, &check);
	bev_time_limit_end();
	*why = error ? psprintf("it can't be judged: %s", error->message) : check.why;
	/* The last one: expressions are suspended, until somebody has mended them. */
	if (error && (bev_subtransaction_may_succeed_later(error->sqlerrcode) ||
	              error->sqlerrcode == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE))
		return BEV_DELIVERY_WAITS;
	return *why ? BEV_DELIVERY_IS_SKIPPED : BEV_DELIVERY_GOES;
}
