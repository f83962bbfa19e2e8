/*
 * access_update.h - lets what tables say of users take effect on the sessions.
 */
#ifndef BEV_GATEWAY_SESSION_ACCESS_UPDATE_H
#define BEV_GATEWAY_SESSION_ACCESS_UPDATE_H

#include "gateway/config/config.h"
#include "gateway/session/fanout.h"
#include "gateway/session/registration.h"

typedef struct BevAccessUpdates
{
	const BevConfig *config;
	BevFanout *fanout; /* to everyone of its sessions */
	BevRegistrations *registrations;
} BevAccessUpdates;

/*
 * The session is admitted, and this is what tables said of its user up to as_of.
 * False: the bytes are no statements.  The session may have been refused.
 */
extern bool bev_access_update_admit(BevAccessUpdates *updates, BevSession *session, uint64_t as_of,
                                    BevSpan statements);

/*
 * What the event with this seq says takes effect, before the event itself is in the
 * window; what is in the window is delivered first.  False: these are no statements.
 */
extern bool bev_access_update_event(BevAccessUpdates *updates, uint64_t seq, BevSpan statements);

/* Part of the stream was missed: who was looked up has to be so again. */
extern void bev_access_update_missed(BevAccessUpdates *updates);

/* bugevents.require_user may have changed. */
extern void bev_access_update_review(BevAccessUpdates *updates);

#endif /* BEV_GATEWAY_SESSION_ACCESS_UPDATE_H */
