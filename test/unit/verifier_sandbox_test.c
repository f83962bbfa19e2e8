/*
 * verifier_sandbox_test.c - what the kernel refuses the verifier, and what it doesn't.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "attempt.h"
#include "forbidden.h"
#include "tap.h"
#include "verifier/core/verifier_sandbox.h"

static int pair[2]; /* the pipe, from before the sandbox */

/* Each returns as a system call does. */
static long
daily_work(void)
{
	char byte;
	struct timespec now;

	return syscall(SYS_sendto, pair[0], "x", 1, MSG_NOSIGNAL, NULL, 0) != 1 ||
	               syscall(SYS_recvfrom, pair[1], &byte, 1, 0, NULL, NULL) != 1 ||
	               syscall(SYS_clock_gettime, CLOCK_REALTIME, &now) != 0 ||
	               syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE,
	                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) < 0 ?
	           -1 :
	           0;
}

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
make_tcp_socket(void)
{
	return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static long
make_pair(void)
{
	int fd[2];

	return syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, fd);
}

static long
bind_socket(void)
{
	struct sockaddr unnamed = {.sa_family = AF_UNIX};

	return syscall(SYS_bind, pair[0], &unnamed, sizeof(unnamed.sa_family));
}

static long
set_option(void)
{
	int on = 1;

	return syscall(SYS_setsockopt, pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
}

static long
receive_descriptor(void)
{
	struct msghdr message = {0};

	return syscall(SYS_recvmsg, pair[1], &message, MSG_DONTWAIT);
}

int
main(void)
{
	static const Forbidden refused[] = {
		{"open a file", open_file},
		{"look at a file", look_at_file},
		{"a TCP socket", make_tcp_socket},
		{"a pair of sockets", make_pair},
		{"bind what it has", bind_socket},
		{"set an option of it", set_option},
		{"receive a descriptor", receive_descriptor},
	};

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		return 1;
	tap_ok(attempt(bev_verifier_sandbox_enter, daily_work) == 0,
	       "what the verifier does all day is allowed");
	try_forbidden(bev_verifier_sandbox_enter, refused, sizeof(refused) / sizeof(refused[0]));
	try_forbidden_to_all(bev_verifier_sandbox_enter);
	return tap_done();
}
