/*
 * row_fetch.c - rows of attached tables as they are now, in the form of events.
 *
 * Model: which rows, a query over the attached table tells, with the columns and
 * expressions of its attachment:
 *
 *	SELECT row.tableoid, row.ctid FROM table AS row
 *	 WHERE id > $1 AND project_id = $2 ... ORDER BY id LIMIT $3
 *
 * Each row is then fetched and goes through the capture's own code, as if it was
 * just created: so payload, filter and audience are those of an event, and who may see it is
 * judged like one (asker.c).  Only then it is known whether a field that is an expression has the
 * value that a list is asked for: so what it costs is that of a row's expressions, with their
 * limits (attach/evaluation.c).
 *
 * Concurrency: a table that somebody has locked is an error at once, ERRCODE_LOCK_NOT_AVAILABLE,
 * and the question is asked again later (dispatcher/questions.c).  What expressions look into is
 * waited for.
 *
 * Rights: the query runs with the rights of the table's owner (attached_table.c).
 */
#include "server/responder/row_fetch.h"

#include "server/responder/asker.h"
#include "server/responder/spool_answer.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "server/attach/attached.h"
#include "server/attach/attached_kind.h"
#include "server/attach/attached_table.h"
#include "server/attach/field_sql.h"
#include "server/attach/mapping.h"
#include "server/capture/payload.h"
#include "server/capture/row_event.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "server/base/memory_limit.h"
#include "server/base/settings.h"
#include "server/base/subtransaction.h"
#include "server/base/time_limit.h"
#include "server/responder/where_condition.h"
#include "server/shared/expression_stats.h"
#include "server/base/table_lock.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define LIST_BYTES     (256 * 1024)
#define STATE_BYTES    (1024 * 1024)
#define STATE_ROWS     5000
#define CONDITIONS_MAX 4

/* "field operator value" */
typedef struct Condition
{
	const char *field;
	const char *operator;
	char *value;
	bool is_filter; /* of what is found, which may pass others by */
} Condition;

typedef struct Request
{
	const BevEntity *entity;
	Condition conditions[CONDITIONS_MAX];
	int count;
	Oid after_table; /* InvalidOid: from the first one on */
	int limit;
	int bytes;   /* of records, from which on no more are added */
	List *where; /* where_condition.h */
} Request;

typedef struct Found
{
	Oid relid;
	ItemPointerData tid;
} Found;

/* ---- reading the request ---- */

static void
add_condition(Request *request, const char *field, const char *operator, char * value)
{
	request->conditions[request->count++] = (Condition){field, operator, value, false};
}

static void
add_filter(Request *request, const char *field, char *value)
{
	add_condition(request, field, "=", value);
	request->conditions[request->count - 1].is_filter = true;
}

/* False: the answer says what is wrong with that member of the request. */
static bool
read_entity(const char *payload, const char *member, Request *request, Jsonb **json,
            BevAnswer *answer)
{
	char *type;

	*json = bev_request_read(payload, answer);
	if (*json == NULL)
		return false;
	request->entity =
		bev_request_text(*json, "type", &type) && type ? bev_attached_kind_find(type) : NULL;
	if (request->entity == NULL)
		bev_answer_error(answer, "invalid_field", member, "rows of this type can't be read");
	return request->entity != NULL;
}

/* "TABLE:ID", as we said it ourselves; a gateway sealed it meanwhile. */
static bool
read_after(Request *request, char *after)
{
	char *end;
	unsigned long relid = strtoul(after, &end, 10);

	if (end == after || *end != ':' || relid > PG_UINT32_MAX)
		return false;
	request->after_table = (Oid) relid;
	add_condition(request, BEV_ENTITY_KEY, ">", end + 1);
	return true;
}

static bool
read_filter(Request *request, const char *field, char *value)
{
	if (value == NULL)
		return true;
	if (field == NULL || strcmp(field, BEV_ENTITY_KEY) == 0)
		return false;
	add_filter(request, field, value);
	return true;
}

