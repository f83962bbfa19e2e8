/*
 * notification.c - telling a user of something: the rows of bugevents.notifications.
 *
 * Model: the time of a notification is that of the event it tells of, so that a
 * projector that is behind writes what one that isn't would have written.  How the row
 * gets to the user's page isn't known here: it is captured like any other.
 */
#include "notify/projector/notification.h"

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
fold(const BeNotice *notice, const char *user)
{
	static BeStatement update = {
		.sql = "UPDATE bugevents.notifications SET count = count + 1, comment_id = $4, title = $5, message = $6, status = $7"
		" WHERE NOT read AND id = (SELECT id FROM bugevents.notifications"
		" WHERE user_id = $1 AND bug_report_id = $2 AND type = $3 AND NOT read AND created_at > $8"
		" ORDER BY id DESC LIMIT 1)"
	};
	TimestampTz since = notice->at - (int64) be_fold_interval * 1000;

	return be_statement_with(&update, be_text_value(user), be_text_value(notice->bug),
							 be_text_value(notice->type), be_text_value(notice->comment),
							 be_text_value(notice->title), be_text_value(notice->message),
							 be_text_value(notice->status), be_time_value(since)) > 0;
}

static void
insert(const BeNotice *notice, const char *user)
{
	static BeStatement statement = {
		.sql = "INSERT INTO bugevents.notifications"
		" (user_id, bug_report_id, type, comment_id, title, message, status, created_at, hidden)"
		" SELECT $1, $2, $3, $4, $5, $6, $7, $8, coalesce((SELECT NOT p.enabled"
		" FROM bugevents.preferences AS p"
		" WHERE p.user_id = $1 AND p.channel = 'page' AND p.type IN ($3, '*')"
		" ORDER BY p.type = '*' LIMIT 1), false) RETURNING id"
	};
	int64		id;
	bool		isnull;

	be_statement_with(&statement, be_text_value(user), be_text_value(notice->bug),
					  be_text_value(notice->type), be_text_value(notice->comment),
					  be_text_value(notice->title), be_text_value(notice->message),
					  be_text_value(notice->status), be_time_value(notice->at));
	id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	be_statement_done();
	be_delivery_plan(id, notice->type, user, notice->at);
}

static bool
may_know(const BeNotice *notice, const char *user)
{
	BePerson	person;

	if (be_span_is(notice->audience, BE_PRINCIPAL_ALL))
		return true;
	return be_viewer_may_see(user, be_person_find(&person, user) && person.active ? person.role : NULL,
							 notice->audience);
}

void
be_notification_make(const BeNotice *notice, const char *user)
{
	if (!may_know(notice, user))
		return;
	if (notice->folds && be_fold_interval > 0 && fold(notice, user))
		return;
	insert(notice, user);
}

void
be_notification_delete_comment(const char *comment)
{
	static BeStatement delete = {.sql = "DELETE FROM bugevents.notifications WHERE comment_id = $1 AND count = 1"};
	static BeStatement reduce = {
		.sql = "UPDATE bugevents.notifications SET count = count - 1, comment_id = NULL,"
		" message = 'The latest comment was deleted' WHERE comment_id = $1"
	};

	be_statement_with(&delete, be_text_value(comment));
	be_statement_with(&reduce, be_text_value(comment));
}

void
be_notification_delete_comments(void)
{
	static BeStatement delete = {.sql = "DELETE FROM bugevents.notifications WHERE type = 'comment_added'"};

	be_statement_run(&delete, 0, NULL);
}

void
be_notification_expire(void)
{
	static BeStatement delete = {
		.sql = "DELETE FROM bugevents.notifications WHERE id IN (SELECT id FROM bugevents.notifications"
		" WHERE created_at < $1 ORDER BY created_at LIMIT 10000)"
	};
	TimestampTz limit = GetCurrentTimestamp() - (int64) be_notification_retention * USECS_PER_SEC;

	if (be_notification_retention > 0)
		be_statement_with(&delete, be_time_value(limit));
}
