/*
 * redact.h - secrets, and text without them.
 *
 * Pure C.
 */
#ifndef BEV_CARRIER_MESSAGE_REDACT_H
#define BEV_CARRIER_MESSAGE_REDACT_H

#include <stddef.h>

#define BEV_MASK_SECRETS 16

/* A secret that is shorter is none: masking it would only spell it out. */
#define BEV_MASK_SHORTEST 4

typedef struct BevRedact
{
	char *secret[BEV_MASK_SECRETS];
	size_t count;
} BevRedact;

/* Keep a copy; beyond BEV_MASK_SECRETS, and if it is too short, nothing happens. */
extern void bev_redact_add(BevRedact *mask, const char *secret, size_t len);

/*
 * Every secret becomes as many asterisks, and so does the beginning of one at the end of the
 * text, which may have been cut there.
 */
extern void bev_redact_apply(const BevRedact *mask, char *text);

/* The copies are wiped. */
extern void bev_redact_free(BevRedact *mask);

#endif /* BEV_CARRIER_MESSAGE_REDACT_H */
