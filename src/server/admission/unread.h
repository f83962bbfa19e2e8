/*
 * unread.h - how many notifications users have not read, for those who connect.
 */
#ifndef BEV_SERVER_ADMISSION_UNREAD_H
#define BEV_SERVER_ADMISSION_UNREAD_H

#include "postgres.h"

/* More are not counted. */
#define BEV_UNREAD_MAX 1000

/*
 * Count for each of n users (UTF-8; NULL: none); -1: not known.  Wants a transaction with an active
 * snapshot; waits for no lock (test/t/112_locks.pl), and doesn't throw because of what it reads.
 */
extern void bev_unread_count(const char *const *users, int n, int *counts);

#endif /* BEV_SERVER_ADMISSION_UNREAD_H */
