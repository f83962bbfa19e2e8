/*
 * sandbox_test.c - what the kernel refuses a gateway, and what it doesn't.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "attempt.h"
#include "forbidden.h"
#include "common/pipe/passed_sockets.h"
#include "gateway/net/sandbox.h"
#include "tap.h"

/* A socket that listens, made by the parent: what children try to reach. */
static struct sockaddr_in target = {.sin_family = AF_INET};
static int made_before; /* a TCP socket from before the sandbox */

/* Each returns as a system call does. */
/* Calls that newer machines do without. */
#ifdef SYS_open
static long
open_old(void)
{
	return syscall(SYS_open, "/etc/passwd", O_RDONLY);
}
static long
start_process(void)
{
	return syscall(SYS_fork);
}
#endif
static long
open_file(void)
{
	return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}
static long
look_at_file(void)
{
	struct stat s;
	return syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", &s, 0);
}
static long
create_file(void)
{
	return syscall(SYS_openat, AT_FDCWD, "/tmp/bugevents-sandbox-test", O_CREAT | O_WRONLY, 0600);
}
static long
remove_file(void)
{
	return unlink("/tmp/bugevents-sandbox-test");
}
static long
connect_out(void)
{
	return connect(made_before, (struct sockaddr *) &target, sizeof(target));
}
static long
tcp_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}
static long
tcp6_socket(void)
{
	return socket(AF_INET6, SOCK_STREAM, 0);
}
static long
pair_of_sockets(void)
{
	int pair[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
}
static long
bind_socket(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET};

	return bind(made_before, (struct sockaddr *) &any, sizeof(any));
}
static long
listen_on_socket(void)
{
	return listen(made_before, 5);
}
static long
set_option(int level, int name)
{
	int on = 1;

	return setsockopt(made_before, level, name, &on, sizeof(on));
}
static long
mark_packets(void)
{
	return set_option(SOL_SOCKET, SO_MARK);
}
static long
share_port(void)
{
	return set_option(SOL_SOCKET, SO_REUSEPORT);
}
static long
attach_filter(void)
{
	return set_option(SOL_SOCKET, SO_ATTACH_FILTER);
}
static long
buffer_more(void)
{
	return set_option(SOL_SOCKET, SO_RCVBUF);
}
static long
choose_congestion(void)
{
	return set_option(IPPROTO_TCP, TCP_CONGESTION);
}
static long
receive_elsewhere(void)
{
	int fd[BEV_PASSED_SOCKETS_MAX];

	return bev_passed_sockets_receive(made_before, fd);
}
static long
pass_on(void)
{
	return bev_passed_sockets_send(BEV_SANDBOX_SOCKETS, &made_before, 1) ? 0 : -1;
}
static long
udp_socket(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0);
}
static long
netlink_socket(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}
static long
other_stream(void)
{
	return socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
}
static long
limit_parent(void)
{
	struct rlimit l;
	return prlimit(getppid(), RLIMIT_CORE, NULL, &l);
}
static long
duplicate_to(void)
{
	return dup2(0, 50);
}

static long
use_ring(void)
{
	return syscall(SYS_io_uring_enter, made_before, 0, 0, 0, NULL, 0);
}

static long
register_ring(void)
{
	return syscall(SYS_io_uring_register, made_before, 0, NULL, 0);
}

static bool
hide_rings(char *error, size_t error_size)
{
	snprintf(error, error_size, "there is no filter");
	bev_sandbox_hide_rings();
	return prctl(PR_GET_SECCOMP) == 2;
}

static bool
hide_rings_and_enter(char *error, size_t error_size)
{
	return hide_rings(error, error_size) && bev_sandbox_enter(error, error_size);
}

static long
read_parent(void)
{
	char byte;
	struct iovec here = {&byte, 1};
	struct iovec there = {&target, 1};

	return process_vm_readv(getppid(), &here, 1, &there, 1, 0);
}

static long
fast_open(void)
{
	return sendto(made_before, "x", 1, MSG_FASTOPEN, (struct sockaddr *) &target, sizeof(target));
}

