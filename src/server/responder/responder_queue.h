/*
 * responder_queue.h - what the dispatcher asks the responder, and what that answers.
 *
 * Both go through shared memory queues (shm_mq) in a segment of dynamic shared
 * memory, one question at a time.  A question is this struct and its payload as
 * text; an answer is this struct and then the body of an ANSWER (common/pipe/message.h).
 */
#ifndef BE_SERVER_RESPONDER_RESPONDER_QUEUE_H
#define BE_SERVER_RESPONDER_RESPONDER_QUEUE_H

#include "postgres.h"

#include "common/pipe/message.h"

typedef struct BeQuestionHead
{
	BeAskMessage ask;
	uint64		settled;		/* whatever is answered is not older than this seq */
	char		user[256];		/* who asks */
	char		role[64];
} BeQuestionHead;

typedef struct BeAnswerHead
{
	uint64		upto;			/* nor is it based on events behind this one */
} BeAnswerHead;

/* Verbs of the dispatcher's own, which write: for be_note_write, and be_alert_publish. */
#define BE_VERB_NOTE	BE_VERBS
#define BE_VERB_ALERT	(BE_VERBS + 1)

/* The segment: two queues of this size, questions and answers. */
#define BE_QUESTION_QUEUE_SIZE	(64 * 1024)

#endif							/* BE_SERVER_RESPONDER_RESPONDER_QUEUE_H */
