/*
 * sequence.h - where the seqs of a server's life begin.
 */
#ifndef BE_SERVER_JOURNAL_SEQUENCE_H
#define BE_SERVER_JOURNAL_SEQUENCE_H

/*
 * Make sure that seqs are being given out.  To be called in a transaction; may
 * read the journal.
 */
extern void be_sequence_begin(void);

#endif							/* BE_SERVER_JOURNAL_SEQUENCE_H */
