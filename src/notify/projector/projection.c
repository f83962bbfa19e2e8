/*
 * projection.c - what follows from an event: who hears of it.
 *
 *	bug_assigned		the new assignee, who didn't do it
 *	status_changed,
 *	priority_changed	creator, assignee and watchers, but not who did it
 *	comment_added		the same, but not the author, who watches from then on
 *						(bugevents.watch_on_comment)
 *	welcome				a new user
 *
 * Model: events come in the order of the stream, so what is known of a bug when an
 * event is looked at is what held at that moment.  Who takes part is taken from the
 * event itself where it is one of the bug's row.
 *
 * A row that moves from one audience to another makes an event "created" for those who
 * gain sight of it; nothing was created.
 *
 * What is for admins only is told to nobody, since it also goes where no role is known any
 * more: into a table, and by mail.
 */
#include "notify/projector/projection.h"

#include "server/base/settings.h"
#include "mb/pg_wchar.h"
#include "nodes/pg_list.h"
#include "notify/projector/bug.h"
#include "notify/projector/notification.h"
#include "notify/projector/person.h"
#include "notify/projector/reminder.h"
#include "server/base/statement.h"
#include "notify/projector/watcher.h"

/* Of a comment in a notification, in bytes. */
#define EXCERPT_MAX	200

/* ---- who hears of it ---- */

static bool
is_same(const char *a, const char *b)
{
	return a && b && *a && strcmp(a, b) == 0;
}

static bool
is_listed(List *users, const char *user)
{
	ListCell   *cell;

	foreach(cell, users)
	{
		if (strcmp(lfirst(cell), user) == 0)
			return true;
	}
	return false;
}

/* Creator, assignee, watchers, each once. */
static List *
who_takes_part(const BeBug *bug)
{
	List	   *users = be_watcher_list(bug->id);

	if (bug->creator && !is_listed(users, bug->creator))
		users = lappend(users, unconstify(char *, bug->creator));
	if (bug->assignee && !is_listed(users, bug->assignee))
		users = lappend(users, unconstify(char *, bug->assignee));
	return users;
}

static void
tell_all(const BeNotice *notice, const BeBug *bug, const char *but)
{
	ListCell   *cell;

	foreach(cell, who_takes_part(bug))
	{
		if (!is_same(but, lfirst(cell)))
			be_notification_make(notice, lfirst(cell));
	}
}

static BeNotice
notice_of(const BeChange *change, const BeBug *bug, const char *type)
{
	return (BeNotice) {
		.type = type,
		.at = change->at,
		.bug = bug->id,
		.title = bug->title,
		.status = bug->status,
		.audience = change->audience,
		.folds = true,
	};
}

static const char *
or_none(const char *text)
{
	return text ? text : "none";
}

/* ---- bugs ---- */

static void
tell_assignee(BeChange *change, const BeBug *bug, const char *by)
{
	BeNotice	notice = notice_of(change, bug, "bug_assigned");

	if (bug->assignee == NULL || is_same(by, bug->assignee))
		return;
	notice.message = "A bug was assigned to you";
	be_notification_make(&notice, bug->assignee);
}

static bool
bug_created(BeChange *change)
{
	BeBug		bug;

	be_bug_of_change(&bug, change);
	be_bug_put(&bug);
	if (!change->narrowed)
		tell_assignee(change, &bug, *change->actor ? change->actor : bug.creator);
	return true;
}

/* Did anything change that is remembered? */
static bool
is_remembered(BeChange *change)
{
	static const char *const fields[] = {"title", "status", "creator_id", "assignee_id"};
	char	   *old;
	char	   *new;

	for (size_t i = 0; i < lengthof(fields); i++)
		if (be_change_of(change, fields[i], &old, &new))
			return true;
	return false;
}

static bool
bug_updated(BeChange *change)
{
	bool		remembered = is_remembered(change);
	BeNotice	notice;
	BeBug		bug;
	char	   *old;
	char	   *new;
	bool		prioritized = be_change_is_open(change, "priority") &&
		be_change_of(change, "priority", &old, &new);

	if (!remembered && !prioritized)
		return false;
	be_bug_of_change(&bug, change);
	if (remembered)
		be_bug_put(&bug);
	if (prioritized)
	{
		notice = notice_of(change, &bug, "priority_changed");
		notice.message = psprintf("Priority changed from %s to %s", or_none(old), or_none(new));
		tell_all(&notice, &bug, change->actor);
	}
	return true;
}

