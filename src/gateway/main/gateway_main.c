/*
 * gateway_main.c - the gateway program: bugevents-gateway NUMBER
 *
 * Started by the dispatcher, never by hand: descriptor 3 is the pipe, and listening sockets come by
 * descriptor 4.  Before anything else it gives up what it does not need.
 */
#include "gateway/main/gateway.h"
#include "common/program/process.h"
#include "gateway/net/sandbox.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>

#define PIPE_FD 3 /* and BEV_SANDBOX_SOCKETS behind it */

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
	{
		puts("bugevents-gateway " BUGEVENTS_VERSION);
		return 0;
	}
	if (argc != 2 || !bev_process_is_socket(PIPE_FD) || !bev_process_is_socket(BEV_SANDBOX_SOCKETS))
	{
		fputs("bugevents-gateway is started by the bugevents dispatcher\n", stderr);
		return 64;
	}
	bev_process_begin(PIPE_FD, BEV_SANDBOX_SOCKETS);
	bev_sandbox_hide_rings();

	/*
	 * Chunks of the window come from mmap and go back to the system; without
	 * this the threshold would adapt itself upwards and they would stay.
	 */
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	return bev_gateway_run(PIPE_FD, BEV_SANDBOX_SOCKETS);
}
