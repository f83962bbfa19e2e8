/*
 * member.h - the settings that a program is sent: members of a JSON object, as a struct.
 *
 * A table has the members of a struct, with their defaults and ranges; texts are the struct's own.
 */
#ifndef BEV_COMMON_PROGRAM_MEMBER_H
#define BEV_COMMON_PROGRAM_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum BevMemberKind
{
	BEV_MEMBER_TEXT,   /* char * */
	BEV_MEMBER_NUMBER, /* uint32_t */
	BEV_MEMBER_SIZE    /* size_t */
} BevMemberKind;

typedef struct BevMember
{
	const char *name;
	BevMemberKind kind;
	size_t offset;
	const char *text; /* the default */
	int64_t number;   /* the default */
	int64_t low;
	int64_t high;
} BevMember;

/*
 * Fill a struct, all zero before, from a JSON object.  Members that are not there take their
 * defaults, unknown ones are ignored, numbers out of range are brought back into it.  False when it
 * is no JSON object or a member has the wrong type; error names it then, but quotes nothing.  Clear
 * it in any case.
 */
extern bool bev_members_read(void *into, const BevMember *members, size_t count, const char *json,
                             size_t len, char *error, size_t error_size);

/* Wipe and free the texts. */
extern void bev_members_clear(void *of, const BevMember *members, size_t count);

#endif /* BEV_COMMON_PROGRAM_MEMBER_H */
