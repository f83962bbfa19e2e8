/*
 * unread.h - how many notifications users have not read, for those who connect.
 */
#ifndef BE_SERVER_ADMISSION_UNREAD_H
#define BE_SERVER_ADMISSION_UNREAD_H

#include "postgres.h"

/* More are not counted. */
#define BE_UNREAD_MAX	1000

/*
 * Count for each of n users (UTF-8; NULL: none); -1: not known.  Wants a transaction with an active
 * snapshot; never waits for a lock, and doesn't throw because of what it reads.
 */
extern void be_unread_count(const char *const *users, int n, int *counts);

#endif							/* BE_SERVER_ADMISSION_UNREAD_H */
