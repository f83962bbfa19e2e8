/*
 * reminder.c - reminders that become due.
 *
 * Model: a reminder that fires becomes a notification in the transaction that deletes it, or
 * sets its next time: so it fires once, whatever crashes.  One that was due several
 * times meanwhile fires once, too, and goes on from the due time, not from now.
 *
 * Failure: one that fails (it looks at the bug, which runs expressions of the table's owner) is
 * reported and passed; only what may succeed later ends the batch.
 */
#include "notify/projector/reminder.h"

#include <math.h>

#include "common/event/event.h"
#include "server/base/subtransaction.h"
#include "server/base/comma_list.h"
#include "server/base/settings.h"
#include "notify/projector/change.h"
#include "notify/projector/bug.h"
#include "notify/projector/notification.h"
#include "server/base/statement.h"
#include "server/responder/row_fetch.h"
#include "utils/timestamp.h"

#define BATCH "100"

static bool next_is_known = false;
static TimestampTz next;

typedef struct Reminder
{
	int64 id;
	const char *bug;
	const char *user; /* NULL: who is concerned */
	TimestampTz due_at;
	Interval *every; /* NULL: once */
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
	Datum every;

	reminder->id = DatumGetInt64(column(row, 1, &isnull));
	reminder->bug = bev_statement_text(row, 2);
	reminder->user = bev_statement_text(row, 3);
	reminder->due_at = DatumGetTimestampTz(column(row, 4, &isnull));
	every = column(row, 5, &isnull);
	reminder->every = NULL;
	if (!isnull)
	{
		reminder->every = palloc(sizeof(Interval));
		*reminder->every = *DatumGetIntervalP(every);
	}
}

/* The bug as it is now; false: it is gone, or the user may not see it. */
static bool
make_notice(BevNotice *notice, const Reminder *reminder, const char **user)
{
	BevSpan record = bev_row_fetch_find("bug_report", reminder->bug);
	BevEvent event;
	BevChange change;
	BevBug bug;

	if (record.len == 0 || !bev_event_read(record.data, record.len, &event))
		return false;
	bev_change_read(&change, 0, 0, &event);
	bev_bug_of_change(&bug, &change);
	*user = reminder->user ? reminder->user : bug.assignee ? bug.assignee : bug.creator;
	*notice = (BevNotice){
		.type = "reminder_sent",
		.at = GetCurrentTransactionStartTimestamp(),
		.bug = reminder->bug,
		.title = bug.title,
		.message = "You wanted to be reminded of a bug",
		.status = bug.status,
		.audience = change.audience,
	};
	return true;
}

static void delete (int64 id)
{
	static BevStatement statement = {.sql = "DELETE FROM bugevents.reminders WHERE id = $1"};

	bev_statement_with(&statement, bev_int_value(id));
}

static TimestampTz
add(TimestampTz at, const Interval *interval)
{
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(at),
	                                               IntervalPGetDatum(interval)));
}

/* How often it fits in between, at least. */
static double
count_between(const Interval *every, TimestampTz from, TimestampTz to)
{
	/* A month has up to 31 days, and a day up to 25 hours. */
	double longest = (every->month * 31.0 + every->day) * 25 * USECS_PER_HOUR + every->time;

	return floor((to - from) / longest);
}

/* The first time behind now: not one by one, as there may be millions of them. */
static TimestampTz
next_time(const Reminder *reminder, TimestampTz now)
{
	double times = count_between(reminder->every, reminder->due_at, now);
	Datum passed = DirectFunctionCall2(interval_mul, IntervalPGetDatum(reminder->every),
	                                   Float8GetDatum(Max(times, 0)));
	TimestampTz due_at = add(reminder->due_at, DatumGetIntervalP(passed));

	while (due_at <= now)
		due_at = add(due_at, reminder->every);
	return due_at;
}

static void
set_next(const Reminder *reminder, TimestampTz now)
{
	static BevStatement statement = {
		.sql = "UPDATE bugevents.reminders SET due_at = $2 WHERE id = $1"};

	bev_statement_with(&statement, bev_int_value(reminder->id),
	                   bev_time_value(next_time(reminder, now)));
}

/* It is done with for now. */
static void
go_on(const Reminder *reminder, bool repeat, TimestampTz now)
{
	if (repeat && reminder->every)
		set_next(reminder, now);
	else
		delete (reminder->id);
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
	const char *user;
	bool exists = make_notice(&notice, firing->reminder, &user);

	if (exists && user)
		bev_notification_make(&notice, user);
	go_on(firing->reminder, exists, firing->now);
}

/* What fails fails alone: it comes again at its next time, if it has one. */
static void
fire(const Reminder *reminder, TimestampTz now)
{
	Firing firing = {reminder, now};
	ErrorData *error = bev_subtransaction_error(fire_step, &firing);

	if (error == NULL)
		return;
	if (bev_subtransaction_may_succeed_later(error->sqlerrcode))
		ReThrowError(error);
	ereport(WARNING, (errcode(error->sqlerrcode),
	                  errmsg("bugevents could not remind anybody of bug \"%s\": %s", reminder->bug,
	                         error->message)));
	go_on(reminder, true, now);
}

int
bev_reminder_fire(TimestampTz upto)
{
	static BevStatement find = {
		.sql = "SELECT id, bug_report_id, user_id, due_at, every FROM bugevents.reminders"
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

TimestampTz
bev_reminder_next(void)
{
	static BevStatement find = {.sql = "SELECT min(due_at) FROM bugevents.reminders"};

	if (!next_is_known)
	{
		bool isnull;
		Datum value;

		bev_statement_run(&find, 0, NULL);
		value = column(0, 1, &isnull);
		next = isnull ? DT_NOEND : DatumGetTimestampTz(value);
		bev_statement_done();
		next_is_known = true;
	}
	return next;
}

bool
bev_reminder_next_is_known(void)
{
	return next_is_known;
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
