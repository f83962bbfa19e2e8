/*
 * secret.c - reading the files that hold secrets and keys.
 *
 * Not here: what is in them.  The content goes to whoever checks or signs
 * tokens; the log has the file's name and no more (test/t/309_secrets.pl).
 */
#include "server/base/secret.h"

#include <sys/stat.h>
#include <unistd.h>

#include "storage/fd.h"

/* Larger than any secret or set of keys. */
#define SECRET_MAX (1024 * 1024)

/*
 * As PostgreSQL demands it of ssl_key_file: nobody but the server's user reads it, or a group if it
 * is root's.  Links are followed, so that it may be the same file.
 */
static bool
is_private(const char *setting, const char *path, const struct stat *st, int elevel)
{
	mode_t others = st->st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;

	if (st->st_uid != geteuid() && st->st_uid != 0)
	{
		ereport(elevel, (errcode(ERRCODE_CONFIG_FILE_ERROR),
		                 errmsg("file \"%s\" of %s must be owned by the database user or root",
		                        path, setting)));
		return false;
	}
	if ((st->st_mode & others) == 0)
		return true;
	ereport(
		elevel,
		(errcode(ERRCODE_CONFIG_FILE_ERROR),
	     errmsg("file \"%s\" of %s has group or world access", path, setting),
	     errdetail(
			 "It must have permissions u=rw (0600) or less if owned by the database user, or u=rw,g=r "
			 "(0640) or less if owned by root."),
	     errhint(
			 "chmod 600, and reload the configuration; whoever could read it may have done so.")));
	return false;
}

static char *
read_file(const char *setting, const char *path, Size *len, int elevel, bool is_secret)
{
	FILE *file = AllocateFile(path, PG_BINARY_R);
	struct stat st;
	char *content;
	Size n;

	if (file == NULL)
	{
		ereport(elevel, (errcode_for_file_access(),
		                 errmsg("could not open file \"%s\" of %s: %m", path, setting)));
		return NULL;
	}
	if (fstat(fileno(file), &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > SECRET_MAX)
	{
		FreeFile(file);
		ereport(elevel, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		                 errmsg("file \"%s\" of %s is not a file of at most 1 MB", path, setting)));
		return NULL;
	}
	if (is_secret && !is_private(setting, path, &st, elevel))
	{
		FreeFile(file);
		return NULL;
	}

	content = palloc(st.st_size + 1);
	n = fread(content, 1, st.st_size, file);
	FreeFile(file);

	/* Editors and echo leave a newline that nobody means. */
	if (n > 0 && content[n - 1] == '\n')
		n--;
	if (n > 0 && content[n - 1] == '\r')
		n--;
	content[n] = '\0';

	if (n == 0)
	{
		ereport(elevel, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		                 errmsg("file \"%s\" of %s is empty", path, setting)));
		return NULL;
	}
	if (len)
		*len = n;
	return content;
}

char *
bev_secret_read(const char *setting, const char *path, Size *len, int elevel)
{
	return read_file(setting, path, len, elevel, true);
}

char *
bev_secret_read_public(const char *setting, const char *path, Size *len, int elevel)
{
	return read_file(setting, path, len, elevel, false);
}
