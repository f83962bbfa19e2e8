/*
 * reminder.c - reminders that become due.
 *
 * Model: a reminder that fires becomes a notification in the transaction that deletes it, or
 * sets its next time: so it fires once, whatever crashes.  One that was due several
 * times meanwhile fires once, too, and goes on from the due time, not from now.
 *
 * That a bug isn't there is no reason to forget what it was to be reminded of: the event of its end
 * does that.  It may be out of sight, or a dump is being loaded, whose rows come in any order.  One
 * that repeats comes at its next time, another one each hour for a day.  While no table of bugs is
 * attached (it was detached, or a restore has not come to its triggers) nobody is reminded.
 *
 * Failure: one that fails (it looks at the bug, which runs expressions of the table's owner) is
 * reported and passed; only what may succeed later ends the batch.  While the expressions of the
 * bug's table are suspended it waits, for as long as that takes (test/t/427_slow_expressions.pl).
 */
#include "notify/projector/reminder.h"

#include "common/event/event.h"
#include "server/attach/attached_table.h"
#include "server/attach/entity.h"
#include "server/base/clock.h"
#include "server/base/subtransaction.h"
#include "server/base/time_limit.h"
#include "server/base/comma_list.h"
#include "server/base/settings.h"
#include "notify/projector/change.h"
#include "notify/projector/bug.h"
#include "notify/projector/notification.h"
#include "notify/projector/recipient.h"
#include "server/base/statement.h"
#include "utils/timestamp.h"

#define BATCH         "100"
#define LOOK_INTERVAL 60000 /* ms; rows of a dump come without an event */

/* How often it is tried whether a table is still suspended, and how long. */
#define SUSPENDED_MINUTES 5
#define SUSPENDED_DAYS    36500

static bool next_is_known = false;
static TimestampTz next;
static TimestampTz look_again;

typedef struct Reminder
{
	int64 id;
	const char *bug;
	const char *user; /* NULL: who is concerned */
	bool repeats;
	bool of_due_date;
} Reminder;

static Datum
column(uint64 row, int number, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number, isnull);
}

static void
read_reminder(Reminder *reminder, uint64 row)
{
	bool isnull;

	reminder->id = DatumGetInt64(column(row, 1, &isnull));
	reminder->bug = bev_statement_text(row, 2);
	reminder->user = bev_statement_text(row, 3);
	reminder->repeats = strcmp(bev_statement_text(row, 4), "t") == 0;
	reminder->of_due_date = strcmp(bev_statement_text(row, 5), "t") == 0;
}

static const char *
message_of(const Reminder *reminder, BevChange *change)
{
	const char *due = reminder->of_due_date ? bev_change_open_text(change, "due_at") : NULL;

	if (due)
		return psprintf("A bug is due: %s", due);
	return reminder->of_due_date ? "A bug is due" : "You wanted to be reminded of a bug";
}

/* The bug as it is now; false: it is gone. */
static bool
make_notice(BevNotice *notice, const Reminder *reminder, BevRecipient *to)
{
	BevChange change;
	BevBug bug;

	if (!bev_change_current(&change, "bug_report", reminder->bug))
		return false;
	bev_bug_of_change(&bug, &change);
	*to = reminder->user ? (BevRecipient){reminder->user, "reminder"} :
	      bug.assignee   ? (BevRecipient){bug.assignee, "assignee"} :
	                       (BevRecipient){bug.creator, "creator"};
	*notice = (BevNotice){
		.type = "reminder_sent",
		.at = GetCurrentTransactionStartTimestamp(),
		.bug = reminder->bug,
		.title = bug.title,
		.message = message_of(reminder, &change),
		.status = bug.status,
		.project = bug.project,
		.audience = change.audience,
	};
	return true;
}

static void delete (int64 id)
{
	static BevStatement statement = {.sql = "DELETE FROM bugevents.reminders WHERE id = $1"};

	bev_statement_with(&statement, bev_int_value(id));
}

/*
 * Counted from when it was due first, by the user's calendar: one on the 31st stays there, and one
 * at nine in the morning, too.
 */
