/*
 * projection.c - what follows from an event: who hears of it.
 *
 *	bug_assigned		the new assignee, who didn't do it
 *	bug_created			who watches the project
 *	status_changed,
 *	priority_changed	creator, assignee, watchers of the bug and of the project, but not who
 *						did it
 *	comment_added		the same, but not the author, who watches from then on
 *						(bugevents.watch_on_comment), nor whom it mentions
 *	mentioned			whom a comment or a description names (mention.h), and didn't before
 *	welcome				a new user
 *
 * Model: events come in the order of the stream, so what is known of a bug when an
 * event is looked at is what held at that moment.  Who takes part is taken from the
 * event itself where it is one of the bug's row.
 *
 * A row that moves from one audience to another makes an event "created" for those who
 * gain sight of it; nothing was created.
 *
 * A row that is "deleted" but still there has only gone out of sight (a filter, a soft delete), or is there
 * again: what belongs to it is kept, for when it is "created" the next time.  One that got another key takes it
 * along.
 *
 * From rows of a table that decides nothing (server/attach/attachment.h) nothing follows: else its
 * owner could write to whom he likes, redirect others' mails, or wipe notifications with a TRUNCATE
 * (test/t/323).  Nor does anything follow from rows that are told again (bugevents.replay()):
 * nothing happened to them (test/t/402).
 *
 * What is for admins only is told to nobody, since it also goes where no role is known any
 * more: into a table, and by mail.
 */
#include "notify/projector/projection.h"

#include "server/base/settings.h"
#include "server/responder/row_fetch.h"
#include "nodes/pg_list.h"
#include "notify/projector/bug.h"
#include "notify/projector/mention.h"
#include "notify/projector/notification.h"
#include "notify/projector/person.h"
#include "notify/projector/recipient.h"
#include "notify/projector/reminder.h"
#include "server/base/statement.h"
#include "notify/projector/watcher.h"

/* ---- who hears of it ---- */

static bool
is_same(const char *a, const char *b)
{
	return a && b && *a && strcmp(a, b) == 0;
}

static const char *
or_null(const char *text)
{
	return text && *text ? text : NULL;
}

/* Why somebody is told, the strongest reason first. */
static List *
who_takes_part(const BevBug *bug)
{
	List *users = bev_recipient_add(NIL, bug->assignee, "assignee");

	users = bev_recipient_add(users, bug->creator, "creator");
	users = bev_recipient_add_all(users, bev_watcher_list(bug->id), "watcher");
	return bev_recipient_add_all(users, bev_watcher_list_of_project(bug->project),
	                             "project_watcher");
}

static List *
without(List *recipients, const char *user)
{
	return user && *user ? bev_recipient_without(recipients, list_make1(unconstify(char *, user))) :
	                       recipients;
}

static void
tell_all(const BevNotice *notice, const BevBug *bug, const char *but)
{
	bev_notification_make(notice, without(who_takes_part(bug), but));
}

static BevNotice
notice_of(const BevChange *change, const BevBug *bug, const char *type)
{
	return (BevNotice){
		.type = type,
		.at = change->at,
		.bug = bug->id,
		.title = bug->title,
		.status = bug->status,
		.project = bug->project,
		.actor = or_null(change->actor),
		.audience = change->audience,
		.folds = true,
	};
}

/* ---- bugs ---- */

static void
tell_assignee(BevChange *change, const BevBug *bug, const char *by)
{
	BevNotice notice = notice_of(change, bug, "bug_assigned");

	if (bug->assignee == NULL || is_same(by, bug->assignee))
		return;
	notice.actor = or_null(by);
	notice.message = "A bug was assigned to you";
	notice.changes = bev_change_pair(change, "assignee_id");
	bev_notification_make(&notice, bev_recipient_add(NIL, bug->assignee, "assignee"));
}

