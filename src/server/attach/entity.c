/*
 * entity.c - what a table can stand for, and the payload that events of it have.
 *
 * The order of the fields here is their order in a payload.
 */
#include "server/attach/entity.h"

#include "lib/stringinfo.h"

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

bool
bev_entity_can_decide(const BevEntity *entity)
{
	return entity->person != NULL;
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
