/*
 * current_config.h - the configuration that gateways and the verifier are given.
 */
#ifndef BEV_SERVER_DISPATCHER_CURRENT_CONFIG_H
#define BEV_SERVER_DISPATCHER_CURRENT_CONFIG_H

/*
 * Have it made, by the settings and files as they are now; changed is called when that is done.  To
 * be called outside of transactions.
 */
extern void bev_current_config_renew(void (*changed)(void));

/* The body of a CONFIG; NULL: it is not made yet. */
extern const char *bev_current_config(void);

/* The body of a KEYS; likewise. */
extern const char *bev_current_keys(void);

/* Where gateways listen, as admission/gateway_config.h writes it; likewise. */
extern const char *bev_current_place(void);

#endif /* BEV_SERVER_DISPATCHER_CURRENT_CONFIG_H */