static void
set_next(const Reminder *reminder, const char *user, TimestampTz now)
{
	static BevStatement count = {
		.sql =
			"INSERT INTO bugevents.reminder_series AS s (reminder_id, first_at, due_at)"
			" SELECT id, due_at, bugevents.next_time(due_at, every, bugevents.time_zone($2), $3)"
			" FROM bugevents.reminders WHERE id = $1"
			" ON CONFLICT (reminder_id) DO UPDATE SET (first_at, due_at) ="
			" (SELECT f, bugevents.next_time(f, r.every, bugevents.time_zone($2), $3)"
			" FROM bugevents.reminders AS r,"
			" LATERAL (SELECT CASE WHEN s.due_at = r.due_at THEN s.first_at ELSE r.due_at END AS f) AS x"
			" WHERE r.id = $1)"};
	static BevStatement set = {
		.sql =
			"UPDATE bugevents.reminders AS r SET due_at = s.due_at FROM bugevents.reminder_series AS s"
			" WHERE r.id = $1 AND s.reminder_id = $1"};

	bev_statement_with(&count, bev_int_value(reminder->id), bev_text_value(user),
	                   bev_time_value(now));
	bev_statement_with(&set, bev_int_value(reminder->id));
}

/* It is done with for now. */
static void
go_on(const Reminder *reminder, const char *user, TimestampTz now)
{
	if (reminder->repeats)
		set_next(reminder, user, now);
	else
		delete (reminder->id);
}

/* For so many minutes; false: that was done for so many days. */
static bool
postpone(const Reminder *reminder, TimestampTz now, int minutes, int days)
{
	static BevStatement count = {
		.sql =
			"INSERT INTO bugevents.reminder_series AS s (reminder_id, first_at, due_at)"
			" SELECT id, due_at, $2 + $3 * interval '1 minute' FROM bugevents.reminders WHERE id = $1"
			" ON CONFLICT (reminder_id) DO UPDATE SET due_at = EXCLUDED.due_at, first_at ="
			" (SELECT CASE WHEN s.due_at = r.due_at THEN s.first_at ELSE r.due_at END"
			" FROM bugevents.reminders AS r WHERE r.id = $1)"};
	static BevStatement set = {
		.sql =
			"UPDATE bugevents.reminders AS r SET due_at = s.due_at FROM bugevents.reminder_series AS s"
			" WHERE r.id = $1 AND s.reminder_id = $1 AND s.first_at > $2 - $3 * interval '1 day'"};

	bev_statement_with(&count, bev_int_value(reminder->id), bev_time_value(now),
	                   bev_int_value(minutes));
	return bev_statement_with(&set, bev_int_value(reminder->id), bev_time_value(now),
	                          bev_int_value(days)) > 0;
}

typedef struct Firing
{
	const Reminder *reminder;
	TimestampTz now;
} Firing;

static void
fire_step(void *arg)
{
	const Firing *firing = arg;
	BevNotice notice;
	BevRecipient to = {.user = firing->reminder->user};
	bool exists = make_notice(&notice, firing->reminder, &to);

	if (exists)
		bev_notification_make(&notice, bev_recipient_add(NIL, to.user, to.reason));
	if (exists || firing->reminder->repeats || !postpone(firing->reminder, firing->now, 60, 1))
		go_on(firing->reminder, to.user, firing->now);
}

/*
 * What fails fails alone: it comes again at its next time, if it has one.  That the table is
 * suspended says nothing of it.
 */
static void
fire(const Reminder *reminder, TimestampTz now)
{
	Firing firing = {reminder, now};
	ErrorData *error;

	bev_time_limit_begin(bev_derive_timeout);
	error = bev_subtransaction_error(fire_step, &firing);
	bev_time_limit_end();
	if (error == NULL)
		return;
	if (bev_subtransaction_may_succeed_later(error->sqlerrcode) && !bev_time_limit_exceeded())
		ReThrowError(error);
	ereport(WARNING, (errcode(error->sqlerrcode),
	                  errmsg("bugevents could not remind anybody of bug \"%s\": %s", reminder->bug,
	                         error->message)));
	if (error->sqlerrcode != ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE ||
	    !postpone(reminder, now, SUSPENDED_MINUTES, SUSPENDED_DAYS))
		go_on(reminder, reminder->user, now);
}

