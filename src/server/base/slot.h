/*
 * slot.h - the tuple in a slot.
 */
#ifndef BEV_SERVER_BASE_SLOT_H
#define BEV_SERVER_BASE_SLOT_H

#include "postgres.h"

#include "executor/tuptable.h"

/*
 * As ExecFetchSlotHeapTuple() without materializing: the slot's own tuple, as in all slots of heap
 * tables that were fetched, or a copy.
 */
static inline HeapTuple
bev_slot_tuple(TupleTableSlot *slot, bool *copied)
{
	HeapTuple tuple = TTS_IS_BUFFERTUPLE(slot) || TTS_IS_HEAPTUPLE(slot) ?
	                      ((HeapTupleTableSlot *) slot)->tuple :
	                      NULL;

	*copied = false;
	return tuple ? tuple : ExecFetchSlotHeapTuple(slot, false, copied);
}

#endif /* BEV_SERVER_BASE_SLOT_H */
