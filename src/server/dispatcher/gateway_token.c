/*
 * gateway_token.c - the tokens that a gateway was shown, and what is done in their owners' names.
 *
 *	OPEN --> verifier --> KNOWN, lookup --> admission --> ADMIT
 *	AGAIN --------------> lookup ----------------> ADMIT
 *	TOKEN -> verifier --> another grant, or the metrics --> ANSWER
 *	ASK --------------> questions, in the name of the grant --> ANSWER
 *
 * Trust: a gateway names a client by its number and brings a token.  Whose that is, the verifier
 * says, and that is kept (admission.c) until the client goes or the token ends; what a gateway says
 * of somebody's name or rights isn't asked for (test/t/333_verifier.pl).
 *
 * Memory: BEV_CHECKS_MAX of OPEN and AGAIN, and of TOKEN, for each gateway; one that has more is
 * broken.
 */
#include "server/dispatcher/gateway_token.h"

#include "common/pipe/body.h"
#include "server/admission/admission.h"
#include "server/dispatcher/questions.h"

#define CLOSED_INTERNAL 1011 /* a close code (RFC 6455) */

/* What waits for an answer is bounded. */
static bool
count_check(int *waiting)
{
	return ++*waiting <= BEV_CHECKS_MAX;
}

bool
bev_gateway_token_open(BevFeed *feed, const BevMessage *message)
{
	BevOpenMessage open;
	BevSpan token;

	if (!bev_body_read(message, &open, sizeof(open), &token) || !count_check(&feed->opens))
		return false;
	bev_token_checks_open(feed->number, &open, token);
	return true;
}

bool
bev_gateway_token_again(BevFeed *feed, const BevMessage *message)
{
	BevAgainMessage again;
	const BevApplicant *known;
	BevApplicant who;

	if (!bev_body_read(message, &again, sizeof(again), NULL) || !count_check(&feed->opens) ||
	    (known = bev_admission_who(feed->number, again.client)) == NULL)
		return false;
	who = bev_applicant_make(&known->open, &known->grant, known->projects);
	who.again = true;
	bev_lookup_add(feed->number, &who);
	return true;
}

bool
bev_gateway_token_show(BevFeed *feed, const BevMessage *message)
{
	BevTokenMessage shown;
	BevSpan token;

	if (!bev_body_read(message, &shown, sizeof(shown), &token) || !count_check(&feed->tokens) ||
	    (shown.use == BEV_TOKEN_RENEWS && !bev_admission_who(feed->number, shown.client)))
		return false;
	bev_token_checks_show(feed->number, &shown, token);
	return true;
}

/* ---- ADMIT ---- */

/* What follows it: the projects, and what the tables say; or why not. */
static void
send_admit(BevFeed *feed, BevAdmitMessage *admit, BevSpan first, BevSpan second)
{
	struct iovec part[3] = {{admit, sizeof(*admit)},
	                        {unconstify(char *, first.data), first.len},
	                        {unconstify(char *, second.data), second.len}};

	feed->opens--;
	bev_feed_send(feed, BEV_MSG_ADMIT, part, 3);
}

void
bev_gateway_token_opened(BevFeed *feed, const BevOpenMessage *open, const BevTokenFound *found)
{
	BevAdmitMessage admit = {.client = open->client, .unread = -1, .verdict = BEV_NOT_CHECKED};
	BevKnownMessage known = {.client = open->client};
	struct iovec part = {&known, sizeof(known)};
	BevApplicant who;

	if (found->known && found->result == BEV_TOKEN_GOOD)
	{
		who = bev_applicant_make(open, &found->grant, found->rest.data);
		bev_lookup_add(feed->number, &who);
		bev_feed_send(feed, BEV_MSG_KNOWN, &part, 1);
		return;
	}
	if (found->known)
		admit.verdict = found->result == BEV_TOKEN_EXPIRED ? BEV_EXPIRED_TOKEN : BEV_BAD_TOKEN;
	send_admit(feed, &admit, found->rest, (BevSpan){NULL, 0});
}

/* One that is in the table already, and looked up again: who can't be leaves it. */
static BevVerdict
confirm(BevFeed *feed, const BevApplicant *who, bool known)
{
	BevClosedMessage closed = {.client = who->open.client, .code = CLOSED_INTERNAL};

	strlcpy(closed.reason, "internal_error", sizeof(closed.reason));
	if (!known)
		(void) bev_admission_close(feed->number, &closed);
	return known ? BEV_ADMITTED : BEV_NOT_LOOKED_UP;
}

/* May it stay?  False: the gateway doesn't keep to the rules. */
static bool
judge(BevFeed *feed, BevApplicant *who, bool known, BevVerdict *verdict)
{
	*verdict = BEV_NOT_LOOKED_UP;
	if (who->again)
	{
		*verdict = confirm(feed, who, known);
		return bev_admission_who(feed->number, who->open.client) || !known;
	}
	if (known && !bev_admission_open(feed->number, who, verdict))
		return false;
	if (*verdict != BEV_ADMITTED)
		bev_admission_refused(feed->number, who, *verdict);
	return true;
}

