/*
 * stage.h - a gateway without a network and without a dispatcher, for fuzzing.
 *
 * Its sockets are a double of socket.c: what is written is checked to be whole frames
 * as a server may write them.  Its link is one of link.c: what the dispatcher is told is
 * read as it would read it, since it ends a gateway that says anything else.
 */
#ifndef BEV_TEST_FUZZ_STAGE_H
#define BEV_TEST_FUZZ_STAGE_H

#include "gateway/client/client.h"
#include "verifier/token/keys.h"

/* What the tokens of the stage are signed with. */
#define STAGE_SECRET "0123456789abcdef0123456789abcdef"

/* The parts of a gateway, as main composes them */
typedef struct Stage
{
	uv_loop_t loop;
	BevLink link;
	BevConfig *config;
	BevTokenSettings *settings; /* the verifier's, which no gateway has */
	BevKeyring *keyring;
	BevCounts counts;
	BevAbuses abuses;
	BevSessions sessions;
	BevFanout fanout;
	BevRegistrations registrations;
	BevQuestions questions;
	BevStates states;
	BevAccessUpdates updates;
	BevTokenCheck tokens;
	BevArrivals arrivals;
	BevHttp http;
	BevUpgrade upgrade;
	BevClientMessages messages;
	BevClients clients;
} Stage;

/* A gateway, begun anew; it has keys of each kind, and a stream unless told not to. */
extern Stage *stage_open(bool stream);
extern void stage_close(void);

/* A connection that has said nothing yet. */
extern BevClient *stage_accept(void);

/* A client that is let in.  Its frames have to be JSON if json is set. */
extern BevClient *stage_client(const char *user, bool admin, bool json);

/* Is there room in the sockets?  What could not be written goes on when there is. */
extern void stage_choke(bool choke);

/* The end of a turn: those who were dropped are closed and freed. */
extern void stage_turn(void);

/* The keys of the stage, as the members of a configuration. */
extern const char stage_config[];

/* Stop with a message: the property does not hold. */
extern void stage_fail(const char *what) __attribute__((noreturn));

#endif /* BEV_TEST_FUZZ_STAGE_H */
