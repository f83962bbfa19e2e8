/*
 * notice.c - events about a whole table: truncated, attached, detached.
 *
 * Model: where the table is one that decides who may see what, such an event makes
 * void what was known of clients; they connect again and are looked up anew.
 */
#include "server/capture/notice.h"

#include "utils/lsyscache.h"

#include "server/capture/access_change.h"
#include "server/encode/json.h"
#include "server/capture/record.h"
#include "server/encode/database_text.h"

static BevSpan
make_payload(Relation rel)
{
	char *name = psprintf("%s.%s", get_namespace_name(RelationGetNamespace(rel)),
	                      RelationGetRelationName(rel));
	const char *utf8 = bev_database_text_to_cstring(name);
	BevJson json;

	bev_json_init(&json, CurrentMemoryContext);
	bev_json_literal(&json, "{\"table\":");
	bev_json_string(&json, utf8, strlen(utf8));
	bev_json_char(&json, '}');
	return (BevSpan){json.data, (uint32_t) json.len};
}

void
bev_notice_publish(Relation rel, const BevAttachment *attachment, const char *action,
                   const char *audience)
{
	BevRecord record = {.type = attachment->entity->name,
	                    .action = action,
	                    .audience = audience,
	                    .key = "",
	                    .project = "",
	                    .bug = "",
	                    .payload = make_payload(rel)};

	if (attachment->decides)
		record.access = bev_access_change_void();
	bev_record_publish(&record);
}
