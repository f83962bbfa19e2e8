/*
 * spool_answer.h - rows that are kept on disk for a gateway that reads them in pages.
 */
#ifndef BEV_SERVER_RESPONDER_SPOOL_ANSWER_H
#define BEV_SERVER_RESPONDER_SPOOL_ANSWER_H

#include "postgres.h"

#include "server/responder/request.h"
#include "server/responder/responder_queue.h"
#include "utils/jsonb.h"

/*
 * Where the request names a spool, move the records of the answer there, which is begun anew with
 * the first round, and leave the place where to go on.  No room, or no such spool: the answer says
 * so.  Throws where the disk does.
 */
extern void bev_spool_answer_write(const BevQuestionHead *head, Jsonb *json, bool is_first,
                                   BevAnswer *answer);

/* Answer SPOOLED: a page, or that it is gone. */
extern void bev_spool_answer(const BevQuestionHead *head, const char *payload, BevAnswer *answer);

#endif /* BEV_SERVER_RESPONDER_SPOOL_ANSWER_H */
