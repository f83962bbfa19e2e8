/*
 * selection.h - which events, and which rows, pass what somebody asked for.
 *
 * The one rule about subscriptions: for live events and history, lists and states of rows, and for
 * explaining.  docs/protocol.md says it for users ("What passes"):
 *
 *	- An event passes when what has to hold for all does, and one of the alternatives, if there are
 *	  any; each of them when all of its lists and conditions hold.
 *	- An update passes by the row as it is, or as it was: so whoever keeps rows learns that one
 *	  left.
 *	- moved_out says no more of a row than which one it was, so it passes what is asked of other
 *	  fields.  truncated and reload are about all rows, so they pass all that is asked of rows.
 *	- A schema event is of the type that it is about, too.
 *
 * Pure C; nothing is allocated here.
 */
#ifndef BEV_COMMON_PIPE_SELECTION_H
#define BEV_COMMON_PIPE_SELECTION_H

#include <stdbool.h>

#include "common/event/fact.h"
#include "common/pipe/packed_subscription.h"

#define BEV_ACTION_MOVED_OUT "moved_out"
#define BEV_ACTION_TRUNCATED "truncated"
#define BEV_ACTION_RELOAD    "reload"
#define BEV_TYPE_SCHEMA      "schema"

typedef struct BevSelection BevSelection;

/* In the order of how much is known. */
typedef enum BevSelectionAnswer
{
	BEV_NOT_SUBSCRIBED,
	BEV_PERHAPS_SUBSCRIBED, /* something that it depends on isn't told */
	BEV_SUBSCRIBED
} BevSelectionAnswer;

/* What is judged. */
typedef struct BevSubject
{
	BevSpan type;
	BevSpan key;
	BevSpan action; /* data NULL: a row, which no list of actions concerns */
	BevSpan project;
	BevSpan bug;
	BevSpan facts; /* fact.h; at least those that the selection asks for */
} BevSubject;

/* Bytes that the form for matching takes; what of the packed one is no form is left out. */
extern size_t bev_selection_size(BevSpan packed);

/* Make it in so many bytes, aligned for pointers; the packed form has to stay. */
extern BevSelection *bev_selection_make(BevSpan packed, void *memory);

extern BevSelectionAnswer bev_selection_judge(const BevSelection *selection,
                                              const BevSubject *subject);

/*
 * Does it pass what selections ask of rows, or of fields that it doesn't have?  Then values don't
 * lead to whom it is for.
 */
extern bool bev_selection_is_sweeping(const BevSubject *subject);

/* ---- what it asks for ---- */

/* The name of a field whose facts it looks at, each perhaps several times; NULL: no more than i. */
extern const char *bev_selection_field(const BevSelection *selection, uint32_t i);

/* Room for the facts that it can ask for, at the most. */
extern size_t bev_selection_facts_room(const BevSelection *selection);

/* Write the facts that it asks for about a payload and changes; their length. */
extern uint32_t bev_selection_facts(const BevSelection *selection, BevSpan payload, BevSpan changes,
                                    char *dst);

/*
 * Make a subject of an event, by what an admin, or others, get of it; or of a row that came as one,
 * which no list of actions concerns.  facts has that room, and has to stay.
 */
extern void bev_selection_subject(const BevSelection *selection, const BevEvent *event,
                                  bool for_admin, bool is_row, char *facts, BevSubject *subject);

/*
 * A list that has to hold wherever the clause does, for an index.  Clause 0 is what has to hold
 * for all, the alternatives follow; which: a narrowing, or BEV_NARROWINGS and so on, the
 * conditions.
 */
typedef struct BevSelectionList
{
	const char *field; /* of a condition; else NULL */
	const char **value;
	uint32_t count; /* 0: it narrows nothing */
} BevSelectionList;

extern uint32_t bev_selection_clauses(const BevSelection *selection);

/* False: the clause has no list of that number, nor any behind it. */
extern bool bev_selection_list(const BevSelection *selection, uint32_t clause, uint32_t which,
                               BevSelectionList *list);

#endif /* BEV_COMMON_PIPE_SELECTION_H */
