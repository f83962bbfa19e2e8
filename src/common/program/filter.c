/*
 * filter.c - seccomp filters: a list of system calls that are allowed, a call that is hidden.
 */
#include "common/program/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

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

/* What a program of ours does whatever it is for, with any arguments. */
static const int common_calls[] = {
	/* Descriptors that are open */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(close),
	SCMP_SYS(recvfrom),
	SCMP_SYS(poll),
	/* Memory */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	/* Waiting */
	SCMP_SYS(futex),
	SCMP_SYS(restart_syscall),
	/* Time, chance, itself */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	/* Signals that are handled, and the end */
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
};

static int
allow_calls(scmp_filter_ctx filter, const int *calls, size_t count)
{
	int failure = 0;

	for (size_t i = 0; i < count && failure == 0; i++)
		failure = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return failure;
}

/* Descriptors' flags and copies, but not who gets their signals. */
static int
allow_descriptors(scmp_filter_ctx filter)
{
	static const unsigned commands[] = {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC};
	int failure = BEV_FILTER_ALLOW(ioctl, 1, SCMP_A1(SCMP_CMP_EQ, FIONBIO, 0));

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		failure = failure || BEV_FILTER_ALLOW(fcntl, 1, SCMP_A1(SCMP_CMP_EQ, commands[i], 0));
	return failure;
}

/* The process itself, not its neighbours, who have the same user. */
static int
allow_itself(scmp_filter_ctx filter)
{
	return BEV_FILTER_ALLOW(tgkill, 1, SCMP_A0(SCMP_CMP_EQ, (unsigned) getpid(), 0)) ||
	       BEV_FILTER_ALLOW(prlimit64, 1, SCMP_A0(SCMP_CMP_EQ, 0, 0));
}

int
bev_filter_allow_data(scmp_filter_ctx filter)
{
	return BEV_FILTER_ALLOW(mmap, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) ||
	       BEV_FILTER_ALLOW(mprotect, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) ||
	       BEV_FILTER_ALLOW(sendto, 1, SCMP_A4(SCMP_CMP_EQ, 0, 0));
}

static int
allow_all(scmp_filter_ctx filter, const int *calls, size_t count, const BevFilterRules *rules)
{
	int failure = allow_calls(filter, common_calls, sizeof(common_calls) / sizeof(common_calls[0]));

	if (failure == 0)
		failure = allow_calls(filter, calls, count);
	if (failure != 0)
		return failure;
	if (allow_descriptors(filter) != 0 || allow_itself(filter) != 0)
		return -EINVAL;
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
