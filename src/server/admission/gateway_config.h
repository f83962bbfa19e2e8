/*
 * gateway_config.h - the settings as gateways and the verifier are told them.
 */
#ifndef BEV_SERVER_ADMISSION_GATEWAY_CONFIG_H
#define BEV_SERVER_ADMISSION_GATEWAY_CONFIG_H

#include "postgres.h"

#include "lib/stringinfo.h"

/*
 * Append the body of a CONFIG message and, behind a NUL, that of a KEYS message: JSON objects,
 * UTF-8, in which the files that settings name are replaced by their content.  A file that can't be
 * read is reported in the log and left empty.  Behind another NUL where gateways listen: 1 if on
 * loopback alone, else 0, the port, the addresses.
 */
extern void bev_gateway_config_write(StringInfo json);

#endif /* BEV_SERVER_ADMISSION_GATEWAY_CONFIG_H */
