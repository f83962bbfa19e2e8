/*
 * findings.h - what an explanation consists of: rows of (finding, verdict, detail).
 */
#ifndef BEV_SERVER_EXPLAIN_FINDINGS_H
#define BEV_SERVER_EXPLAIN_FINDINGS_H

#include "postgres.h"

#include "common/event/event.h"
#include "fmgr.h"
#include "nodes/execnodes.h"
#include "utils/timestamp.h"

typedef enum BevVerdictKind
{
	BEV_FINE,    /* it doesn't stand in the way */
	BEV_REASON,  /* by itself it is why nothing came */
	BEV_UNKNOWN, /* it can't be known, or not from here */
	BEV_NOTE     /* worth knowing */
} BevVerdictKind;

typedef struct BevFindings
{
	ReturnSetInfo *result;
} BevFindings;

/* Begin the result of the SQL function. */
extern BevFindings bev_findings_begin(FunctionCallInfo fcinfo);

/* One row; detail is text for people, in the database's encoding. */
extern void bev_findings_add(BevFindings *findings, const char *finding, BevVerdictKind verdict,
                             const char *detail);

/* Text of an event, which is UTF-8, in the database's encoding; palloc'd. */
extern char *bev_findings_text(BevSpan utf8);

/* As the session shows times; palloc'd. */
extern char *bev_findings_time(TimestampTz at);

#endif /* BEV_SERVER_EXPLAIN_FINDINGS_H */
