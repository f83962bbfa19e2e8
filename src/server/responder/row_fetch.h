/*
 * row_fetch.h - rows of attached tables as they are now, in the form of events.
 */
#ifndef BEV_SERVER_RESPONDER_ROW_FETCH_H
#define BEV_SERVER_RESPONDER_ROW_FETCH_H

#include "postgres.h"

#include "common/event/audience.h"
#include "common/event/event.h"
#include "server/responder/responder_queue.h"
#include "server/responder/request.h"

/*
 * get {"type", "id"}: the row of this entity with that id.
 *
 * list {"type", "project_id", "bug_report_id", "status", "after", "limit"}: rows of one table, in
 * the order of table and id; all members but the first are optional.  Behind the records stands
 * "+TABLE:KEY", the place that "after" goes on from, or "." and it: there are no more.
 *
 * state {"type", "project_id", "bug_report_id", "after"}: rows of one table as in a list, as many as
 * an answer takes; an id that no row of this type can have finds none.  No table that answers is an
 * error, of "types", which the client asked for.
 *
 * payload is the request's, a JSON object in UTF-8.  In a transaction with an
 * active snapshot.  What is wrong with the request is in the answer; other errors are thrown.
 */
extern void bev_row_fetch_get(const BevQuestionHead *head, const char *payload, BevAnswer *answer);
extern void bev_row_fetch_list(const BevQuestionHead *head, const char *payload, BevAnswer *answer);
extern void bev_row_fetch_state(const BevQuestionHead *head, const char *payload,
                                BevAnswer *answer);

/*
 * The record of the row of that entity and id as it is now; len 0: there is none.  palloc'd.
 * For who is to know of it regardless of the audience.
 */
extern BevSpan bev_row_fetch_find(const char *entity, const char *id);

/* The same for a row whose field has this value: of several the first, of the first table. */
extern BevSpan bev_row_fetch_find_by(const char *entity, const char *field, const char *value);

/*
 * The key of the row of that entity and id, as events write it (UTF-8); NULL: there is none that
 * the asker sees.  With asker NULL, whether its table's filter lets it through or not.  palloc'd.
 */
extern const char *bev_row_fetch_key(const char *entity, const char *id,
                                     const BevPrincipals *asker);

/* Is there one? */
extern bool bev_row_fetch_exists(const char *entity, const char *id);

#endif /* BEV_SERVER_RESPONDER_ROW_FETCH_H */
