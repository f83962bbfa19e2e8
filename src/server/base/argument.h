/*
 * argument.h - what the arguments of SQL functions must be.
 */
#ifndef BEV_SERVER_BASE_ARGUMENT_H
#define BEV_SERVER_BASE_ARGUMENT_H

#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* Throws if the n-th argument (from 0), which users know by this name, is null. */
static inline void
bev_argument_require(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
		                errmsg("argument \"%s\" must not be null", name)));
}

/* The elements of a text[], which may be NULL: a list of char *.  Throws if one is null. */
static inline List *
bev_argument_texts(ArrayType *array, const char *name)
{
	List *texts = NIL;
	Datum *values;
	bool *nulls;
	int n;

	if (array == NULL)
		return NIL;
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			                errmsg("argument \"%s\" must not contain nulls", name)));
		texts = lappend(texts, TextDatumGetCString(values[i]));
	}
	return texts;
}

#endif /* BEV_SERVER_BASE_ARGUMENT_H */
