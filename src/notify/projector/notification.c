/*
 * notification.c - telling a user of something: the rows of bugevents.notifications.
 *
 * Model: the time of a notification is that of the event it tells of, so that a
 * projector that is behind writes what one that isn't would have written.  How the row
 * gets to the user's page isn't known here: it is captured like any other.
 */
#include "notify/projector/notification.h"

#include "common/event/audience.h"
#include "server/users/visibility.h"
#include "server/base/settings.h"
#include "notify/projector/delivery_plan.h"
#include "notify/projector/person.h"
#include "server/base/statement.h"
#include "utils/timestamp.h"

/*
 * Those that are read are looked at again when the row is locked, as the user may
 * read it at this moment.
 */
static bool
fold(const BevNotice *notice, const char *user)
{
	static BevStatement update = {
		.sql =
			"UPDATE bugevents.notifications SET count = count + 1, comment_id = $4, title = $5, message = $6, status = $7"
			" WHERE NOT read AND id = (SELECT id FROM bugevents.notifications"
			" WHERE user_id = $1 AND bug_report_id = $2 AND type = $3 AND NOT read AND created_at > $8"
			" ORDER BY id DESC LIMIT 1)"};
	TimestampTz since = notice->at - (int64) bev_fold_interval * 1000;

	return bev_statement_with(&update, bev_text_value(user), bev_text_value(notice->bug),
	                          bev_text_value(notice->type), bev_text_value(notice->comment),
	                          bev_text_value(notice->title), bev_text_value(notice->message),
	                          bev_text_value(notice->status), bev_time_value(since)) > 0;
}

static void
insert(const BevNotice *notice, const char *user)
{
	static BevStatement statement = {
		.sql =
			"INSERT INTO bugevents.notifications"
			" (user_id, bug_report_id, type, comment_id, title, message, status, created_at, hidden)"
			" SELECT $1, $2, $3, $4, $5, $6, $7, $8, coalesce((SELECT NOT p.enabled"
			" FROM bugevents.preferences AS p"
			" WHERE p.user_id = $1 AND p.channel = 'page' AND p.type IN ($3, '*')"
			" ORDER BY p.type = '*' LIMIT 1), false) RETURNING id"};
	int64 id;
	bool isnull;

	bev_statement_with(&statement, bev_text_value(user), bev_text_value(notice->bug),
	                   bev_text_value(notice->type), bev_text_value(notice->comment),
	                   bev_text_value(notice->title), bev_text_value(notice->message),
	                   bev_text_value(notice->status), bev_time_value(notice->at));
	id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	bev_statement_done();
	bev_delivery_plan(id, notice->type, user, notice->at);
}

/* Who of them may see what has this audience, in their order. */
static List *
select_users(List *users, BevSpan audience)
{
	int n = list_length(users);
	const char **names = palloc(sizeof(char *) * Max(n, 1));
	bool *may_see = palloc(sizeof(bool) * Max(n, 1));
	List *selected = NIL;

	if (n == 0)
		return NIL;
	for (int i = 0; i < n; i++)
		names[i] = list_nth(users, i);
	bev_visibility_judge(audience, names, n, may_see);
	for (int i = 0; i < n; i++)
		if (may_see[i])
			selected = lappend(selected, list_nth(users, i));
	return selected;
}

static bool
is_same(BevSpan a, BevSpan b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

void
bev_notification_make(const BevNotice *notice, List *users)
{
	List *told = select_users(users, notice->audience);
	ListCell *cell;

	if (notice->about.len > 0 && !is_same(notice->about, notice->audience))
		told = select_users(told, notice->about);
	foreach (cell, told)
	{
		const char *user = lfirst(cell);

		if (!notice->folds || bev_fold_interval == 0 || !fold(notice, user))
			insert(notice, user);
	}
}

void
bev_notification_delete_comment(const char *comment)
{
	static BevStatement delete = {
		.sql = "DELETE FROM bugevents.notifications WHERE comment_id = $1 AND count = 1"};
	static BevStatement reduce = {
		.sql = "UPDATE bugevents.notifications SET count = count - 1, comment_id = NULL,"
			   " message = 'The latest comment was deleted' WHERE comment_id = $1"};

	bev_statement_with(&delete, bev_text_value(comment));
	bev_statement_with(&reduce, bev_text_value(comment));
}

void
bev_notification_delete_comments(void)
{
	static BevStatement delete = {
		.sql = "DELETE FROM bugevents.notifications WHERE type = 'comment_added'"};

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