/* False: the answer says what is wrong. */
static bool
read_list(Jsonb *json, List *tables, Request *request, BevAnswer *answer)
{
	static const char *const known[] = {"type",   "limit", "project_id", "bug_report_id",
	                                    "status", "after", "where",      NULL};
	const char *wrong = NULL;
	char *text;

	if (!bev_request_has_only(json, known, answer))
		return false;
	if (!bev_request_text(json, "limit", &text) || !bev_request_limit(text, &request->limit))
		wrong = "limit";
	else if (!bev_request_text(json, "project_id", &text) ||
	         !read_filter(request, request->entity->project, text))
		wrong = "project_id";
	else if (!bev_request_text(json, "bug_report_id", &text) ||
	         !read_filter(request, request->entity->bug, text))
		wrong = "bug_report_id";
	else if (!bev_request_text(json, "status", &text) ||
	         !read_filter(request, request->entity->status, text))
		wrong = "status";
	else if (!bev_request_text(json, "after", &text) || (text && !read_after(request, text)))
		wrong = "after";
	if (wrong)
		bev_answer_error(answer, "invalid_field", wrong,
		                 "it can't be used for this type, or has no such value");
	return wrong == NULL && bev_where_read(json, tables, &request->where, answer);
}

/* ---- which rows ---- */

/* The conditions as parameters of a query over one table. */
typedef struct Parameters
{
	const Request *request;
	Oid types[CONDITIONS_MAX + 1];
	Datum values[CONDITIONS_MAX + 1];
} Parameters;

static void
convert_step(void *arg)
{
	Parameters *parameters = arg;

	for (int i = 0; i < parameters->request->count; i++)
	{
		Oid input;
		Oid param;

		getTypeInputInfo(parameters->types[i], &input, &param);
		parameters->values[i] =
			OidInputFunctionCall(input, parameters->request->conditions[i].value, param, -1);
	}
}

static bool
is_expression(const BevAttachedTable *table, const char *field)
{
	return !OidIsValid(bev_field_type(table->attachment, table->relid, field));
}

/* Is it left to who has the row? */
static bool
is_judged_later(const BevAttachedTable *table, const Condition *condition)
{
	return condition->is_filter && is_expression(table, condition->field);
}

/*
 * Write the query; false: the table has no such field, so none of its rows fits.
 * What is no column, and so has no index, is compared as text.
 */
static bool
build_query(const BevAttachedTable *table, const Request *request, Parameters *parameters,
            StringInfo sql)
{
	appendStringInfo(sql, "SELECT row.tableoid, row.ctid FROM %s WHERE true",
	                 bev_field_from(table->relid));
	for (int i = 0; i < request->count; i++)
	{
		const Condition *condition = &request->conditions[i];
		char *field = bev_field_sql(table->attachment, table->relid, condition->field);
		Oid type = bev_field_type(table->attachment, table->relid, condition->field);

		if (field == NULL)
			return false;
		parameters->types[i] = OidIsValid(type) ? type : TEXTOID;
		if (is_judged_later(table, condition))
			continue;
		appendStringInfo(sql, OidIsValid(type) ? " AND %s %s $%d" : " AND %s::text %s $%d", field,
		                 condition->operator, i + 1);
	}
	bev_where_append(sql, table, request->where);
	appendStringInfo(sql,
	                 OidIsValid(bev_field_type(table->attachment, table->relid, BEV_ENTITY_KEY)) ?
	                     " ORDER BY %s LIMIT $%d" :
	                     " ORDER BY %s::text LIMIT $%d",
	                 bev_field_sql(table->attachment, table->relid, BEV_ENTITY_KEY),
	                 request->count + 1);
	return true;
}

/* What the query found, copied to the caller's context. */
static Found *
take_found(MemoryContext caller, int *n)
{
	Found *found = MemoryContextAlloc(caller, sizeof(Found) * Max(SPI_processed, 1));

	*n = SPI_processed;
	for (int i = 0; i < *n; i++)
	{
		bool isnull;

		found[i].relid = DatumGetObjectId(
			SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
		found[i].tid = *(ItemPointer) DatumGetPointer(
			SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull));
	}
	return found;
}

static Found *
run_query(const char *sql, Parameters *parameters, int limit, MemoryContext caller, int *n)
{
	int count = parameters->request->count;
	Found *found;

	parameters->types[count] = INT8OID;
	parameters->values[count] = Int64GetDatum(limit);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(sql, count + 1, parameters->types, parameters->values, NULL, true,
	                          0) != SPI_OK_SELECT)
		elog(ERROR, "could not execute \"%s\"", sql);
	found = take_found(caller, n);
	SPI_finish();
	return found;
}

/* Does the query evaluate expressions of the attachment, for who knows how many rows? */
static bool
evaluates(const BevAttachedTable *table, const Request *request)
{
	bool does = is_expression(table, BEV_ENTITY_KEY);

	for (int i = 0; i < request->count; i++)
		does |= is_expression(table, request->conditions[i].field) &&
		        !is_judged_later(table, &request->conditions[i]);
	return does;
}

