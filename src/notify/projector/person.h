/*
 * person.h - what the projector knows of users.
 */
#ifndef BE_NOTIFY_PROJECTOR_PERSON_H
#define BE_NOTIFY_PROJECTOR_PERSON_H

#include "postgres.h"

#include "notify/projector/change.h"

/* NULL: not known. */
typedef struct BePerson
{
	const char *id;
	const char *username;
	const char *email;
	const char *phone;
	const char *role;
	bool		active;
} BePerson;

/* As an event of the user's row says. */
extern void be_person_of_change(BePerson *person, BeChange *change);

/* As be_bug_find. */
extern bool be_person_find(BePerson *person, const char *id);

extern void be_person_put(const BePerson *person);

/* Forget the user and all that is the user's. */
extern void be_person_delete(const char *id);

/* The same with all of them: who comes next may get their ids. */
extern void be_person_delete_all(void);

#endif							/* BE_NOTIFY_PROJECTOR_PERSON_H */
