/*
 * principals.h - gathers what a client belongs to.
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_IDENTITY_PRINCIPALS_H
#define BEV_GATEWAY_IDENTITY_PRINCIPALS_H

#include "common/event/audience.h"

/* Add one: prefix and id make the name. */
extern void bev_principals_add(BevPrincipals *principals, const char *prefix, const char *id);

/* Sort them and drop the doubles; call it when all are added. */
extern void bev_principals_seal(BevPrincipals *principals);

extern void bev_principals_free(BevPrincipals *principals);

#endif /* BEV_GATEWAY_IDENTITY_PRINCIPALS_H */
