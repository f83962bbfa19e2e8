/*
 * alert_event.c - the event that tells admins of an alert.
 *
 * It goes the way of all events: into the journal, to every gateway, to whoever is an admin
 * or comes back as one.
 */
#include "server/responder/alert_event.h"

#include "server/capture/record.h"

void
bev_alert_event_publish(const BevQuestionHead *head pg_attribute_unused(), const char *text,
                        BevAnswer *answer pg_attribute_unused())
{
	const char *payload = strchr(text, ' ') + 1;
	BevRecord record = {.type = BEV_TYPE_ALERT,
	                    .action = pnstrdup(text, payload - text - 1),
	                    .audience = BEV_PRINCIPAL_ADMIN,
	                    .key = "",
	                    .project = "",
	                    .bug = "",
	                    .payload = {payload, (uint32_t) strlen(payload)}};

	if (bev_record_is_wanted())
		bev_record_publish(&record);
}
