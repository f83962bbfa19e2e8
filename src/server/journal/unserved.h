/*
 * unserved.h - what was written while another database was served.
 */
#ifndef BEV_SERVER_JOURNAL_UNSERVED_H
#define BEV_SERVER_JOURNAL_UNSERVED_H

#include "postgres.h"

/*
 * This transaction changes something that would have been published if this database were the
 * one that bugevents.database names.  In a transaction with an active snapshot.
 */
extern void bev_unserved_note(void);

/*
 * Is something missing from the stream for that reason?  True: the note of it is taken; the
 * caller sees to it, in the same transaction, that nobody resumes from before.
 */
extern bool bev_unserved_take(void);

#endif /* BEV_SERVER_JOURNAL_UNSERVED_H */
