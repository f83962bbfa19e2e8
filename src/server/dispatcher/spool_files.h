/*
 * spool_files.h - where responders keep rows for a gateway that are too many for its memory.
 */
#ifndef BEV_SERVER_DISPATCHER_SPOOL_FILES_H
#define BEV_SERVER_DISPATCHER_SPOOL_FILES_H

#include "postgres.h"

#include "storage/fileset.h"

/* The set of files of a gateway, by its number, from 1. */
extern const FileSet *bev_spool_files_of(int gateway);

/* The gateway is gone: so are its files, and the next one of that number has another set. */
extern void bev_spool_files_forget(int gateway);

/* Once more, since a responder wrote when they were gone. */
extern void bev_spool_files_delete(const FileSet *files);

#endif /* BEV_SERVER_DISPATCHER_SPOOL_FILES_H */
