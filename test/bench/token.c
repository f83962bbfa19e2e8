/*
 * token.c - signs the tokens with which the load clients connect.
 *
 * Written without the server's code, so that both can't share a mistake.
 */
#include "token.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LIFETIME	(10 * 3600)

/* Append src as base64url without padding; returns the new end. */
static char *
append_base64url(char *dst, const unsigned char *src, size_t len)
{
	int			written = EVP_EncodeBlock((unsigned char *) dst, src, (int) len);

	while (written > 0 && dst[written - 1] == '=')
		written--;
	for (int i = 0; i < written; i++)
	{
		if (dst[i] == '+')
			dst[i] = '-';
		else if (dst[i] == '/')
			dst[i] = '_';
	}
	return dst + written;
}

void
token_sign(char dst[TOKEN_MAX], const char *secret, size_t secret_len,
		   const char *user_id)
{
	static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
	char		claims[128];
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int mac_len = 0;
	char	   *end;

	snprintf(claims, sizeof(claims), "{\"sub\":\"%.40s\",\"role\":\"user\",\"exp\":%lld}",
			 user_id, (long long) time(NULL) + LIFETIME);
	end = append_base64url(dst, (const unsigned char *) header, strlen(header));
	*end++ = '.';
	end = append_base64url(end, (const unsigned char *) claims, strlen(claims));
	HMAC(EVP_sha256(), secret, (int) secret_len, (const unsigned char *) dst,
		 (size_t) (end - dst), mac, &mac_len);
	*end++ = '.';
	end = append_base64url(end, mac, mac_len);
	*end = '\0';
}
