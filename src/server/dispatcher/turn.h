/*
 * turn.h - how long a turn of the dispatcher takes.
 */
#ifndef BEV_SERVER_DISPATCHER_TURN_H
#define BEV_SERVER_DISPATCHER_TURN_H

#include "postgres.h"

/* Around a turn's work, without its sleep. */
extern void bev_turn_begin(void);
extern void bev_turn_end(void);

/* So many bytes of the journal were unpacked and copied in it. */
extern void bev_turn_moved(Size bytes);

/* Has this turn taken so long that what can wait should wait for the next one? */
extern bool bev_turn_is_long(void);

#endif /* BEV_SERVER_DISPATCHER_TURN_H */
