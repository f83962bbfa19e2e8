/*
 * alert_event.c - the event that tells admins of an alert.
 *
 * It goes the way of all events: into the journal, to every gateway, to whoever is an admin
 * or comes back as one.
 */
#include "server/responder/alert_event.h"

#include "server/capture/record.h"

void
be_alert_publish(const BeQuestionHead *head pg_attribute_unused(), const char *text,
				 BeAnswer *answer pg_attribute_unused())
{
	const char *payload = strchr(text, ' ') + 1;
	BeRecord	record = {
		.type = BE_TYPE_ALERT,
		.action = pnstrdup(text, payload - text - 1),
		.audience = BE_PRINCIPAL_ADMIN,
		.key = "",
		.project = "",
		.bug = "",
		.payload = {payload, (uint32_t) strlen(payload)}
	};

	if (be_record_is_wanted())
		be_record_publish(&record);
}
