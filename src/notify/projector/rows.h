/*
 * rows.h - rows that are gathered to be written by one statement.
 */
#ifndef BEV_NOTIFY_PROJECTOR_ROWS_H
#define BEV_NOTIFY_PROJECTOR_ROWS_H

#include "postgres.h"

#include "server/base/statement.h"

typedef struct BevRows
{
	BevStatement *statement; /* of which $1 is an array of the rows' first values, and so on */
	int columns;
	MemoryContext context; /* NULL: before the first one */
	int n;
	int max;
	BevValue *values; /* of each row, one after the other */
} BevRows;

/* There are none. */
extern void bev_rows_clear(BevRows *rows);

/*
 * Add one, whose values have the same types each time; they are copied.  When there are many, they
 * are written.  Throws.
 */
extern void bev_rows_add(BevRows *rows, const BevValue *values);

/* Write those that there are; then there are none. */
extern void bev_rows_write(BevRows *rows);

#endif /* BEV_NOTIFY_PROJECTOR_ROWS_H */
