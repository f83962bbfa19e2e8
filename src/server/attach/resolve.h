/*
 * resolve.h - from what attach() was asked to what the trigger will do.
 */
#ifndef BE_SERVER_ATTACH_RESOLVE_H
#define BE_SERVER_ATTACH_RESOLVE_H

#include "postgres.h"

#include "utils/array.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

#include "server/attach/attachment.h"

/* The arguments of attach(); NULL where nothing was given. */
typedef struct BeRequest
{
	const char *entity;
	Jsonb	   *columns;
	const char *filter;
	const char *audience;
	ArrayType  *extra;
} BeRequest;

/* Check the request against the table; throws, naming what is wrong. */
extern BeAttachment *be_attachment_resolve(Relation rel, const BeRequest *request);

#endif							/* BE_SERVER_ATTACH_RESOLVE_H */
