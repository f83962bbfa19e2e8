/*
 * notice.c - events about a whole table: truncated, reload, attached, detached.
 *
 * Model: where the table is one that decides who may see what, such an event makes
 * void what was known of clients; they connect again and are looked up anew.
 */
#include "server/capture/notice.h"

#include "utils/lsyscache.h"

#include "server/attach/row_audience.h"
#include "server/capture/access_change.h"
#include "server/encode/json.h"
#include "server/capture/record.h"
#include "server/encode/database_text.h"

char *
bev_notice_name(Oid table)
{
	return psprintf("%s.%s", get_namespace_name(get_rel_namespace(table)), get_rel_name(table));
}

static BevSpan
make_payload(const char *name)
{
	const char *utf8 = bev_database_text_to_cstring(name);
	BevJson json;

	bev_json_init(&json, CurrentMemoryContext);
	bev_json_literal(&json, "{\"table\":");
	bev_json_string(&json, utf8, strlen(utf8));
	bev_json_char(&json, '}');
	return (BevSpan){json.data, (uint32_t) json.len};
}

/*
 * An audience that depends on a row is unknown without one.  Who saw rows has to hear that they
 * are gone, and the table's name says nothing of them: whoever sees such rows by default.
 */
const char *
bev_notice_audience(const BevAttachment *attachment, const char *action)
{
	char *bad;
	char *audience;

	if (strcmp(action, BEV_NOTICE_ATTACHED) == 0 || strcmp(action, BEV_NOTICE_DETACHED) == 0)
		return BEV_PRINCIPAL_ADMIN;
	if (attachment->audience == NULL)
		return bev_row_audience_default(attachment->entity, "deleted", "");
	audience = bev_row_audience_from_list(attachment->audience, strlen(attachment->audience), &bad);
	return bad == NULL && *audience ? audience :
	                                  bev_row_audience_default(attachment->entity, "deleted", "");
}

static BevRecord
make_record(const char *name, const BevAttachment *attachment, const char *action)
{
	return (BevRecord){
		.type = attachment->entity->name,
		.foreign = !attachment->decides,
		.action = action,
		.audience = bev_notice_audience(attachment, action),
		.key = "",
		.project = "",
		.bug = "",
		.payload = make_payload(name),
		.access =
			bev_attachment_gives_access(attachment) ? bev_access_change_void() : (BevSpan){NULL, 0},
	};
}

void
bev_notice_publish(const char *name, const BevAttachment *attachment, const char *action)
{
	BevRecord record = make_record(name, attachment, action);

	bev_record_publish(&record);
}

void
bev_notice_log(const char *name, const BevAttachment *attachment, const char *action)
{
	BevRecord record = make_record(name, attachment, action);

	bev_record_log(&record);
}