/* Whom its description names; but (NULL: nobody) hears of it anyway. */
static List *
tell_mentioned(BevChange *change, const BevBug *bug, const char *old, const char *by,
               const char *but)
{
	char *text = bev_change_open_text(change, "description");
	BevNotice notice = notice_of(change, bug, "mentioned");
	List *mentioned =
		without(bev_recipient_add_all(NIL, bev_mention_list(text, old), "mentioned"), by);

	notice.actor = or_null(by);
	notice.message = "A bug's description mentions you";
	bev_notification_make(&notice, without(mentioned, but));
	return mentioned;
}

/* Who watches the project, and has not heard of it by another reason. */
static void
tell_project(BevChange *change, const BevBug *bug, List *but, const char *by)
{
	BevNotice notice = notice_of(change, bug, "bug_created");
	List *users = bev_watcher_list_of_project(bug->project);
	List *told = without(bev_recipient_add_all(NIL, users, "project_watcher"), by);
	ListCell *cell;

	foreach (cell, but)
		told = without(told, ((BevRecipient *) lfirst(cell))->user);
	notice.actor = or_null(by);
	notice.message = "A new bug in a project that you watch";
	bev_notification_make(&notice, without(told, bug->assignee));
}

static bool
bug_created(BevChange *change)
{
	BevBug bug;
	char *old;
	char *new;
	const char *by;

	bev_bug_of_change(&bug, change);
	bev_bug_put(&bug);
	if (change->narrowed || bev_change_rekeyed(change, &old, &new))
		return true;
	by = *change->actor ? change->actor : bug.creator;
	tell_assignee(change, &bug, by);
	tell_project(change, &bug, tell_mentioned(change, &bug, NULL, by, bug.assignee), by);
	bev_reminder_set_due(&bug, bev_change_open_text(change, "due_at"));
	return true;
}

/* Did anything change that is remembered? */
static bool
is_remembered(BevChange *change)
{
	static const char *const fields[] = {"title", "status", "creator_id", "assignee_id",
	                                     "project_id"};
	char *old;
	char *new;

	for (size_t i = 0; i < lengthof(fields); i++)
		if (bev_change_of(change, fields[i], &old, &new))
			return true;
	return false;
}

static bool
changes_openly(BevChange *change, const char *field, char **old)
{
	char *new;

	return bev_change_is_open(change, field) && bev_change_of(change, field, old, &new);
}

static bool
bug_updated(BevChange *change)
{
	bool remembered = is_remembered(change);
	BevNotice notice;
	BevBug bug;
	char *old;
	bool prioritized = changes_openly(change, "priority", &old);
	bool due = changes_openly(change, "due_at", &old);
	bool described = changes_openly(change, "description", &old);

	if (!remembered && !prioritized && !due && !described)
		return false;
	bev_bug_of_change(&bug, change);
	if (remembered)
		bev_bug_put(&bug);
	if (prioritized)
	{
		notice = notice_of(change, &bug, "priority_changed");
		notice.changes = bev_change_pair(change, "priority");
		tell_all(&notice, &bug, change->actor);
	}
	if (described)
		(void) tell_mentioned(change, &bug, old, change->actor, NULL);
	if (due)
		bev_reminder_set_due(&bug, bev_change_text(change, "due_at"));
	return true;
}

static bool
bug_status_changed(BevChange *change)
{
	BevNotice notice;
	BevBug bug;
	char *old;
	char *new;

	if (!bev_change_of(change, "status", &old, &new))
		return false;
	bev_bug_of_change(&bug, change);
	bev_reminder_look_at_status(bug.id, new);
	notice = notice_of(change, &bug, "status_changed");
	notice.changes = bev_change_pair(change, "status");
	tell_all(&notice, &bug, change->actor);
	return true;
}

static bool
bug_assigned(BevChange *change)
{
	BevBug bug;

	bev_bug_of_change(&bug, change);
	tell_assignee(change, &bug, change->actor);
	return true;
}

/* ---- comments ---- */

/*
 * What a comment's notification says of the bug is another row's.  It is told as of the cursor;
 * whom the row is for, and whether its title is for admins only, is as it is now.  False: there is
 * no such row.
 */
