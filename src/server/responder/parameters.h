/*
 * parameters.h - a statement of the responder's own, with texts as parameters.
 */
#ifndef BEV_SERVER_RESPONDER_PARAMETERS_H
#define BEV_SERVER_RESPONDER_PARAMETERS_H

#include "postgres.h"

#include "server/responder/responder_queue.h"

#define BEV_PARAMETERS_MAX 5

/*
 * Begin to act for who asks: names mean what they should, and bugevents.actor says who it is.
 * Connects SPI, which the caller finishes.  Returns the user's id in the server's encoding.
 */
extern char *bev_parameters_begin(const BevQuestionHead *head);

/* Run it; how many rows there are, which are in SPI_tuptable.  Throws. */
extern uint64 bev_parameters_run(const char *sql, int n, const char *const *texts);

/* A column of the first row as text; NULL: null. */
extern char *bev_parameters_value(int column);

#endif /* BEV_SERVER_RESPONDER_PARAMETERS_H */
