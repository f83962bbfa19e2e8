/*
 * memory.h - allocation that does not fail.
 *
 * A gateway that is out of memory ends: the dispatcher starts another one and
 * the clients resume there without a gap.  That is safer than a thousand error
 * paths that no test has ever walked.  The same holds for the carrier and its courier.
 */
#ifndef BE_COMMON_PROGRAM_MEMORY_H
#define BE_COMMON_PROGRAM_MEMORY_H

#include <stddef.h>

/* The end, for others who could not allocate. */
extern void be_out_of_memory(void) __attribute__((noreturn));

/* Zeroed memory. */
extern void *be_alloc(size_t size);

/* As realloc; what was added is not zeroed. */
extern void *be_realloc(void *old, size_t size);

/* A copy of len bytes with a terminator. */
extern char *be_copy_text(const char *text, size_t len);

#endif							/* BE_COMMON_PROGRAM_MEMORY_H */
