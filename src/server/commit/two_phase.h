/*
 * two_phase.h - publishing what was captured by a prepared transaction.
 */
#ifndef BEV_SERVER_COMMIT_TWO_PHASE_H
#define BEV_SERVER_COMMIT_TWO_PHASE_H

/* Watch for COMMIT PREPARED; once, while preloading. */
extern void bev_two_phase_register(void);

#endif /* BEV_SERVER_COMMIT_TWO_PHASE_H */
