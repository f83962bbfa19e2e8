/*
 * settings.h - the settings of postgresql.conf (bugevents.*), as C variables.
 *
 * A string that is not set is empty.
 */
#ifndef BEV_SERVER_BASE_SETTINGS_H
#define BEV_SERVER_BASE_SETTINGS_H

#include "postgres.h"

typedef enum BevTlsVersion
{
	BEV_TLS_1_2 = 12,
	BEV_TLS_1_3 = 13
} BevTlsVersion;

#define BEV_GATEWAYS_MAX 64

/* bev_X for bugevents.X, in the unit that the list says. */
#define BOOL(variable, ...)   extern bool variable;
#define INT(variable, ...)    extern int variable;
#define CHECKED_INT           INT
#define STRING(variable, ...) extern char *variable;
#define ENUM(variable, ...)   extern int variable;
#include "server/base/setting_list.h"

/* Define them all; called once from _PG_init while preloading. */
extern void bev_settings_define(void);

/*
 * Throw unless the library was preloaded: nothing of bugevents works without
 * its shared memory.
 */
extern void bev_settings_require_preload(void);

extern bool bev_settings_are_preloaded(void);

/* Is the session's database the one that bugevents.database names? */
extern bool bev_settings_database_is_served(void);

/* Throw unless the library was preloaded and it is. */
extern void bev_settings_require_served(void);

#endif /* BEV_SERVER_BASE_SETTINGS_H */
