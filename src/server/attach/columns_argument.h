/*
 * columns_argument.h - attach()'s argument "columns": what it says of each field.
 *
 *	{"title": "summary", "mail": "lower(row.mail)", "email": {"column": "email", "admin": true}}
 */
#ifndef BEV_SERVER_ATTACH_COLUMNS_ARGUMENT_H
#define BEV_SERVER_ATTACH_COLUMNS_ARGUMENT_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/* What it says of one field. */
typedef struct BevGiven
{
	const char *text; /* column or expression; NULL: not said */
	bool admin;
} BevGiven;

/* Of a field; columns may be NULL.  Throws where it is malformed. */
extern BevGiven bev_columns_given(Jsonb *columns, const char *field);

/* The names of its fields, in its order: a list of char *.  Throws unless it is an object. */
extern List *bev_columns_fields(Jsonb *columns);

#endif /* BEV_SERVER_ATTACH_COLUMNS_ARGUMENT_H */
