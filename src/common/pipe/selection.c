/*
 * selection.c - which events, and which rows, pass what somebody asked for.
 *
 * Model: a selection is clauses, a clause lists of values.  An event is judged by one version of
 * its row at a time, with which all must hold; an update has two versions.  What isn't told makes
 * the answer "perhaps", unless the rest says no.
 *
 * Memory: one block, of the caller; values point into the packed form.
 *
 * Cost: of each list a binary search; of each condition a walk over the facts before.
 */
#include "common/pipe/selection.h"

#include <stdlib.h>
#include <string.h>

typedef struct List
{
	const char **value; /* sorted */
	uint32_t count;
	bool untold;
} List;

typedef struct Condition
{
	const char *field;
	List list;
} Condition;

typedef struct Clause
{
	List list[BEV_NARROWINGS];
	Condition *condition;
	uint32_t conditions;
	bool untold; /* there are more */
} Clause;

struct BevSelection
{
	uint32_t clauses;    /* the first is what has to hold for all */
	uint32_t conditions; /* of all clauses */
	uint32_t routes;     /* lists of projects and bugs */
	bool nothing;
	bool untold; /* there are more alternatives */
	Clause *clause;
	Condition *condition;
};

/* ---- making it ---- */

typedef struct Counts
{
	uint32_t clauses;
	uint32_t conditions;
	uint32_t values;
} Counts;

static Counts
count(BevSpan packed)
{
	Counts counts = {.clauses = 1};
	BevPackedSubscription one;

	while (bev_packed_subscription_next(&packed, &one))
		if (one.kind == BEV_PACKED_SUBSCRIPTION_OR)
			counts.clauses++;
		else if (one.kind == BEV_PACKED_SUBSCRIPTION_WHERE)
			counts.conditions++;
		else
			counts.values++;
	return counts;
}

size_t
bev_selection_size(BevSpan packed)
{
	Counts counts = count(packed);

	return sizeof(BevSelection) + sizeof(Clause) * counts.clauses +
	       sizeof(Condition) * counts.conditions + sizeof(char *) * counts.values;
}

