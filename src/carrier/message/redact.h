/*
 * redact.h - secrets, and text without them.
 *
 * Pure C.
 */
#ifndef BE_CARRIER_MESSAGE_REDACT_H
#define BE_CARRIER_MESSAGE_REDACT_H

#include <stddef.h>

#define BE_MASK_SECRETS	16

/* A secret that is shorter is none: masking it would only spell it out. */
#define BE_MASK_SHORTEST	4

typedef struct BeMask
{
	char	   *secret[BE_MASK_SECRETS];
	size_t		count;
} BeMask;

/* Keep a copy; beyond BE_MASK_SECRETS, and if it is too short, nothing happens. */
extern void be_mask_add(BeMask *mask, const char *secret, size_t len);

/*
 * Every secret becomes as many asterisks, and so does the beginning of one at the end of the
 * text, which may have been cut there.
 */
extern void be_mask_apply(const BeMask *mask, char *text);

/* The copies are wiped. */
extern void be_mask_free(BeMask *mask);

#endif							/* BE_CARRIER_MESSAGE_REDACT_H */
