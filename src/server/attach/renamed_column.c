/*
 * renamed_column.c - attachments follow their columns when these are renamed.
 *
 * Model: an attachment has its columns by name (attachment.c), so a command that renames one
 * renames it there.  Which tables that concerns is seen by what is there afterwards, since a
 * column is also renamed through the table that it is inherited from, or through a type.
 *
 * Concurrency: the command has locked what it renames so that nobody else uses it.
 */
#include "server/attach/renamed_column.h"

#include "access/xact.h"
#include "utils/lsyscache.h"

#include "server/attach/attached.h"
#include "server/attach/attachment.h"

/* Was it of this table?  Then it has the new one only. */
static bool
is_of(Oid relid, const RenameStmt *rename)
{
	return get_attnum(relid, rename->subname) == InvalidAttrNumber &&
	       get_attnum(relid, rename->newname) > 0;
}

/* False: it has no such column. */
static bool
replace_column(BevAttachment *attachment, const RenameStmt *rename)
{
	bool found = false;

	for (int i = 0; i < attachment->nsources; i++)
	{
		BevSource *source = &attachment->sources[i];

		if (source->column == NULL || strcmp(source->column, rename->subname) != 0)
			continue;
		source->column = rename->newname;
		found = true;
	}
	return found;
}

static void
follow(const BevAttached *attached, const RenameStmt *rename)
{
	BevAttachment *attachment = bev_attachment_try_read(attached->argument, attached->relid);

	if (attachment && replace_column(attachment, rename))
		bev_attached_rewrite(attached->relid, attached->argument, bev_attachment_write(attachment));
}

void
bev_renamed_column_follow(const RenameStmt *rename)
{
	ListCell *cell;

	if (rename->renameType != OBJECT_COLUMN && rename->renameType != OBJECT_ATTRIBUTE)
		return;
	CommandCounterIncrement();
	foreach (cell, bev_attached_tables())
	{
		const BevAttached *attached = lfirst(cell);

		if (is_of(attached->relid, rename))
			follow(attached, rename);
	}
}
