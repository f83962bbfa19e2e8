/*
 * two_phase.h - publishing what was captured by a prepared transaction.
 */
#ifndef BE_TWO_PHASE_H
#define BE_TWO_PHASE_H

/* Watch for COMMIT PREPARED; once, while preloading. */
extern void be_two_phase_register(void);

#endif							/* BE_TWO_PHASE_H */
