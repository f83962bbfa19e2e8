/*
 * expression_costs.h - what the expressions of attached tables cost, and which ones are suspended.
 */
#ifndef BEV_SERVER_SHARED_EXPRESSION_COSTS_H
#define BEV_SERVER_SHARED_EXPRESSION_COSTS_H

#include "postgres.h"

#include "server/base/shared_area.h"

typedef struct BevExpressionCosts
{
	uint64 rows;     /* that were evaluated */
	uint64 us;       /* all of them together */
	uint64 slowest;  /* us, of one evaluation: a row, or both versions of one */
	uint64 timeouts; /* evaluations that were ended because they took too long */
	bool suspended;
} BevExpressionCosts;

extern const BevSharedArea bev_expression_costs_area;

/*
 * Count an evaluation of an attached table's expressions.  The third one in a row that took too
 * long suspends the table: the log says so.
 */
extern void bev_expression_costs_note(Oid table, const char *name, int rows, uint64 us, bool late);

/* Is the table left out of what is derived, and of get, list and watch? */
extern bool bev_expression_costs_are_suspended(Oid table);

/* How many are. */
extern int bev_expression_costs_count_suspended(void);

/* Since the server's start; zeros: nothing was evaluated. */
extern void bev_expression_costs_get(Oid table, BevExpressionCosts *costs);

/* Let it take part again.  False: it did. */
extern bool bev_expression_costs_resume(Oid table);

#endif /* BEV_SERVER_SHARED_EXPRESSION_COSTS_H */