static void
note_costs(const BevAttachedTable *table, instr_time begin, BevPace pace)
{
	instr_time end;

	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, begin);
	bev_expression_stats_evaluated(table->relid, get_rel_name(table->relid), 0,
	                               INSTR_TIME_GET_MICROSEC(end), pace);
}

/*
 * Such a query counts as an evaluation, which took too long if it had all the time that there is.
 * A worker's own limit ends it, too.
 */
static Found *
run_evaluating_query(const BevAttachedTable *table, const char *sql, Parameters *parameters,
                     int limit, MemoryContext caller, int *n)
{
	bool limited = bev_time_limit_is_set();
	int temp_files = bev_temp_file_limit_begin();
	Found *volatile found = NULL;
	instr_time begin;

	INSTR_TIME_SET_CURRENT(begin);
	if (!limited)
		bev_time_limit_begin(bev_request_timeout / 10 * 9);
	PG_TRY();
	{
		found = run_query(sql, parameters, limit, caller, n);
	}
	PG_CATCH();
	{
		bev_temp_file_limit_end(temp_files);
		if (!limited)
			bev_time_limit_end();
		if (bev_time_limit_exceeded())
			note_costs(table, begin, BEV_TOO_LONG);
		PG_RE_THROW();
	}
	PG_END_TRY();
	bev_temp_file_limit_end(temp_files);
	if (!limited)
		bev_time_limit_end();
	note_costs(table, begin, BEV_IN_TIME);
	return found;
}

/*
 * Up to limit rows of one table.  Converting what the client sent is the owner's part,
 * too: reading a value of an array of domains runs the domain's checks.
 */
static Found *
find_rows(const BevAttachedTable *table, const Request *request, int limit, int *n)
{
	MemoryContext caller = CurrentMemoryContext;
	Parameters parameters = {.request = request};
	BevOwnerScope scope;
	StringInfoData sql;
	Found *found = NULL;

	*n = 0;
	if (!bev_table_lock_try(table->relid))
		ereport(ERROR,
		        (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
		         errmsg("table \"%s\" or an index of it is locked", get_rel_name(table->relid))));
	if (!bev_attached_table_enter(table, &scope))
		return NULL;
	initStringInfo(&sql);
	if (build_query(table, request, &parameters, &sql) &&
	    bev_subtransaction_run(convert_step, &parameters, false))
		found = evaluates(table, request) ?
		            run_evaluating_query(table, sql.data, &parameters, limit, caller, n) :
		            run_query(sql.data, &parameters, limit, caller, n);
	bev_owner_leave(&scope);
	return found;
}

/* ---- a row as a record ---- */

/* Append a record as the asker (NULL: somebody who may see all) sees it; false: not at all. */
static bool
append_seen(const BevRecord *record, const BevPrincipals *asker, BevAnswer *answer)
{
	Size size;
	char *bytes = bev_record_bytes(record, &size);

	if (asker && !bev_asker_sees(asker, &bytes, &size))
		return false;
	appendBinaryStringInfo(&answer->rest, bytes, size);
	answer->message.count++;
	return true;
}

/* The number of a field that can be filtered by. */
static int
field_of(const BevMapping *mapping, const char *name)
{
	const BevEntity *entity = mapping->entity;

	if (entity->project && strcmp(name, entity->project) == 0)
		return mapping->project;
	if (entity->bug && strcmp(name, entity->bug) == 0)
		return mapping->bug;
	return mapping->status;
}

/* What is a column the query has looked at. */
static bool
passes(const Condition *condition, BevMapping *mapping, BevRow *row)
{
	int field = field_of(mapping, condition->field);

	return field >= 0 && (mapping->fields[field].result < 0 ||
	                      (!row->nulls[field] && strcmp(bev_payload_row_text(mapping, row, field),
	                                                    condition->value) == 0));
}

static bool
passes_filters(const Request *request, BevMapping *mapping, BevRow *row)
{
	for (int i = 0; i < request->count; i++)
		if (request->conditions[i].is_filter && !passes(&request->conditions[i], mapping, row))
			return false;
	return true;
}

