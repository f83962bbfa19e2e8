/*
 * verifier_sandbox.c - what the process may ask of the kernel.
 *
 * Model: a seccomp filter (common/program/filter.h) with what every program of ours does, and
 * nothing besides: no file, no socket, no process, no memory that can be executed
 * (test/unit/verifier_sandbox_test.c).
 *
 * Sanitizers need far more than this; builds for them define BEV_WITHOUT_SANDBOX.
 */
#include "verifier/core/verifier_sandbox.h"

#ifdef BEV_WITHOUT_SANDBOX

bool
bev_verifier_sandbox_enter(char *error __attribute__((unused)),
                           size_t error_size __attribute__((unused)))
{
	return true;
}

#else

#include "common/program/filter.h"

bool
bev_verifier_sandbox_enter(char *error, size_t error_size)
{
	static const BevFilterRules rules[] = {bev_filter_allow_data, NULL};

	return bev_filter_load(NULL, 0, rules, error, error_size);
}

#endif /* BEV_WITHOUT_SANDBOX */
