/*
 * flush.c - when events are formed of what a transaction changed.
 *
 * Model: when it commits, or is prepared: then each row is known as it was and as it will be.
 * Earlier for two reasons, and then the transaction is published in pieces, each of which leads
 * from one state that it went through to the next:
 *
 *	DDL		would take away what the log leads to: versions (rewritten, truncated, dropped tables),
 *			columns, triggers, or what expressions look up.  So before a utility command that
 *			might, events are formed.  Which ones can't is a list, since there will be new ones.
 *	memory	when the log is full (bugevents.netting_limit).
 *
 * While a statement changes rows, some of its changes are made but not logged, and what a trigger
 * did is logged before what it was fired by.  Events formed then would be of states that weren't,
 * in an order that wasn't.  So a full log waits until no such statement is under way; they are
 * counted, as the executor begins and ends them.  DDL can't wait; but it can't concern a table
 * either that a statement is about to change.  So only the rows of tables that
 * nobody else has open are formed then.
 *
 * What a piece says may not be so at the commit: provisional.c.
 *
 * Failure: an error takes back the statement, as any other error of it.  What subtransactions take
 * back is put back in the log (change_log.c).
 *
 * Memory: the log's, to its bound; forming has its own (forming.c).
 *
 * Cost: a look at each statement that changes rows, and at each utility command.
 *
 * What an operator asks
 *	Why did a transaction publish	It had DDL on attached tables, or more changes than
 *	states in between?				bugevents.netting_limit.
 */
#include "postgres.h"

#include "server/capture/flush.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "server/base/compat.h"
#include "server/capture/ddl.h"
#include "server/capture/forming.h"
#include "server/changes/change_log.h"

/* Has nobody else the relation open? */
static bool
is_at_rest(const BevLoggedTable *table)
{
	Relation rel = try_table_open(table->relid, NoLock);
	bool at_rest = rel && rel->rd_refcnt == 1;

	if (rel)
		table_close(rel, NoLock);
	return at_rest;
}

static void
form_tables_at_rest(void)
{
	uint32 n = bev_change_log_tables();
	bool *tables = palloc(sizeof(bool) * Max(n, 1));

	for (uint32 i = 0; i < n; i++)
		tables[i] = is_at_rest(bev_change_log_get_table(i));
	bev_forming_run(tables);
	pfree(tables);
}

/* What was changed until here is visible from here on. */
static void
form_now(void)
{
	if (bev_change_log_is_empty())
		return;
	CommandCounterIncrement();
	if (bev_change_log_has_statement())
		form_tables_at_rest();
	else
		bev_forming_run(NULL);
}

void
bev_flush_end_statement(void)
{
	bev_change_log_end_statement();
	if (bev_change_log_is_full() && !bev_change_log_has_statement())
		form_now();
}

/* ---- utility commands ---- */

static bool
is_temporary(RangeVar *name)
{
	Oid relid = RangeVarGetRelid(name, NoLock, true);

	return OidIsValid(relid) && isAnyTempNamespace(get_rel_namespace(relid));
}

static bool
are_temporary(List *names)
{
	ListCell *cell;

	foreach (cell, names)
		if (!is_temporary(lfirst_node(RangeVar, cell)))
			return false;
	return true;
}

static bool
drops_temporary(const DropStmt *drop)
{
	ListCell *cell;

	if (drop->removeType != OBJECT_TABLE)
		return false;
	foreach (cell, drop->objects)
		if (!is_temporary(makeRangeVarFromNameList(lfirst_node(List, cell))))
			return false;
	return true;
}

