/*
 * restore.c - whether a session loads a dump.
 */
#include "server/base/restore.h"

#include "utils/guc.h"
#include "utils/rls.h"

bool
bev_restore_is_running(void)
{
	return !check_function_bodies && !row_security;
}
