/*
 * program_log.h - what gateways and the verifier say to the server's log.
 *
 * Each message, and each line of their standard output and error, becomes a line, unless the
 * process has had its share of them.  False: the message is none of its kind.
 */
#ifndef BEV_SERVER_DISPATCHER_PROGRAM_LOG_H
#define BEV_SERVER_DISPATCHER_PROGRAM_LOG_H

#include "postgres.h"

#include "common/pipe/bucket.h"
#include "common/pipe/channel.h"

/* Of a line that a program writes; what is longer is several lines. */
#define BEV_PROGRAM_LINE 500

typedef struct BevProgramLog
{
	char name[16];   /* "gateway 3", "verifier"; empty: there was none yet */
	BevBucket lines; /* that it may still write */
	uint64 dropped;  /* lines beyond, since one was written */
	char *status;    /* what it said last of its configuration; NULL: nothing */

	int words; /* its standard output and error; -1: they have ended */
	char line[BEV_PROGRAM_LINE];
	int line_len; /* of what has come of a line */
} BevProgramLog;

#define BEV_PROGRAM_LOG_NONE ((BevProgramLog){.words = -1})

/*
 * A process of this name begins, whose standard output and error are read from words, which is the
 * log's from now on.  The first one has a full share of lines, others what is left, and what one
 * before said last is kept.
 */
extern void bev_program_log_begin(BevProgramLog *log, const char *name, int words);

/* It may have written something; doesn't block. */
extern void bev_program_log_hear(BevProgramLog *log);

/* It has ended: what it wrote to the end. */
extern void bev_program_log_end(BevProgramLog *log);

/* A program is of another version of the pipe than ours. */
extern void bev_program_log_misfit(const char *program, uint32 version);

/* What it says of its configuration, if it didn't say so before; empty: all is well. */
extern void bev_program_log_trouble(BevProgramLog *log, const char *text, Size size,
                                    const char *hint);

extern bool bev_program_log_line(BevProgramLog *log, const BevMessage *message);
extern bool bev_program_log_status(BevProgramLog *log, const BevMessage *message);
extern bool bev_program_log_slow(BevProgramLog *log, int gateway, const BevMessage *message);

#endif /* BEV_SERVER_DISPATCHER_PROGRAM_LOG_H */
