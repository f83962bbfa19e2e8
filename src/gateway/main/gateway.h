/*
 * gateway.h - the whole gateway: what its parts share.
 *
 * One process, one thread, one loop.  The data goes one way:
 *
 *	link --> window --> fanout --> client --> socket
 *	             \--> replay --/     ^--- request <-- reader <-- socket
 */
#ifndef BEV_GATEWAY_MAIN_GATEWAY_H
#define BEV_GATEWAY_MAIN_GATEWAY_H

#include <uv.h>

#include "gateway/net/address.h"
#include "gateway/config/config.h"
#include "gateway/stream/directory.h"
#include "gateway/net/link.h"
#include "gateway/net/listener.h"
#include "gateway/stream/replay.h"
#include "gateway/net/socket.h"
#include "gateway/identity/token.h"
#include "gateway/stream/window.h"
#include "common/pipe/counter.h"

struct BevClient;
typedef struct BevAsked BevAsked;
typedef struct BevQuestion BevQuestion;

/* Commits whose events are in the batch, to be measured when it is written. */
#define BEV_DELAYS_MAX 256

typedef struct BevDelays
{
	int count;
	int64_t at[BEV_DELAYS_MAX];   /* us since 1970 */
	uint64_t seq[BEV_DELAYS_MAX]; /* of the first event */
	uint32_t times[BEV_DELAYS_MAX];
} BevDelays;

/* Suspects of a second: by address, and then one of each kind without. */
#define BEV_ABUSES_MAX 32

typedef struct BevGateway
{
	uv_loop_t loop;
	uv_timer_t tick;
	BevLink link;
	BevSockets *sockets;
	BevListener *listener;

	BevConfig *config;    /* NULL until the first CONFIG */
	BevKeyring *keyring;  /* NULL: no token can be good */
	bool has_certificate; /* for TLS */

	/* The stream */
	char stream[BEV_STREAM_ID_LEN + 1]; /* empty until STREAM came */
	uint64_t dropped;                   /* history up to here is gone */
	BevWindow window;
	BevReplay *replay;
	uint64_t sent_tip;            /* the batch begins after this seq */
	uint64_t batch;               /* its number */
	uint32_t batch_clients;       /* to whom some of it was written */
	BevText scratch;              /* where runs with gaps are gathered */
	bool in_batch;                /* the window does not change */
	const BevChunk *shared_chunk; /* in a batch: the last run that was for */
	uint32_t shared_from;         /* everyone, from this frame on */
	BevRun shared;
	uint32_t conflating; /* clients; the window is indexed for them */

	/* The clients */
	struct BevClient *first; /* all sockets that are adopted */
	struct BevClient *dead;  /* to be freed at the end of the turn */
	uint32_t sockets_open;
	uint32_t clients_open; /* of them, those that were welcomed */
	BevDirectory directory;
	BevAsked *asked_first; /* who waits to be admitted, in order */
	BevAsked *asked_last;
	uint64_t last_number;         /* that was given to a client */
	BevQuestion *questions_first; /* what waits for an answer, in order */
	BevQuestion *questions_last;
	uint32_t last_request; /* that was given to a question */
	uint64_t reported_at;  /* loop time */
	uint32_t held;         /* clients that are ahead of the stream */

	/* What is counted (count.h), and what the dispatcher knows of it */
	uint64_t counter[BEV_COUNTER_KINDS];
	uint64_t told[BEV_COUNTER_KINDS];
	BevDelays delays;
	BevSlowMessage slow; /* to be told; events 0: nothing */
	BevAddresses *addresses;
	BevAbuseMessage abuse[BEV_ABUSES_MAX + BEV_ABUSE_KINDS];
	uint32_t abuses;

	bool sandboxed;
	bool shutting_down;
	uint64_t deadline;      /* of the shutdown, loop time */
	char *keys_error;       /* why the keys are the old ones; or NULL */
	char *tls_error;        /* why the certificate is; or NULL */
	char *listen_error;     /* or NULL */
	char *status_sent;      /* the last STATUS; NULL: none yet */
	uint64_t complaints_at; /* since when complaints are counted */
	uint32_t complaints;
} BevGateway;

/* Run until the dispatcher or a signal ends it; fd is the pipe. */
extern int bev_gateway_run(int fd);

/* NULL: the stream can be served; else why not, for GET /ready. */
extern const char *bev_gateway_unready(const BevGateway *gateway);

#endif /* BEV_GATEWAY_MAIN_GATEWAY_H */
