/*
 * responder_queue.h - what the dispatcher asks the responder, and what that answers.
 *
 * Both go through shared memory queues (shm_mq) in a segment of dynamic shared
 * memory, one question at a time.  A question is this struct, the asker's projects and its payload;
 * an answer is this struct and then the body of an ANSWER (common/pipe/message.h).
 */
#ifndef BEV_SERVER_RESPONDER_RESPONDER_QUEUE_H
#define BEV_SERVER_RESPONDER_RESPONDER_QUEUE_H

#include "postgres.h"

#include "common/pipe/message.h"
#include "storage/fileset.h"
#include "utils/timestamp.h"

typedef struct BevQuestionHead
{
	BevAskMessage ask;
	uint32 projects_size; /* what the asker's token says; each has its NUL */
	uint32 payload_size;
	FileSet spools;    /* of the gateway that asks; none: it is our own question */
	uint64 settled;    /* whatever is answered is not older than this seq */
	TimestampTz until; /* when it is given up */
	char user[256];    /* who asks, by the token */
	char role[64];     /* likewise; the tables may say less */
} BevQuestionHead;

typedef struct BevAnswerHead
{
	uint64 upto;  /* nor is it based on events behind this one */
	uint64 again; /* 1: somebody has locked what it needs, ask later */
} BevAnswerHead;

/*
 * Verbs of the dispatcher's own: for bev_security_log_write, bev_alert_event_publish,
 * bev_lookup_answer, bev_upkeep_retention and bev_upkeep_config.
 */
#define BEV_VERB_SECURITY_LOG BEV_VERBS
#define BEV_VERB_ALERT        (BEV_VERBS + 1)
#define BEV_VERB_LOOKUP       (BEV_VERBS + 2)
#define BEV_VERB_RETENTION    (BEV_VERBS + 3)
#define BEV_VERB_CONFIG       (BEV_VERBS + 4)

/* The segment: two queues of this size, questions and answers. */
#define BEV_QUESTION_QUEUE_SIZE (64 * 1024)

#endif /* BEV_SERVER_RESPONDER_RESPONDER_QUEUE_H */
