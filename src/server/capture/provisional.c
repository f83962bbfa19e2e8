/*
 * provisional.c - what is published of a transaction before all of it is known.
 *
 * Model: a transaction that is published in pieces (flush.c) forms events of rows that it
 * may still change, and by expressions whose lookups it may still change.  Whom a piece says a
 * row is for may never have been able to SELECT it: a bug is inserted, a piece ends, and then come
 * the groups that it is confined to.  In a later piece the old row may be as nobody saw it.  So the
 * pieces of a table are for admins, and with the commit everyone is told to read the table again.
 *
 * Not so where nothing of this can be: everyone may see all rows, and expressions
 * depend on the row alone.  Nor of rows that are gone with the first piece: what they were
 * before the transaction is known, if they don't look up what others may change until it commits.
 *
 * Nor can it be told what a row was before where the transaction has replaced what it looks up, or
 * how: a lookup that is emptied by TRUNCATE, rewritten, refreshed, dropped or renamed, a view or a
 * function that is another one now.  Then the old row would be evaluated with what is there now,
 * and it would look as if nothing had changed (sql/follow.sql).  So what looks up is treated as in
 * a piece.
 *
 * A prepared transaction may be committed much later, by a session that can't see what it wrote.
 * Its rows stay as they are, but others may change meanwhile what they look up, or insert rows that
 * look up what it wrote.  So it is the same with those that look up.
 *
 * A table that decides who may see what decides nothing by a piece, since events of the same
 * transaction follow: where a row gives or takes a right, what was known is void
 * (access_change.c), and clients are looked up again.
 */
#include "server/capture/provisional.h"

#include "utils/lsyscache.h"

#include "server/attach/attached.h"
#include "server/attach/attachment.h"
#include "server/attach/follows.h"
#include "server/base/compat.h"
#include "server/capture/notice.h"
#include "server/changes/change_log.h"
#include "common/event/event.h"

static BevMoment moment = BEV_MOMENT_COMMIT;

void
bev_provisional_begin(BevMoment now)
{
	moment = now;
}

static bool
is_for_fixed_people(const BevMapping *mapping)
{
	const char *audience = mapping->constant_audience;

	return mapping->audience < 0 && (audience == NULL || strcmp(audience, BEV_PRINCIPAL_ALL) == 0 ||
	                                 strcmp(audience, BEV_PRINCIPAL_ADMIN) == 0);
}

/* Does what the row is, and for whom, depend on the values of its columns alone? */
static bool
looks_up(const BevMapping *mapping)
{
	return mapping->expressions && mapping->expressions->looks_up;
}

static bool
is_settled(const BevMapping *mapping)
{
	return mapping->filter < 0 && is_for_fixed_people(mapping) && !looks_up(mapping);
}

/* Whatever replaced it: a subscription's worker runs no command for TRUNCATE. */
static bool
is_lookup_replaced(const BevMapping *mapping)
{
	return bev_change_log_is_redefined() ||
	       (bev_dropped_files() > 0 && bev_expressions_read_replaced(mapping->expressions));
}

/* In the first piece the old row is what it was before the transaction. */
static bool
may_change(const BevMapping *mapping, bool has_new)
{
	if (!bev_change_log_is_whole())
		return true;
	return (moment == BEV_MOMENT_PIECE && has_new) ||
	       (looks_up(mapping) && (moment != BEV_MOMENT_COMMIT || is_lookup_replaced(mapping)));
}

static void
mark(BevRow *row, bool settled)
{
	if (row == NULL)
		return;
	row->provisional = true;
	if (!settled)
		row->audience = BEV_PRINCIPAL_ADMIN;
}

void
bev_provisional_check(const BevMapping *mapping, BevRow *old, BevRow *new)
{
	bool settled = is_settled(mapping);

	if (settled ? !(moment == BEV_MOMENT_PIECE && mapping->gives_access && new) :
	              !may_change(mapping, new != NULL))
		return;
	mark(old, settled);
	mark(new, settled);
	if (!settled)
		bev_change_log_note_provisional(mapping->root);
}

/* What is inserted until it is committed, and looks there, is judged without it. */
void
bev_provisional_note_lookup(Oid root)
{
	ListCell *cell;

	if (moment != BEV_MOMENT_PREPARE)
		return;
	foreach (cell, bev_follows_list())
	{
		BevFollow *follow = lfirst(cell);

		if (follow->lookup == root)
			bev_change_log_note_provisional(follow->tbl);
	}
}

static void
tell(const BevAttached *attached)
{
	bev_notice_publish(bev_notice_name(attached->relid),
	                   bev_attachment_read(attached->argument, attached->relid), BEV_NOTICE_RELOAD);
}

void
bev_provisional_finish(void)
{
	uint32 n;
	const Oid *roots = bev_change_log_provisional(&n);
	List *tables = n > 0 ? bev_attached_tables() : NIL;
	ListCell *cell;

	foreach (cell, tables)
	{
		const BevAttached *attached = lfirst(cell);

		for (uint32 i = 0; i < n; i++)
			if (roots[i] == attached->relid)
				tell(attached);
	}
}
