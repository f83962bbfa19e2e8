/*
 * carrier_process.h - the carrier, as the courier has it: a child process and a pipe of lines.
 */
#ifndef BEV_NOTIFY_COURIER_CARRIER_PROCESS_H
#define BEV_NOTIFY_COURIER_CARRIER_PROCESS_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* Start it.  False: it couldn't be, which is logged.  It gets the ledger's descriptor. */
extern bool bev_carrier_process_start(void);

/* Does it run?  Notices its end, which is logged. */
extern bool bev_carrier_process_is_running(void);

/* Doesn't it run, and has the time come to start it (again)? */
extern bool bev_carrier_process_is_due(void);

/* The socket to wait for; PGINVALID_SOCKET: it doesn't run. */
extern pgsocket bev_carrier_process_socket(void);

/* Is there something that could not be written yet? */
extern bool bev_carrier_process_wants_to_write(void);

/* Hand it a line, with its end. */
extern void bev_carrier_process_say(const char *line, Size len);

/* Write, read what can be, without waiting.  A carrier that says too much at once is ended. */
extern void bev_carrier_process_write(void);
extern void bev_carrier_process_read(void);

/* The next line that it said, without its end, palloc'd; NULL: none. */
extern char *bev_carrier_process_hear(void);

/* It broke the rules. */
extern void bev_carrier_process_kill(const char *why);

#endif /* BEV_NOTIFY_COURIER_CARRIER_PROCESS_H */
