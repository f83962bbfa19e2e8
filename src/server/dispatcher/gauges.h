/*
 * gauges.h - what metrics say of tables, noted in shared memory.
 */
#ifndef BEV_SERVER_DISPATCHER_GAUGES_H
#define BEV_SERVER_DISPATCHER_GAUGES_H

/*
 * Note it, as far as it is time to; in a transaction that holds the journal's locks.  Waits for
 * no lock of its own.
 */
extern void bev_gauges_note(void);

#endif /* BEV_SERVER_DISPATCHER_GAUGES_H */
