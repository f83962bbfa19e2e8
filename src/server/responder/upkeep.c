/*
 * upkeep.c - what the dispatcher has done for it: history that is dropped, gateways' configuration.
 *
 * Why not by itself: TRUNCATE unlinks files and looks through all of the shared buffers, the parts
 * of a large transaction are many rows to delete, files may be on slow disks, and names be looked
 * up.
 */
#include "server/responder/upkeep.h"

#include "server/admission/gateway_config.h"
#include "server/journal/journal.h"
#include "server/journal/retention.h"
#include "server/shared/counters.h"
#include "utils/guc.h"

void
bev_upkeep_retention(const BevQuestionHead *head pg_attribute_unused(), const char *payload,
                     BevAnswer *answer)
{
	answer->message.kind = BEV_ANSWER_OBJECT;
	if (!OidIsValid(bev_journal_table(BEV_TABLE_SEGMENT)))
		return; /* no extension (any more) */
	if (bev_journal_try_lock())
		bev_retention_run(strtoull(payload, NULL, 10));
	else
		bev_counters_skip();
}

/* The files may have been read by the dispatcher, but not here yet. */
void
bev_upkeep_config(const BevQuestionHead *head pg_attribute_unused(),
                  const char *payload pg_attribute_unused(), BevAnswer *answer)
{
	ProcessConfigFile(PGC_SIGHUP);
	answer->message.kind = BEV_ANSWER_OBJECT;
	bev_gateway_config_write(&answer->rest);
}
