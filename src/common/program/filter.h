/*
 * filter.h - seccomp filters: a list of system calls that are allowed, a call that is hidden.
 *
 * Model: everything else fails with EPERM rather than kill: what a C library calls besides, on a
 * machine that we have not seen, mostly does without, and an attacker gains nothing by it.
 */
#ifndef BEV_COMMON_PROGRAM_FILTER_H
#define BEV_COMMON_PROGRAM_FILTER_H

#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>

/* Allow a call with these arguments, in the filter that is in scope; 0, or what failed. */
#define BEV_FILTER_ALLOW(call, count, ...) \
	seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(call), count, __VA_ARGS__)

/* Add rules about arguments; 0, or what failed. */
typedef int (*BevFilterRules)(scmp_filter_ctx filter);

/*
 * Rules of who runs no code but the program's: memory that isn't to be run (it is where exploits
 * put theirs), and sending on what is connected, to no address (with TCP Fast Open that would be a
 * connect()).
 */
extern int bev_filter_allow_data(scmp_filter_ctx filter);

/*
 * Load a filter with what every program of ours does (filter.c), with these calls, whatever their
 * arguments, and with what the rules add, which end with NULL.  False, with the reason in error:
 * the kernel doesn't offer it.
 */
extern bool bev_filter_load(const int *calls, size_t count, const BevFilterRules *rules,
                            char *error, size_t error_size);

/*
 * From now on one system call fails as on a kernel that doesn't have it, so that a library takes
 * another way; everything else goes on.  False: the kernel offers no filter.
 */
extern bool bev_filter_hide(int call);

#endif /* BEV_COMMON_PROGRAM_FILTER_H */
