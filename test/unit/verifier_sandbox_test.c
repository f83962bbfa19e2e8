/*
 * verifier_sandbox_test.c - what the kernel refuses the verifier, and what it doesn't.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "attempt.h"
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
make_unix_socket(void)
{
	return syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
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

static long
start_program(void)
{
	char *const none[] = {NULL};

	return syscall(SYS_execve, "/bin/true", none, none);
}

static long
clone_process(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static long
signal_parent(void)
{
	return syscall(SYS_kill, getppid(), 0);
}

static long
make_code(void)
{
	return syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long
make_ring(void)
{
	char parameters[256] = {0};

	return syscall(SYS_io_uring_setup, 4, parameters);
}

int
main(void)
{
	static const struct
	{
		const char *name;
		long (*what)(void);
	} refused[] = {
		{"open a file", open_file},
		{"look at a file", look_at_file},
		{"a TCP socket", make_tcp_socket},
		{"a Unix socket", make_unix_socket},
		{"a pair of sockets", make_pair},
		{"bind what it has", bind_socket},
		{"set an option of it", set_option},
		{"receive a descriptor", receive_descriptor},
		{"start a program", start_program},
		{"start a process", clone_process},
		{"signal the dispatcher", signal_parent},
		{"memory that can be executed", make_code},
		{"make a ring", make_ring},
	};

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		return 1;
	tap_ok(attempt(bev_verifier_sandbox_enter, daily_work) == 0,
	       "what the verifier does all day is allowed");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
	{
		int found = attempt(bev_verifier_sandbox_enter, refused[i].what);

		if (!tap_ok(found == EPERM, refused[i].name))
			printf("# %d (%s)\n", found, strerror(found));
	}
	return tap_done();
}