void
bev_gateway_token_admit(BevFeed *feed, BevApplicant *who, const BevLookupFound *found)
{
	BevAdmitMessage admit = {
		.client = who->open.client, .unread = found->unread, .as_of = found->as_of};
	const BevApplicant *known;
	BevVerdict verdict;

	if (feed->channel.fd < 0)
		return;
	if (!judge(feed, who, found->known, &verdict))
	{
		bev_feed_end(feed, "it broke the protocol of the pipe");
		return;
	}
	admit.verdict = verdict;
	if (verdict != BEV_ADMITTED)
	{
		send_admit(feed, &admit, (BevSpan){NULL, 0}, (BevSpan){NULL, 0});
		return;
	}
	bev_admission_tables(feed->number, who->open.client, found->as_of, found->statements);
	bev_feed_scope(feed, bev_admission_has_admin(feed->number));
	known = bev_admission_who(feed->number, admit.client);
	admit.grant = known->grant;
	send_admit(feed, &admit, bev_applicant_projects(known), found->statements);
}

/* ---- ASK ---- */

static BevSpan
text_span(const char *text)
{
	return (BevSpan){text, (uint32_t) strlen(text)};
}

static void
refuse_question(BevFeed *feed, uint64 client, uint32 request)
{
	bev_feed_answer_error(feed, client, request, "rate_limited",
	                      text_span("too many requests wait for their answers"));
}

/* Ask in the name of who the verifier said it is. */
static void
ask_for(BevFeed *feed, const BevAskMessage *ask, BevSpan payload, const BevGrant *grant,
        const char *projects)
{
	if (!bev_questions_add(feed->number, ask, payload, grant, projects))
		refuse_question(feed, ask->client, ask->request);
}

bool
bev_gateway_token_ask(BevFeed *feed, const BevAskMessage *ask, BevSpan payload)
{
	const BevApplicant *who = bev_admission_who(feed->number, ask->client);

	if (who && bev_applicant_is_expired(who))
		bev_feed_answer_error(feed, ask->client, ask->request, "token_expired",
		                      text_span("the token has expired"));
	else if (who)
		ask_for(feed, ask, payload, &who->grant, who->projects);
	return who != NULL;
}

void
bev_gateway_token_unsubscribe(BevFeed *feed, const BevAskMessage *ask, BevSpan payload)
{
	static const BevGrant nobody = {0};
	BevAskMessage anonymous = *ask;

	anonymous.client = 0;
	ask_for(feed, &anonymous, payload, &nobody, "");
}

/* ---- TOKEN ---- */

static void
renew(BevFeed *feed, const BevTokenMessage *shown, const BevTokenFound *found)
{
	const BevApplicant *who = bev_admission_who(feed->number, shown->client);
	BevAnswerMessage answer = {
		.client = shown->client, .request = shown->request, .kind = BEV_ANSWER_GRANT};
	struct iovec part[3] = {{&answer, sizeof(answer)},
	                        {unconstify(BevGrant *, &found->grant), sizeof(found->grant)},
	                        {unconstify(char *, found->rest.data), found->rest.len}};

	if (who == NULL || strcmp(who->grant.user, found->grant.user) != 0)
	{
		bev_feed_answer_error(feed, shown->client, shown->request, "forbidden",
		                      text_span("the token is for another user"));
		return;
	}
	bev_admission_renew(feed->number, shown->client, &found->grant, found->rest.data);
	bev_feed_scope(feed, bev_admission_has_admin(feed->number));
	bev_feed_send(feed, BEV_MSG_ANSWER, part, 3);
}

static void
ask_for_metrics(BevFeed *feed, const BevTokenMessage *shown, const BevTokenFound *found)
{
	BevAskMessage ask = {
		.client = shown->client, .request = shown->request, .verb = BEV_VERB_METRICS};

	if (found->grant.is_admin)
		ask_for(feed, &ask, text_span("{}"), &found->grant, found->rest.data);
	else
		bev_feed_answer_error(feed, shown->client, shown->request, "forbidden",
		                      text_span("this is for admins"));
}

void
bev_gateway_token_shown(BevFeed *feed, const BevTokenMessage *shown, const BevTokenFound *found)
{
	feed->tokens--;
	if (!found->known)
		bev_feed_answer_error(feed, shown->client, shown->request, "internal_error",
		                      text_span("the token could not be checked, try again"));
	else if (found->result != BEV_TOKEN_GOOD)
		bev_feed_answer_error(
			feed, shown->client, shown->request,
			found->result == BEV_TOKEN_EXPIRED ? "token_expired" : "invalid_token", found->rest);
	else if (shown->use == BEV_TOKEN_RENEWS)
		renew(feed, shown, found);
	else
		ask_for_metrics(feed, shown, found);
}
