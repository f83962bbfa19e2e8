/*
 * verifier_process.h - the process that checks tokens, as the dispatcher sees it.
 */
#ifndef BEV_SERVER_DISPATCHER_VERIFIER_PROCESS_H
#define BEV_SERVER_DISPATCHER_VERIFIER_PROCESS_H

#include "postgres.h"

#include "common/event/event.h"
#include "common/pipe/message.h"
#include "datatype/timestamp.h"

typedef struct BevVerifierEvents
{
	/* CHECKED came; rest is what follows it.  False: it answers nothing that was asked. */
	bool (*checked)(const BevCheckedMessage *checked, BevSpan rest);

	/* Another process is there: whatever was not answered is to be asked again. */
	void (*began)(void);

	/* Whether there are keys is another thing now. */
	void (*keys_changed)(void);
} BevVerifierEvents;

extern void bev_verifier_process_begin(const BevVerifierEvents *events);

/* What tokens are checked by from now on: the body of KEYS. */
extern void bev_verifier_process_configure(const char *keys);

/* False: there is no process for the moment, or no room in its pipe; keep the token. */
extern bool bev_verifier_process_check(uint64 ticket, BevSpan token);

/* False: it told that there is no key to check tokens with. */
extern bool bev_verifier_process_has_keys(void);

/* Write to the pipe, read from it.  One that is broken is ended. */
extern void bev_verifier_process_flush(void);
extern void bev_verifier_process_receive(void);

/* Its end of the pipe, -1: none; and whether something waits to be written. */
extern int bev_verifier_process_fd(void);
extern bool bev_verifier_process_pending(void);

/* Where what it writes by itself comes from, -1: from nowhere; and reading that. */
extern int bev_verifier_process_words(void);
extern void bev_verifier_process_hear(void);

/* Is it dead, but not reaped yet? */
extern bool bev_verifier_process_is_ending(void);

/*
 * Start it if it is wanted and due, let it go if it isn't wanted, replace one that hangs: it was
 * asked so long ago that it should have answered.  When to be called again at the latest.
 */
extern TimestampTz bev_verifier_process_look_after(bool wanted);

#endif /* BEV_SERVER_DISPATCHER_VERIFIER_PROCESS_H */