static int
compare_values(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static void
sort(List *list)
{
	if (list->count > 1)
		qsort(list->value, list->count, sizeof(char *), compare_values);
}

/* Take one list of a clause, whose values needn't stand together; value: where there is room. */
static const char **
take_list(BevSpan packed, BevNarrowing by, List *list, const char **value)
{
	BevPackedSubscription one;

	list->value = value;
	while (bev_packed_subscription_next(&packed, &one))
		if (one.kind == bev_narrowing_kinds[by].one)
			list->value[list->count++] = one.value;
		else if (one.kind == bev_narrowing_kinds[by].count)
			list->untold = true;
	sort(list);
	return value + list->count;
}

/* A value in front of the first condition belongs to none. */
static const char **
take_conditions(BevSpan packed, Clause *clause, const char **value)
{
	Condition *last = NULL;
	BevPackedSubscription one;

	while (bev_packed_subscription_next(&packed, &one))
		if (one.kind == BEV_PACKED_SUBSCRIPTION_WHERE)
		{
			last = &clause->condition[clause->conditions++];
			*last = (Condition){.field = one.value, .list = {.value = value}};
		}
		else if (one.kind == BEV_PACKED_SUBSCRIPTION_VALUE && last)
		{
			last->list.value[last->list.count++] = one.value;
			value++;
		}
		else if (one.kind == BEV_PACKED_SUBSCRIPTION_WHERES)
			clause->untold = true;
	for (uint32_t i = 0; i < clause->conditions; i++)
		sort(&clause->condition[i].list);
	return value;
}

static const char **
take_clause(BevSelection *selection, BevSpan packed, Condition *condition, const char **value)
{
	Clause *clause = &selection->clause[selection->clauses++];

	*clause = (Clause){.condition = condition};
	for (int by = 0; by < BEV_NARROWINGS; by++)
		value = take_list(packed, by, &clause->list[by], value);
	value = take_conditions(packed, clause, value);
	selection->conditions += clause->conditions;
	selection->routes +=
		(clause->list[BEV_BY_PROJECT].count > 0) + (clause->list[BEV_BY_BUG].count > 0);
	return value;
}

static void
take_flags(BevSelection *selection, BevSpan packed)
{
	BevPackedSubscription one;

	while (bev_packed_subscription_next(&packed, &one))
	{
		selection->nothing |= one.kind == BEV_PACKED_SUBSCRIPTION_NOTHING;
		selection->untold |= one.kind == BEV_PACKED_SUBSCRIPTION_ORS;
	}
}

BevSelection *
bev_selection_make(BevSpan packed, void *memory)
{
	Counts counts = count(packed);
	BevSelection *selection = memory;
	const char **value;
	BevSpan clause;

	*selection = (BevSelection){0};
	selection->clause = (Clause *) (selection + 1);
	selection->condition = (Condition *) (selection->clause + counts.clauses);
	value = (const char **) (selection->condition + counts.conditions);
	take_flags(selection, packed);
	clause = bev_packed_subscription_common(&packed);
	do
		value = take_clause(selection, clause, selection->condition + selection->conditions, value);
	while (bev_packed_subscription_alternative(&packed, &clause));
	return selection;
}

/* ---- judging ---- */

/* A subject, and by which version of its row. */
typedef struct View
{
	const BevSubject *subject;
	BevSpan type; /* that it is about, beside its own; or empty */
	BevSpan project;
	BevSpan bug;
	bool old;
	bool about_all;  /* rows: nothing that is asked of them concerns it */
	bool tells_less; /* than the row had */
} View;

static BevSelectionAnswer
lower(BevSelectionAnswer a, BevSelectionAnswer b)
{
	return a < b ? a : b;
}

static int
compare_text(const void *key, const void *value)
{
	const BevSpan *text = key;
	const char *other = *(const char *const *) value;
	size_t len = strlen(other);
	int order = memcmp(text->data, other, text->len < len ? text->len : len);

	return order ? order : (text->len > len) - (text->len < len);
}

/* Is it in the list?  Nothing isn't. */
static bool
has(const List *list, BevSpan text)
{
	return text.len > 0 && list->count > 0 &&
	       bsearch(&text, list->value, list->count, sizeof(char *), compare_text) != NULL;
}

static BevSelectionAnswer
judge_list(const List *list, BevSpan text, BevSpan other)
{
	if (list->untold)
		return BEV_PERHAPS_SUBSCRIBED;
	return list->count == 0 || has(list, text) || has(list, other) ? BEV_SUBSCRIBED :
	                                                                 BEV_NOT_SUBSCRIBED;
}

static bool
condition_holds(const Condition *condition, const View *view)
{
	BevFact fact;

	if (!bev_fact_find(view->subject->facts, condition->field, &fact))
		return view->tells_less;
	return has(&condition->list, view->old ? fact.old : fact.value);
}

static BevSelectionAnswer
judge_conditions(const Clause *clause, const View *view)
{
	for (uint32_t i = 0; i < clause->conditions; i++)
		if (!condition_holds(&clause->condition[i], view))
			return BEV_NOT_SUBSCRIBED;
	return clause->untold ? BEV_PERHAPS_SUBSCRIBED : BEV_SUBSCRIBED;
}

static BevSelectionAnswer
judge_clause(const Clause *clause, const View *view)
{
	const BevSpan none = {NULL, 0};
	const List *list = clause->list;
	BevSelectionAnswer answer = judge_list(&list[BEV_BY_TYPE], view->subject->type, view->type);

	if (view->subject->action.data)
		answer = lower(answer, judge_list(&list[BEV_BY_ACTION], view->subject->action, none));
	if (answer == BEV_NOT_SUBSCRIBED || view->about_all)
		return answer;
	answer = lower(answer, judge_list(&list[BEV_BY_PROJECT], view->project, none));
	answer = lower(answer, judge_list(&list[BEV_BY_BUG], view->bug, none));
	return answer == BEV_NOT_SUBSCRIBED ? answer : lower(answer, judge_conditions(clause, view));
}

static BevSelectionAnswer
judge_view(const BevSelection *selection, const View *view)
{
	BevSelectionAnswer all = judge_clause(&selection->clause[0], view);
	BevSelectionAnswer best = selection->untold ? BEV_PERHAPS_SUBSCRIBED : BEV_NOT_SUBSCRIBED;

	if (all == BEV_NOT_SUBSCRIBED || (selection->clauses == 1 && !selection->untold))
		return all;
	for (uint32_t i = 1; i < selection->clauses && best != BEV_SUBSCRIBED; i++)
	{
		BevSelectionAnswer one = judge_clause(&selection->clause[i], view);

		best = one > best ? one : best;
	}
	return lower(all, best);
}

/* Make it the view of the row as it was; false: nothing says that it was another one. */
static bool
look_back(View *view)
{
	BevSpan facts = view->subject->facts;
	BevFact fact;

	while (!view->old && bev_fact_next(&facts, &fact))
		view->old = fact.changed;
	if (!view->old)
		return false;
	if (bev_fact_find(view->subject->facts, BEV_FACT_PROJECT, &fact) && fact.changed)
		view->project = bev_scalar_text(fact.old);
	if (bev_fact_find(view->subject->facts, BEV_FACT_BUG, &fact) && fact.changed)
		view->bug = bev_scalar_text(fact.old);
	return true;
}

static View
view_of(const BevSubject *subject)
{
	View view = {.subject = subject, .project = subject->project, .bug = subject->bug};

	if (bev_span_is(subject->type, BEV_TYPE_SCHEMA))
	{
		view.type = subject->key;
		view.about_all = true;
	}
	view.about_all |= bev_span_is(subject->action, BEV_ACTION_TRUNCATED) ||
	                  bev_span_is(subject->action, BEV_ACTION_RELOAD);
	view.tells_less = bev_span_is(subject->action, BEV_ACTION_MOVED_OUT);
	return view;
}

bool
bev_selection_is_sweeping(const BevSubject *subject)
{
	View view = view_of(subject);

	return view.about_all || view.tells_less;
}

BevSelectionAnswer
bev_selection_judge(const BevSelection *selection, const BevSubject *subject)
{
	View view = view_of(subject);
	BevSelectionAnswer answer;

	if (selection->nothing)
		return BEV_NOT_SUBSCRIBED;
	answer = judge_view(selection, &view);
	if (answer != BEV_SUBSCRIBED && look_back(&view))
	{
		BevSelectionAnswer before = judge_view(selection, &view);

		answer = before > answer ? before : answer;
	}
	return answer;
}

/* ---- what it asks for ---- */

const char *
bev_selection_field(const BevSelection *selection, uint32_t i)
{
	if (i < selection->conditions)
		return selection->condition[i].field;
	if (selection->routes == 0)
		return NULL;
	return i == selection->conditions     ? BEV_FACT_PROJECT :
	       i == selection->conditions + 1 ? BEV_FACT_BUG :
	                                        NULL;
}

static bool
asks_for(const BevSelection *selection, BevSpan name)
{
	const char *field;

	for (uint32_t i = 0; (field = bev_selection_field(selection, i)) != NULL; i++)
		if (bev_span_is(name, field))
			return true;
	return false;
}

size_t
bev_selection_facts_room(const BevSelection *selection)
{
	return BEV_FACT_ROOM * ((size_t) selection->conditions + 2);
}

/* A member that comes twice, which a column can't, counts once. */
uint32_t
bev_selection_facts(const BevSelection *selection, BevSpan payload, BevSpan changes, char *dst)
{
	char name[BEV_SCALAR_ROOM];
	uint32_t len = 0;
	BevMember member;
	BevFact fact;

	while (bev_json_next_member(&payload, &member))
	{
		BevSpan text = {name, bev_fact_name(&member, name)};

		name[text.len] = '\0';
		if (text.len > 0 && asks_for(selection, text) &&
		    !bev_fact_find((BevSpan){dst, len}, name, &fact))
			len += bev_fact_write(text, member.value, changes, dst + len);
	}
	return len;
}

void
bev_selection_subject(const BevSelection *selection, const BevEvent *event, bool for_admin,
                      bool is_row, char *facts, BevSubject *subject)
{
	const BevSpan *field = event->field;
	bool open = !for_admin && field[BEV_EVENT_OPEN_PAYLOAD].len > 0;
	BevSpan payload = field[open ? BEV_EVENT_OPEN_PAYLOAD : BEV_EVENT_PAYLOAD];
	BevSpan changes = field[open ? BEV_EVENT_OPEN_CHANGES : BEV_EVENT_CHANGES];

	*subject = (BevSubject){
		.type = field[BEV_EVENT_TYPE],
		.key = field[BEV_EVENT_KEY],
		.action = is_row ? (BevSpan){NULL, 0} : field[BEV_EVENT_ACTION],
		.project = field[BEV_EVENT_PROJECT],
		.bug = field[BEV_EVENT_BUG],
		.facts = {facts, bev_selection_facts(selection, payload, changes, facts)},
	};
}

uint32_t
bev_selection_clauses(const BevSelection *selection)
{
	return selection->clauses;
}

bool
bev_selection_list(const BevSelection *selection, uint32_t clause, uint32_t which,
                   BevSelectionList *list)
{
	const Clause *found = &selection->clause[clause];
	const List *values;

	*list = (BevSelectionList){0};
	if (which >= BEV_NARROWINGS + found->conditions)
		return false;
	values = which < BEV_NARROWINGS ? &found->list[which] :
	                                  &found->condition[which - BEV_NARROWINGS].list;
	if (which >= BEV_NARROWINGS)
		list->field = found->condition[which - BEV_NARROWINGS].field;
	list->value = values->value;
	list->count = values->count;
	return true;
}
