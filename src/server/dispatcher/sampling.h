/*
 * sampling.h - noting the server's numbers for the last hour (server/shared/samples.h).
 */
#ifndef BEV_SERVER_DISPATCHER_SAMPLING_H
#define BEV_SERVER_DISPATCHER_SAMPLING_H

/* Note them, if it is time to.  Reads shared memory only. */
extern void bev_sampling_run(void);

#endif /* BEV_SERVER_DISPATCHER_SAMPLING_H */
