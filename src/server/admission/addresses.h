/*
 * addresses.h - the names of listen_addresses, as numbers.
 */
#ifndef BEV_SERVER_ADMISSION_ADDRESSES_H
#define BEV_SERVER_ADMISSION_ADDRESSES_H

#include "postgres.h"

/*
 * The list with each host name replaced by all its addresses; "localhost", "*" and
 * what is numeric already stay as they are.  A name that can't be resolved is
 * reported in the log and stays, for the gateway to report, too.  May block while
 * names are looked up.
 */
extern char *bev_addresses_resolve(const char *list);

#endif /* BEV_SERVER_ADMISSION_ADDRESSES_H */
