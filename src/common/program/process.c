/*
 * process.c - what a program of ours gives up as it starts.
 */
#define _GNU_SOURCE /* close_range */
#include "common/program/process.h"

#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Close what is between two descriptors. */
static void
close_between(int low, int high)
{
	if (high - low > 1)
		close_range((unsigned) low + 1, (unsigned) high - 1, 0);
}

static void
close_all_but(int one, int other)
{
	int low = other < 0 || one < other ? one : other;
	int high = one > other ? one : other;

	close_between(STDERR_FILENO, low);
	close_between(low, high);
	close_range((unsigned) high + 1, ~0u, 0);
}

static void
give_up_what_is_not_needed(void)
{
	struct rlimit none = {1, 1};

	/*
	 * No core file: keys are in memory.  Not 0, which a kernel that hands dumps to a
	 * program (systemd-coredump, apport) doesn't look at; 1 is less than any dump and
	 * keeps them from the program, too.  Not PR_SET_DUMPABLE, which would hide from
	 * the server's own user what we have mapped and open.
	 */
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	umask(077);
}

static void
reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* Meant for the server; the end of the pipe tells us. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

void
bev_process_begin(int pipe_fd, int file_fd)
{
	give_up_what_is_not_needed();
	close_all_but(pipe_fd, file_fd);
	reset_signals();
}

bool
bev_process_is_socket(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}
