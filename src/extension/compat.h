/*
 * compat.h - the differences between PostgreSQL 15 and later, in one place.
 */
#ifndef BE_COMPAT_H
#define BE_COMPAT_H

#include "postgres.h"

#include "miscadmin.h"
#include "storage/proc.h"

/* A small dense number of this process, from 0; below BE_PROCESSES. */
#if PG_VERSION_NUM >= 170000
#define BE_MY_PROCESS	((int) MyProcNumber)
#define BE_PROCESSES	(MaxBackends + NUM_AUXILIARY_PROCS)
#else
#define BE_MY_PROCESS	((int) MyBackendId - 1)
#define BE_PROCESSES	MaxBackends
#endif

#endif							/* BE_COMPAT_H */
