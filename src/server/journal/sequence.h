/*
 * sequence.h - where the seqs of a server's life begin.
 */
#ifndef BEV_SERVER_JOURNAL_SEQUENCE_H
#define BEV_SERVER_JOURNAL_SEQUENCE_H

/*
 * Make sure that seqs are being given out.  To be called in a transaction; may
 * read the journal.
 */
extern void bev_sequence_begin(void);

#endif /* BEV_SERVER_JOURNAL_SEQUENCE_H */
