/*
 * handshake.c - reads an HTTP request's head, and the WebSocket upgrade in it.
 *
 * Model: strict where leniency has been an attack (bare line feeds, folded
 * lines, control characters, white space before a colon, a header twice), since
 * every client in use writes the strict form.
 *
 * Not here: the library's own HTTP reader.  libwebsockets 4.1.6 refuses a list of
 * subprotocols longer than 127 bytes (lws_process_ws_upgrade() copies it into a
 * buffer of 128), so a browser could not hand over a token that way, and its
 * upgrade path has a use after free that Debian has not patched.
 */
#define _GNU_SOURCE /* memmem */
#include "gateway/wire/handshake.h"

#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#include "common/text/hex.h"

#define WEBSOCKET_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static bool
span_is_nocase(BevSpan span, const char *text)
{
	return span.len == strlen(text) && strncasecmp(span.data, text, span.len) == 0;
}

static BevSpan
trim(BevSpan span)
{
	while (span.len > 0 && (*span.data == ' ' || *span.data == '\t'))
	{
		span.data++;
		span.len--;
	}
	while (span.len > 0 && (span.data[span.len - 1] == ' ' || span.data[span.len - 1] == '\t'))
		span.len--;
	return span;
}

/* The next element of a list; advances *rest past it and its separator. */
static bool
next_element(BevSpan *rest, char separator, BevSpan *element)
{
	const char *end;

	if (rest->data == NULL)
		return false;
	end = rest->len ? memchr(rest->data, separator, rest->len) : NULL;
	element->data = rest->data;
	element->len = end ? (uint32_t) (end - rest->data) : rest->len;
	if (end)
	{
		rest->len -= element->len + 1;
		rest->data = end + 1;
	}
	else
		*rest = (BevSpan){0};
	*element = trim(*element);
	return true;
}

size_t
bev_head_end(const char *data, size_t len)
{
	const char *end = memmem(data, len, "\r\n\r\n", 4);

	return end ? (size_t) (end - data) + 4 : 0;
}

static bool
is_token_char(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c != 0 && strchr("!#$%&'*+-.^_`|~", c));
}

static bool
is_token(BevSpan span)
{
	for (uint32_t i = 0; i < span.len; i++)
		if (!is_token_char((unsigned char) span.data[i]))
			return false;
	return span.len > 0;
}

