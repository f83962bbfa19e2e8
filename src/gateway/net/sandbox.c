/*
 * sandbox.c - what the process may ask of the kernel.
 *
 * Model: a seccomp filter (filter.h) with the list of what a gateway needs.
 *
 * Sockets: none can be made, bound or made to listen, and none connected.  Those that listen are
 * passed by the dispatcher, over one descriptor (listener.c), which alone recvmsg() is for.
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

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

/* With any arguments, beside those of filter.c. */
static const int allowed[] = {
	/* Descriptors that are open */
	SCMP_SYS(accept4),    SCMP_SYS(shutdown),   SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	SCMP_SYS(getsockopt), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_ctl),
};

/* What comes over the one descriptor, and the one option that libwebsockets sets. */
static int
allow_sockets(scmp_filter_ctx filter)
{
	return BEV_FILTER_ALLOW(recvmsg, 1, SCMP_A0(SCMP_CMP_EQ, BEV_SANDBOX_SOCKETS, 0)) ||
	       BEV_FILTER_ALLOW(setsockopt, 2, SCMP_A1(SCMP_CMP_EQ, IPPROTO_TCP, 0),
	                        SCMP_A2(SCMP_CMP_EQ, TCP_NODELAY, 0));
}

void
bev_sandbox_hide_rings(void)
{
	(void) bev_filter_hide(SCMP_SYS(io_uring_setup));
}

bool
bev_sandbox_enter(char *error, size_t error_size)
{
	static const BevFilterRules rules[] = {bev_filter_allow_data, allow_sockets, NULL};

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
