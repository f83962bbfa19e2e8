/*
 * status.h - what of the configuration can't be used, as the dispatcher is told.
 */
#ifndef BEV_GATEWAY_MAIN_STATUS_H
#define BEV_GATEWAY_MAIN_STATUS_H

#include "gateway/net/link.h"

/* What may go wrong; the first that did is told. */
typedef enum BevTrouble
{
	BEV_TROUBLE_TLS,    /* why the certificate is the old one */
	BEV_TROUBLE_LISTEN, /* why it listens elsewhere, or nowhere */
	BEV_TROUBLES
} BevTrouble;

typedef struct BevStatus
{
	char *trouble[BEV_TROUBLES]; /* NULL: none */
	char *sent;                  /* the last STATUS; NULL: none yet */
} BevStatus;

/* NULL: all is well. */
extern void bev_status_set(BevStatus *status, BevTrouble trouble, const char *why);

/* Tell the dispatcher, unless it knows. */
extern void bev_status_tell(BevStatus *status, BevLink *link);

extern void bev_status_free(BevStatus *status);

#endif /* BEV_GATEWAY_MAIN_STATUS_H */
