/*
 * recipient.h - who is told of something, and why.
 */
#ifndef BEV_NOTIFY_PROJECTOR_RECIPIENT_H
#define BEV_NOTIFY_PROJECTOR_RECIPIENT_H

#include "postgres.h"

#include "nodes/pg_list.h"

typedef struct BevRecipient
{
	const char *user;
	const char *reason; /* NULL: none */
} BevRecipient;

/*
 * Add one to a list of them, unless the user is NULL or "", or is in it; so who has several reasons
 * is told the first.  The texts are not copied.
 */
extern List *bev_recipient_add(List *recipients, const char *user, const char *reason);

/* The same for users (char *), for one reason. */
extern List *bev_recipient_add_all(List *recipients, List *users, const char *reason);

/* Without these users (char *). */
extern List *bev_recipient_without(List *recipients, List *users);

#endif /* BEV_NOTIFY_PROJECTOR_RECIPIENT_H */
