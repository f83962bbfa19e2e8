/*
 * attachment.h - how a table is attached, as its trigger's argument says.
 *
 * The argument is a JSON text that attach() writes and the trigger reads.  It
 * is all the state there is: pg_dump carries it, and a partition's copy of the
 * trigger has it as well.
 */
#ifndef BEV_SERVER_ATTACH_ATTACHMENT_H
#define BEV_SERVER_ATTACH_ATTACHMENT_H

#include "postgres.h"

#include "access/attnum.h"

#include "server/attach/entity.h"

/* Where one field of the payload comes from: a column or an expression. */
typedef struct BevSource
{
	const char *field;
	const char *column;     /* its name, or NULL */
	const char *expression; /* NULL: it is a column */
	bool admin;             /* only admins see the field */
	bool quiet;             /* its change alone publishes nothing */
} BevSource;

typedef struct BevAttachment
{
	const BevEntity *entity;
	BevSource *sources; /* the entity's fields, then the extra ones */
	int nsources;
	int nextra;              /* how many of them are extra */
	const char *filter;      /* expression, or NULL */
	const char *audience;    /* principals or expression, or NULL */
	const char *search_path; /* that expressions are understood with */
	const char *by;          /* the role that attached it; NULL: 0.1.0 didn't note it */
	bool decides;            /* by who owns the database: what its rows say is believed */
} BevAttachment;

/* The argument's text, palloc'd. */
extern char *bev_attachment_write(const BevAttachment *attachment);

/*
 * Read it, into the current memory context; throws when it isn't one.  table is whose trigger it
 * is: of what 0.1.0 attached, the table's owner tells whether it decides.
 */
extern BevAttachment *bev_attachment_read(const char *argument, Oid table);

/* The same; NULL when it isn't one: a trigger that attach() didn't write. */
extern BevAttachment *bev_attachment_try_read(const char *argument, Oid table);

/* Do its rows say who somebody is and may (common/event/access.h)? */
extern bool bev_attachment_gives_access(const BevAttachment *attachment);

/*
 * The source's column in the attached table or one of its partitions; InvalidAttrNumber when it is
 * gone.  Renaming it renames it in the attachment, too (renamed_column.h).
 */
extern AttrNumber bev_attachment_column(const BevSource *source, Oid table);

/* The column's name, palloc'd; NULL when it was dropped. */
extern char *bev_column_name(Oid table, AttrNumber attnum);

#endif /* BEV_SERVER_ATTACH_ATTACHMENT_H */
