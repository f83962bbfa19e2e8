/*
 * findings.h - what an explanation consists of: rows of (finding, verdict, detail).
 */
#ifndef BE_SERVER_EXPLAIN_FINDINGS_H
#define BE_SERVER_EXPLAIN_FINDINGS_H

#include "postgres.h"

#include "common/event/event.h"
#include "fmgr.h"
#include "nodes/execnodes.h"
#include "utils/timestamp.h"

typedef enum BeVerdictKind
{
	BE_FINE,					/* it doesn't stand in the way */
	BE_REASON,					/* by itself it is why nothing came */
	BE_UNKNOWN,					/* it can't be known, or not from here */
	BE_NOTE						/* worth knowing */
} BeVerdictKind;

typedef struct BeFindings
{
	ReturnSetInfo *result;
} BeFindings;

/* Begin the result of the SQL function. */
extern BeFindings be_findings_begin(FunctionCallInfo fcinfo);

/* One row; detail is text for people, in the database's encoding. */
extern void be_findings_add(BeFindings *findings, const char *finding, BeVerdictKind verdict,
							const char *detail);

/* Text of an event, which is UTF-8, in the database's encoding; palloc'd. */
extern char *be_findings_text(BeSpan utf8);

/* As the session shows times; palloc'd. */
extern char *be_findings_time(TimestampTz at);

#endif							/* BE_SERVER_EXPLAIN_FINDINGS_H */
