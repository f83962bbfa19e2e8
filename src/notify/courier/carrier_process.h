/*
 * carrier_message.h - the carrier, as the courier has it: a child process and a pipe of lines.
 */
#ifndef BE_NOTIFY_COURIER_CARRIER_PROCESS_H
#define BE_NOTIFY_COURIER_CARRIER_PROCESS_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* Start it.  False: it couldn't be, which is logged.  It gets the ledger's descriptor. */
extern bool be_carrier_start(void);

/* Does it run?  Notices its end, which is logged. */
extern bool be_carrier_is_running(void);

/* The socket to wait for; PGINVALID_SOCKET: it doesn't run. */
extern pgsocket be_carrier_socket(void);

/* Is there something that could not be written yet? */
extern bool be_carrier_wants_to_write(void);

/* Hand it a line, with its end. */
extern void be_carrier_say(const char *line, Size len);

/* Write, read what can be, without waiting.  A carrier that says too much at once is ended. */
extern void be_carrier_write(void);
extern void be_carrier_read(void);

/* The next line that it said, without its end, palloc'd; NULL: none. */
extern char *be_carrier_hear(void);

/* It broke the rules. */
extern void be_carrier_kill(const char *why);

#endif							/* BE_NOTIFY_COURIER_CARRIER_PROCESS_H */
