/*
 * Addresses of e-mail. The domain may be written in any script (IDNA, as UTS 46 processes it), and so may
 * the part before it (RFC 6531); of ASCII both are what the HTML standard takes.
 */
#include <pthread.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/uidna.h>

#include "base/text.h"
#include "base/unicode.h"

#define EMAIL_LENGTH_MAX 254
#define DOMAIN_LENGTH_MAX 253
#define LABEL_LENGTH_MAX 63

static pthread_once_t once = PTHREAD_ONCE_INIT;
static UIDNA *idna;

static void open_idna(void)
{
	UErrorCode code = U_ZERO_ERROR;

	idna = uidna_openUTS46(UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ |
				       UIDNA_NONTRANSITIONAL_TO_ASCII,
			       &code);
	assert(U_SUCCESS(code));
}

static bool is_alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Labels of letters, digits and inner hyphens, joined by points. */
static bool is_domain(const char *text)
{
	for (;;) {
		size_t length = 0;

		while (is_alphanumeric(text[length]) || text[length] == '-')
			length++;
		if (length < 1 || length > LABEL_LENGTH_MAX || text[0] == '-' ||
		    text[length - 1] == '-')
			return false;
		if (!text[length])
			return true;
		if (text[length] != '.')
			return false;
		text += length + 1;
	}
}

/* In ASCII and lower case, as the domain name system has it; false where it is no domain. */
static bool domain_to_ascii(const char *domain, char ret_ascii[static DOMAIN_LENGTH_MAX + 1])
{
	UIDNAInfo info = UIDNA_INFO_INITIALIZER;
	UErrorCode code = U_ZERO_ERROR;
	size_t length = strlen(domain);

	if (unicode_is_ascii(domain)) {
		if (length > DOMAIN_LENGTH_MAX || !is_domain(domain))
			return false;
		for (size_t i = 0; i <= length; i++)
			ret_ascii[i] = domain[i] >= 'A' && domain[i] <= 'Z'
					       ? (char)(domain[i] | 0x20)
					       : domain[i];
		return true;
	}
	if (length > EMAIL_LENGTH_MAX)
		return false;
	pthread_once(&once, open_idna);
	length = (size_t)uidna_nameToASCII_UTF8(idna, domain, (int32_t)length, ret_ascii,
						DOMAIN_LENGTH_MAX, &info, &code);
	if (U_FAILURE(code) || info.errors || length > DOMAIN_LENGTH_MAX)
		return false;
	ret_ascii[length] = '\0';
	return is_domain(ret_ascii);
}

/* How many bytes stand before the @, which begins what is no part of it. */
static size_t local_length(const char *text)
{
	static const char marks[] = ".!#$%&'*+/=?^_`{|}~-";
	const char *at = text;

	while (*at) {
		const char *behind = at;
		uint32_t c = text_next(&behind);
		uint32_t letters = U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK;

		if (c < 0x80 ? !is_alphanumeric((char)c) && !strchr(marks, (char)c)
			     : !(U_GET_GC_MASK((UChar32)c) & letters) ||
				       u_hasBinaryProperty((UChar32)c,
							   UCHAR_DEFAULT_IGNORABLE_CODE_POINT))
			break;
		at = behind;
	}
	return (size_t)(at - text);
}

bool text_is_email(const char *text)
{
	char domain[DOMAIN_LENGTH_MAX + 1];
	size_t local;

	if (strnlen(text, EMAIL_LENGTH_MAX + 1) > EMAIL_LENGTH_MAX)
		return false;
	local = local_length(text);
	return local && text[local] == '@' && domain_to_ascii(text + local + 1, domain) &&
	       local + 1 + strlen(domain) <= EMAIL_LENGTH_MAX;
}

char *text_email_ascii_domain(struct arena *arena, const char *email)
{
	const char *at = strrchr(email, '@');
	char domain[DOMAIN_LENGTH_MAX + 1];

	if (!at || !domain_to_ascii(at + 1, domain))
		return arena_copy_text(arena, email);
	return arena_printf(arena, "%.*s@%s", (int)(at - email), email, domain);
}

char *text_email_key(struct arena *arena, const char *email)
{
	return unicode_fold(arena, text_email_ascii_domain(arena, email));
}