/* Append the record of a row that is there, wanted and for the asker; false: it isn't. */
static bool
append_record(const Request *request, const Found *found, const BevPrincipals *asker,
              BevAnswer *answer, const char **key)
{
	Relation rel = table_open(found->relid, AccessShareLock);
	Trigger *trigger = bev_attached_trigger(rel);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	ItemPointerData tid = found->tid;
	bool appended = false;

	if (trigger && table_tuple_fetch_row_version(rel, &tid, GetActiveSnapshot(), slot))
	{
		BevMapping *mapping = bev_mapping_get(rel, trigger);
		BevRow row;
		BevRowEvent event;

		bev_rows_read(mapping, rel, &slot, NULL, &row, 1);
		if (row.wanted && passes_filters(request, mapping, &row))
		{
			bev_row_event_begin(&event, mapping, &row, NULL, NULL);
			event.record.action = "updated";
			event.record.audience = bev_row_event_audience(&event, event.record.action);
			appended = append_seen(&event.record, asker, answer);
		}
		*key = bev_row_event_key(mapping, &row);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
	return appended;
}

/* ---- the two requests ---- */

/* Nobody waits for expressions that are suspended; but who somebody is has to be known. */
static bool
is_left_out(const BevAttachedTable *table)
{
	return bev_expression_stats_are_suspended(table->relid) &&
	       !bev_attachment_gives_access(table->attachment);
}

/* Append the record of the one row that is asked for, if there is one. */
static void
append_one(const Request *request, const BevPrincipals *asker, BevAnswer *answer)
{
	const char *key = NULL;
	ListCell *cell;

	foreach (cell, bev_attached_table_list(request->entity))
	{
		int n;
		Found *found;

		if (is_left_out(lfirst(cell)))
			continue;
		found = find_rows(lfirst(cell), request, 1, &n);

		if (n > 0 && append_record(request, &found[0], asker, answer, &key))
			return;
	}
}

/* By the index of its key; a key that is an expression might take long, so it may have any row. */
static bool
may_have_row(const BevAttachedTable *table, const Request *request)
{
	int n = 1;

	if (OidIsValid(bev_field_type(table->attachment, table->relid, BEV_ENTITY_KEY)))
		(void) find_rows(table, request, 1, &n);
	return n > 0;
}

/* That a row isn't found would be taken for its end; rows of other tables are not concerned. */
static void
refuse_suspended(const Request *request)
{
	ListCell *cell;

	foreach (cell, bev_attached_table_list(request->entity))
	{
		const BevAttachedTable *table = lfirst(cell);

		if (is_left_out(table) && may_have_row(table, request))
			ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			                errmsg("the expressions of table \"%s\" are suspended",
			                       get_rel_name(table->relid))));
	}
}

BevSpan
bev_row_fetch_find(const char *entity, const char *id)
{
	return bev_row_fetch_find_by(entity, BEV_ENTITY_KEY, id);
}

BevSpan
bev_row_fetch_find_by(const char *entity, const char *field, const char *value)
{
	Request request = {.entity = bev_entity_find(entity)};
	BevAnswer answer = {.message = {0}};

	initStringInfo(&answer.rest);
	add_condition(&request, field, "=", pstrdup(value));
	refuse_suspended(&request);
	append_one(&request, NULL, &answer);
	return (BevSpan){answer.rest.data, (uint32_t) answer.rest.len};
}

const char *
bev_row_fetch_key(const char *entity, const char *id, const BevPrincipals *asker)
{
	Request request = {.entity = bev_attached_kind_find(entity)};
	BevAnswer unused = {.message = {0}};
	bool seen = false;
	const char *key = NULL;
	ListCell *cell;
	int n;

	initStringInfo(&unused.rest);
	add_condition(&request, BEV_ENTITY_KEY, "=", pstrdup(id));
	foreach (cell, bev_attached_table_list(request.entity))
	{
		Found *found;

		if (is_left_out(lfirst(cell)))
			continue;
		found = find_rows(lfirst(cell), &request, 1, &n);
		if (n > 0)
			seen = append_record(&request, &found[0], asker, &unused, &key);
		if (key)
			break;
	}
	return asker == NULL || seen ? key : NULL;
}

bool
bev_row_fetch_exists(const char *entity, const char *id)
{
	Request request = {.entity = bev_entity_find(entity)};
	ListCell *cell;
	int n;

	add_condition(&request, BEV_ENTITY_KEY, "=", pstrdup(id));
	foreach (cell, bev_attached_table_list(request.entity))
	{
		(void) find_rows(lfirst(cell), &request, 1, &n);
		if (n > 0)
			return true;
	}
	return false;
}

