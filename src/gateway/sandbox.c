/*
 * sandbox.c - what the process may ask of the kernel.
 *
 * Model: a seccomp filter with the list of what a gateway needs.  Everything else
 * fails with EPERM rather than kill: what a C library calls besides, on a machine
 * that we have not seen, mostly does without, and an attacker gains nothing by it.
 *
 * Sockets: only TCP ones can be made, which is what listening anew after a reload
 * takes, and there is no connect().
 *
 * Not here: memory and descriptors, which have limits of their own (gateway.c).
 *
 * Sanitizers and valgrind need far more than this; builds for them define
 * BE_WITHOUT_SANDBOX.
 */
#include "sandbox.h"

#ifdef BE_WITHOUT_SANDBOX

bool
be_sandbox_enter(char *error __attribute__((unused)), size_t error_size __attribute__((unused)))
{
	return true;
}

#else

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* With any arguments. */
static const int allowed[] = {
	/* Descriptors that are open */
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(recvfrom),
	SCMP_SYS(accept4), SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(shutdown),
	SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_ctl), SCMP_SYS(poll),
	SCMP_SYS(futex), SCMP_SYS(restart_syscall),
	/* Memory */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	/* Time, chance, itself */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid),
	/* Signals that it handles, and its end */
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(exit), SCMP_SYS(exit_group),
};

#define ALLOW(call, count, ...) \
	seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(call), count, __VA_ARGS__)

/* Memory may be had, but never to be run: it is where exploits put their code. */
static int
allow_memory(scmp_filter_ctx filter)
{
	return ALLOW(mmap, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) ||
		ALLOW(mprotect, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

/* TCP, and no address to send to: with TCP Fast Open that would be a connect(). */
static int
allow_sockets(scmp_filter_ctx filter)
{
	return ALLOW(socket, 3, SCMP_A0(SCMP_CMP_EQ, AF_INET, 0),
				 SCMP_A1(SCMP_CMP_MASKED_EQ, 0xff, SOCK_STREAM), SCMP_A2(SCMP_CMP_EQ, 0, 0)) ||
		ALLOW(socket, 3, SCMP_A0(SCMP_CMP_EQ, AF_INET6, 0),
			  SCMP_A1(SCMP_CMP_MASKED_EQ, 0xff, SOCK_STREAM), SCMP_A2(SCMP_CMP_EQ, 0, 0)) ||
		ALLOW(sendto, 1, SCMP_A4(SCMP_CMP_EQ, 0, 0));
}

/* Descriptors' flags and copies, but not who gets their signals. */
static int
allow_descriptors(scmp_filter_ctx filter)
{
	static const int commands[] = {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC};
	int			failure = ALLOW(ioctl, 1, SCMP_A1(SCMP_CMP_EQ, FIONBIO, 0));

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		failure = failure || ALLOW(fcntl, 1, SCMP_A1(SCMP_CMP_EQ, (unsigned) commands[i], 0));
	return failure;
}

/* The process itself, not its neighbours, who have the same user. */
static int
allow_itself(scmp_filter_ctx filter)
{
	return ALLOW(tgkill, 1, SCMP_A0(SCMP_CMP_EQ, (unsigned) getpid(), 0)) ||
		ALLOW(prlimit64, 1, SCMP_A0(SCMP_CMP_EQ, 0, 0));
}

static int
allow_all(scmp_filter_ctx filter)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
	{
		int			failure = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);

		if (failure != 0)
			return failure;
	}
	return allow_memory(filter) || allow_sockets(filter) || allow_descriptors(filter) ||
		allow_itself(filter) ? -EINVAL : 0;
}

bool
be_sandbox_enter(char *error, size_t error_size)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int			failure = filter ? allow_all(filter) : -ENOMEM;

	if (failure == 0)
		failure = seccomp_load(filter);
	if (filter)
		seccomp_release(filter);
	if (failure != 0)
		snprintf(error, error_size, "could not load the seccomp filter: %s", strerror(-failure));
	return failure == 0;
}

#endif							/* BE_WITHOUT_SANDBOX */
