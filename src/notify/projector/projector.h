/*
 * projector.h - the background worker that derives things from the journal.
 */
#ifndef BEV_NOTIFY_PROJECTOR_PROJECTOR_H
#define BEV_NOTIFY_PROJECTOR_PROJECTOR_H

#include "postgres.h"

/*
 * Start it, if there is none and bugevents.projector is on.  To be called by the dispatcher
 * about once a second while there is a stream.
 */
extern void bev_projector_look_after(void);

#endif /* BEV_NOTIFY_PROJECTOR_PROJECTOR_H */