static bool
bug_status_changed(BeChange *change)
{
	BeNotice	notice;
	BeBug		bug;
	char	   *old;
	char	   *new;

	if (!be_change_of(change, "status", &old, &new))
		return false;
	be_bug_of_change(&bug, change);
	be_reminder_look_at_status(bug.id, new);
	notice = notice_of(change, &bug, "status_changed");
	notice.message = psprintf("Status changed from %s to %s", or_none(old), or_none(new));
	tell_all(&notice, &bug, change->actor);
	return true;
}

static bool
bug_assigned(BeChange *change)
{
	BeBug		bug;

	be_bug_of_change(&bug, change);
	tell_assignee(change, &bug, change->actor);
	return true;
}

static bool
bug_deleted(BeChange *change)
{
	be_bug_delete(change->key);
	return true;
}

static bool
bugs_truncated(BeChange *change pg_attribute_unused())
{
	be_bug_delete_all();
	return true;
}

/* ---- comments ---- */

static char *
excerpt(const char *text)
{
	int			len = strlen(text);
	int			clipped = pg_mbcliplen(text, len, EXCERPT_MAX);

	return psprintf("%.*s%s", clipped, text, clipped < len ? "..." : "");
}

static bool
comment_created(BeChange *change)
{
	char	   *author = be_change_text(change, "user_id");
	char	   *content = be_change_open_text(change, "content");
	BeNotice	notice;
	BeBug		bug;

	if (change->narrowed || !be_bug_find(&bug, change->bug))
		return false;
	notice = notice_of(change, &bug, "comment_added");
	notice.comment = change->key;
	notice.message = excerpt(content ? content : "");
	tell_all(&notice, &bug, author ? author : change->actor);
	if (author && be_watch_on_comment)
		be_watcher_add(bug.id, author);
	return true;
}

static bool
comment_deleted(BeChange *change)
{
	be_notification_delete_comment(change->key);
	return true;
}

static bool
comments_truncated(BeChange *change pg_attribute_unused())
{
	be_notification_delete_comments();
	return true;
}

/* ---- users ---- */

static bool
user_created(BeChange *change)
{
	BeNotice	notice = {
		.type = "welcome",
		.at = change->at,
		.title = "Welcome",
		.audience = {BE_PRINCIPAL_ALL, strlen(BE_PRINCIPAL_ALL)}
	};
	BePerson	person;

	be_person_of_change(&person, change);
	be_person_put(&person);
	if (change->narrowed)
		return true;
	notice.message = person.username ? psprintf("Welcome, %s", person.username) : "Welcome";
	be_notification_make(&notice, person.id);
	return true;
}

static bool
user_updated(BeChange *change)
{
	BePerson	person;

	be_person_of_change(&person, change);
	be_person_put(&person);
	return true;
}

static bool
user_deleted(BeChange *change)
{
	be_person_delete(change->key);
	return true;
}

static bool
users_truncated(BeChange *change pg_attribute_unused())
{
	be_person_delete_all();
	return true;
}

/* ---- wishes ---- */

static bool
watch_created(BeChange *change)
{
	char	   *user = be_change_text(change, "user_id");
	BeBug		bug;

	if (user == NULL || !be_bug_find(&bug, change->bug))
		return false;
	be_watcher_add(change->bug, user);
	return true;
}

static bool
watch_deleted(BeChange *change)
{
	char	   *user = be_change_text(change, "user_id");

	if (user)
		be_watcher_remove(change->bug, user);
	return user != NULL;
}

/* What is due next may be another one now. */
static bool
reminder_changed(BeChange *change pg_attribute_unused())
{
	be_reminder_changed();
	return false;
}

/* ---- all of them ---- */

typedef struct Rule
{
	const char *type;
	const char *action;
	bool		(*apply) (BeChange *change);
} Rule;

static const Rule rules[] = {
	{"bug_report", "created", bug_created},
	{"bug_report", "updated", bug_updated},
	{"bug_report", "status_changed", bug_status_changed},
	{"bug_report", "assigned", bug_assigned},
	{"bug_report", "deleted", bug_deleted},
	{"bug_report", "truncated", bugs_truncated},
	{"comment", "created", comment_created},
	{"comment", "deleted", comment_deleted},
	{"comment", "truncated", comments_truncated},
	{"user", "created", user_created},
	{"user", "updated", user_updated},
	{"user", "deleted", user_deleted},
	{"user", "truncated", users_truncated},
	{"watch", "created", watch_created},
	{"watch", "deleted", watch_deleted},
	{"reminder", "created", reminder_changed},
	{"reminder", "updated", reminder_changed},
	{"reminder", "deleted", reminder_changed},
};

bool
be_projection_apply(BeChange *change)
{
	for (size_t i = 0; i < lengthof(rules); i++)
		if (be_change_is(change, rules[i].type, rules[i].action))
			return rules[i].apply(change);
	return false;
}
