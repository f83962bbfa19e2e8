/*
 * spool_files.c - where responders keep rows for a gateway that are too many for its memory.
 *
 * Model: a set of temporary files (storage/fileset.h) in the database's default tablespace, named
 * by this process and a number that comes once.  It is made here and not by FileSetInit, which
 * looks up temp_tablespaces and wants a transaction for that.
 *
 * Failure: a crash of the server takes the files away as it does all temporary ones.
 */
#include "server/dispatcher/spool_files.h"

#include "miscadmin.h"

#define GATEWAYS_MAX 64 /* bugevents.gateways */

/* PostgreSQL's own sets of this process begin with 0. */
#define FIRST_NUMBER 0x40000000

static FileSet files_of[GATEWAYS_MAX + 1];

const FileSet *
bev_spool_files_of(int gateway)
{
	static uint32 number = FIRST_NUMBER;
	FileSet *files = &files_of[gateway];

	if (files->ntablespaces == 0)
		*files = (FileSet){.creator_pid = MyProcPid,
		                   .number = number++,
		                   .ntablespaces = 1,
		                   .tablespaces = {MyDatabaseTableSpace}};
	return files;
}

void
bev_spool_files_delete(const FileSet *files)
{
	if (files->ntablespaces > 0)
		FileSetDeleteAll(unconstify(FileSet *, files));
}

void
bev_spool_files_forget(int gateway)
{
	bev_spool_files_delete(&files_of[gateway]);
	files_of[gateway].ntablespaces = 0;
}