void
bev_row_fetch_get(const BevQuestionHead *head, const char *payload, BevAnswer *answer)
{
	Request request = {0};
	BevPrincipals asker;
	Jsonb *json;
	char *id;

	if (!read_entity(payload, "type", &request, &json, answer))
		return;
	id = bev_request_id(json, BEV_ENTITY_KEY, answer);
	if (id == NULL || !bev_asker_find(head, &asker, answer))
		return;
	answer->message.kind = BEV_ANSWER_ROW;
	add_condition(&request, BEV_ENTITY_KEY, "=", id);
	append_one(&request, &asker, answer);
}

/*
 * The records of up to a limit of one table's rows, and the place behind them; false: it has none.
 * One more is looked for, to know whether there are more.
 */
static bool
list_table(const BevAttachedTable *table, const Request *request, bool is_last,
           const BevPrincipals *asker, BevAnswer *answer)
{
	const char *key = NULL;
	int n;
	int i = 0;
	Found *found = find_rows(table, request, request->limit + 1, &n);

	while (i < n && i < request->limit && answer->rest.len <= request->bytes)
		(void) append_record(request, &found[i++], asker, answer, &key);
	if (key)
		appendStringInfo(&answer->rest, "%c%u:%s", i < n || !is_last ? '+' : '.', table->relid,
		                 key);
	return key != NULL;
}

/* Rows of one table at a time, the first that has any. */
static void
list_tables(List *tables, const Request *request, const BevPrincipals *asker, BevAnswer *answer)
{
	ListCell *cell;

	answer->message.kind = BEV_ANSWER_ROWS;
	foreach (cell, tables)
	{
		BevAttachedTable *table = lfirst(cell);
		Request here = *request;

		if (table->relid < request->after_table || is_left_out(table))
			continue;
		if (table->relid != request->after_table && OidIsValid(request->after_table))
			here.count--; /* "after" is the last one, and another table's */
		if (list_table(table, &here, lnext(tables, cell) == NULL, asker, answer))
			return;
	}
	appendStringInfoChar(&answer->rest, '.');
}

void
bev_row_fetch_list(const BevQuestionHead *head, const char *payload, BevAnswer *answer)
{
	Request request = {.bytes = LIST_BYTES};
	BevPrincipals asker;
	Jsonb *json;
	List *tables;

	if (!read_entity(payload, "type", &request, &json, answer))
		return;
	tables = bev_attached_table_list(request.entity);
	if (read_list(json, tables, &request, answer) && bev_asker_find(head, &asker, answer))
		list_tables(tables, &request, &asker, answer);
}

/* ---- all rows ---- */

/* False: no row of this entity has such a field. */
static bool
read_range(Request *request, const char *field, const char *name, Jsonb *json)
{
	char *text;

	if (!bev_request_text(json, name, &text) || text == NULL)
		return true;
	if (field)
		add_filter(request, field, text);
	return field != NULL;
}

/* What is left out of a list would be taken for what isn't there. */
static void
refuse_left_out(List *tables)
{
	ListCell *cell;

	foreach (cell, tables)
	{
		const BevAttachedTable *table = lfirst(cell);

		if (is_left_out(table))
			ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			                errmsg("the expressions of table \"%s\" are suspended",
			                       get_rel_name(table->relid))));
	}
}

/* For all clients of a gateway, which judges for each; who takes one over reads all of it. */
void
bev_row_fetch_state(const BevQuestionHead *head, const char *payload, BevAnswer *answer)
{
	Request request = {.bytes = STATE_BYTES, .limit = STATE_ROWS};
	Jsonb *json;
	List *tables;
	char *after;

	if (!read_entity(payload, "types", &request, &json, answer))
		return;
	tables = bev_attached_table_list(request.entity);
	if (tables == NIL)
	{
		bev_answer_error(answer, "invalid_field", "types", "no table is attached as this type");
		return;
	}
	refuse_left_out(tables);
	if (!read_range(&request, request.entity->project, "project_id", json) ||
	    !read_range(&request, request.entity->bug, "bug_report_id", json))
		tables = NIL;
	if (bev_request_text(json, "after", &after) && after && !read_after(&request, after))
		bev_answer_error(answer, "invalid_field", "after", "it isn't where a round ended");
	else
	{
		list_tables(tables, &request, NULL, answer);
		bev_spool_answer_write(head, json, after == NULL, answer);
	}
}
