/*
 * resolve.h - from what attach() was asked to what the trigger will do.
 */
#ifndef BEV_SERVER_ATTACH_RESOLVE_H
#define BEV_SERVER_ATTACH_RESOLVE_H

#include "postgres.h"

#include "utils/array.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

#include "server/attach/attachment.h"

/* The arguments of attach(); NULL where nothing was given. */
typedef struct BevAttachRequest
{
	const char *entity;
	Jsonb *columns;
	const char *filter;
	const char *audience;
	ArrayType *extra;
	ArrayType *quiet;
} BevAttachRequest;

/* Check the request against the table; throws, naming what is wrong. */
extern BevAttachment *bev_attachment_resolve(Relation rel, const BevAttachRequest *request);

/* The search_path of the session, as a list that can be set again; palloc'd. */
extern const char *bev_resolve_search_path(void);

#endif /* BEV_SERVER_ATTACH_RESOLVE_H */
