/*
 * commit.h - publishing a transaction's events as it commits.
 */
#ifndef BE_COMMIT_H
#define BE_COMMIT_H

/* Register the transaction callbacks; once per process, while preloading. */
extern void be_commit_register(void);

#endif							/* BE_COMMIT_H */
