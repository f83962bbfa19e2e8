/*
 * exposition.h - the metrics as text, as Prometheus reads them.
 */
#ifndef BEV_SERVER_MONITOR_EXPOSITION_H
#define BEV_SERVER_MONITOR_EXPOSITION_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* Append them in Prometheus' text format 0.0.4.  Reads shared memory only. */
extern void bev_exposition_write(StringInfo text);

#endif /* BEV_SERVER_MONITOR_EXPOSITION_H */
