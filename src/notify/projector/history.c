/*
 * history.c - who changed what when: the rows of bugevents.history.
 *
 * Model: one row for each net change, so one of the events that it makes stands for all: updated
 * for what comes with it (status_changed, assigned, unassigned), none for a row that only moves
 * from one audience to another.  An entry is for whom that event was for, and others than admins
 * read of it what they read of the event (server/responder/history_list.c).
 *
 * Kinds of tables' own have a history like those that are known here; events of send() have none.
 *
 * Memory, cost: rows.c; an entry has the fields that changed, old and new, not the row.
 */
#include "notify/projector/history.h"

#include "notify/projector/rows.h"
#include "server/attach/attached_kind.h"
#include "server/attach/entity.h"
#include "server/base/settings.h"
#include "utils/timestamp.h"

#define EXPIRED_MAX 10000

static BevStatement insert = {
	.sql = "INSERT INTO bugevents.history"
		   " (entity, id, seq, at, actor, action, changes, open_changes, audience)"
		   " SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)"};
static BevRows rows = {.statement = &insert, .columns = 9};

void
bev_history_begin(void)
{
	bev_rows_clear(&rows);
}

static bool
has_history(const char *type)
{
	return !bev_entity_is_reserved(type) &&
	       (bev_entity_find(type) != NULL || bev_attached_kind_exists(type));
}

/* Does the event stand for the whole of a change? */
static bool
is_entry(const BevChange *change)
{
	if (strcmp(change->action, "created") == 0 || strcmp(change->action, "deleted") == 0)
		return !change->narrowed;
	return strcmp(change->action, "updated") == 0;
}

bool
bev_history_apply(BevChange *change)
{
	if (!bev_history || *change->key == '\0' || !is_entry(change) || !has_history(change->type))
		return false;
	bev_rows_add(&rows, (BevValue[]){
							bev_text_value(change->type),
							bev_text_value(change->key),
							bev_int_value((int64) change->seq),
							bev_time_value(change->at),
							bev_text_value(*change->actor ? change->actor : NULL),
							bev_text_value(change->action),
							bev_change_all_changes(change),
							bev_change_open_changes(change),
							bev_change_audience(change),
						});
	return true;
}

void
bev_history_finish(void)
{
	bev_rows_write(&rows);
}

bool
bev_history_expire(void)
{
	static BevStatement delete = {
		.sql = "DELETE FROM bugevents.history WHERE ctid = ANY (ARRAY("
			   "SELECT ctid FROM bugevents.history WHERE at < $1 LIMIT $2))"};
	TimestampTz limit = GetCurrentTimestamp() - (int64) bev_history_retention * USECS_PER_SEC;

	return bev_history_retention > 0 &&
	       bev_statement_with(&delete, bev_time_value(limit), bev_int_value(EXPIRED_MAX)) ==
	           EXPIRED_MAX;
}
