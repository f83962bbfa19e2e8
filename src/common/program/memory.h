/*
 * memory.h - allocation that does not fail.
 *
 * A gateway that is out of memory ends: the dispatcher starts another one and
 * the clients resume there without a gap.  That is safer than a thousand error
 * paths that no test has ever walked.  The same holds for the carrier and its courier.
 */
#ifndef BEV_COMMON_PROGRAM_MEMORY_H
#define BEV_COMMON_PROGRAM_MEMORY_H

#include <stddef.h>

/* The end, for others who could not allocate. */
extern void bev_out_of_memory(void) __attribute__((noreturn));

/* Zeroed memory. */
extern void *bev_alloc(size_t size);

/* As realloc; what was added is not zeroed. */
extern void *bev_realloc(void *old, size_t size);

/* A copy of len bytes with a terminator. */
extern char *bev_copy_text(const char *text, size_t len);

#endif /* BEV_COMMON_PROGRAM_MEMORY_H */
