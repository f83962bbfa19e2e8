/*
 * memory_limit.h - a limit on the memory of what runs for somebody, and one on its temporary files.
 */
#ifndef BEV_SERVER_BASE_MEMORY_LIMIT_H
#define BEV_SERVER_BASE_MEMORY_LIMIT_H

#include "postgres.h"

/*
 * From here to end() the process gets 256 MB more than it has; an allocation beyond that fails with
 * ERRCODE_OUT_OF_MEMORY.  Sorts and hashes go to disk well before.  An error doesn't end it: the
 * caller that catches it does, before it does anything else.  Within one, another one means
 * nothing: false, and no end() belongs to it.
 */
extern bool bev_memory_limit_begin(void);
extern void bev_memory_limit_end(void);

/*
 * From here to end(), which gets what begin() returned, the process may write to temporary files as
 * long as they have no more than 64 MB; beyond that it fails with
 * ERRCODE_CONFIGURATION_LIMIT_EXCEEDED.
 */
extern int bev_temp_file_limit_begin(void);
extern void bev_temp_file_limit_end(int before);

#endif /* BEV_SERVER_BASE_MEMORY_LIMIT_H */
