/*
 * verifier_main.c - the verifier program: bugevents-verifier
 *
 * Started by the dispatcher, never by hand: descriptor 3 is the pipe.  Before anything else it
 * gives up what it does not need.
 */
#include "verifier/core/verifier.h"
#include "verifier/core/verifier_sandbox.h"
#include "common/program/process.h"

#include <fcntl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define PIPE_FD 3

int
main(int argc, char **argv)
{
	char error[256];

	if (argc == 2 && strcmp(argv[1], "--version") == 0)
	{
		puts("bugevents-verifier " BUGEVENTS_VERSION);
		return 0;
	}
	if (argc != 1 || !bev_process_is_socket(PIPE_FD))
	{
		fputs("bugevents-verifier is started by the bugevents dispatcher\n", stderr);
		return 64;
	}
	bev_process_begin(PIPE_FD, -1);
	fcntl(PIPE_FD, F_SETFL, O_NONBLOCK);

	/* What they read from files they read now. */
	json_object_seed(0);
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_ADD_ALL_CIPHERS |
	                        OPENSSL_INIT_ADD_ALL_DIGESTS,
	                    NULL);
	if (!bev_verifier_sandbox_enter(error, sizeof(error)))
		fprintf(stderr, "bugevents verifier: %s\n", error);
	return bev_verifier_run(PIPE_FD);
}