/* What a gateway does all day, on a socket that it is passed. */
static long
daily_work(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	int listener[BEV_PASSED_SOCKETS_MAX];
	int loop = made_before + 1;
	char *memory = malloc(64 * 1024 * 1024);
	char chance[16];

	if (memory == NULL || bev_passed_sockets_receive(BEV_SANDBOX_SOCKETS, listener) != 1 ||
	    bev_passed_sockets_receive(BEV_SANDBOX_SOCKETS, listener + 1) != 0 ||
	    epoll_ctl(loop, EPOLL_CTL_ADD, listener[0], &event) != 0 ||
	    epoll_wait(loop, &event, 1, 0) != 0 ||
	    (accept4(listener[0], NULL, NULL, SOCK_CLOEXEC) < 0 && errno != EAGAIN) ||
	    set_option(IPPROTO_TCP, TCP_NODELAY) != 0 ||
	    getrandom(chance, sizeof(chance), 0) != sizeof(chance) ||
	    fcntl(listener[0], F_DUPFD_CLOEXEC, 0) < 0 || close(listener[0]) != 0)
		return -1;
	memory[64 * 1024 * 1024 - 1] = 1;
	free(memory);
	return 0;
}

/* The dispatcher's end of where sockets come from; ours is where a gateway has it. */
static int
join_source(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) != 0)
		return -1;
	if (pair[0] == BEV_SANDBOX_SOCKETS)
		pair[0] = dup(pair[0]);
	if (pair[1] != BEV_SANDBOX_SOCKETS && dup2(pair[1], BEV_SANDBOX_SOCKETS) < 0)
		return -1;
	return pair[0];
}

int
main(void)
{
	static const Forbidden refused[] = {
#ifdef SYS_open
		{"open a file the old way", open_old},
		{"start a process the old way", start_process},
#endif
		{"open a file", open_file},
		{"look at a file", look_at_file},
		{"create a file", create_file},
		{"remove a file", remove_file},
		{"connect out", connect_out},
		{"connect out by fast open", fast_open},
		{"a TCP socket", tcp_socket},
		{"a TCP socket of IPv6", tcp6_socket},
		{"a pair of sockets", pair_of_sockets},
		{"bind a socket", bind_socket},
		{"listen on a socket", listen_on_socket},
		{"an option: marks", mark_packets},
		{"an option: to share a port", share_port},
		{"an option: a filter", attach_filter},
		{"an option: a larger buffer", buffer_more},
		{"an option: another congestion control", choose_congestion},
		{"receive a socket by another descriptor", receive_elsewhere},
		{"pass a socket on", pass_on},
		{"a UDP socket", udp_socket},
		{"a netlink socket", netlink_socket},
		{"a socket of another protocol", other_stream},
		{"read the parent's memory", read_parent},
		{"read the parent's limits", limit_parent},
		{"replace a descriptor", duplicate_to},
		{"use a ring", use_ring},
		{"register with a ring", register_ring},
	};
	socklen_t len = sizeof(target);
	int source = join_source();
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int other = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *) &target, sizeof(target)) != 0 ||
	    listen(listener, 5) != 0 || getsockname(listener, (struct sockaddr *) &target, &len) != 0)
		return 1;
	made_before = socket(AF_INET, SOCK_STREAM, 0);
	if (epoll_create1(0) != made_before + 1)
		return 1;

	if (!bev_passed_sockets_send(source, &listener, 1))
		return 1;
	tap_ok(attempt(bev_sandbox_enter, daily_work) == 0, "what a gateway does all day is allowed");
	try_forbidden(bev_sandbox_enter, refused, sizeof(refused) / sizeof(refused[0]));
	try_forbidden_to_all(bev_sandbox_enter);
	tap_ok(attempt(hide_rings, forbidden_ring) == ENOSYS, "before, a kernel without io_uring");
	tap_ok(attempt(hide_rings, open_file) == 0, "... and with everything else");
	if (listen(other, 5) != 0 || !bev_passed_sockets_send(source, &other, 1))
		return 1;
	tap_ok(attempt(hide_rings_and_enter, daily_work) == 0, "both: what a gateway does all day");
	tap_ok(attempt(hide_rings_and_enter, forbidden_ring) > 0, "... but no ring");
	return tap_done();
}
