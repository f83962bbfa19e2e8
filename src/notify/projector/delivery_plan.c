/*
 * delivery_plan.c - planning what is sent outside: rows of bugevents.deliveries.
 *
 * Model: a delivery commits together with its notification, so there is one for each, and
 * only then.  When it is sent is settled here (quiet hours, digests, and with
 * bugevents.escalate_after a later time for each channel behind the first, for who hasn't
 * read by then; not before what is held about the same bug); whether and how, by the courier.
 */
#include "notify/projector/delivery_plan.h"

#include "server/base/delivery_channel.h"
#include "server/base/settings.h"
#include "server/base/statement.h"
#include "notify/projector/person.h"

/* What no preference says, the setting does. */
bool
bev_delivery_plan_is_wanted(BevDeliveryChannel kind, const char *user, const char *type)
{
	static BevStatement find = {
		.sql = "SELECT enabled FROM bugevents.preferences WHERE user_id = $1 AND channel = $2"
			   " AND type IN ($3, '*') ORDER BY type = '*' LIMIT 1"};
	bool wanted = bev_delivery_channel_is_default(kind);

	if (bev_statement_with(&find, bev_text_value(user),
	                       bev_text_value(bev_delivery_channel_name(kind)),
	                       bev_text_value(type)) > 0)
		wanted = strcmp(bev_statement_text(0, 1), "t") == 0;
	bev_statement_done();
	return wanted;
}

/* NULL: nothing is known. */
static const char *
address_of(BevDeliveryChannel kind, const BevPerson *person)
{
	if (kind == BEV_CHANNEL_WEBHOOK)
		return "";
	if (!person->active)
		return NULL;
	return kind == BEV_CHANNEL_EMAIL ? person->email : person->phone;
}

/* As the row is now, not as of the projector's cursor. */
const char *
bev_delivery_plan_address(BevDeliveryChannel kind, const char *user)
{
	BevPerson person = {.active = false};

	if (kind != BEV_CHANNEL_WEBHOOK)
		(void) bev_person_current(&person, user);
	return address_of(kind, &person);
}

static void
insert(int64 notification, BevDeliveryChannel kind, const char *user, const char *address,
       TimestampTz at, bool if_unread)
{
	static BevStatement statement = {
		.sql =
			"INSERT INTO bugevents.deliveries (notification_id, user_id, channel, address, next_attempt_at, if_unread)"
			" SELECT $1, $2, $3, $4, greatest(bugevents.delivery_time($2, $3, $5),"
			" (SELECT max(d.next_attempt_at) FROM bugevents.notifications AS n"
			" JOIN bugevents.notifications AS m ON m.user_id = n.user_id AND m.bug_report_id = n.bug_report_id"
			" JOIN bugevents.deliveries AS d ON d.notification_id = m.id AND d.channel = $3"
			" WHERE n.id = $1 AND d.state = 'waiting' AND d.attempts = 0 AND NOT d.if_unread)), $6"};

	bev_statement_with(&statement, bev_int_value(notification), bev_text_value(user),
	                   bev_text_value(bev_delivery_channel_name(kind)), bev_text_value(address),
	                   bev_time_value(at), bev_bool_value(if_unread));
}

void
bev_delivery_plan(int64 notification, const char *type, const char *user, TimestampTz at)
{
	BevPerson person = {.active = false};
	bool is_read = false;
	int earlier = 0; /* channels that come before it */

	for (int i = 0; i < BEV_CHANNELS; i++)
	{
		BevDeliveryChannel kind = (BevDeliveryChannel) i;
		const char *address;
		int step;

		if (!bev_delivery_channel_is_on(kind) || !bev_delivery_plan_is_wanted(kind, user, type))
			continue;
		if (!is_read)
			(void) bev_person_find(&person, user);
		is_read = true;
		address = address_of(kind, &person);
		if (address == NULL)
			continue;
		/* A program doesn't wait for what people have read. */
		step = bev_escalate_after > 0 && kind != BEV_CHANNEL_WEBHOOK ? earlier++ : 0;
		insert(notification, kind, user, address, at + (int64) step * bev_escalate_after * 1000,
		       step > 0);
	}
}
