/*
 * applicant.h - who wants in, or is: a client, and what the verifier says of its token.
 */
#ifndef BEV_SERVER_ADMISSION_APPLICANT_H
#define BEV_SERVER_ADMISSION_APPLICANT_H

#include "postgres.h"

#include "common/event/event.h"
#include "common/pipe/message.h"

typedef struct BevApplicant
{
	BevOpenMessage open;
	BevGrant grant;
	char *projects; /* of the grant; its own, or NULL */
	bool again;     /* it is admitted, and looked up again */
} BevApplicant;

/* Its projects are copied to memory that stays. */
extern BevApplicant bev_applicant_make(const BevOpenMessage *open, const BevGrant *grant,
                                       const char *projects);

/* It is granted something else from now on. */
extern void bev_applicant_renew(BevApplicant *who, const BevGrant *grant, const char *projects);

extern void bev_applicant_free(BevApplicant *who);

/* Has the time come that was granted? */
extern bool bev_applicant_is_expired(const BevApplicant *who);

static inline BevSpan
bev_applicant_projects(const BevApplicant *who)
{
	return (BevSpan){who->projects, who->grant.projects};
}

#endif /* BEV_SERVER_ADMISSION_APPLICANT_H */