static bool
begin_comment(BevNotice *notice, BevChange *change, const BevBug *bug, const char *by)
{
	char *content = bev_change_open_text(change, "content");
	BevChange row;

	if (!bev_change_current(&row, "bug_report", bug->id))
		return false;
	*notice = notice_of(change, bug, "comment_added");
	if (!bev_change_is_open(&row, "title"))
		notice->title = NULL;
	notice->about = row.audience;
	notice->comment = change->key;
	notice->quote = content ? content : "";
	notice->actor = or_null(by);
	return true;
}

/* Whom it names, and then all others who take part. */
static void
tell_of_comment(BevNotice *notice, const BevBug *bug, const char *by)
{
	List *mentioned = bev_mention_list(notice->quote, NULL);
	List *others = bev_recipient_without(who_takes_part(bug), mentioned);

	bev_notification_make(notice, without(others, by));
	notice->type = "mentioned";
	bev_notification_make(notice, without(bev_recipient_add_all(NIL, mentioned, "mentioned"), by));
}

static const char *
author_of(BevChange *change)
{
	char *author = bev_change_text(change, "user_id");

	return author ? author : change->actor;
}

static bool
comment_created(BevChange *change)
{
	char *author = bev_change_text(change, "user_id");
	BevNotice notice;
	BevBug bug;

	if (change->narrowed || !bev_bug_find(&bug, change->bug))
		return false;
	if (begin_comment(&notice, change, &bug, author_of(change)))
		tell_of_comment(&notice, &bug, author_of(change));
	if (author && bev_watch_on_comment)
		bev_watcher_add(bug.id, author);
	return true;
}

/* Whom it names now, and didn't before. */
static bool
comment_updated(BevChange *change)
{
	BevNotice notice;
	BevBug bug;
	List *mentioned;
	char *old;

	if (!changes_openly(change, "content", &old))
		return false;
	mentioned = bev_mention_list(bev_change_text(change, "content"), old);
	if (mentioned == NIL || !bev_bug_find(&bug, change->bug) ||
	    !begin_comment(&notice, change, &bug, author_of(change)))
		return false;
	notice.type = "mentioned";
	bev_notification_make(
		&notice, without(bev_recipient_add_all(NIL, mentioned, "mentioned"), author_of(change)));
	return true;
}

static bool
comment_deleted(BevChange *change)
{
	bev_notification_delete_comment(change->key);
	return true;
}

static bool
comments_truncated(BevChange *change pg_attribute_unused())
{
	bev_notification_delete_comments();
	return true;
}

/* ---- users ---- */

static bool
user_created(BevChange *change)
{
	BevNotice notice = {.type = "welcome",
	                    .at = change->at,
	                    .title = "Welcome",
	                    .audience = {BEV_PRINCIPAL_ALL, strlen(BEV_PRINCIPAL_ALL)}};
	BevPerson person;
	bool known;

	bev_person_of_change(&person, change);
	known = bev_person_is_known(person.id);
	bev_person_put(&person);
	if (change->narrowed || known)
		return true;
	notice.message = person.username ? psprintf("Welcome, %s", person.username) : "Welcome";
	bev_notification_make(&notice, bev_recipient_add(NIL, person.id, NULL));
	return true;
}

static bool
user_updated(BevChange *change)
{
	BevPerson person;

	bev_person_of_change(&person, change);
	bev_person_put(&person);
	return true;
}

/* ---- what users watch, and reminders ---- */

static bool
watch_created(BevChange *change)
{
	char *user = bev_change_text(change, "user_id");
	char *project = bev_change_text(change, "project_id");
	BevBug bug;

	if (user && project)
		bev_watcher_add_to_project(project, user);
	else if (user && bev_bug_find(&bug, change->bug))
		bev_watcher_add(bug.id, user);
	else
		return false;
	return true;
}

/* The bug's own id, if it is known by another. */
static const char *
own_id(const char *id)
{
	BevBug bug;

	return bev_bug_find(&bug, id) ? bug.id : id;
}

