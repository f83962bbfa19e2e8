/*
 * registration.h - asks the dispatcher whether a client may stay.
 *
 *	token --> OPEN --> (waiting) --> ADMIT --> admitted, or refused
 *	                                    \--> overtaken: AGAIN --> (waiting)
 *	                                     \--> gone meanwhile: CLOSED
 *	admitted client goes --> CLOSED
 *
 * Only the dispatcher sees all gateways, so only it can count; and only the verifier, behind it,
 * can read a token.  The dispatcher also keeps the list of who is connected, which
 * bev_registration_report brings up to date.
 */
#ifndef BEV_GATEWAY_SESSION_REGISTRATION_H
#define BEV_GATEWAY_SESSION_REGISTRATION_H

#include "gateway/session/session.h"

typedef STAILQ_HEAD(BevRegistrationQueue, BevRegistration) BevRegistrationQueue;

/* Users are told apart by so many hashes. */
#define BEV_SAID_SLOTS 4096

typedef struct BevRegistrations
{
	BevLink *link;
	BevRegistrationQueue came;     /* to be asked for at the end of a turn */
	BevRegistrationQueue asked;    /* those who wait to be admitted, in order */
	uint32_t waiting;              /* how many were asked for */
	uint64_t last_number;          /* that was given to a session */
	uint64_t last_said;            /* seq of the last event that said something of a user */
	uint64_t said[BEV_SAID_SLOTS]; /* of users whose ids have this hash */
} BevRegistrations;

/* What became of one who waited. */
typedef struct BevAdmission
{
	BevSession *session; /* NULL: nobody, or it was told already */
	BevVerdict verdict;  /* admitted, or not by its token */
	BevGrant grant;
	BevSpan projects;
	uint64_t as_of; /* what tables said of its user up to here */
	BevSpan statements;
	BevSpan why; /* its token is no good */
} BevAdmission;

/* The session showed a token: ask, at the end of the turn. */
extern void bev_registration_ask(BevRegistrations *registrations, BevSession *session,
                                 const char *token);

/* Ask for those who came; at the end of a turn, when those who ended have left. */
extern void bev_registration_flush(BevRegistrations *registrations);

/*
 * An event said something of this user, or of everybody (NULL; UINT64_MAX: which one isn't known).
 * An answer on its way to who waits may not have it.
 */
extern void bev_registration_note_said(BevRegistrations *registrations, const char *user,
                                       uint64_t seq);

/*
 * It was admitted by what may be outdated: before there was a stream that would have told what
 * changed since, or while it did.
 */
extern void bev_registration_ask_again(BevRegistrations *registrations, BevSession *session);

/* KNOWN, of this session; NULL: it went meanwhile.  False: malformed. */
extern bool bev_registration_known(BevRegistrations *registrations, const BevMessage *message,
                                   BevSession **session);

/*
 * ADMIT.  False: it answers nothing that was asked, or is malformed.  Who isn't admitted
 * is refused, unless by its token.
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
