/*
 * renamed_column.h - attachments follow their columns when these are renamed.
 */
#ifndef BEV_SERVER_ATTACH_RENAMED_COLUMN_H
#define BEV_SERVER_ATTACH_RENAMED_COLUMN_H

#include "postgres.h"

#include "nodes/parsenodes.h"

/* After the command; of one that renames something else, nothing. */
extern void bev_renamed_column_follow(const RenameStmt *rename);

#endif /* BEV_SERVER_ATTACH_RENAMED_COLUMN_H */
