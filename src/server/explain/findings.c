/*
 * findings.c - what an explanation consists of: rows of (finding, verdict, detail).
 */
#include "server/explain/findings.h"

#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/tuplestore.h"

static const char *const verdicts[] = {
	[BEV_FINE] = "fine",
	[BEV_REASON] = "reason",
	[BEV_UNKNOWN] = "unknown",
	[BEV_NOTE] = "note",
};

BevFindings
bev_findings_begin(FunctionCallInfo fcinfo)
{
	BevFindings findings = {.result = (ReturnSetInfo *) fcinfo->resultinfo};

	InitMaterializedSRF(fcinfo, 0);
	return findings;
}

void
bev_findings_add(BevFindings *findings, const char *finding, BevVerdictKind verdict,
                 const char *detail)
{
	Datum values[3] = {CStringGetTextDatum(finding), CStringGetTextDatum(verdicts[verdict]),
	                   CStringGetTextDatum(detail)};
	bool nulls[3] = {0};

	tuplestore_putvalues(findings->result->setResult, findings->result->setDesc, values, nulls);
}

char *
bev_findings_text(BevSpan utf8)
{
	char *text = pnstrdup(utf8.data, utf8.len);

	return pg_any_to_server(text, utf8.len, PG_UTF8);
}

char *
bev_findings_time(TimestampTz at)
{
	return DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(at)));
}
