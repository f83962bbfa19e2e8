/*
 * secret.h - reading the files that hold secrets and keys.
 */
#ifndef BEV_SERVER_BASE_SECRET_H
#define BEV_SERVER_BASE_SECRET_H

#include "postgres.h"

/*
 * The content of the file that a setting names, without a final newline, as a
 * palloc'd, NUL-terminated string; *len (may be NULL) is its length.  A relative
 * path is taken from the data directory.  At elevel < ERROR a file that can't be
 * read is reported and NULL returned.  setting is its name, for the message.
 *
 * A secret isn't read if others may read the file; what is public is.
 */
extern char *bev_secret_read(const char *setting, const char *path, Size *len, int elevel);
extern char *bev_secret_read_public(const char *setting, const char *path, Size *len, int elevel);

#endif /* BEV_SERVER_BASE_SECRET_H */
