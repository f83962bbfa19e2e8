/*
 * listening_sockets.h - sockets that listen, of a list of addresses.
 */
#ifndef BEV_SERVER_DISPATCHER_LISTENING_SOCKETS_H
#define BEV_SERVER_DISPATCHER_LISTENING_SOCKETS_H

#include "postgres.h"

#include "common/pipe/passed_sockets.h"

/* Where to listen. */
typedef struct BevPlace
{
	bool only_loopback;    /* refuse all other addresses */
	uint16 port;           /* 0: one that is free, the same for all */
	const char *addresses; /* numeric, localhost or *; commas between them */
} BevPlace;

typedef struct BevListeningSockets
{
	int fd[BEV_PASSED_SOCKETS_MAX];
	int count;
	bool complete;   /* all that should be open are */
	char error[256]; /* why not, of the last one */
} BevListeningSockets;

/*
 * Open exactly the wanted addresses, each in its own family, and share the port with others of this
 * server's (SO_REUSEPORT).  Doesn't block; close what was opened by bev_listening_sockets_close.
 */
extern void bev_listening_sockets_open(BevListeningSockets *sockets, const BevPlace *place);

extern void bev_listening_sockets_close(BevListeningSockets *sockets);

/* What they listen on: "127.0.0.1:8432 [::1]:8432". */
extern char *bev_listening_sockets_name(const BevListeningSockets *sockets);

#endif /* BEV_SERVER_DISPATCHER_LISTENING_SOCKETS_H */
