/*
 * upgrade.h - a server's answer to a WebSocket client's request.
 */
#ifndef BENCH_UPGRADE_H
#define BENCH_UPGRADE_H

#include <stddef.h>

/*
 * The answer to a request's head, terminated, and a first message, as bugevents begins with one.
 * dst has room for 512 bytes; returns the length.
 */
extern size_t upgrade_answer(const char *head, char *dst);

#endif							/* BENCH_UPGRADE_H */