/* No control characters, which is what a value may not hold. */
static bool
is_clean(BevSpan span, unsigned char lowest)
{
	for (uint32_t i = 0; i < span.len; i++)
	{
		unsigned char c = (unsigned char) span.data[i];

		if ((c < lowest && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static int
parse_request_line(BevSpan line, BevHead *head)
{
	BevSpan target;
	const char *question;

	if (!next_element(&line, ' ', &head->method) || !is_token(head->method))
		return 400;
	if (!next_element(&line, ' ', &target) || target.len == 0 || target.data[0] != '/' ||
	    !is_clean(target, 0x21) || memchr(target.data, '\t', target.len))
		return 400;
	head->is_old = bev_span_is(line, "HTTP/1.0");
	if (!head->is_old && !bev_span_is(line, "HTTP/1.1"))
		return line.len == 8 && memcmp(line.data, "HTTP/", 5) == 0 ? 505 : 400;

	question = memchr(target.data, '?', target.len);
	head->path = target;
	if (question)
	{
		head->path.len = (uint32_t) (question - target.data);
		head->query.data = question + 1;
		head->query.len = target.len - head->path.len - 1;
	}
	return 0;
}

/*
 * Keep a header that may come once.  0, or 400 where a second one would make
 * two readers of the request disagree.
 */
static int
keep(BevSpan *place, BevSpan value)
{
	if (place->data != NULL)
		return 400;
	*place = value;
	return 0;
}

static int
keep_forwarded(BevHead *head, BevSpan value)
{
	head->is_forwarded = true;
	if (head->forwarded.lines == BEV_FORWARDED_MAX)
		return 400;
	head->forwarded.line[head->forwarded.lines++] = value;
	return 0;
}

/* What else proxies write that say for whom they ask. */
static bool
is_of_proxy(BevSpan name)
{
	return span_is_nocase(name, "forwarded") || span_is_nocase(name, "via") ||
	       span_is_nocase(name, "x-real-ip") ||
	       (name.len > 12 && strncasecmp(name.data, "x-forwarded-", 12) == 0);
}

static int
keep_header(BevHead *head, BevSpan name, BevSpan value)
{
	if (span_is_nocase(name, "host"))
		return keep(&head->host, value);
	if (span_is_nocase(name, "sec-websocket-key"))
		return keep(&head->key, value);
	if (span_is_nocase(name, "sec-websocket-version"))
		return keep(&head->version, value);
	if (span_is_nocase(name, "upgrade"))
		return keep(&head->upgrade, value);
	if (span_is_nocase(name, "connection"))
		return keep(&head->connection, value);
	if (span_is_nocase(name, "content-length"))
		head->has_body |= !bev_span_is(value, "0");
	else if (span_is_nocase(name, "transfer-encoding"))
		head->has_body = true;
	else if (span_is_nocase(name, "origin"))
	{
		head->has_origin = true;
		head->ambiguous |= keep(&head->origin, value) != 0;
	}
	else if (span_is_nocase(name, "x-forwarded-for"))
		return keep_forwarded(head, value);
	else if (span_is_nocase(name, "accept"))
		head->accept = value;
	else if (span_is_nocase(name, "if-none-match"))
		head->known_tag = value;
	else if (span_is_nocase(name, "last-event-id"))
		head->ambiguous |= keep(&head->last_id, value) != 0;
	else if (is_of_proxy(name))
		head->is_forwarded = true;
	else if (span_is_nocase(name, "authorization"))
		head->ambiguous |= keep(&head->authorization, value) != 0;
	else if (span_is_nocase(name, "sec-websocket-protocol"))
		head->ambiguous |= keep(&head->protocols, value) != 0;
	return 0;
}

static int
parse_header(BevSpan line, BevHead *head)
{
	const char *colon = line.len ? memchr(line.data, ':', line.len) : NULL;
	BevSpan name;
	BevSpan value;

	if (colon == NULL)
		return 400;
	name = (BevSpan){line.data, (uint32_t) (colon - line.data)};
	value = trim((BevSpan){colon + 1, line.len - name.len - 1});
	if (!is_token(name) || !is_clean(value, 0x20))
		return 400;
	return keep_header(head, name, value);
}

int
bev_head_parse(const char *data, size_t len, BevHead *head)
{
	const char *end = data + len - 2; /* the empty line */
	bool first = true;

	*head = (BevHead){0};
	while (data < end)
	{
		const char *cr = memmem(data, (size_t) (end - data), "\r\n", 2);
		BevSpan line = {data, (uint32_t) (cr - data)};
		int status;

		status = first ? parse_request_line(line, head) : parse_header(line, head);
		if (status != 0)
			return status;
		first = false;
		data = cr + 2;
	}
	if (first || (head->host.len == 0 && !head->is_old))
		return 400;
	return 0;
}

static bool
list_has(BevSpan list, const char *wanted)
{
	BevSpan element;

	while (next_element(&list, ',', &element))
		if (span_is_nocase(element, wanted))
			return true;
	return false;
}

bool
bev_head_wants_upgrade(const BevHead *head)
{
	return list_has(head->upgrade, "websocket");
}

/* 16 bytes in base64, as they must be written. */
static bool
key_is_valid(BevSpan key)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	if (key.len != 24 || memcmp(key.data + 22, "==", 2) != 0)
		return false;
	for (int i = 0; i < 22; i++)
		if (key.data[i] == '\0' || strchr(alphabet, key.data[i]) == NULL)
			return false;
	return true;
}

int
bev_head_check_upgrade(const BevHead *head)
{
	if (head->is_old)
		return 505;
	if (!bev_span_is(head->method, "GET") || head->has_body)
		return 400;
	if (!bev_head_wants_upgrade(head) || !list_has(head->connection, "upgrade"))
		return 400;
	if (!bev_span_is(head->version, "13"))
		return 426;
	return key_is_valid(head->key) ? 0 : 400;
}

bool
bev_head_wants_sse(const BevHead *head)
{
	static const char type[] = "text/event-stream";
	BevSpan rest = head->accept;
	BevSpan element;

	while (next_element(&rest, ',', &element))
	{
		const char *end = memchr(element.data, ';', element.len);

		if (end)
			element.len = (uint32_t) (end - element.data);
		if (span_is_nocase(trim(element), type))
			return true;
	}
	return false;
}

bool
bev_head_offers_protocol(const BevHead *head)
{
	BevSpan rest = head->protocols;
	BevSpan element;

	while (next_element(&rest, ',', &element))
		if (bev_span_is(element, BEV_SUBPROTOCOL))
			return true;
	return false;
}

static void
copy_token(char *dst, BevSpan token)
{
	dst[0] = '\0';
	if (token.len > BEV_TOKEN_MAX)
		return;
	memcpy(dst, token.data, token.len);
	dst[token.len] = '\0';
}

static bool
token_from_authorization(const BevHead *head, char *dst)
{
	BevSpan value = head->authorization;

	if (value.len < 7 || strncasecmp(value.data, "bearer ", 7) != 0)
		return false;
	copy_token(dst, trim((BevSpan){value.data + 7, value.len - 7}));
	return true;
}

static bool
token_from_protocols(const BevHead *head, char *dst)
{
	const size_t prefix = strlen(BEV_BEARER_PREFIX);
	BevSpan rest = head->protocols;
	BevSpan element;
	bool found = false;

	while (next_element(&rest, ',', &element))
	{
		if (element.len < prefix || memcmp(element.data, BEV_BEARER_PREFIX, prefix) != 0)
			continue;
		copy_token(dst, (BevSpan){element.data + prefix, element.len - (uint32_t) prefix});
		if (found)
			dst[0] = '\0'; /* which one?  Neither. */
		found = true;
	}
	return found;
}

/* By either name; by both, it isn't clear which one counts. */
static bool
token_from_query(const BevHead *head, char *dst)
{
	char other[2];
	int len = bev_head_parameter(head, "token", dst, BEV_TOKEN_MAX + 1);

	if (len == -1)
		len = bev_head_parameter(head, "access_token", dst, BEV_TOKEN_MAX + 1);
	else if (bev_head_parameter(head, "access_token", other, sizeof(other)) != -1)
		len = -2;
	if (len == -2)
		dst[0] = '\0';
	return len != -1 && len != 0;
}

bool
bev_head_token(const BevHead *head, char *dst)
{
	if (head->ambiguous)
	{
		dst[0] = '\0';
		return true;
	}
	if (token_from_authorization(head, dst) || token_from_protocols(head, dst))
		return true;
	return token_from_query(head, dst);
}

/* Percent decoding; -2 when it is malformed or does not fit. */
static int
decode(BevSpan value, char *dst, size_t size)
{
	size_t n = 0;

	for (uint32_t i = 0; i < value.len; i++)
	{
		char c = value.data[i];

		if (c == '%')
		{
			bool whole = value.len - i > 2;
			int high = whole ? bev_hex_digit(value.data[i + 1]) : -1;
			int low = whole ? bev_hex_digit(value.data[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -2;
			c = (char) (high << 4 | low);
			i += 2;
		}
		if (n + 1 >= size || c == '\0')
			return -2;
		dst[n++] = c;
	}
	dst[n] = '\0';
	return (int) n;
}

int
bev_head_parameter(const BevHead *head, const char *name, char *dst, size_t size)
{
	const size_t name_len = strlen(name);
	BevSpan rest = head->query;
	BevSpan element;
	int result = -1;

	while (next_element(&rest, '&', &element))
	{
		if (element.len <= name_len || element.data[name_len] != '=' ||
		    memcmp(element.data, name, name_len) != 0)
			continue;
		if (result != -1)
			return -2;
		element.data += name_len + 1;
		element.len -= (uint32_t) name_len + 1;
		result = decode(element, dst, size);
	}
	return result;
}

static bool
is_among(BevSpan name, const char *const *known)
{
	while (*known && !bev_span_is(name, *known))
		known++;
	return *known != NULL;
}

bool
bev_head_unknown_parameter(const BevHead *head, const char *const *known, char *dst, size_t size)
{
	BevSpan rest = head->query;
	BevSpan name;

	while (next_element(&rest, '&', &name))
	{
		const char *end = name.len ? memchr(name.data, '=', name.len) : NULL;

		if (end)
			name.len = (uint32_t) (end - name.data);
		if (name.len == 0 || is_among(name, known))
			continue;
		if (name.len >= size)
			name.len = (uint32_t) size - 1;
		memcpy(dst, name.data, name.len);
		dst[name.len] = '\0';
		return true;
	}
	return false;
}

void
bev_head_accept(const BevHead *head, char dst[BEV_ACCEPT_LEN + 1])
{
	char text[24 + sizeof(WEBSOCKET_GUID)];
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	memcpy(text, head->key.data, 24);
	memcpy(text + 24, WEBSOCKET_GUID, sizeof(WEBSOCKET_GUID));
	EVP_Digest(text, sizeof(text) - 1, hash, &len, EVP_sha1(), NULL);
	EVP_EncodeBlock((unsigned char *) dst, hash, 20);
}

/* http://HOST or https://HOST, where HOST is what the client asked for. */
static bool
origin_is_own(const BevHead *head)
{
	BevSpan origin = head->origin;
	uint32_t scheme;

	if (origin.len > 7 && strncasecmp(origin.data, "http://", 7) == 0)
		scheme = 7;
	else if (origin.len > 8 && strncasecmp(origin.data, "https://", 8) == 0)
		scheme = 8;
	else
		return false;
	return origin.len - scheme == head->host.len &&
	       strncasecmp(origin.data + scheme, head->host.data, head->host.len) == 0;
}

bool
bev_origin_allowed(const BevHead *head, const char *allowed)
{
	BevSpan rest = {allowed, (uint32_t) strlen(allowed)};
	BevSpan element;

	if (!head->has_origin)
		return true; /* not a browser */
	if (trim(rest).len == 0)
		return origin_is_own(head);
	while (next_element(&rest, ',', &element))
	{
		if (bev_span_is(element, "*"))
			return true;
		if (element.len > 0 && element.len == head->origin.len &&
		    strncasecmp(element.data, head->origin.data, element.len) == 0)
			return true;
	}
	return false;
}
