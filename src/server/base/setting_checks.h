/*
 * setting_checks.h - whether a setting may have a value: check hooks.
 *
 * Each says false with a hint that says what may be written.
 */
#ifndef BEV_SERVER_BASE_SETTING_CHECKS_H
#define BEV_SERVER_BASE_SETTING_CHECKS_H

#include "postgres.h"

#include "utils/guc.h"

extern bool bev_setting_check_algorithms(char **newval, void **extra, GucSource source);
extern bool bev_setting_check_channels(char **newval, void **extra, GucSource source);
extern bool bev_setting_check_database(char **newval, void **extra, GucSource source);
extern bool bev_setting_check_http_url(char **newval, void **extra, GucSource source);
extern bool bev_setting_check_locale(char **newval, void **extra, GucSource source);
extern bool bev_setting_check_origins(char **newval, void **extra, GucSource source);
extern bool bev_setting_check_port(int *newval, void **extra, GucSource source);
extern bool bev_setting_check_proxies(char **newval, void **extra, GucSource source);
extern bool bev_setting_check_smtp_url(char **newval, void **extra, GucSource source);

#endif /* BEV_SERVER_BASE_SETTING_CHECKS_H */
