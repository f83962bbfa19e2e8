/*
 * filter.c - seccomp filters: a list of system calls that are allowed, a call that is hidden.
 */
#include "common/program/filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool
bev_filter_hide(int call)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool hidden = filter && seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), call, 0) == 0 &&
	              seccomp_load(filter) == 0;

	if (filter)
		seccomp_release(filter);
	return hidden;
}

static int
allow_all(scmp_filter_ctx filter, const int *calls, size_t count, const BevFilterRules *rules)
{
	for (size_t i = 0; i < count; i++)
	{
		int failure = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);

		if (failure != 0)
			return failure;
	}
	for (; *rules; rules++)
		if ((*rules)(filter) != 0)
			return -EINVAL;
	return 0;
}

bool
bev_filter_load(const int *calls, size_t count, const BevFilterRules *rules, char *error,
                size_t error_size)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int failure = filter ? allow_all(filter, calls, count, rules) : -ENOMEM;

	if (failure == 0)
		failure = seccomp_load(filter);
	if (filter)
		seccomp_release(filter);
	if (failure != 0)
		snprintf(error, error_size, "could not load the seccomp filter: %s", strerror(-failure));
	return failure == 0;
}
