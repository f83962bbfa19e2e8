/*
 * expression_stats.h - what the expressions of attached tables cost, how often they failed, and
 * which ones are suspended.
 *
 * Kept in shared memory since the server's start, for BEV_EXPRESSION_STATS tables; beyond that, the
 * one whose expressions weren't evaluated for longest is forgotten, but none that is suspended.
 */
#ifndef BEV_SERVER_SHARED_EXPRESSION_STATS_H
#define BEV_SERVER_SHARED_EXPRESSION_STATS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "server/base/shared_area.h"

#define BEV_EXPRESSION_STATS       256
#define BEV_EXPRESSION_ERROR_BYTES 512

typedef struct BevExpressionStats
{
	uint64 rows;     /* that were evaluated */
	uint64 us;       /* all of them together */
	uint64 slowest;  /* us, of one evaluation: a row, or both versions of one; of many the mean */
	uint64 timeouts; /* evaluations that were ended because they took too long */
	bool suspended;

	uint64 errors; /* since it was attached */
	TimestampTz failed_at;
	char message[BEV_EXPRESSION_ERROR_BYTES]; /* in the database's encoding */
} BevExpressionStats;

extern const BevSharedArea bev_expression_stats_area;

/* How an evaluation ended: in a transaction, what took too long isn't tried again. */
typedef enum BevPace
{
	BEV_IN_TIME,
	BEV_TOO_LONG,
	BEV_NOT_TRIED
} BevPace;

/*
 * Count an evaluation of an attached table's expressions, for so many rows; 0: nobody knows.  The
 * third one in a row that took too long suspends the table: the log says so.
 */
extern void bev_expression_stats_evaluated(Oid table, const char *name, int rows, uint64 us,
                                           BevPace pace);

/* An expression of the attached table failed; message is cut.  NULL: as the last one did. */
extern void bev_expression_stats_failed(Oid table, const char *message);

/* Zeros: nothing was evaluated. */
extern void bev_expression_stats_get(Oid table, BevExpressionStats *stats);

/* It is attached anew: what failed is forgotten. */
extern void bev_expression_stats_forget_errors(Oid table);

/* Is the table left out of what is derived, and of get, list and watch? */
extern bool bev_expression_stats_are_suspended(Oid table);

/* Let it take part again.  False: it did. */
extern bool bev_expression_stats_resume(Oid table);

/* How many are suspended. */
extern int bev_expression_stats_count_suspended(void);

/* How often expressions failed, those of tables that are forgotten as well. */
extern uint64 bev_expression_stats_all_errors(void);

#endif /* BEV_SERVER_SHARED_EXPRESSION_STATS_H */