static bool
watch_deleted(BevChange *change)
{
	char *user = bev_change_text(change, "user_id");
	char *project = bev_change_text(change, "project_id");

	if (user && project)
		bev_watcher_remove_from_project(project, user);
	else if (user)
		bev_watcher_remove(own_id(change->bug), user);
	return user != NULL;
}

static bool
bug_muted(BevChange *change)
{
	char *user = bev_change_text(change, "user_id");
	BevBug bug;

	if (user == NULL || !bev_bug_find(&bug, change->bug))
		return false;
	bev_watcher_mute(bug.id, user);
	return true;
}

static bool
bug_unmuted(BevChange *change)
{
	char *user = bev_change_text(change, "user_id");

	if (user)
		bev_watcher_unmute(own_id(change->bug), user);
	return user != NULL;
}

/* What is due next may be another one now. */
static bool
reminder_changed(BevChange *change pg_attribute_unused())
{
	bev_reminder_changed();
	return false;
}

/* ---- rows that are gone ---- */

static BevKept *
kept_of(const BevChange *change)
{
	return strcmp(change->type, bev_person_kept.entity) == 0 ? &bev_person_kept : &bev_bug_kept;
}

/* Of a row, or of two ids of it. */
static void
run_list(BevStatement *list, const char *id, const char *other)
{
	for (int i = 0; i < BEV_KEPT_STATEMENTS && list[i].sql; i++)
	{
		BevValue values[] = {bev_text_value(id), bev_text_value(other)};

		bev_statement_run(&list[i], id ? other ? 2 : 1 : 0, values);
	}
}

static bool
row_deleted(BevChange *change)
{
	BevKept *kept = kept_of(change);
	char *old;
	char *new;

	bev_bug_write();
	if (bev_change_rekeyed(change, &old, &new))
		run_list(kept->rename, old, new);
	else if (bev_row_fetch_exists(kept->entity, change->key))
		bev_statement_with(&kept->hide, bev_text_value(change->key));
	else
		run_list(kept->forget, change->key, NULL);
	return true;
}

static bool
rows_truncated(BevChange *change)
{
	BevKept *kept = kept_of(change);
	ListCell *cell;

	bev_bug_write();
	if (!bev_change_leaves_others(change))
	{
		run_list(kept->forget_all, NULL, NULL);
		return true;
	}
	foreach (cell, bev_statement_texts(bev_statement_run(&kept->ids, 0, NULL)))
		if (!bev_row_fetch_exists(kept->entity, lfirst(cell)))
			run_list(kept->forget, lfirst(cell), NULL);
	return true;
}

/* ---- all of them ---- */

typedef struct Rule
{
	const char *type;
	const char *action;
	bool (*apply)(BevChange *change);
} Rule;

static const Rule rules[] = {
	{"bug_report", "created", bug_created},
	{"bug_report", "updated", bug_updated},
	{"bug_report", "status_changed", bug_status_changed},
	{"bug_report", "assigned", bug_assigned},
	{"bug_report", "deleted", row_deleted},
	{"bug_report", "truncated", rows_truncated},
	{"comment", "created", comment_created},
	{"comment", "updated", comment_updated},
	{"comment", "deleted", comment_deleted},
	{"comment", "truncated", comments_truncated},
	{"user", "created", user_created},
	{"user", "updated", user_updated},
	{"user", "deleted", row_deleted},
	{"user", "truncated", rows_truncated},
	{"watch", "created", watch_created},
	{"watch", "deleted", watch_deleted},
	{"watch", "muted", bug_muted},
	{"watch", "unmuted", bug_unmuted},
	{"reminder", "created", reminder_changed},
	{"reminder", "updated", reminder_changed},
	{"reminder", "deleted", reminder_changed},
};

bool
bev_projection_apply(BevChange *change)
{
	if (change->foreign || change->replayed)
		return false;
	for (size_t i = 0; i < lengthof(rules); i++)
		if (bev_change_is(change, rules[i].type, rules[i].action))
			return rules[i].apply(change);
	return false;
}
