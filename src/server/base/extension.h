/*
 * extension.h - whether the extension that the database has is the one of this library.
 */
#ifndef BEV_SERVER_BASE_EXTENSION_H
#define BEV_SERVER_BASE_EXTENSION_H

#include "postgres.h"

/*
 * NULL: it is, or there is none.  Else its version, palloc'd, and in *cure what is to be done.
 * Wants a transaction with a snapshot.
 */
extern char *bev_extension_misfit(const char **cure);

#endif /* BEV_SERVER_BASE_EXTENSION_H */
