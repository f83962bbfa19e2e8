/*
 * applicant.c - who wants in, or is: a client, and what the verifier says of its token.
 */
#include "server/admission/applicant.h"

#include "server/base/unix_time.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

static char *
copy_projects(const BevGrant *grant, const char *projects)
{
	char *copy = NULL;

	if (grant->projects > 0)
	{
		copy = MemoryContextAlloc(TopMemoryContext, grant->projects);
		memcpy(copy, projects, grant->projects);
	}
	return copy;
}

BevApplicant
bev_applicant_make(const BevOpenMessage *open, const BevGrant *grant, const char *projects)
{
	return (BevApplicant){
		.open = *open, .grant = *grant, .projects = copy_projects(grant, projects)};
}

void
bev_applicant_renew(BevApplicant *who, const BevGrant *grant, const char *projects)
{
	char *copy = copy_projects(grant, projects);

	bev_applicant_free(who);
	who->grant = *grant;
	who->projects = copy;
}

void
bev_applicant_free(BevApplicant *who)
{
	if (who->projects)
		pfree(who->projects);
	who->projects = NULL;
}

bool
bev_applicant_is_expired(const BevApplicant *who)
{
	return BEV_TO_UNIX_TIME(GetCurrentTimestamp()) / USECS_PER_SEC >= who->grant.ends_at;
}
