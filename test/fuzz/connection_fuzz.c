/*
 * connection_fuzz.c - a connection from its first byte, as clients send it.
 *
 * The first byte of the input says how the rest is cut into reads, and whether the
 * socket is choked meanwhile.
 */
#include <stdlib.h>
#include <string.h>

#include "stage.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	Stage *stage;
	BevClient *client;
	size_t step = size ? input[0] & 0x7f : 0;

	if (size == 0)
		return 0;
	stage = stage_open(true);
	client = stage_accept();
	stage_choke(input[0] & 0x80);
	for (size_t at = 1; at < size && !client->session.socket.dropped;)
	{
		size_t n = step == 0 || step > size - at ? size - at : step;
		char *piece = malloc(n);

		memcpy(piece, input + at, n);
		bev_client_received(&stage->clients, &client->session.socket, piece, n);
		free(piece);
		bev_clients_work(&stage->clients);
		at += n;
	}
	stage_choke(false);
	stage_close();
	return 0;
}
