/*
 * main.c - the carrier program: bugevents-carrier --fd=N
 *
 * Started by the courier, never by hand: descriptor N is the pipe.  Before anything else it
 * gives up what it does not need.
 */
#include "carrier.h"
#include "confine.h"
#include "gateway/process.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
	be_process_begin(fd);
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
