/*
 * applied.c - what logical replication writes into bugevents' own tables, and doesn't get in.
 *
 * Model: a publication FOR ALL TABLES has the journal, the notifications and the rest in it, and so
 * may a tool that copies a database.  What was derived there is derived here as well, from the rows
 * that are applied; a foreign journal's events would be served as if they were of this stream.
 * So triggers that fire in sessions of replication only pass such rows over.  A TRUNCATE can't be
 * passed over, and is an error.
 *
 * On the other side the journal's rows say that they are not for logical decoding (journal.c), and
 * retention empties tables without a statement (retention.c).
 *
 * What a worker that applies rows publishes itself (attach(..., always => true)) is written without
 * triggers, or by executor_write.c, which says so.
 */
#include "server/journal/applied.h"

#include "commands/trigger.h"
#include "server/base/compat.h"
#include "server/journal/executor_write.h"
#include "utils/rel.h"

#define TRIGGER          "ignore_applied"
#define TRIGGER_TRUNCATE "ignore_applied_truncate"

BEV_FUNCTION_INFO_V1(bugevents_ignore_applied);

bool
bev_applied_only_ours(Relation table)
{
	for (int i = 0; table->trigdesc && i < table->trigdesc->numtriggers; i++)
	{
		const char *name = table->trigdesc->triggers[i].tgname;

		if (strcmp(name, TRIGGER) != 0 && strcmp(name, TRIGGER_TRUNCATE) != 0)
			return false;
	}
	return true;
}

/* Once in a session: there may be millions. */
static void
tell(Relation table)
{
	static bool told = false;

	if (!told)
		ereport(LOG, (errmsg("bugevents passes over what replication writes into table \"%s.%s\"",
		                     "bugevents", RelationGetRelationName(table)),
		              errhint("Leave the tables of bugevents out of the publication.")));
	told = true;
}

static void
refuse_truncate(Relation table)
{
	ereport(ERROR,
	        (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
	         errmsg("replication must not truncate table \"%s.%s\"", "bugevents",
	                RelationGetRelationName(table)),
	         errhint("Leave the tables of bugevents out of the publication, or don't publish "
	                 "truncate, and skip this transaction.")));
}

Datum
bugevents_ignore_applied(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	HeapTuple row;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event))
		elog(ERROR, "bugevents.ignore_applied() is for the tables of bugevents");
	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
	/* ENABLE TRIGGER ALL, as of pg_restore, lets it fire everywhere. */
	if (SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA || bev_executor_is_writing())
		return PointerGetDatum(row);
	if (TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
		refuse_truncate(trigger->tg_relation);
	tell(trigger->tg_relation);
	return PointerGetDatum(NULL);
}
