/*
 * hash.h - the hash of names that come from outside.
 *
 * Seeded anew in each process: who chooses the names can't choose collisions.
 *
 * Pure C.
 */
#ifndef BE_COMMON_TEXT_HASH_H
#define BE_COMMON_TEXT_HASH_H

#include <stdint.h>

#include "common/event/event.h"

extern uint32_t be_hash(BeSpan name);

#endif							/* BE_COMMON_TEXT_HASH_H */
