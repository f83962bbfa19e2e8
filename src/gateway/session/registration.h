/*
 * registration.h - asks the dispatcher whether a client may stay.
 *
 *	token is good --> OPEN --> (waiting) --> ADMIT --> admitted, or refused
 *	                                            \--> gone meanwhile: CLOSED
 *	admitted client goes --> CLOSED
 *
 * Only the dispatcher sees all gateways, so only it can count.  It also keeps the
 * list of who is connected, which bev_registration_report brings up to date.
 */
#ifndef BEV_GATEWAY_SESSION_REGISTRATION_H
#define BEV_GATEWAY_SESSION_REGISTRATION_H

#include "gateway/session/session.h"

typedef STAILQ_HEAD(BevRegistrationQueue, BevRegistration) BevRegistrationQueue;

typedef struct BevRegistrations
{
	BevLink *link;
	BevRegistrationQueue came;  /* in this turn: to be asked for at its end */
	BevRegistrationQueue asked; /* those who wait to be admitted, in order */
	uint64_t last_number;       /* that was given to a session */
} BevRegistrations;

/* What tables said of an admitted session's user up to as_of. */
typedef struct BevAdmission
{
	BevSession *session; /* NULL: nobody was admitted */
	uint64_t as_of;
	BevSpan statements;
} BevAdmission;

/* The session showed a good token: ask, at the end of the turn. */
extern void bev_registration_ask(BevRegistrations *registrations, BevSession *session);

/* Ask for those who came; at the end of a turn, when those who ended have left. */
extern void bev_registration_flush(BevRegistrations *registrations);

/*
 * It was admitted by what may be outdated: before there was a stream that would have told what
 * changed since, or while it did.
 */
extern void bev_registration_ask_again(BevRegistrations *registrations, BevSession *session);

/*
 * ADMIT.  False: it answers nothing that was asked, or is malformed.  Who isn't admitted
 * is refused.
 */
extern bool bev_registration_answer(BevRegistrations *registrations, const BevMessage *message,
                                    BevAdmission *admission);

/* The session ended, in whatever state. */
extern void bev_registration_leave(BevRegistrations *registrations, BevSession *session);

/* DISCONNECT.  False: malformed. */
extern bool bev_registration_disconnect(BevSessions *sessions, const BevMessage *message);

/* The role of the session is another one now: tell, if the dispatcher knows the session. */
extern void bev_registration_tell_role(BevRegistrations *registrations, BevSession *session);

/* Tell the dispatcher how those are doing of whom something changed. */
extern void bev_registration_report(BevRegistrations *registrations, BevSessions *sessions);

/* Free what is kept for answers that will not come any more. */
extern void bev_registration_free(BevRegistrations *registrations);

#endif /* BEV_GATEWAY_SESSION_REGISTRATION_H */
