/*
 * responder.h - the background worker that answers clients' questions by SQL.
 */
#ifndef BEV_SERVER_RESPONDER_RESPONDER_H
#define BEV_SERVER_RESPONDER_RESPONDER_H

#include "postgres.h"

#include "postmaster/bgworker.h"
#include "storage/dsm.h"

/*
 * Start the one of this number on a segment as responder_queue.h describes it; number 0 looks up
 * who connects.  False: there is no slot for another worker, which is logged.  It ends when
 * the other end of its queues is gone.
 */
extern bool bev_responder_start(dsm_handle segment, int number, BackgroundWorkerHandle **handle);

#endif /* BEV_SERVER_RESPONDER_RESPONDER_H */
