/*
 * listening.h - the sockets that one gateway listens on.
 */
#ifndef BEV_SERVER_DISPATCHER_LISTENING_H
#define BEV_SERVER_DISPATCHER_LISTENING_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef struct BevListening
{
	int by;            /* they go to the gateway by it; -1: there is no gateway */
	bool wanted;       /* bev_listening_want */
	char *place;       /* of those that it has; NULL: it has none */
	int count;         /* of these */
	bool incomplete;   /* there should be more, or they should be others */
	TimestampTz again; /* not before */
	char told[256];    /* what the log has of it */
} BevListening;

#define BEV_LISTENING_NONE ((BevListening){.by = -1})

/*
 * A gateway begins: the end that is its own, to be closed once it has it; -1, with errno set: it
 * can't be had.
 */
extern int bev_listening_begin(BevListening *listening);

/* Can it take connections, by the configuration that it was sent last? */
extern void bev_listening_want(BevListening *listening, bool wanted);

/* It has ended. */
extern void bev_listening_end(BevListening *listening);

/*
 * Open what it is to listen on, unless it has it, and pass it on, if that is wanted and due; tell
 * the log of it.  place is as admission/gateway_config.h writes it.  When to be called again at the
 * latest.
 */
extern TimestampTz bev_listening_look_after(BevListening *listening, int gateway,
                                            const char *place);

#endif /* BEV_SERVER_DISPATCHER_LISTENING_H */
