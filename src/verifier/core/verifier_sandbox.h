/*
 * verifier_sandbox.h - what the process may ask of the kernel.
 */
#ifndef BEV_VERIFIER_CORE_VERIFIER_SANDBOX_H
#define BEV_VERIFIER_CORE_VERIFIER_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/*
 * From now on: the descriptors that are open, memory, time, chance, its end.  False, with the
 * reason in error: the kernel has no such filter.
 */
extern bool bev_verifier_sandbox_enter(char *error, size_t error_size);

#endif /* BEV_VERIFIER_CORE_VERIFIER_SANDBOX_H */
