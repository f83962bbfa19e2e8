/*
 * carrier_sandbox.h - what the process may ask of the kernel.
 */
#ifndef BEV_CARRIER_CORE_CARRIER_SANDBOX_H
#define BEV_CARRIER_CORE_CARRIER_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/*
 * From now on, and for good: connections over TCP and UDP, threads, memory, time, and
 * reading what a name lookup and TLS need of /etc and the system's libraries.  No file can be
 * written, no local socket reached (the database's among them), no program started, no
 * other process touched; whoever tries reads EPERM or EACCES.  Where the kernel has no
 * Landlock, other files can be read, as far as their rights allow.
 *
 * To be called before there are threads.  False, with the reason in error: the kernel
 * doesn't offer it.
 */
extern bool bev_carrier_sandbox_enter(char *error, size_t error_size);

#endif /* BEV_CARRIER_CORE_CARRIER_SANDBOX_H */