/* Can the command take away what the log leads to, or what an expression needs? */
static bool
may_invalidate(Node *command)
{
	switch (nodeTag(command))
	{
		case T_AlterTableStmt:
			return !is_temporary(((AlterTableStmt *) command)->relation);
		case T_TruncateStmt:
			return !are_temporary(((TruncateStmt *) command)->relations);
		case T_DropStmt:
			return !drops_temporary((DropStmt *) command);

		/* They read, set, or make something new. */
		case T_AlterSeqStmt:
		case T_CallStmt:
		case T_CheckPointStmt:
		case T_ClosePortalStmt:
		case T_CommentStmt:
		case T_ConstraintsSetStmt:
		case T_CopyStmt:
		case T_CreateStmt:
		case T_CreateCastStmt:
		case T_CreateDomainStmt:
		case T_CreateEnumStmt:
		case T_CreateEventTrigStmt:
		case T_CreateSchemaStmt:
		case T_CreateSeqStmt:
		case T_CreateTableAsStmt:
		case T_DeallocateStmt:
		case T_DeclareCursorStmt:
		case T_DiscardStmt:
		case T_DoStmt:
		case T_ExecuteStmt:
		case T_ExplainStmt:
		case T_FetchStmt:
		case T_GrantStmt:
		case T_GrantRoleStmt:
		case T_IndexStmt:
		case T_ListenStmt:
		case T_LoadStmt:
		case T_LockStmt:
		case T_NotifyStmt:
		case T_PrepareStmt:
		case T_RefreshMatViewStmt:
		case T_SecLabelStmt:
		case T_TransactionStmt:
		case T_UnlistenStmt:
		case T_VacuumStmt:
		case T_VariableSetStmt:
		case T_VariableShowStmt:
		case T_ViewStmt:
			return false;
		default:
			return true;
	}
}

static bool
renames_what_is_looked_up(const RenameStmt *rename)
{
	switch (rename->renameType)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_FUNCTION:
		case OBJECT_SCHEMA:
			return true;
		default:
			return false;
	}
}

/* Do rows come into a table, or leave it, as they are? */
static bool
moves_rows(const AlterTableStmt *alter)
{
	ListCell *cell;

	foreach (cell, alter->cmds)
		switch (lfirst_node(AlterTableCmd, cell)->subtype)
		{
			case AT_AttachPartition:
			case AT_DetachPartition:
			case AT_AddInherit:
			case AT_DropInherit:
				return true;
			default:
				break;
		}
	return false;
}

/* Can expressions give something else by the command, though no row that they look up changed? */
static bool
may_redefine(Node *command)
{
	switch (nodeTag(command))
	{
		case T_RenameStmt:
			return renames_what_is_looked_up((RenameStmt *) command);
		case T_AlterTableStmt:
			return moves_rows((AlterTableStmt *) command);
		case T_CreateFunctionStmt:
			return ((CreateFunctionStmt *) command)->replace;
		case T_ViewStmt:
			return ((ViewStmt *) command)->replace;
		case T_AlterEnumStmt:
		case T_AlterObjectSchemaStmt:
		case T_RuleStmt:
			return true;
		default:
			return false;
	}
}

/* COPY FROM changes rows without the executor. */
static bool
is_copy_from(Node *command)
{
	return IsA(command, CopyStmt) && ((CopyStmt *) command)->is_from;
}

void
bev_flush_before_command(Node *command, BevCommandFlush *flush)
{
	flush->copies = is_copy_from(command);
	flush->invalidates = may_invalidate(command);
	if (flush->invalidates)
	{
		flush->files = bev_dropped_files();
		bev_ddl_before(command, &flush->ddl);
		form_now();
	}
	if (flush->copies)
		bev_change_log_begin_statement();
}

void
bev_flush_after_command(Node *command, BevCommandFlush *flush)
{
	if (flush->invalidates)
	{
		CommandCounterIncrement();
		if (bev_dropped_files() != flush->files)
			bev_change_log_begin_anew();
		bev_ddl_after(command, &flush->ddl);
	}
	if (may_redefine(command))
		bev_change_log_note_redefined();
	if (flush->copies)
		bev_flush_end_statement();
}

/* ---- the end ---- */

/* A prepared transaction would keep the locks until somebody commits it. */
void
bev_flush_finish(bool commits)
{
	bev_forming_finish(commits);
	bev_change_log_close();
}
