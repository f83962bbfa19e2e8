/*
 * server_place.c - SQL: where this server runs, and which database it is.
 *
 * Model: what a copy of the data directory differs in from what it was copied from.  A copy beside
 * the original has another directory and another inode, one on another machine another host; a
 * database that was copied within the cluster has another OID, and one that pg_upgrade made is in
 * another system.  What changes with a reboot (boot id, device numbers) is not in it.
 *
 * What it can't tell: a snapshot of a whole machine that keeps its name (docs/operations.md).
 */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "access/xlog.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "server/base/compat.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"

#define MACHINE_FILE "/etc/machine-id"

BEV_FUNCTION_INFO_V1(bugevents_server_place);

static void
put(StringInfo json, const char *name, const char *value)
{
	appendStringInfo(json, "%s\"%s\":", json->len > 1 ? "," : "", name);
	escape_json(json, value);
}

/* Empty where there is none, as in many containers. */
static void
read_machine(char *machine, size_t size)
{
	FILE *file = fopen(MACHINE_FILE, "r");

	machine[0] = '\0';
	if (file == NULL)
		return;
	if (fgets(machine, (int) size, file) == NULL)
		machine[0] = '\0';
	fclose(file);
	machine[strspn(machine, "0123456789abcdef")] = '\0';
}

Datum
bugevents_server_place(PG_FUNCTION_ARGS)
{
	char host[256] = "";
	char machine[64];
	struct stat data;
	StringInfoData json;

	if (stat(DataDir, &data) != 0)
		ereport(ERROR,
		        (errcode_for_file_access(), errmsg("could not stat file \"%s\": %m", DataDir)));
	(void) gethostname(host, sizeof(host) - 1);
	read_machine(machine, sizeof(machine));
	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	put(&json, "system", psprintf(UINT64_FORMAT, GetSystemIdentifier()));
	put(&json, "database", psprintf("%u", MyDatabaseId));
	put(&json, "host", pg_any_to_server(host, strlen(host), PG_UTF8));
	put(&json, "machine", machine);
	put(&json, "directory", DataDir);
	put(&json, "inode", psprintf("%llu", (unsigned long long) data.st_ino));
	appendStringInfoChar(&json, '}');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}
