/*
 * entity.h - what a table can stand for, and the payload that events of it have.
 */
#ifndef BE_SERVER_ATTACH_ENTITY_H
#define BE_SERVER_ATTACH_ENTITY_H

#include "postgres.h"

typedef enum BeEntityId
{
	BE_BUG_REPORT,
	BE_COMMENT,
	BE_PROJECT,
	BE_USER,
	BE_MEMBERSHIP
} BeEntityId;

typedef struct BeEntityField
{
	const char *name;
	bool		required;		/* else taken when such a column exists */
} BeEntityField;

#define BE_ENTITY_MAX_FIELDS	12

typedef struct BeEntity
{
	BeEntityId	id;
	const char *name;
	BeEntityField fields[BE_ENTITY_MAX_FIELDS];
	int			nfields;

	/* Fields with a meaning; NULL where the entity has none */
	const char *status;			/* its change is status_changed */
	const char *assignee;		/* its change is assigned or unassigned */
	const char *project;		/* the project's id */
	const char *bug;			/* the bug report's id */
	const char *person;			/* the id of the user whom the row is about */
	const char *role;			/* what that user is */
} BeEntity;

/*
 * The field that identifies a row.  A membership may do without, and is identified
 * by its user and project then.
 */
#define BE_ENTITY_KEY	"id"

/* Can rows of it decide who may see what (common/event/access.h)? */
extern bool be_entity_can_decide(const BeEntity *entity);

/* NULL when there is none of that name. */
extern const BeEntity *be_entity_find(const char *name);

/* The number of the entity's field of that name, or -1. */
extern int	be_entity_field(const BeEntity *entity, const char *name);

/* "a, b, c", palloc'd, for messages: all entities, or the fields of one. */
extern char *be_entity_names(void);
extern char *be_entity_field_names(const BeEntity *entity);

#endif							/* BE_SERVER_ATTACH_ENTITY_H */
