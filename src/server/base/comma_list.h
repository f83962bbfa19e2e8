/*
 * comma_list.h - a list with commas, as settings have it.
 */
#ifndef BEV_SERVER_BASE_COMMA_LIST_H
#define BEV_SERVER_BASE_COMMA_LIST_H

#include "postgres.h"

/*
 * The next item, without the spaces around it; NULL: there is none.  Writes into the list.  An
 * empty list has one item, which is empty.
 */
extern char *bev_comma_list_next(char **rest);

#endif /* BEV_SERVER_BASE_COMMA_LIST_H */
