/*
 * projector.h - the background worker that derives things from the journal.
 */
#ifndef BEV_NOTIFY_PROJECTOR_PROJECTOR_H
#define BEV_NOTIFY_PROJECTOR_PROJECTOR_H

#include "postgres.h"

/* Let the dispatcher keep it running while bugevents.projector is on; called once from _PG_init. */
extern void bev_projector_register(void);

#endif /* BEV_NOTIFY_PROJECTOR_PROJECTOR_H */
