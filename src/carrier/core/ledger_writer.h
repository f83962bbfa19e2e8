/*
 * ledger_writer.h - which idempotency keys were sent lately.
 *
 * A courier that could not record a result asks again; it gets the same answer, and the
 * user no second message.  That holds for the last BE_CARRIER_LEDGER keys, as long as this
 * carrier lives.  What is to outlive it is written to a file (common/pipe/carrier_message.h).  Any thread may call.
 */
#ifndef BE_CARRIER_CORE_LEDGER_WRITER_H
#define BE_CARRIER_CORE_LEDGER_WRITER_H

#include <stdbool.h>

/* Write to this descriptor from now on. */
extern void be_ledger_open(int fd);

/* The key is about to be sent; or that failed, for certain. */
extern void be_ledger_begin(const char *key);
extern void be_ledger_fail(const char *key);

/* Remember that the key was sent, and with which status. */
extern void be_ledger_add(const char *key, int code);

extern bool be_ledger_find(const char *key, int *code);

#endif							/* BE_CARRIER_CORE_LEDGER_WRITER_H */
