/*
 * ledger.h - what the carrier did, in a file that outlives it and us.
 *
 * The carrier writes a line before it begins to send a key, and one when it knows how that
 * ended (common/pipe/carrier_message.h).  So after the courier was killed the next one learns what
 * became of what it had handed over.
 */
#ifndef BEV_NOTIFY_COURIER_LEDGER_H
#define BEV_NOTIFY_COURIER_LEDGER_H

#include "postgres.h"

typedef enum BevLedgerFate
{
	BEV_LEDGER_UNKNOWN, /* begun, with no end to it: it may have been sent */
	BEV_LEDGER_SENT,
	BEV_LEDGER_NOT_SENT /* never begun, or begun in vain */
} BevLedgerFate;

/*
 * Open the file in the data directory.  False: another carrier still has it, that of a courier
 * before us; try again in a moment.  Throws if it can't be opened.
 */
extern bool bev_ledger_open(void);

/* To be given to the carrier. */
extern int bev_ledger_fd(void);

/*
 * Read all of it; to be called while no carrier runs.  palloc'd things live in the current context.
 */
extern void bev_ledger_read(void);

/* What became of a key, as the file was when it was read. */
extern BevLedgerFate bev_ledger_find(const char *key);

/* Forget all of it, as everything in it is recorded.  No carrier may be sending. */
extern void bev_ledger_clear(void);

/* Bytes in it. */
extern int64 bev_ledger_size(void);

#endif /* BEV_NOTIFY_COURIER_LEDGER_H */
