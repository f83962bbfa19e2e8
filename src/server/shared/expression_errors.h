/*
 * expression_errors.h - how often an attachment's expressions failed, and how last.
 *
 * Kept in shared memory since the server's start, for BEV_EXPRESSION_ERRORS tables; beyond that,
 * the one that hasn't failed for longest is forgotten.
 */
#ifndef BEV_SERVER_SHARED_EXPRESSION_ERRORS_H
#define BEV_SERVER_SHARED_EXPRESSION_ERRORS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "server/base/shared_area.h"

#define BEV_EXPRESSION_ERRORS      256
#define BEV_EXPRESSION_ERROR_BYTES 512

typedef struct BevExpressionErrors
{
	uint64 count;
	TimestampTz at;
	char message[BEV_EXPRESSION_ERROR_BYTES]; /* in the database's encoding */
} BevExpressionErrors;

extern const BevSharedArea bev_expression_errors_area;

/* An expression of the attached table failed; message is cut.  NULL: as the last one did. */
extern void bev_expression_errors_count(Oid table, const char *message);

/* False: none has. */
extern bool bev_expression_errors_get(Oid table, BevExpressionErrors *errors);

/* It is attached anew. */
extern void bev_expression_errors_forget(Oid table);

/* Of all tables, those that are forgotten as well. */
extern uint64 bev_expression_errors_total(void);

#endif /* BEV_SERVER_SHARED_EXPRESSION_ERRORS_H */
