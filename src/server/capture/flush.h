/*
 * flush.h - when events are formed of what a transaction changed.
 *
 * Called by hooks.c.  All may throw: forming evaluates expressions.
 */
#ifndef BEV_SERVER_CAPTURE_FLUSH_H
#define BEV_SERVER_CAPTURE_FLUSH_H

#include "postgres.h"

#include "server/capture/ddl.h"

/* A statement that changes rows ended, which bev_change_log_begin_statement() announced. */
extern void bev_flush_end_statement(void);

/* What is known of a utility command while it runs. */
typedef struct BevCommandFlush
{
	bool copies;
	bool invalidates;
	int files; /* that the subtransaction has given up so far */
	BevDdl ddl;
} BevCommandFlush;

extern void bev_flush_before_command(Node *command, BevCommandFlush *flush);
extern void bev_flush_after_command(Node *command, BevCommandFlush *flush);

/* The transaction is about to commit, or to be prepared: nothing can be logged from now on. */
extern void bev_flush_finish(bool commits);

#endif /* BEV_SERVER_CAPTURE_FLUSH_H */
