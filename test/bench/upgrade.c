/*
 * upgrade.c - a server's answer to a WebSocket client's request.
 */
#include "upgrade.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

static void
accept_key(const char *head, char dst[32])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	const char *key = strcasestr(head, "sec-websocket-key:");
	char		text[128] = "";
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (key)
		sscanf(key + 18, " %60[^\r\n ]", text);
	strcat(text, guid);
	EVP_Digest(text, strlen(text), digest, &len, EVP_sha1(), NULL);
	EVP_EncodeBlock((unsigned char *) dst, digest, (int) len);
}

size_t
upgrade_answer(const char *head, char *dst)
{
	static const char ready[] = "{\"type\":\"connection\",\"action\":\"ready\",\"payload\":{}}";
	char		key[32];

	accept_key(head, key);
	return (size_t) snprintf(dst, 512,
							 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
							 "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n%c%c%s",
							 key, 0x81, (char) strlen(ready), ready);
}
