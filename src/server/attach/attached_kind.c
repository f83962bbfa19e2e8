/*
 * attached_kind.c - which kinds of their own tables are attached as.
 *
 * Model: a list of the session, made anew when a relation has changed since, as attaching a table
 * changes it.
 *
 * Cost: a look at the list for each event of send(); reading the catalog after each change of a
 * relation.
 */
#include "server/attach/attached_kind.h"

#include "nodes/pg_list.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "server/attach/attached.h"
#include "server/attach/attachment.h"

static List *kinds = NIL; /* of const BevEntity *, which stay */
static bool kinds_valid = false;

static void
invalidate(Datum arg pg_attribute_unused(), Oid relid pg_attribute_unused())
{
	kinds_valid = false;
}

/* They are in the caller's context. */
static List *
read_kinds(void)
{
	List *found = NIL;
	ListCell *cell;

	foreach (cell, bev_attached_tables())
	{
		const BevAttached *attached = lfirst(cell);
		const BevAttachment *attachment =
			bev_attachment_try_read(attached->argument, attached->relid);

		if (attachment && attachment->entity->id == BEV_OWN_KIND)
			found = list_append_unique_ptr(found, (void *) attachment->entity);
	}
	return found;
}

static const BevEntity *
find_among(List *entities, const char *name)
{
	ListCell *cell;

	foreach (cell, entities)
		if (strcmp(((const BevEntity *) lfirst(cell))->name, name) == 0)
			return lfirst(cell);
	return NULL;
}

bool
bev_attached_kind_exists(const char *name)
{
	static bool registered = false;

	if (!registered)
		CacheRegisterRelcacheCallback(invalidate, (Datum) 0);
	registered = true;
	if (!kinds_valid)
	{
		List *found;
		MemoryContext old;

		kinds_valid = true; /* unless something changes meanwhile */
		found = read_kinds();
		old = MemoryContextSwitchTo(TopMemoryContext);
		list_free(kinds);
		kinds = list_copy(found);
		MemoryContextSwitchTo(old);
	}
	return find_among(kinds, name) != NULL;
}

const BevEntity *
bev_attached_kind_find(const char *name)
{
	const BevEntity *entity = bev_entity_find(name);

	return entity || !bev_entity_is_name(name) ? entity : find_among(read_kinds(), name);
}
