/*
 * entity.c - what a table can stand for, and the payload that events of it have.
 *
 * The order of the fields here is their order in a payload.
 */
#include "server/attach/entity.h"

#include "lib/stringinfo.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

static const BevEntity entities[] = {
	{
		.id = BEV_BUG_REPORT,
		.name = "bug_report",
		.fields = {{"id", true},
                   {"title", true},
                   {"description", true},
                   {"status", true},
                   {"priority", true},
                   {"creator_id", false},
                   {"assignee_id", true},
                   {"project_id", true},
                   {"created_at", true},
                   {"updated_at", true}},
		.nfields = 10,
		.status = "status",
		.assignee = "assignee_id",
		.project = "project_id",
		.bug = "id",
	},
	{
		.id = BEV_COMMENT,
		.name = "comment",
		.fields = {{"id", true},
                   {"bug_report_id", true},
                   {"project_id", false},
                   {"user_id", true},
                   {"content", true},
                   {"edited", false},
                   {"created_at", true},
                   {"updated_at", true}},
		.nfields = 8,
		.project = "project_id",
		.bug = "bug_report_id",
	},
	{
		.id = BEV_PROJECT,
		.name = "project",
		.fields = {{"id", true},
                   {"name", true},
                   {"description", true},
                   {"created_at", true},
                   {"updated_at", true}},
		.nfields = 5,
		.project = "id",
	},
	{
		.id = BEV_USER,
		.name = "user",
		.fields = {{"id", true},
                   {"username", true},
                   {"email", true},
                   {"phone", false},
                   {"role", true},
                   {"status", true},
                   {"created_at", true},
                   {"updated_at", true}},
		.nfields = 8,
		.status = "status",
		.person = "id",
		.role = "role",
	},
	{
		.id = BEV_MEMBERSHIP,
		.name = "membership",
		.fields = {{"id", false}, {"user_id", true}, {"project_id", false}, {"principal", false}},
		.nfields = 4,
		.project = "project_id",
		.person = "user_id",
		.principal = "principal",
	},
};

/* What fields of a kind of its own mean, if it has them. */
static const BevEntity own_kind = {
	.id = BEV_OWN_KIND,
	.status = "status",
	.project = "project_id",
	.bug = "bug_report_id",
};

bool
bev_entity_can_decide(const BevEntity *entity)
{
	return entity->person != NULL;
}

/* ---- names ---- */

bool
bev_entity_is_name(const char *name)
{
	Size len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return len > 0 && len <= BEV_ENTITY_NAME_MAX && name[len] == '\0' && name[0] >= 'a' &&
	       name[0] <= 'z';
}

bool
bev_entity_is_reserved(const char *name)
{
	static const char *const reserved[] = {"connection", "error", "reply",  "notification",
	                                       "reminder",   "watch", "schema", "state",
	                                       "history",    "alert"};

	for (size_t i = 0; i < lengthof(reserved); i++)
		if (strcmp(name, reserved[i]) == 0)
			return true;
	return bev_entity_is_ours(name);
}

bool
bev_entity_is_ours(const char *name)
{
	return strcmp(name, "project_stats") == 0 || strcmp(name, "user_stats") == 0 ||
	       strcmp(name, "bug_stats") == 0;
}

/* ---- finding them ---- */

typedef struct OwnKind
{
	char name[BEV_ENTITY_NAME_MAX + 1]; /* key */
	BevEntity *entity;
} OwnKind;

static HTAB *own_kinds = NULL;

static void
create_own_kinds(void)
{
	HASHCTL control = {
		.keysize = BEV_ENTITY_NAME_MAX + 1, .entrysize = sizeof(OwnKind), .hcxt = TopMemoryContext};

	own_kinds = hash_create("bugevents kinds of their own", 16, &control,
	                        HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

static const BevEntity *
find_own_kind(const char *name)
{
	OwnKind *kind;
	BevEntity *entity;
	bool found;

	if (own_kinds == NULL)
		create_own_kinds();
	kind = hash_search(own_kinds, name, HASH_FIND, NULL);
	if (kind)
		return kind->entity;
	entity = MemoryContextAlloc(TopMemoryContext, sizeof(BevEntity));
	*entity = own_kind;
	entity->name = MemoryContextStrdup(TopMemoryContext, name);
	kind = hash_search(own_kinds, name, HASH_ENTER, &found);
	kind->entity = entity;
	return entity;
}

const BevEntity *
bev_entity_of(const char *name)
{
	const BevEntity *entity = bev_entity_find(name);

	if (entity || !bev_entity_is_name(name) ||
	    (bev_entity_is_reserved(name) && !bev_entity_is_ours(name)))
		return entity;
	return find_own_kind(name);
}

const BevEntity *
bev_entity_find(const char *name)
{
	for (size_t i = 0; i < lengthof(entities); i++)
	{
		if (strcmp(entities[i].name, name) == 0)
			return &entities[i];
	}
	return NULL;
}

int
bev_entity_field(const BevEntity *entity, const char *name)
{
	for (int i = 0; i < entity->nfields; i++)
	{
		if (strcmp(entity->fields[i].name, name) == 0)
			return i;
	}
	return -1;
}

char *
bev_entity_names(void)
{
	StringInfoData out;

	initStringInfo(&out);
	for (size_t i = 0; i < lengthof(entities); i++)
		appendStringInfo(&out, "%s%s", i ? ", " : "", entities[i].name);
	return out.data;
}

char *
bev_entity_field_names(const BevEntity *entity)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < entity->nfields; i++)
		appendStringInfo(&out, "%s%s", i ? ", " : "", entity->fields[i].name);
	return out.data;
}
