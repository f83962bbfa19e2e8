/*
 * columns_read.h - which columns of a row what was planned depends on.
 */
#ifndef BEV_SERVER_ATTACH_COLUMNS_READ_H
#define BEV_SERVER_ATTACH_COLUMNS_READ_H

#include "postgres.h"

#include "executor/spi.h"
#include "nodes/bitmapset.h"

/*
 * Add the attribute numbers of the columns of a table, and of all that is below it, that the plan
 * looks into.  False: that can't be told, as where a function may look into any table.
 */
extern bool bev_columns_read_of_table(SPIPlanPtr plan, Oid table, Bitmapset **columns);

/*
 * The same of the row that the plan is over (bev_expressions_append_row), which comes first in its
 * FROM: the places in it, from 1.
 */
extern bool bev_columns_read_of_row(SPIPlanPtr plan, Bitmapset **columns);

#endif /* BEV_SERVER_ATTACH_COLUMNS_READ_H */
