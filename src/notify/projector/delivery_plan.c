/*
 * explain_delivery.c - planning what is sent outside: rows of bugevents.deliveries.
 *
 * Model: a delivery commits together with its notification, so there is one for each, and
 * only then.  When it is sent is settled here (quiet hours, digests, and with
 * bugevents.escalate_after a later time for each channel behind the first, for who hasn't
 * read by then); whether and how, by the courier.
 */
#include "notify/projector/delivery_plan.h"

#include "server/base/delivery_channel.h"
#include "server/base/settings.h"
#include "server/base/statement.h"
#include "notify/projector/person.h"

/* Does the user want it there?  What no preference says, the setting does. */
static bool
is_wanted(BeChannelKind kind, const char *user, const char *type)
{
	static BeStatement find = {
		.sql = "SELECT enabled FROM bugevents.preferences WHERE user_id = $1 AND channel = $2"
		" AND type IN ($3, '*') ORDER BY type = '*' LIMIT 1"
	};
	bool		wanted = be_channel_is_default(kind);

	if (be_statement_with(&find, be_text_value(user), be_text_value(be_channel_name(kind)),
						  be_text_value(type)) > 0)
		wanted = strcmp(be_statement_text(0, 1), "t") == 0;
	be_statement_done();
	return wanted;
}

/* NULL: nothing is known. */
static const char *
address_of(BeChannelKind kind, const BePerson *person)
{
	if (kind == BE_CHANNEL_WEBHOOK)
		return "";
	if (!person->active)
		return NULL;
	return kind == BE_CHANNEL_EMAIL ? person->email : person->phone;
}

static void
insert(int64 notification, BeChannelKind kind, const char *user, const char *address,
	   TimestampTz at, bool if_unread)
{
	static BeStatement statement = {
		.sql = "INSERT INTO bugevents.deliveries (notification_id, user_id, channel, address, next_attempt_at, if_unread)"
		" VALUES ($1, $2, $3, $4, bugevents.delivery_time($2, $3, $5), $6)"
	};

	be_statement_with(&statement, be_int_value(notification), be_text_value(user),
					  be_text_value(be_channel_name(kind)), be_text_value(address), be_time_value(at),
					  be_bool_value(if_unread));
}

void
be_delivery_plan(int64 notification, const char *type, const char *user, TimestampTz at)
{
	BePerson	person = {.active = false};
	bool		is_read = false;
	int			earlier = 0;	/* channels that come before it */

	for (int i = 0; i < BE_CHANNELS; i++)
	{
		BeChannelKind kind = (BeChannelKind) i;
		const char *address;
		int			step;

		if (!be_channel_is_on(kind) || !is_wanted(kind, user, type))
			continue;
		if (!is_read)
			(void) be_person_find(&person, user);
		is_read = true;
		address = address_of(kind, &person);
		if (address == NULL)
			continue;
		/* A program doesn't wait for what people have read. */
		step = be_escalate_after > 0 && kind != BE_CHANNEL_WEBHOOK ? earlier++ : 0;
		insert(notification, kind, user, address, at + (int64) step * be_escalate_after * 1000, step > 0);
	}
}
