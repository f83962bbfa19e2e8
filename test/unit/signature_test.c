/*
 * signature_test.c - signatures of webhooks; the vectors were made by Python's hmac.
 */
#include <stdlib.h>

#include "carrier/message/signature.h"
#include "tap.h"

#define CONTACT \
	"{\"type\":\"contact.created\",\"timestamp\":\"2022-11-03T20:26:10.344522Z\"," \
	"\"data\":{\"id\":\"1f81eb52-5198-4599-803e-771906343485\"}}"

#define SHORTEST "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
#define LONGEST \
	"whsec_ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoOEhYaHiImKi4yNjo+QkZKTlJWWl5iZmpucnZ6foKGiow=="
#define MIDDLE "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

static void
signs(const char *secret, const char *msg_id, int64_t timestamp, const char *body,
      const char *wanted)
{
	BevSigner signer;
	BevText value = {0};

	tap_ok(bev_signer_read(&signer, secret) == NULL &&
	           bev_signer_sign(&signer, &value, msg_id, timestamp, body),
	       secret);
	tap_is(value.data, value.len, wanted, wanted);
	bev_text_free(&value);
	bev_signer_wipe(&signer);
}

int
main(void)
{
	static const char *const wrong[] = {
		"",
		" \n",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
		"whsec_",
		"whsec_AAEC",
		"WHSEC_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
		"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRY",
		"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFR==",
		"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRY-",
		"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXA===",
		"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWZ=",
		"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY",
		SHORTEST "," MIDDLE,
		SHORTEST " x",
		SHORTEST " " SHORTEST " " SHORTEST " " SHORTEST " " SHORTEST,
		"whsec_ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoOEhYaHiImKi4yNjo+QkZKTlJWWl5iZmpucnZ6foKGio6Q=",
		LONGEST LONGEST,
	};
	BevSigner signer;

	signs(SHORTEST, "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", 1674087231, CONTACT,
	      "v1,w9hHmpilBM+ZH5TWiqTF2V+zZhky2nrY7iwP4o0rZI0=");
	signs(LONGEST, "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", 1674087231, CONTACT,
	      "v1,RlgIxW7O7j4hlBTr2zKgHEKl8B3Tz/Q2Y2o3riPMAjU=");
	signs(MIDDLE, "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", 1674087231, CONTACT,
	      "v1,bAo/ZbQILxvdozo/ynbX/OmAvBCBNauT8tvtBLFrDCI=");
	signs(MIDDLE, "m", 0, "", "v1,KMxAG8wkEThXIWjwBtagQWVpnj/qGILzMWFJqxopA34=");
	signs(MIDDLE, "m", INT64_MAX, "Z\xc3\xbcrich",
	      "v1,7pZdxoOBz1SgGyABod34r36Q/USyU7OYd95WvgIyo1A=");
	signs(
		"\t" SHORTEST "\r\n" LONGEST "\n", "m", 0, "",
		"v1,4ZYR0NdAafrU7ATmDeF39znwODA2WDBlpheJt3Ckank= v1,2MCkYHzYWFeu0z9Cv2jpxuhZw6UR7OqQ0fKz1mIab24=");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		tap_ok(bev_signer_read(&signer, wrong[i]) != NULL && signer.count == 0, wrong[i]);
	return tap_done();
}
