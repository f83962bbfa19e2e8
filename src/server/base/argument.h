/*
 * argument.h - what the arguments of SQL functions must be.
 */
#ifndef BEV_SERVER_BASE_ARGUMENT_H
#define BEV_SERVER_BASE_ARGUMENT_H

#include "postgres.h"

#include "fmgr.h"

/* Throws if the n-th argument (from 0), which users know by this name, is null. */
static inline void
bev_argument_require(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
		                errmsg("argument \"%s\" must not be null", name)));
}

#endif /* BEV_SERVER_BASE_ARGUMENT_H */
