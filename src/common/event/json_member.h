/*
 * json_member.h - the members of a JSON object, one by one, as they stand there.
 *
 * For documents that were made here: of one that is malformed some members are found, and nothing
 * outside of it is read.  Nothing is allocated.
 *
 * Pure C.
 */
#ifndef BEV_COMMON_EVENT_JSON_MEMBER_H
#define BEV_COMMON_EVENT_JSON_MEMBER_H

#include <stdbool.h>

#include "common/event/event.h"

typedef struct BevMember
{
	BevSpan name;  /* JSON, with its quotes */
	BevSpan value; /* JSON */
} BevMember;

/* The next one; *rest begins as the whole object.  False: there is none any more. */
extern bool bev_json_next_member(BevSpan *rest, BevMember *member);

/* The first element of an array; empty: there is none. */
extern BevSpan bev_json_first_element(BevSpan array);

#endif /* BEV_COMMON_EVENT_JSON_MEMBER_H */
