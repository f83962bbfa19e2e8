/*
 * hash.h - the hash of names that come from outside.
 *
 * Seeded anew in each process: who chooses the names doesn't know which of them collide.
 *
 * Pure C.
 */
#ifndef BEV_COMMON_PROGRAM_HASH_H
#define BEV_COMMON_PROGRAM_HASH_H

#include <stdint.h>

#include "common/event/event.h"

extern uint32_t bev_hash(BevSpan name);

#endif /* BEV_COMMON_PROGRAM_HASH_H */
