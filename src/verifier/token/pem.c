/*
 * pem.c - public keys and certificates in PEM.
 */
#include "verifier/token/pem.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

/*
 * A big number of the key in dst, padded to len bytes, or as long as it is if len
 * is 0.  None: there is no such number.
 */
static BevBytes
number_of(EVP_PKEY *pkey, const char *name, unsigned char *dst, size_t size, size_t len)
{
	BIGNUM *number = NULL;
	BevBytes bytes = {dst, 0};

	if (EVP_PKEY_get_bn_param(pkey, name, &number) == 1)
	{
		if (len == 0)
			len = (size_t) BN_num_bytes(number);
		if (len <= size && BN_bn2binpad(number, dst, (int) len) >= 0)
			bytes.len = len;
	}
	BN_free(number);
	return bytes;
}

static BevKey *
rsa_key(EVP_PKEY *pkey)
{
	unsigned char n[BEV_SIGNATURE_MAX];
	unsigned char e[64];

	return bev_key_rsa(number_of(pkey, OSSL_PKEY_PARAM_RSA_N, n, sizeof(n), 0),
	                   number_of(pkey, OSSL_PKEY_PARAM_RSA_E, e, sizeof(e), 0));
}

static BevKey *
ec_key(EVP_PKEY *pkey)
{
	static const struct
	{
		const char *name;
		BevKeyKind kind;
		size_t len;
	} curves[] = {
		{"prime256v1", BEV_KEY_P256, 32},
		{"secp384r1", BEV_KEY_P384, 48},
		{"secp521r1", BEV_KEY_P521, 66},
	};
	unsigned char x[66];
	unsigned char y[66];
	char group[32];

	if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) != 1)
		return NULL;
	for (int i = 0; i < 3; i++)
		if (strcmp(group, curves[i].name) == 0)
			return bev_key_ec(
				curves[i].kind,
				number_of(pkey, OSSL_PKEY_PARAM_EC_PUB_X, x, sizeof(x), curves[i].len),
				number_of(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, y, sizeof(y), curves[i].len));
	return NULL;
}

static BevKey *
edwards_key(EVP_PKEY *pkey, const char *curve)
{
	unsigned char x[57];
	size_t len = sizeof(x);

	if (EVP_PKEY_get_raw_public_key(pkey, x, &len) != 1)
		return NULL;
	return bev_key_edwards(curve, (BevBytes){x, len});
}

static BevKey *
key_of(EVP_PKEY *pkey)
{
	switch (pkey ? EVP_PKEY_get_base_id(pkey) : EVP_PKEY_NONE)
	{
		case EVP_PKEY_RSA:
			return rsa_key(pkey);
		case EVP_PKEY_EC:
			return ec_key(pkey);
		case EVP_PKEY_ED25519:
			return edwards_key(pkey, "Ed25519");
		case EVP_PKEY_ED448:
			return edwards_key(pkey, "Ed448");
		default:
			return NULL;
	}
}

static EVP_PKEY *
read_block(const char *name, const unsigned char *der, long len)
{
	EVP_PKEY *pkey = NULL;

	if (strcmp(name, PEM_STRING_PUBLIC) == 0)
		return d2i_PUBKEY(NULL, &der, len);
	if (strcmp(name, PEM_STRING_RSA_PUBLIC) == 0)
		return d2i_PublicKey(EVP_PKEY_RSA, NULL, &der, len);
	if (strcmp(name, PEM_STRING_X509) == 0)
	{
		X509 *certificate = d2i_X509(NULL, &der, len);

		if (certificate)
			pkey = X509_get_pubkey(certificate);
		X509_free(certificate);
	}
	return pkey;
}

static bool
add_block(BevKeyring *keyring, const char *name, const unsigned char *der, long len)
{
	EVP_PKEY *pkey = read_block(name, der, len);
	BevKey *key = key_of(pkey);

	EVP_PKEY_free(pkey);
	return key && bev_keyring_add(keyring, key);
}

bool
bev_pem_read(BevKeyring *keyring, const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	bool good = true;
	bool any = pem[strspn(pem, " \t\r\n")] == '\0';
	char *name;
	char *header;
	unsigned char *der;
	long len;

	while (good && PEM_read_bio(bio, &name, &header, &der, &len) == 1)
	{
		any = true;
		good = add_block(keyring, name, der, len);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t) len);
	}
	BIO_free(bio);
	return good && any;
}
