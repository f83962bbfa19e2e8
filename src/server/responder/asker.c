/*
 * asker.c - who asks, and what that one may see.
 *
 * Model: the rule is that of the stream (common/event: user_facts.c, audience.c), over the token
 * that the verifier read and the tables in the snapshot of the answer.  It is applied here and not
 * by the gateway alone, which may be in other hands (test/t/331_untrusted_gateway.pl).
 *
 * Cost: a look at the tables of users and memberships for each question.
 */
#include "server/responder/asker.h"

#include "server/users/visibility.h"

bool
bev_asker_find(const BevQuestionHead *head, BevPrincipals *asker, BevAnswer *answer)
{
	BevSpan projects = {(const char *) (head + 1), head->projects_size};

	if (bev_visibility_of_token(head->user, head->role, projects, asker))
		return true;
	bev_answer_error(answer, "forbidden", "", "you are not let in any more");
	return false;
}

bool
bev_asker_is_admin(const BevQuestionHead *head, BevAnswer *answer)
{
	BevPrincipals asker;

	if (!bev_asker_find(head, &asker, answer))
		return false;
	if (!asker.is_admin)
		bev_answer_error(answer, "forbidden", "", "this is for admins");
	return asker.is_admin;
}

bool
bev_asker_sees(const BevPrincipals *asker, char **record, Size *size)
{
	BevEvent event;
	BevSpan audience;

	if (!bev_event_read(*record, *size, &event))
		elog(ERROR, "a record is damaged");
	audience = event.field[BEV_EVENT_AUDIENCE];
	if (!bev_audience_matches(audience, bev_audience_flags(audience), asker))
		return false;
	if (!asker->is_admin && event.field[BEV_EVENT_OPEN_PAYLOAD].len > 0)
	{
		*size = bev_event_open(&event, NULL);
		*record = palloc(*size);
		(void) bev_event_open(&event, *record);
	}
	return true;
}
