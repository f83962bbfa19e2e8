/*
 * notification.c - telling a user of something: the rows of bugevents.notifications.
 *
 * Model: the time of a notification is that of the event it tells of, so that a
 * projector that is behind writes what one that isn't would have written.  How the row
 * gets to the user's page isn't known here: it is captured like any other.
 *
 * Folding joins only what nobody was sent: else a mail would stand for what it doesn't say.  So
 * behind one that was sent the next is held for bugevents.fold_interval, and what comes meanwhile
 * joins it: a storm is a mail at once and one for the rest (test/t/408_told_right.pl).
 *
 * Concurrency: the courier claims a delivery and composes it under the lock of its row, which
 * folding takes first.
 */
#include "notify/projector/notification.h"

#include "common/event/audience.h"
#include "mb/pg_wchar.h"
#include "server/users/visibility.h"
#include "server/base/settings.h"
#include "notify/projector/delivery_plan.h"
#include "notify/projector/person.h"
#include "notify/projector/recipient.h"
#include "notify/projector/watcher.h"
#include "server/base/statement.h"
#include "utils/timestamp.h"

/* Comments that are one: a mail quotes each. */
#define COMMENTS_MAX "100"

/* Of a comment in the notification, and in a mail, in bytes. */
#define EXCERPT_MAX 200
#define QUOTE_MAX   2000

/* A row of bugevents.notification_parts. */
typedef struct Part
{
	int64 notification;
	const char *comment;
	const char *actor;
	const char *message;
} Part;

static char *
excerpt(const char *text, int most)
{
	int len = strlen(text);
	int clipped = pg_mbcliplen(text, len, most);

	return psprintf("%.*s%s", clipped, text, clipped < len ? "..." : "");
}

static const char *
message_of(const BevNotice *notice)
{
	return notice->message || notice->quote == NULL ? notice->message :
	                                                  excerpt(notice->quote, EXCERPT_MAX);
}

/* ---- folding ---- */

/* The latest one of this kind about this bug. */
typedef struct Previous
{
	int64 id;
	bool folds; /* by its age, and it is not read */
	bool holds; /* it was told so lately that another one is held */
} Previous;

static bool
flag(int column)
{
	return strcmp(bev_statement_text(0, column), "t") == 0;
}

static bool
find_previous(const BevNotice *notice, const char *user, Previous *previous)
{
	static BevStatement find = {
		.sql =
			"SELECT id, NOT read AND created_at > $4 AND (comment_id IS NULL OR count < " COMMENTS_MAX
			"),"
			" updated_at > $4"
			" FROM bugevents.notifications WHERE user_id = $1 AND bug_report_id = $2 AND type = $3"
			" ORDER BY id DESC LIMIT 1"};
	TimestampTz since = notice->at - (int64) bev_fold_interval * 1000;
	bool found = bev_statement_with(&find, bev_text_value(user), bev_text_value(notice->bug),
	                                bev_text_value(notice->type), bev_time_value(since)) > 0;
	bool isnull;

	if (found)
		*previous = (Previous){
			.id = DatumGetInt64(
				SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)),
			.folds = flag(2),
			.holds = flag(3),
		};
	bev_statement_done();
	return found;
}

/* Has anything of it gone outside, or begun to?  It can't from now on until we commit. */
static bool
is_sent(int64 id)
{
	static BevStatement lock = {
		.sql = "SELECT id FROM bugevents.deliveries WHERE notification_id = $1 FOR UPDATE"};
	static BevStatement find = {.sql = "SELECT FROM bugevents.deliveries WHERE notification_id = $1"
	                                   " AND (state <> 'waiting' OR attempts > 0) LIMIT 1"};
	bool sent = false;

	if (bev_statement_with(&lock, bev_int_value(id)) > 0)
	{
		bev_statement_done();
		sent = bev_statement_with(&find, bev_int_value(id)) > 0;
	}
	bev_statement_done();
	return sent;
}

