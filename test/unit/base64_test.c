/*
 * base64_test.c - base64 and base64url: what is encoded can be read, and has one spelling.
 */
#include "common/program/base64.h"

#include <stdlib.h>

#include "tap.h"

/* Exactly as much room as the header asks for, so that a sanitizer sees more. */
static bool
reads(long (*decode)(unsigned char *, const char *, size_t), const char *text, const char *wanted)
{
	size_t len = strlen(text);
	unsigned char *dst = malloc(BEV_BASE64_DECODED(len) + (len == 0));
	long n = decode(dst, text, len);
	bool good = wanted == NULL ?
	                n == -1 :
	                n == (long) strlen(wanted) && memcmp(dst, wanted, strlen(wanted)) == 0;

	free(dst);
	return good;
}

int
main(void)
{
	static const struct
	{
		const char *text;
		const char *standard; /* NULL: it is refused */
		const char *url;
	} cases[] = {
		{"", NULL, NULL},
		{"Zg==", "f", NULL},
		{"Zm8=", "fo", NULL},
		{"Zm9v", "foo", "foo"},
		{"Zm9vYg==", "foob", NULL},
		{"Zg", NULL, "f"},
		{"Zm8", NULL, "fo"},
		{"Zm9vYg", NULL, "foob"},
		{"+/+/", "\xfb\xff\xbf", NULL},
		{"-_-_", NULL, "\xfb\xff\xbf"},
		{"Zh==", NULL, NULL}, /* unused bits */
		{"Zh", NULL, NULL},
		{"Zm9=", NULL, NULL},
		{"Zm9", NULL, NULL},
		{"Z", NULL, NULL},
		{"Z===", NULL, NULL},
		{"====", NULL, NULL},
		{"Zm9vZ", NULL, NULL},
		{"Zg=", NULL, NULL},
		{"Zg==Zg==", NULL, NULL},
		{" Zm9v", NULL, NULL},
		{"Zm9v\n", NULL, NULL},
		{"Zm 9", NULL, NULL},
	};
	char text[BEV_BASE64_LEN(4) + 1];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		tap_ok(reads(bev_base64_decode, cases[i].text, cases[i].standard), cases[i].text);
		tap_ok(reads(bev_base64url_decode, cases[i].text, cases[i].url), cases[i].text);
		tap_ok(bev_base64url_is_canonical(cases[i].text, strlen(cases[i].text)) ==
		           (cases[i].url != NULL),
		       cases[i].text);
	}
	bev_base64_encode(text, "foob", 4);
	tap_is(text, strlen(text), "Zm9vYg==", "four bytes");
	return tap_done();
}
