/*
 * explain_visibility.c - bugevents.explain_visibility(): which of these events may this user see?
 *
 * Model: the audience of each, from the journal, against what the tables of users and memberships
 * say of the user now; the user is looked up once.  Rights: those of bugevents.events(), as
 * explain_delivery.c.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "server/base/compat.h"
#include "server/base/settings.h"
#include "server/encode/database_text.h"
#include "server/explain/audience_explain.h"
#include "server/journal/journal.h"
#include "server/journal/journal_reader.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

BEV_FUNCTION_INFO_V1(bugevents_explain_visibility);

static const char *const words[] = {[BEV_NO] = "no", [BEV_PERHAPS] = "perhaps", [BEV_YES] = "yes"};

typedef struct Look
{
	const BevSomebody *somebody;
	bool found;
	BevLikely likely;
} Look;

static bool
take_run(void *arg, const BevJournalRun *run)
{
	Look *look = arg;
	BevEvent event;

	look->found = bev_event_read(run->records, run->size, &event);
	if (look->found)
		look->likely =
			bev_audience_explain_includes(event.field[BEV_EVENT_AUDIENCE], look->somebody, NULL);
	return false;
}

/* Nobody lets this one in. */
static bool
is_kept_out(const BevSomebody *somebody)
{
	const BevUserFacts *facts = &somebody->rights.facts;

	if (somebody->error)
		return true;
	if (!somebody->has_tables || bev_user_facts_standing(facts) == BEV_USER_UNTOLD)
		return false;
	return facts->rows == 0 ? bev_require_user : facts->inactive > 0;
}

static void
put_verdict(ReturnSetInfo *result, uint64 seq, const char *word)
{
	Datum values[2] = {Int64GetDatum((int64) seq), CStringGetTextDatum(word)};
	bool nulls[2] = {0};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
look_at_event(ReturnSetInfo *result, const BevSomebody *somebody, int64 seq)
{
	Look look = {.somebody = somebody};

	CHECK_FOR_INTERRUPTS();
	if (seq > 0)
		(void) bev_journal_read_settled(seq - 1, seq, take_run, &look);
	if (look.found)
		put_verdict(result, seq, words[is_kept_out(somebody) ? BEV_NO : look.likely]);
}

Datum
bugevents_explain_visibility(PG_FUNCTION_ARGS)
{
	char *user = text_to_cstring(PG_GETARG_TEXT_PP(0));
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(1);
	BevSomebody somebody;
	Datum *seqs;
	bool *nulls;
	int n;

	bev_settings_require_served();
	InitMaterializedSRF(fcinfo, 0);
	deconstruct_array(array, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &seqs, &nulls, &n);
	if (!OidIsValid(bev_journal_table(BEV_TABLE_SEGMENT)))
		return (Datum) 0;
	bev_audience_explain_look_up(&somebody, bev_database_text_to_cstring(user));
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			look_at_event((ReturnSetInfo *) fcinfo->resultinfo, &somebody, DatumGetInt64(seqs[i]));
	return (Datum) 0;
}
