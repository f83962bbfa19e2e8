/*
 * question.h - what a client asks of the database.
 */
#ifndef BEV_GATEWAY_SESSION_QUESTION_H
#define BEV_GATEWAY_SESSION_QUESTION_H

#include "gateway/session/session.h"
#include "common/pipe/message.h"

typedef struct BevQuestion BevQuestion;
typedef struct BevQuestions BevQuestions;

/*
 * The answer to a question; id is as it was asked.  Called only while its session has not
 * ended; what is appended to the session's out is flushed then.  False: it is malformed.
 * *state is what the question was asked with; who sets it NULL has it from then on.
 */
typedef bool (*BevAnswered)(BevQuestions *questions, BevSession *session, const char *id,
                            const BevAnswerMessage *answer, BevSpan rest, void **state);

/* The same, of a question that is nobody's. */
typedef bool (*BevSharedAnswered)(void *state, const BevAnswerMessage *answer, BevSpan rest);

struct BevQuestions
{
	BevLink *link;
	BevQuestionQueue asked; /* what waits for an answer, in order */
	uint32_t last_request;  /* that was given to a question */
	uint32_t tokens;        /* of those asked, the ones that show a token */
};

/*
 * Pass a client's request on, and reply with the answer.  id is JSON text to be echoed, or NULL;
 * payload is a JSON object as text.  Too many open questions and too long ones are answered at
 * once.
 */
extern void bev_question_ask(BevQuestions *questions, BevSession *session, const char *id,
                             BevVerb verb, const char *payload);

/*
 * The same, and the answer goes to answered.  state (may be NULL) is freed by free_state when the
 * question is answered or forgotten, or at once if it is refused.
 */
extern void bev_question_ask_for(BevQuestions *questions, BevSession *session, const char *id,
                                 BevVerb verb, const char *payload, BevAnswered answered,
                                 void *state, void (*free_state)(void *state));

/*
 * Ask on behalf of several, in the name of one of them, who is admitted.  It is answered whatever
 * becomes of him, unless the gateway ends before.
 */
extern void bev_question_ask_shared(BevQuestions *questions, const BevSession *session,
                                    BevVerb verb, const char *payload, BevSharedAnswered answered,
                                    void *state);

/* Reply with an answer that is an error. */
extern void bev_question_report(BevSession *session, const char *id, const BevAnswerMessage *answer,
                                BevSpan rest);

/* May the client see a row, by its record? */
extern bool bev_question_may_see(const BevSession *session, const BevEvent *event);

/* Append the row as the client, which may see it, sees it. */
extern void bev_question_add_row(BevText *text, const BevSession *session, const BevEvent *event);

/*
 * The client's user wants to watch a bug: payload asks for its row.  Whether the client sees that
 * is judged as for any row that is read, and then the other end is told its key.
 */
extern void bev_question_watch(BevQuestions *questions, BevSession *session, const char *id,
                               const char *payload);

/* Whoever holds this token of a mail wants no more of them; as for the metrics. */
extern void bev_question_unsubscribe(BevQuestions *questions, BevSession *session,
                                     const char *payload, BevAnswered answered);

/* Ask for the metrics, for this machine; the answer goes to answered. */
extern void bev_question_metrics(BevQuestions *questions, BevSession *session,
                                 BevAnswered answered);

/*
 * Show a token, which the answer says more of: an error of code invalid_token or token_expired
 * when it is no good.  It waits for no other question.  state is answered's, and not freed.
 * False: too many are being checked.
 */
extern bool bev_question_token(BevQuestions *questions, BevSession *session, const char *id,
                               BevTokenUse use, const char *token, BevAnswered answered,
                               void *state);

/*
 * Ask the session's next question, if it can take an answer: when there is room in its socket
 * again.
 */
extern void bev_question_go_on(BevQuestions *questions, BevSession *session);

/* ANSWER came.  False: it is malformed, or answers nothing. */
extern bool bev_question_answered(BevQuestions *questions, const BevMessage *message);

/* The session ended: it waits for no answers any more. */
extern void bev_question_forget(BevQuestions *questions, BevSession *session);

extern void bev_question_free(BevQuestions *questions);

#endif /* BEV_GATEWAY_SESSION_QUESTION_H */
