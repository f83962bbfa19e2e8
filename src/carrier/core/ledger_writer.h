/*
 * ledger_writer.h - which idempotency keys were sent lately.
 *
 * A courier that could not record a result asks again; it gets the same answer, and the user no
 * second message.  That holds for the last BEV_CARRIER_LEDGER keys, as long as this carrier lives.
 * What is to outlive it is written to a file (common/pipe/carrier_message.h).  Any thread may call.
 */
#ifndef BEV_CARRIER_CORE_LEDGER_WRITER_H
#define BEV_CARRIER_CORE_LEDGER_WRITER_H

#include <stdbool.h>

/* Write to this descriptor from now on. */
extern void bev_ledger_writer_open(int fd);

/* The key is about to be sent; or that failed, for certain. */
extern void bev_ledger_writer_begin(const char *key);
extern void bev_ledger_writer_fail(const char *key);

/* Remember that the key was sent, and with which status. */
extern void bev_ledger_writer_add(const char *key, int code);

extern bool bev_ledger_writer_find(const char *key, int *code);

#endif /* BEV_CARRIER_CORE_LEDGER_WRITER_H */
