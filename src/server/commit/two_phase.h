/*
 * two_phase.h - publishing what was captured by a prepared transaction.
 */
#ifndef BE_SERVER_COMMIT_TWO_PHASE_H
#define BE_SERVER_COMMIT_TWO_PHASE_H

/* Watch for COMMIT PREPARED; once, while preloading. */
extern void be_two_phase_register(void);

#endif							/* BE_SERVER_COMMIT_TWO_PHASE_H */
