/*
 * change.h - an event of the journal, as the projector looks at it.
 */
#ifndef BEV_NOTIFY_PROJECTOR_CHANGE_H
#define BEV_NOTIFY_PROJECTOR_CHANGE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "common/event/event.h"
#include "server/base/statement.h"
#include "utils/jsonb.h"

/* Texts are in the server's encoding, and not NULL. */
typedef struct BevChange
{
	uint64 seq;
	TimestampTz at; /* of the commit */
	const char *type;
	const char *action;
	const char *actor; /* empty: not known */
	const char *key;   /* the row's id */
	const char *bug;   /* empty: none */
	BevSpan audience;  /* as in the record */
	bool narrowed;     /* for those only who didn't see the row before */
	bool foreign;      /* of a table that decides nothing */
	bool replayed;     /* a row that is told again; nothing happened */
	BevSpan payload_text;
	BevSpan changes_text;
	BevSpan open_text; /* the payload without what is for admins only; empty: the same */
	BevSpan open_changes_text;
	Jsonb *payload; /* parsed when they are first asked for */
	Jsonb *changes;
	Jsonb *open;
} BevChange;

/* Look at an event; allocates in the current context. */
extern void bev_change_read(BevChange *change, uint64 seq, TimestampTz at, const BevEvent *event);

/* The row of that entity and id as it is now, as if it had just changed.  False: there is none. */
extern bool bev_change_current(BevChange *change, const char *entity, const char *id);

/* The same for the row whose field has this value; of several it is any. */
extern bool bev_change_current_by(BevChange *change, const char *entity, const char *field,
                                  const char *value);

extern bool bev_change_is(const BevChange *change, const char *type, const char *action);

/* A member of the payload as text, palloc'd; NULL: null, no scalar, or not there. */
extern char *bev_change_text(BevChange *change, const char *field);

/* May everybody read this member who may see the event, or only admins? */
extern bool bev_change_is_open(BevChange *change, const char *field);

/* As bev_change_text, for what is told to others: NULL also if it is for admins only. */
extern char *bev_change_open_text(BevChange *change, const char *field);

/* The old and the new value of a field that changed; false: it didn't. */
extern bool bev_change_of(BevChange *change, const char *field, char **old, char **new);

/* {"field":[old,new]} as the event has it, as text; NULL: it didn't change. */
extern char *bev_change_pair(BevChange *change, const char *field);

/* The row, as jsonb. */
extern BevValue bev_change_row(BevChange *change);

/* Which fields changed, as jsonb; null: none. */
extern BevValue bev_change_all_changes(BevChange *change);

/* As others than admins read them, none is {} here; null: the same. */
extern BevValue bev_change_open_changes(const BevChange *change);

/* The audience as text, as it is in the record. */
extern BevValue bev_change_audience(const BevChange *change);

/* What an event says of a row that has another id now; false: it hasn't. */
extern bool bev_change_rekeyed(BevChange *change, char **old, char **new);

/*
 * A truncated table's rows are gone.  Is there another one attached as the same entity, whose rows
 * are not?
 */
extern bool bev_change_leaves_others(BevChange *change);

#endif /* BEV_NOTIFY_PROJECTOR_CHANGE_H */
