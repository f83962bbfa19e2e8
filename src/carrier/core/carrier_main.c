/*
 * carrier_main.c - the carrier program: bugevents-carrier --fd=N [--ledger=N]
 *
 * Started by the courier, never by hand: the descriptors are the pipe and the ledger.  Before
 * anything else it gives up what it does not need.
 */
#include "carrier/core/carrier.h"
#include "carrier/core/carrier_sandbox.h"
#include "common/program/process.h"
#include "carrier/core/ledger_writer.h"

#include <curl/curl.h>
#include <locale.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The descriptor behind an option, if it is of this type; else -1. */
static int
read_fd(const char *argument, const char *option, mode_t type)
{
	struct stat status;
	const char *number = argument + strlen(option);
	char *end;
	long fd;

	if (strncmp(argument, option, strlen(option)) != 0)
		return -1;
	fd = strtol(number, &end, 10);
	if (end == number || *end || fd <= STDERR_FILENO || fd > 1024 ||
	    fstat((int) fd, &status) != 0 || (status.st_mode & S_IFMT) != type)
		return -1;
	return (int) fd;
}

int
main(int argc, char **argv)
{
	int fd = argc == 2 || argc == 3 ? read_fd(argv[1], "--fd=", S_IFSOCK) : -1;
	int ledger = argc == 3 ? read_fd(argv[2], "--ledger=", S_IFREG) : -1;
	char error[256];
	int status;

	if (argc == 2 && strcmp(argv[1], "--version") == 0)
	{
		puts("bugevents-carrier " BUGEVENTS_VERSION);
		return 0;
	}
	if (fd < 0 || (argc == 3 && ledger < 0))
	{
		fputs("bugevents-carrier is started by the bugevents courier\n", stderr);
		return 64;
	}
	bev_process_begin(fd, ledger);
	bev_ledger_writer_open(ledger);
	json_object_seed(0); /* before there are threads */
	/* libcurl reads the names of hosts in the locale's encoding. */
	(void) setlocale(LC_CTYPE, "C.UTF-8");
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
	{
		fputs("bugevents carrier: could not initialize libcurl\n", stderr);
		return 70;
	}
	if (!bev_carrier_sandbox_enter(error, sizeof(error)))
	{
		fprintf(stderr, "bugevents carrier: %s\n", error);
		return 70;
	}
	status = bev_carrier_run(fd);
	curl_global_cleanup();
	return status;
}
