/*
 * main.c - the gateway program: bugevents-gateway NUMBER
 *
 * Started by the dispatcher, never by hand: descriptor 3 is the pipe.  Before
 * anything else it gives up what it does not need.
 */
#define _GNU_SOURCE				/* close_range */
#include "gateway.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPE_FD		3

static bool
is_socket(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

static void
give_up_what_is_not_needed(void)
{
	struct rlimit none = {0, 0};

	/*
	 * No core file: keys are in memory.  Not PR_SET_DUMPABLE, which would hide
	 * from the server's own user what we have mapped and open.
	 */
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	umask(077);
	/* Whatever the server left open for us by mistake. */
	close_range(PIPE_FD + 1, ~0u, 0);
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

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
	{
		puts("bugevents-gateway " BUGEVENTS_VERSION);
		return 0;
	}
	if (argc != 2 || !is_socket(PIPE_FD))
	{
		fputs("bugevents-gateway is started by the bugevents dispatcher\n", stderr);
		return 64;
	}
	give_up_what_is_not_needed();
	reset_signals();

	/*
	 * Chunks of the window come from mmap and go back to the system; without
	 * this the threshold would adapt itself upwards and they would stay.
	 */
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	return be_gateway_run(PIPE_FD);
}
