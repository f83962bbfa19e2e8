/*
 * hooks.h - where PostgreSQL calls us in a session.
 */
#ifndef BEV_SERVER_CAPTURE_HOOKS_H
#define BEV_SERVER_CAPTURE_HOOKS_H

/* Install the hooks and register the transaction callbacks; once, while preloading. */
extern void bev_hooks_install(void);

#endif /* BEV_SERVER_CAPTURE_HOOKS_H */