/* Looked at again when the row is locked, as the user may read it at this moment. */
static bool
join(int64 id, const BevNotice *notice)
{
	static BevStatement update = {
		.sql =
			"UPDATE bugevents.notifications AS n SET count = count + 1, comment_id = $2, title = $3,"
			" message = coalesce($4, bugevents.change_message(bugevents.merge_changes(n.changes, $5::jsonb))),"
			" changes = bugevents.merge_changes(n.changes, $5::jsonb), status = $6, actor = $7, updated_at = $8,"
			" project_id = $9, url = bugevents.bug_url(n.bug_report_id, $9)"
			" WHERE NOT read AND id = $1"};

	return bev_statement_with(&update, bev_int_value(id), bev_text_value(notice->comment),
	                          bev_text_value(notice->title), bev_text_value(message_of(notice)),
	                          bev_text_value(notice->changes), bev_text_value(notice->status),
	                          bev_text_value(notice->actor), bev_time_value(notice->at),
	                          bev_text_value(notice->project)) > 0;
}

/* ---- writing ---- */

static int64
insert(const BevNotice *notice, const BevRecipient *to)
{
	static BevStatement statement = {
		.sql =
			"INSERT INTO bugevents.notifications"
			" (user_id, bug_report_id, type, comment_id, title, message, status, created_at, updated_at,"
			" project_id, actor, reason, changes, url, hidden)"
			" SELECT $1, $2, $3, $4, $5, coalesce($6, bugevents.change_message($12::jsonb)), $7, $8, $8,"
			" $9, $10, $11, $12::jsonb, bugevents.bug_url($2, $9), coalesce((SELECT NOT p.enabled"
			" FROM bugevents.preferences AS p"
			" WHERE p.user_id = $1 AND p.channel = 'page' AND p.type IN ($3, '*')"
			" ORDER BY p.type = '*' LIMIT 1), false) RETURNING id"};
	int64 id;
	bool isnull;

	bev_statement_with(&statement, bev_text_value(to->user), bev_text_value(notice->bug),
	                   bev_text_value(notice->type), bev_text_value(notice->comment),
	                   bev_text_value(notice->title), bev_text_value(message_of(notice)),
	                   bev_text_value(notice->status), bev_time_value(notice->at),
	                   bev_text_value(notice->project), bev_text_value(notice->actor),
	                   bev_text_value(to->reason), bev_text_value(notice->changes));
	id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	bev_statement_done();
	return id;
}

static void
add_part(int64 id, const BevNotice *notice)
{
	static BevStatement statement = {
		.sql = "INSERT INTO bugevents.notification_parts"
			   " (notification_id, comment_id, actor, message, at) VALUES ($1, $2, $3, $4, $5)"};

	bev_statement_with(&statement, bev_int_value(id), bev_text_value(notice->comment),
	                   bev_text_value(notice->actor),
	                   bev_text_value(excerpt(notice->quote, QUOTE_MAX)),
	                   bev_time_value(notice->at));
}

static void
tell(const BevNotice *notice, const BevRecipient *to)
{
	bool folds = notice->folds && bev_fold_interval > 0;
	Previous previous;
	TimestampTz at = notice->at;
	int64 id;

	if (folds && find_previous(notice, to->user, &previous))
	{
		if (previous.holds)
			at += (int64) bev_fold_interval * 1000;
		folds = previous.folds && !is_sent(previous.id) && join(previous.id, notice);
	}
	else
		folds = false;
	id = folds ? previous.id : insert(notice, to);
	if (notice->quote)
		add_part(id, notice);
	if (!folds)
		bev_delivery_plan(id, notice->type, to->user, at);
}

/* ---- to whom ---- */

/* Who of them may see what has this audience, in their order. */
static List *
select_recipients(List *recipients, BevSpan audience)
{
	int n = list_length(recipients);
	const char **names = palloc(sizeof(char *) * Max(n, 1));
	bool *may_see = palloc(sizeof(bool) * Max(n, 1));
	List *selected = NIL;

	if (n == 0)
		return NIL;
	for (int i = 0; i < n; i++)
		names[i] = ((BevRecipient *) list_nth(recipients, i))->user;
	bev_visibility_judge(audience, names, n, may_see);
	for (int i = 0; i < n; i++)
		if (may_see[i])
			selected = lappend(selected, list_nth(recipients, i));
	return selected;
}

