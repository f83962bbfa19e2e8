/*
 * findings.c - what an explanation consists of: rows of (finding, verdict, detail).
 */
#include "server/explain/findings.h"

#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

static const char *const verdicts[] = {
	[BE_FINE] = "fine",
	[BE_REASON] = "reason",
	[BE_UNKNOWN] = "unknown",
	[BE_NOTE] = "note",
};

BeFindings
be_findings_begin(FunctionCallInfo fcinfo)
{
	BeFindings	findings = {.result = (ReturnSetInfo *) fcinfo->resultinfo};

	InitMaterializedSRF(fcinfo, 0);
	return findings;
}

void
be_findings_add(BeFindings *findings, const char *finding, BeVerdictKind verdict,
				const char *detail)
{
	Datum		values[3] = {
		CStringGetTextDatum(finding),
		CStringGetTextDatum(verdicts[verdict]),
		CStringGetTextDatum(detail)
	};
	bool		nulls[3] = {0};

	tuplestore_putvalues(findings->result->setResult, findings->result->setDesc, values, nulls);
}

char *
be_findings_text(BeSpan utf8)
{
	char	   *text = pnstrdup(utf8.data, utf8.len);

	return pg_any_to_server(text, utf8.len, PG_UTF8);
}

char *
be_findings_time(TimestampTz at)
{
	return DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(at)));
}
