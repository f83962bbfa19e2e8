/*
 * archive.c - rows that were deleted: the rows of bugevents.archive.
 *
 * Model: the event of a deletion has the row as it was, so nothing else is asked of those who
 * delete.  That is what its attachment maps: bugevents.restore() puts back these columns, others
 * get their defaults.  A row that has only gone out of sight, or got another key, wasn't deleted.
 *
 * A row that is deleted again is there once, as it was last.
 */
#include "notify/projector/archive.h"

#include "notify/projector/rows.h"
#include "server/attach/entity.h"
#include "server/base/settings.h"
#include "server/responder/row_fetch.h"
#include "utils/timestamp.h"

#define EXPIRED_MAX 10000

static BevStatement insert = {
	.sql =
		"INSERT INTO bugevents.archive AS a (entity, id, deleted_at, actor, \"row\")"
		" SELECT DISTINCT ON (entity, id) entity, id, at, actor, \"row\""
		" FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS x (entity, id, at, actor, \"row\", n)"
		" ORDER BY entity, id, n DESC"
		" ON CONFLICT (entity, id) DO UPDATE SET deleted_at = excluded.deleted_at,"
		" actor = excluded.actor, \"row\" = excluded.\"row\""};
static BevRows rows = {.statement = &insert, .columns = 5};

void
bev_archive_begin(void)
{
	bev_rows_clear(&rows);
}

static bool
is_deletion(BevChange *change)
{
	char *old;
	char *new;

	return strcmp(change->action, "deleted") == 0 && !change->narrowed && *change->key &&
	       bev_entity_find(change->type) != NULL && !bev_change_rekeyed(change, &old, &new) &&
	       !bev_row_fetch_exists(change->type, change->key);
}

bool
bev_archive_apply(BevChange *change)
{
	if (!bev_archive || !is_deletion(change))
		return false;
	bev_rows_add(&rows, (BevValue[]){
							bev_text_value(change->type),
							bev_text_value(change->key),
							bev_time_value(change->at),
							bev_text_value(*change->actor ? change->actor : NULL),
							bev_change_row(change),
						});
	return true;
}

void
bev_archive_finish(void)
{
	bev_rows_write(&rows);
}

/* The newest ones that are bugevents.archive_size together stay. */
static uint64
delete_too_much(void)
{
	static BevStatement delete = {
		.sql = "DELETE FROM bugevents.archive WHERE ctid = ANY (ARRAY("
			   "SELECT ctid FROM (SELECT ctid, deleted_at, sum(pg_column_size(a.*)) OVER"
			   " (ORDER BY deleted_at DESC, entity, id) AS size FROM bugevents.archive AS a) AS s"
			   " WHERE size > $1 * 1024 ORDER BY deleted_at LIMIT $2))"};

	return bev_statement_with(&delete, bev_int_value(bev_archive_size), bev_int_value(EXPIRED_MAX));
}

bool
bev_archive_expire(void)
{
	static BevStatement delete = {
		.sql = "DELETE FROM bugevents.archive WHERE ctid = ANY (ARRAY("
			   "SELECT ctid FROM bugevents.archive WHERE deleted_at < $1 LIMIT $2))"};
	TimestampTz limit = GetCurrentTimestamp() - (int64) bev_archive_retention * USECS_PER_SEC;
	uint64 deleted = 0;

	if (bev_archive_retention > 0)
		deleted = bev_statement_with(&delete, bev_time_value(limit), bev_int_value(EXPIRED_MAX));
	if (bev_archive_size > 0)
		deleted = Max(deleted, delete_too_much());
	return deleted == EXPIRED_MAX;
}
