/*
 * spent.c - what addresses had of their rates at one gateway, on its way to the others.
 *
 * Model: the count of an address is kept by every gateway (net/address.c); what one adds to it is
 * passed on within the turn in which it came.
 *
 * Memory: as many as fit; what comes beyond in one turn isn't passed on, and is counted at
 * its own gateway only.
 */
#include "server/dispatcher/spent.h"

#define SPENT_MAX 1024

typedef struct Spent
{
	int gateway;
	BevSpentMessage message;
} Spent;

static Spent waiting[SPENT_MAX];
static int count = 0;

void
bev_spent_add(int gateway, const BevSpentMessage *spent)
{
	if (count < SPENT_MAX)
		waiting[count++] = (Spent){.gateway = gateway, .message = *spent};
}

bool
bev_spent_next(int *gateway, BevSpentMessage *spent)
{
	if (count == 0)
		return false;
	count--;
	*gateway = waiting[count].gateway;
	*spent = waiting[count].message;
	return true;
}
