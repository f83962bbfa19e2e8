/*
 * secret.c - reading the files that hold secrets and keys.
 *
 * Not here: what is in them.  The content goes to whoever checks or signs
 * tokens; the log has the file's name and no more (test/t/309_secrets.pl).
 */
#include "server/base/secret.h"

#include <sys/stat.h>

#include "storage/fd.h"

/* Larger than any secret or set of keys. */
#define SECRET_MAX (1024 * 1024)

char *
bev_secret_read(const char *setting, const char *path, Size *len, int elevel)
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
