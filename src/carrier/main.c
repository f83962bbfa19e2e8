/*
 * main.c - the carrier program: bugevents-carrier --fd=N
 *
 * Started by the courier, never by hand: descriptor N is the pipe.  Before anything else it
 * gives up what it does not need.
 */
#define _GNU_SOURCE				/* close_range */
#include "carrier.h"
#include "confine.h"

#include <curl/curl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* The descriptor in --fd=N, if it is a socket; else -1. */
static int
read_fd(const char *argument)
{
	struct stat status;
	char	   *end;
	long		fd;

	if (strncmp(argument, "--fd=", 5) != 0)
		return -1;
	fd = strtol(argument + 5, &end, 10);
	if (end == argument + 5 || *end || fd <= STDERR_FILENO || fd > 1024 ||
		fstat((int) fd, &status) != 0 || !S_ISSOCK(status.st_mode))
		return -1;
	return (int) fd;
}

static void
give_up_what_is_not_needed(int fd)
{
	struct rlimit none = {0, 0};

	/* No core file: passwords are in memory. */
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	umask(077);
	/* Whatever the server left open for us by mistake. */
	if (fd > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, (unsigned) fd - 1, 0);
	close_range((unsigned) fd + 1, ~0u, 0);
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
	int			fd = argc == 2 ? read_fd(argv[1]) : -1;
	char		error[256];
	int			status;

	if (argc == 2 && strcmp(argv[1], "--version") == 0)
	{
		puts("bugevents-carrier " BUGEVENTS_VERSION);
		return 0;
	}
	if (fd < 0)
	{
		fputs("bugevents-carrier is started by the bugevents courier\n", stderr);
		return 64;
	}
	give_up_what_is_not_needed(fd);
	reset_signals();
	json_object_seed(0);		/* before there are threads */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
	{
		fputs("bugevents carrier: could not initialize libcurl\n", stderr);
		return 70;
	}
	if (!be_confine(error, sizeof(error)))
	{
		fprintf(stderr, "bugevents carrier: %s\n", error);
		return 70;
	}
	status = be_carrier_run(fd);
	curl_global_cleanup();
	return status;
}
