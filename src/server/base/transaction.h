/*
 * transaction.h - a transaction of a worker's own.
 */
#ifndef BEV_SERVER_BASE_TRANSACTION_H
#define BEV_SERVER_BASE_TRANSACTION_H

#include "postgres.h"

/* Begin one with an active snapshot, and connect SPI. */
extern void bev_transaction_begin(void);

/* Commit it, and go on in this memory context. */
extern void bev_transaction_commit(MemoryContext context);

#endif /* BEV_SERVER_BASE_TRANSACTION_H */
