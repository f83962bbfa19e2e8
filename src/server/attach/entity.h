/*
 * entity.h - what a table can stand for, and the payload that events of it have.
 *
 * Beside the entities that are known here, a table can stand for a kind of its own: any other name,
 * whose payload is what its attachment says.
 */
#ifndef BEV_SERVER_ATTACH_ENTITY_H
#define BEV_SERVER_ATTACH_ENTITY_H

#include "postgres.h"

typedef enum BevEntityId
{
	BEV_BUG_REPORT,
	BEV_COMMENT,
	BEV_PROJECT,
	BEV_USER,
	BEV_MEMBERSHIP,
	BEV_OWN_KIND
} BevEntityId;

typedef struct BevEntityField
{
	const char *name;
	bool required; /* else taken when such a column exists */
} BevEntityField;

#define BEV_ENTITY_MAX_FIELDS 12

typedef struct BevEntity
{
	BevEntityId id;
	const char *name;
	BevEntityField fields[BEV_ENTITY_MAX_FIELDS];
	int nfields;

	/* Fields with a meaning; NULL where the entity has none */
	const char *status;    /* its change is status_changed */
	const char *assignee;  /* its change is assigned or unassigned */
	const char *project;   /* the project's id */
	const char *bug;       /* the bug report's id */
	const char *person;    /* the id of the user whom the row is about */
	const char *role;      /* what that user is */
	const char *principal; /* what that user belongs to, in place of the project */
} BevEntity;

/*
 * The field that identifies a row.  A membership may do without, and is identified
 * by its user and project, or principal, then.
 */
#define BEV_ENTITY_KEY "id"

/* Can rows of it decide who may see what (common/event/access.h)? */
extern bool bev_entity_can_decide(const BevEntity *entity);

/* Of those that are known here; NULL when there is none of that name. */
extern const BevEntity *bev_entity_find(const char *name);

/* Can events have a type, or an action, of that name: [a-z][a-z0-9_]{0,62}? */
#define BEV_ENTITY_NAME_MAX 63
extern bool bev_entity_is_name(const char *name);

/* Do messages, or events that bugevents makes itself, have a type of that name? */
extern bool bev_entity_is_reserved(const char *name);

/* Is it one of those, whose events are of rows that bugevents itself keeps, attached by it? */
extern bool bev_entity_is_ours(const char *name);

/*
 * The entity of that name, or the kind that it names; NULL when it can't name one.  The same in
 * each call, and kept for the session: for names of what is attached, or is about to be.
 */
extern const BevEntity *bev_entity_of(const char *name);

/* The number of the entity's field of that name, or -1. */
extern int bev_entity_field(const BevEntity *entity, const char *name);

/* "a, b, c", palloc'd, for messages: all entities, or the fields of one. */
extern char *bev_entity_names(void);
extern char *bev_entity_field_names(const BevEntity *entity);

#endif /* BEV_SERVER_ATTACH_ENTITY_H */