int
bev_reminder_fire(TimestampTz upto)
{
	static BevStatement find = {
		.sql = "SELECT id, bug_report_id, user_id, every IS NOT NULL, of_due_date"
			   " FROM bugevents.reminders"
			   " WHERE due_at <= $1 ORDER BY due_at, id LIMIT " BATCH " FOR UPDATE"};
	TimestampTz now = GetCurrentTimestamp();
	uint64 n = bev_statement_with(&find, bev_time_value(upto));
	Reminder *due = palloc(sizeof(Reminder) * Max(n, 1));

	for (uint64 i = 0; i < n; i++)
		read_reminder(&due[i], i);
	bev_statement_done();
	for (uint64 i = 0; i < n; i++)
		fire(&due[i], now);
	next_is_known = false;
	return n;
}

static TimestampTz
find_next(void)
{
	static BevStatement find = {.sql = "SELECT min(due_at) FROM bugevents.reminders"};
	TimestampTz found;
	bool isnull;
	Datum value;

	bev_statement_run(&find, 0, NULL);
	value = column(0, 1, &isnull);
	found = isnull ? DT_NOEND : DatumGetTimestampTz(value);
	bev_statement_done();
	return found;
}

/* Without a table of bugs it is later than due. */
static void
hold(void)
{
	static bool held = false;
	bool holds = next <= GetCurrentTimestamp() &&
	             bev_attached_table_list(bev_entity_find("bug_report")) == NIL;

	if (holds)
		next = look_again;
	if (holds && !held)
		ereport(LOG, (errmsg("bugevents reminds nobody: no table of bug reports is attached")));
	held = holds;
}

TimestampTz
bev_reminder_next(void)
{
	if (!bev_reminder_next_is_known())
	{
		next = find_next();
		look_again = bev_clock_ahead(LOOK_INTERVAL);
		hold();
		next_is_known = true;
	}
	return next;
}

bool
bev_reminder_next_is_known(void)
{
	return next_is_known && !bev_clock_has_come(look_again, LOOK_INTERVAL);
}

void
bev_reminder_changed(void)
{
	next_is_known = false;
}

static bool
is_closed(const char *status)
{
	char *rest = pstrdup(bev_closed_statuses);
	char *item;

	while ((item = bev_comma_list_next(&rest)) != NULL)
		if (*item && strcmp(item, status) == 0)
			return true;
	return false;
}

void
bev_reminder_look_at_status(const char *bug, const char *status)
{
	static BevStatement statement = {
		.sql = "DELETE FROM bugevents.reminders WHERE bug_report_id = $1"};

	if (status && is_closed(status))
		bev_statement_with(&statement, bev_text_value(bug));
}

/* ---- due dates ---- */

typedef struct Due
{
	const BevBug *bug;
	const char *at;
} Due;

static void
set_due_step(void *arg)
{
	static BevStatement set = {
		.sql =
			"INSERT INTO bugevents.reminders (bug_report_id, due_at, of_due_date) SELECT $1, t, true"
			" FROM bugevents.due_reminder($2, $3) AS t"
			" WHERE t + current_setting('bugevents.due_reminder')::interval > now()"
			" ON CONFLICT (bug_report_id) WHERE of_due_date DO UPDATE SET due_at = excluded.due_at"};
	const Due *due = arg;

	bev_statement_with(&set, bev_text_value(due->bug->id), bev_text_value(due->at),
	                   bev_text_value(due->bug->assignee));
}

void
bev_reminder_set_due(const BevBug *bug, const char *due)
{
	static BevStatement unset = {
		.sql = "DELETE FROM bugevents.reminders WHERE bug_report_id = $1 AND of_due_date"};
	Due arg = {bug, due};
	bool set = due && bev_subtransaction_run(set_due_step, &arg, false);

	if (!set || SPI_processed == 0)
		bev_statement_with(&unset, bev_text_value(bug->id));
}
