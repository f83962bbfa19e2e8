/*
 * process.c - what a program of ours gives up as it starts.
 */
#define _GNU_SOURCE				/* close_range */
#include "process.h"

#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void
give_up_what_is_not_needed(int pipe_fd)
{
	struct rlimit none = {0, 0};

	/*
	 * No core file: keys are in memory.  Not PR_SET_DUMPABLE, which would hide
	 * from the server's own user what we have mapped and open.
	 */
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	umask(077);
	if (pipe_fd > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, (unsigned) pipe_fd - 1, 0);
	close_range((unsigned) pipe_fd + 1, ~0u, 0);
}

static void
reset_signals(void)
{
	sigset_t	none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* Meant for the server; the end of the pipe tells us. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

void
be_process_begin(int pipe_fd)
{
	give_up_what_is_not_needed(pipe_fd);
	reset_signals();
}
