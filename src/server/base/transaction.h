/*
 * transaction.h - a transaction of a worker's own.
 */
#ifndef BE_SERVER_BASE_TRANSACTION_H
#define BE_SERVER_BASE_TRANSACTION_H

#include "postgres.h"

/* Begin one with an active snapshot, and connect SPI. */
extern void be_transaction_begin(void);

/* Commit it, and go on in this memory context. */
extern void be_transaction_commit(MemoryContext context);

#endif							/* BE_SERVER_BASE_TRANSACTION_H */
