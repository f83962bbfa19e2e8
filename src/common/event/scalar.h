/*
 * scalar.h - JSON scalars in the form in which they are compared.
 *
 *	=TEXT	a text or a number: 7 and "7" are the same, and so are 1, 1.0 and 1e0
 *	+  -	true, false
 *	0		null
 *
 * A number is written as people do, with all its digits: so "9007199254740993" is the number, where
 * a program couldn't say it, and "007" and "1.0" are texts only.  Two scalars are equal if and
 * only if their forms are.  Arrays and objects have none, nor have texts with control characters or
 * above a length: nobody can ask for those.
 *
 * Pure C.
 */
#ifndef BEV_COMMON_EVENT_SCALAR_H
#define BEV_COMMON_EVENT_SCALAR_H

#include "common/event/event.h"

/* Of a text, or of a number's digits. */
#define BEV_SCALAR_TEXT_MAX 255

/* Room for a form; none of them is terminated. */
#define BEV_SCALAR_ROOM (1 + BEV_SCALAR_TEXT_MAX)

#define BEV_SCALAR_TEXT  '='
#define BEV_SCALAR_TRUE  '+'
#define BEV_SCALAR_FALSE '-'
#define BEV_SCALAR_NULL  '0'

/* Write the form of a value that is JSON; its length, 0: it has none. */
extern uint32_t bev_scalar_read(BevSpan json, char dst[BEV_SCALAR_ROOM]);

/* The same of a text. */
extern uint32_t bev_scalar_of_text(BevSpan text, char dst[BEV_SCALAR_ROOM]);

/* Is it the form of something, as bytes that came from elsewhere? */
extern bool bev_scalar_is_form(BevSpan form);

/* The text of a form that is one; else empty. */
static inline BevSpan
bev_scalar_text(BevSpan form)
{
	if (form.len == 0 || form.data[0] != BEV_SCALAR_TEXT)
		return (BevSpan){form.data, 0};
	return (BevSpan){form.data + 1, form.len - 1};
}

#endif /* BEV_COMMON_EVENT_SCALAR_H */
