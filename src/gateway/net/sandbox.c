/*
 * sandbox.c - what the process may ask of the kernel.
 *
 * Model: a seccomp filter (filter.h) with the list of what a gateway needs.
 *
 * Sockets: only TCP ones can be made, which is what listening anew after a reload
 * takes, and there is no connect().
 *
 * Rings: what is done by an io_uring passes no filter, so a gateway may have none.  libuv
 * (from 1.49) makes one with its loop, long before the filter, and aborts when the kernel
 * then refuses to be told of it.  A first filter makes the kernel look like one without
 * io_uring, before the loop is made; libuv does with epoll what it did before there were rings.
 *
 * Not here: how much memory and how many descriptors (gateway.c).
 *
 * Sanitizers and valgrind need far more than this; builds for them define
 * BEV_WITHOUT_SANDBOX.
 */
#include "gateway/net/sandbox.h"

#ifdef BEV_WITHOUT_SANDBOX

void
bev_sandbox_hide_rings(void)
{
}

bool
bev_sandbox_enter(char *error __attribute__((unused)), size_t error_size __attribute__((unused)))
{
	return true;
}

void
bev_sandbox_limit_memory(uint64_t bytes __attribute__((unused)))
{
}

#else

#include "common/program/filter.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* With any arguments. */
static const int allowed[] = {
	/* Descriptors that are open */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(close),
	SCMP_SYS(recvfrom),
	SCMP_SYS(accept4),
	SCMP_SYS(bind),
	SCMP_SYS(listen),
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(poll),
	SCMP_SYS(futex),
	SCMP_SYS(restart_syscall),
	/* Memory */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	/* Time, chance, itself */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	/* Signals that it handles, and its end */
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* Memory may be had, but never to be run: it is where exploits put their code. */
static int
allow_memory(scmp_filter_ctx filter)
{
	return BEV_FILTER_ALLOW(mmap, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) ||
	       BEV_FILTER_ALLOW(mprotect, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

/* TCP, and no address to send to: with TCP Fast Open that would be a connect(). */
static int
allow_sockets(scmp_filter_ctx filter)
{
	return BEV_FILTER_ALLOW(socket, 3, SCMP_A0(SCMP_CMP_EQ, AF_INET, 0),
	                        SCMP_A1(SCMP_CMP_MASKED_EQ, 0xff, SOCK_STREAM),
	                        SCMP_A2(SCMP_CMP_EQ, 0, 0)) ||
	       BEV_FILTER_ALLOW(socket, 3, SCMP_A0(SCMP_CMP_EQ, AF_INET6, 0),
	                        SCMP_A1(SCMP_CMP_MASKED_EQ, 0xff, SOCK_STREAM),
	                        SCMP_A2(SCMP_CMP_EQ, 0, 0)) ||
	       BEV_FILTER_ALLOW(sendto, 1, SCMP_A4(SCMP_CMP_EQ, 0, 0));
}

/* Descriptors' flags and copies, but not who gets their signals. */
static int
allow_descriptors(scmp_filter_ctx filter)
{
	static const int commands[] = {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC};
	int failure = BEV_FILTER_ALLOW(ioctl, 1, SCMP_A1(SCMP_CMP_EQ, FIONBIO, 0));

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		failure =
			failure || BEV_FILTER_ALLOW(fcntl, 1, SCMP_A1(SCMP_CMP_EQ, (unsigned) commands[i], 0));
	return failure;
}

/* The process itself, not its neighbours, who have the same user. */
static int
allow_itself(scmp_filter_ctx filter)
{
	return BEV_FILTER_ALLOW(tgkill, 1, SCMP_A0(SCMP_CMP_EQ, (unsigned) getpid(), 0)) ||
	       BEV_FILTER_ALLOW(prlimit64, 1, SCMP_A0(SCMP_CMP_EQ, 0, 0));
}

void
bev_sandbox_hide_rings(void)
{
	(void) bev_filter_hide(SCMP_SYS(io_uring_setup));
}

bool
bev_sandbox_enter(char *error, size_t error_size)
{
	static const BevFilterRules rules[] = {allow_memory, allow_sockets, allow_descriptors,
	                                       allow_itself, NULL};

	return bev_filter_load(allowed, sizeof(allowed) / sizeof(allowed[0]), rules, error, error_size);
}

void
bev_sandbox_limit_memory(uint64_t bytes)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_AS, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max < bytes ? limit.rlim_max : bytes;
	setrlimit(RLIMIT_AS, &limit);
}

#endif /* BEV_WITHOUT_SANDBOX */
