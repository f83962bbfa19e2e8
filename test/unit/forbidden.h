/*
 * forbidden.h - what no program of ours may do in its sandbox.
 */
#ifndef BEV_TEST_UNIT_FORBIDDEN_H
#define BEV_TEST_UNIT_FORBIDDEN_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attempt.h"
#include "tap.h"

/* what returns as a system call does. */
typedef struct Forbidden
{
	const char *name;
	long (*what)(void);
} Forbidden;

static long
forbidden_folder(void)
{
	return mkdir("/tmp/bugevents-sandbox-test", 0700);
}

static long
forbidden_unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long
forbidden_program(void)
{
	char *const none[] = {NULL};

	return syscall(SYS_execve, "/bin/true", none, none);
}

static long
forbidden_process(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static long
forbidden_trace(void)
{
	return syscall(SYS_ptrace, PTRACE_ATTACH, getppid(), 0, 0);
}

static long
forbidden_signal(void)
{
	return kill(getppid(), 0);
}

static long
forbidden_thread_signal(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static long
forbidden_owner(void)
{
	return fcntl(0, F_SETOWN, getppid());
}

static long
forbidden_shared_memory(void)
{
	return shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
}

static long
forbidden_attached_memory(void)
{
	return (long) shmat(1, NULL, 0);
}

static long
forbidden_user(void)
{
	return setuid(getuid());
}

static long
forbidden_prctl(void)
{
	return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
}

static long
forbidden_code(void)
{
	return syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long
forbidden_writable_code(void)
{
	return syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long
forbidden_later_code(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(memory, 4096, PROT_READ | PROT_EXEC);
}

static long
forbidden_ring(void)
{
	char parameters[256] = {0};

	return syscall(SYS_io_uring_setup, 4, parameters);
}

typedef bool (*EnterSandbox)(char *error, size_t error_size);

static void
try_forbidden(EnterSandbox enter, const Forbidden *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		int found = attempt(enter, list[i].what);

		if (!tap_ok(found == EPERM, list[i].name))
			printf("# %d (%s)\n", found, strerror(found));
	}
}

static void
try_forbidden_to_all(EnterSandbox enter)
{
	static const Forbidden all[] = {
		{"make a folder", forbidden_folder},
		{"a Unix socket", forbidden_unix_socket},
		{"start a program", forbidden_program},
		{"start a process", forbidden_process},
		{"attach to the parent", forbidden_trace},
		{"signal the parent", forbidden_signal},
		{"signal the parent's thread", forbidden_thread_signal},
		{"signals for another", forbidden_owner},
		{"make shared memory", forbidden_shared_memory},
		{"attach shared memory", forbidden_attached_memory},
		{"become another", forbidden_user},
		{"prctl", forbidden_prctl},
		{"memory to run", forbidden_code},
		{"memory to write and run", forbidden_writable_code},
		{"memory made to run", forbidden_later_code},
		{"make a ring", forbidden_ring},
	};

	try_forbidden(enter, all, sizeof(all) / sizeof(all[0]));
}

#endif /* BEV_TEST_UNIT_FORBIDDEN_H */
