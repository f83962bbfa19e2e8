/*
 * person.h - what the projector knows of users.
 */
#ifndef BEV_NOTIFY_PROJECTOR_PERSON_H
#define BEV_NOTIFY_PROJECTOR_PERSON_H

#include "postgres.h"

#include "notify/projector/change.h"
#include "notify/projector/kept.h"

/* NULL: not known. */
typedef struct BevPerson
{
	const char *id;
	const char *username;
	const char *email;
	const char *phone;
	const char *role;
	bool active;
} BevPerson;

/* As an event of the user's row says. */
extern void bev_person_of_change(BevPerson *person, BevChange *change);

/* As bev_bug_find. */
extern bool bev_person_find(BevPerson *person, const char *id);

/* As the row is now; false: there is none. */
extern bool bev_person_current(BevPerson *person, const char *id);

extern void bev_person_put(const BevPerson *person);

/* When all go, so does all that is theirs: who comes next may get their ids. */
extern BevKept bev_person_kept;

/* Was there a row of the user before, as far as one knows? */
extern bool bev_person_is_known(const char *id);

#endif /* BEV_NOTIFY_PROJECTOR_PERSON_H */
