/*
 * change_log.h - what the transaction that is under way did, in order, until events are formed of
 * it: which versions of which rows it made, and what it sent.
 */
#ifndef BEV_SERVER_CHANGES_CHANGE_LOG_H
#define BEV_SERVER_CHANGES_CHANGE_LOG_H

#include "postgres.h"

#include "access/attnum.h"
#include "access/htup.h"
#include "storage/itemptr.h"

#define BEV_KEY_COLUMNS    2
#define BEV_LOG_ACTOR_SIZE 256

/* A column that is the row's key, or a part of it. */
typedef struct BevKeyColumn
{
	AttrNumber attnum;
	bool typbyval;
	int16 typlen;
} BevKeyColumn;

typedef enum BevLoggedKind
{
	BEV_LOGGED_ATTACHED,
	BEV_LOGGED_SYSTEM, /* a table of bugevents' own */
	BEV_LOGGED_LOOKUP  /* one that attached tables follow */
} BevLoggedKind;

/* A relation that has rows in the log, an attached table or a partition of one. */
typedef struct BevLoggedTable
{
	Oid relid;
	Oid root;    /* the attached table; tables of one root share their keys */
	Oid trigger; /* that logged its rows */
	Oid file;    /* that the versions are in */
	BevLoggedKind kind;
	int nkeys; /* -1: an expression is the key, which may be another each time */
	BevKeyColumn keys[BEV_KEY_COLUMNS];
} BevLoggedTable;

/* One change of a row, or a record.  20 bytes: there are as many as rows are changed. */
typedef struct BevLogged
{
	uint32 table : 30;  /* its number; BEV_LOG_RECORD: a record, which has to be read */
	uint32 rekeyed : 1; /* the key may be another one now */
	uint32 formed : 1;  /* out of turn: not to be looked at any more */
	uint32 actor;
	ItemPointerData old; /* invalid: it was inserted */
	ItemPointerData new; /* invalid: it was deleted */
} BevLogged;

#define BEV_LOG_RECORD ((1U << 30) - 1)

/* ---- adding ---- */

/*
 * The number of a table, which is copied unless one of the same relid, trigger and file is known.
 * Numbers are good until the transaction ends; then bev_change_log_era is another one.
 */
extern uint32 bev_change_log_table(const BevLoggedTable *table);
extern uint64 bev_change_log_era(void);

/*
 * Note a change of the current subtransaction, with which it vanishes: NULL where there was, or is,
 * no row.  actor is copied.  Throws when events are being formed, or were for the last time.
 */
extern void bev_change_log_row(uint32 table, HeapTuple old, HeapTuple new, bool rekeyed,
                               const char *actor);

/* Note an event record (event.h), which takes its place among the changes.  Throws as above. */
extern void bev_change_log_record(const char *record, Size size);

/* ---- reading ---- */

/* Is there anything of which no events were formed? */
extern bool bev_change_log_is_empty(void);

/* Has it grown to its bound?  Then events should be formed of what is in it. */
extern bool bev_change_log_is_full(void);

/*
 * What isn't formed yet; entries with the mark formed are to be passed over.  Valid until
 * something is added.
 */
extern const BevLogged *bev_change_log_entries(uint32 *n);

extern const BevLoggedTable *bev_change_log_get_table(uint32 number);
extern uint32 bev_change_log_tables(void);
extern const char *bev_change_log_actor(uint32 number);

/*
 * A copy of an entry's old or new version, NULL if there is none: the first few of a transaction
 * are kept, since most transactions have no more.
 */
extern HeapTuple bev_change_log_copy(const BevLogged *entry, bool new);

/* The bytes of an entry that is a record; may allocate in the current context. */
extern const char *bev_change_log_bytes(const BevLogged *entry);

/* ---- forming ---- */

/*
 * While events are formed nothing can be logged.  When all entries were, or those of the tables
 * marked in tables[] (else NULL), end() says so.  It stays so unless the subtransaction rolls back.
 */
extern void bev_change_log_begin_forming(void);
extern void bev_change_log_end_forming(const bool *tables);

/*
 * The command before which the rows were as they are known to be: what was changed since
 * is in the log.
 */
extern CommandId bev_change_log_before(void);

/*
 * A table got another file, so that what was in it before can't be looked at any more: "before"
 * begins here, if all was formed.
 */
extern void bev_change_log_begin_anew(void);

/* Does "before" mean the database as it was before the transaction changed any row? */
extern bool bev_change_log_is_whole(void);

/*
 * By a command expressions may give something else, of what was there before the transaction, too.
 * Noted with the current subtransaction.
 */
extern void bev_change_log_note_redefined(void);
extern bool bev_change_log_is_redefined(void);

/*
 * Attached tables of which something was published that the transaction may still make
 * another.  Noted with the current subtransaction, with which it is forgotten.
 */
extern void bev_change_log_note_provisional(Oid root);
extern const Oid *bev_change_log_provisional(uint32 *n);

/* ---- statements ---- */

/*
 * Statements that change rows, one within another.  While one is under way its rows may be changed
 * without being in the log.
 */
extern void bev_change_log_begin_statement(void);
extern void bev_change_log_end_statement(void);
extern bool bev_change_log_has_statement(void);

/* ---- the end ---- */

/* Subtransactions; level is that of the one that ends.  Don't throw. */
extern void bev_change_log_commit_level(int level);
extern void bev_change_log_abort_level(int level);

/* Nothing can be added any more in this transaction. */
extern void bev_change_log_close(void);

/* The transaction is over.  Doesn't throw. */
extern void bev_change_log_reset(void);

#endif /* BEV_SERVER_CHANGES_CHANGE_LOG_H */