static bool
is_same(BevSpan a, BevSpan b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static bool
may_be_muted(const BevNotice *notice)
{
	return notice->bug && strcmp(notice->type, "reminder_sent") != 0;
}

void
bev_notification_make(const BevNotice *notice, List *recipients)
{
	List *told = select_recipients(recipients, notice->audience);
	ListCell *cell;

	if (notice->about.len > 0 && !is_same(notice->about, notice->audience))
		told = select_recipients(told, notice->about);
	if (told && may_be_muted(notice))
		told = bev_recipient_without(told, bev_watcher_list_muted(notice->bug));
	foreach (cell, told)
		tell(notice, lfirst(cell));
}

/* ---- comments that are gone ---- */

/* From before there were parts: what else it told isn't known. */
static void
reduce_without_parts(const char *comment)
{
	static BevStatement statement = {
		.sql =
			"UPDATE bugevents.notifications AS n SET count = count - 1, comment_id = NULL,"
			" message = 'The latest comment was deleted' WHERE comment_id = $1 AND count > 1"
			" AND NOT EXISTS (SELECT FROM bugevents.notification_parts WHERE notification_id = n.id)"};

	bev_statement_with(&statement, bev_text_value(comment));
}

static void
delete_those_of(const char *comment)
{
	static BevStatement statement = {
		.sql = "DELETE FROM bugevents.notifications AS n WHERE (comment_id = $1 OR id IN"
			   " (SELECT notification_id FROM bugevents.notification_parts WHERE comment_id = $1))"
			   " AND NOT EXISTS (SELECT FROM bugevents.notification_parts AS p"
			   " WHERE p.notification_id = n.id AND p.comment_id IS DISTINCT FROM $1)"};

	bev_statement_with(&statement, bev_text_value(comment));
}

static void
set_last(const Part *part)
{
	static BevStatement statement = {
		.sql = "UPDATE bugevents.notifications SET count = greatest(count - 1, 1),"
			   " comment_id = $2, actor = $3, message = $4 WHERE id = $1"};

	bev_statement_with(&statement, bev_int_value(part->notification), bev_text_value(part->comment),
	                   bev_text_value(part->actor),
	                   bev_text_value(excerpt(part->message, EXCERPT_MAX)));
}

/* Of each that tells of this comment and others, the last other one. */
static void
reduce_those_of(const char *comment)
{
	static BevStatement find = {
		.sql =
			"SELECT DISTINCT ON (p.notification_id) p.notification_id, p.comment_id, p.actor, p.message"
			" FROM bugevents.notification_parts AS p WHERE p.comment_id IS DISTINCT FROM $1"
			" AND p.notification_id IN (SELECT q.notification_id FROM bugevents.notification_parts AS q"
			" WHERE q.comment_id = $1) ORDER BY p.notification_id, p.id DESC"};
	uint64 n = bev_statement_with(&find, bev_text_value(comment));
	Part *parts = palloc(sizeof(Part) * Max(n, 1));

	for (uint64 i = 0; i < n; i++)
	{
		bool isnull;

		parts[i] = (Part){
			.notification = DatumGetInt64(
				SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)),
			.comment = bev_statement_text(i, 2),
			.actor = bev_statement_text(i, 3),
			.message = bev_statement_text(i, 4),
		};
	}
	bev_statement_done();
	for (uint64 i = 0; i < n; i++)
		set_last(&parts[i]);
}

/*
 * Those that tell of this comment only go.  Others count one less, and tell what the last comment
 * that is left says.
 */
void
bev_notification_delete_comment(const char *comment)
{
	static BevStatement forget = {
		.sql = "DELETE FROM bugevents.notification_parts WHERE comment_id = $1"};

	reduce_without_parts(comment);
	delete_those_of(comment);
	reduce_those_of(comment);
	bev_statement_with(&forget, bev_text_value(comment));
}

void
bev_notification_delete_comments(void)
{
	static BevStatement delete = {
		.sql = "DELETE FROM bugevents.notifications WHERE comment_id IS NOT NULL"};

	bev_statement_run(&delete, 0, NULL);
}

void
bev_notification_expire(void)
{
	static BevStatement delete = {
		.sql =
			"DELETE FROM bugevents.notifications WHERE id IN (SELECT id FROM bugevents.notifications"
			" WHERE created_at < $1 ORDER BY created_at LIMIT 10000)"};
	TimestampTz limit = GetCurrentTimestamp() - (int64) bev_notification_retention * USECS_PER_SEC;

	if (bev_notification_retention > 0)
		bev_statement_with(&delete, bev_time_value(limit));
}
