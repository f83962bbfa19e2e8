/*
 * program_log.h - what gateways and the verifier say to the server's log.
 *
 * Each message becomes a line, unless the process has had its share of them.  False: the
 * message is none of its kind.
 */
#ifndef BEV_SERVER_DISPATCHER_PROGRAM_LOG_H
#define BEV_SERVER_DISPATCHER_PROGRAM_LOG_H

#include "postgres.h"

#include "common/pipe/bucket.h"
#include "common/pipe/channel.h"

typedef struct BevProgramLog
{
	char name[16];   /* "gateway 3", "verifier" */
	BevBucket lines; /* that it may still write */
	uint64 dropped;  /* lines beyond, since one was written */
	char *status;    /* what it said last of its configuration; NULL: nothing */
} BevProgramLog;

/* A process of this name begins, with a full share; what one before it said last is kept. */
extern void bev_program_log_begin(BevProgramLog *log, const char *name);

/* A program is of another version of the pipe than ours. */
extern void bev_program_log_misfit(const char *program, uint32 version);

/* What it says of its configuration, if it didn't say so before; empty: all is well. */
extern void bev_program_log_trouble(BevProgramLog *log, const char *text, Size size,
                                    const char *hint);

extern bool bev_program_log_listening(BevProgramLog *log, const BevMessage *message);
extern bool bev_program_log_line(BevProgramLog *log, const BevMessage *message);
extern bool bev_program_log_status(BevProgramLog *log, const BevMessage *message);
extern bool bev_program_log_slow(BevProgramLog *log, int gateway, const BevMessage *message);

#endif /* BEV_SERVER_DISPATCHER_PROGRAM_LOG_H */
