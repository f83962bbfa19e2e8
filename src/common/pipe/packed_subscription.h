/*
 * packed_subscription.h - what a client wants of the stream, as bytes that say so.
 *
 *     +------+-------+--+
 *     | kind | value |0 |    any number of them; none: everything
 *     +------+-------+--+
 *
 * The gateway knows it in a form that is made for matching (subscription.h); this one is
 * for whoever wants to show it, and is bounded: of a list for which there is no room only
 * the number of its values is told.
 *
 * Pure C: shared by the server's half and the gateway.
 */
#ifndef BE_COMMON_PIPE_PACKED_SUBSCRIPTION_H
#define BE_COMMON_PIPE_PACKED_SUBSCRIPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "common/event/event.h"

#define BE_INTEREST_MAX		256	/* bytes */

typedef enum BeInterestKind
{
	BE_INTEREST_TYPE = 't',		/* an event has to be of one of the types */
	BE_INTEREST_ACTION = 'a',	/* ... actions */
	BE_INTEREST_PROJECT = 'p',	/* ... projects */
	BE_INTEREST_BUG = 'b',		/* ... bug reports */
	BE_INTEREST_TYPES = 'T',	/* so many types, which aren't told */
	BE_INTEREST_ACTIONS = 'A',
	BE_INTEREST_PROJECTS = 'P',
	BE_INTEREST_BUGS = 'B',
	BE_INTEREST_CONFLATED = 'c',	/* of each row the last state, when it lags */
	BE_INTEREST_NOTHING = 'n'	/* it has unsubscribed */
} BeInterestKind;

typedef struct BeInterest
{
	BeInterestKind kind;
	const char *value;			/* terminated */
} BeInterest;

/*
 * The next one: advances *rest past it.  False at the end, and where the bytes are
 * none; then rest->len isn't 0.
 */
extern bool be_interest_next(BeSpan *rest, BeInterest *interest);

/* Append one; false: there is no room, and *len is as it was. */
extern bool be_interest_add(char *dst, uint32_t *len, BeInterestKind kind, const char *value);

typedef enum BeInterestAnswer
{
	BE_INTERESTED,
	BE_NOT_INTERESTED,
	BE_PERHAPS_INTERESTED		/* a list isn't told */
} BeInterestAnswer;

extern BeInterestAnswer be_interest_in(BeSpan interest, const BeEvent *event);

#endif							/* BE_COMMON_PIPE_PACKED_SUBSCRIPTION_H */
