/*
 * index_move.h - moving an index of the journal to another tablespace.
 */
#ifndef BEV_SERVER_JOURNAL_INDEX_MOVE_H
#define BEV_SERVER_JOURNAL_INDEX_MOVE_H

#include "postgres.h"

#include "nodes/nodes.h"

/*
 * Before a utility command: if it moves such an index, its table is locked until the end of the
 * transaction, so that nobody writes meanwhile.  May wait for that lock.
 */
extern void bev_index_move_lock(Node *command);

#endif /* BEV_SERVER_JOURNAL_INDEX_MOVE_H */
