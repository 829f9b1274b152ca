/* Small parsers of text: what they read, written again, reads as the same. */
#include "base/text.h"

#include "base/card.h"
#include "base/id.h"
#include "base/money.h"
#include "base/out.h"
#include "base/time.h"
#include "base/unicode.h"
#include "base/zone.h"
#include "fuzz.h"

static void percent(struct arena *arena, const char *text, size_t length)
{
	const char *encoded = text_percent_encode(arena, text), *decoded;

	decoded = text_percent_decode(arena, encoded, strlen(encoded), false);
	if (text_is_utf8(text, strlen(text)))
		assert(decoded && strcmp(decoded, text) == 0);
	else
		assert(!decoded);
	for (int plus = 0; plus < 2; plus++) {
		decoded = text_percent_decode(arena, text, length, plus);
		assert(!decoded ||
		       (text_is_utf8(decoded, strlen(decoded)) && strlen(decoded) <= length));
	}
}

static void base64(struct arena *arena, const char *text, size_t length)
{
	uint8_t *bytes;
	size_t count;

	/* Each value has one spelling. */
	if (base64url_decode(arena, text, &bytes, &count))
		assert(strcmp(base64url_encode(arena, bytes, count), text) == 0);
	assert(base64url_decode(arena, base64url_encode(arena, text, length), &bytes, &count));
	assert(count == length && memcmp(bytes, text, length) == 0);
}

static void moments(const char *text)
{
	char again[TIME_TEXT_SIZE];
	struct civil_time civil;
	int64_t time_ms, second;

	if (!time_parse(text, &time_ms))
		return;
	/* With an offset the moment may lie in the year before or after what can be written. */
	civil = time_to_civil(time_ms);
	assert(time_from_civil(&civil) == time_ms);
	if (civil.year < 0 || civil.year > 9999)
		return;
	time_format(time_ms, again);
	assert(time_parse(again, &second) && second == time_ms);
}

static void numbers(struct arena *arena, const char *text)
{
	static const char *const currencies[] = {"EUR", "JPY", "KWD", "XXZ"};
	struct money money;
	int64_t number;
	struct id id;

	if (text_to_int(text, &number)) {
		const char *digits = text + (*text == '-');

		assert(strspn(digits, "0123456789") == strlen(digits));
		digits += strspn(digits, "0");
		assert(strcmp(arena_printf(arena, "%s%s", number < 0 ? "-" : "",
					   *digits ? digits : "0"),
			      arena_printf(arena, "%lld", (long long)number)) == 0);
	}
	if (id_parse(text, &id))
		assert(text_equal_ignoring_case(id_text(arena, &id), text));
	for (size_t i = 0; i < ARRAY_LENGTH(currencies); i++) {
		char written[40];

		if (!money_parse_decimal(text, currencies[i], &money))
			continue;
		assert(money.amount >= 0 && money.amount <= MONEY_MAX);
		money_format(&money, written, sizeof(written));
		*strchr(written, ' ') = '\0';
		number = money.amount;
		assert(money_parse_decimal(written, currencies[i], &money) &&
		       money.amount == number);
	}
}

/* No byte that UTF-8 never has, and none of its sequences too long, of a surrogate, or beyond
 * U+10FFFF (RFC 3629, section 4). */
static void check_utf8(const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		assert(*at < 0xf5 && *at != 0xc0 && *at != 0xc1);
		assert(at[0] != 0xe0 || at[1] >= 0xa0);
		assert(at[0] != 0xed || at[1] < 0xa0);
		assert(at[0] != 0xf0 || at[1] >= 0x90);
		assert(at[0] != 0xf4 || at[1] < 0x90);
	}
}

static void words(struct arena *arena, const char *text)
{
	const char *slug, *trimmed = text_trim(arena, text), *lower = text_lower(arena, text);

	assert(strlen(trimmed) <= strlen(text) && strlen(lower) == strlen(text));
	(void)text_has_control(text);
	if (!text_is_utf8(text, strlen(text)))
		return;
	check_utf8(text);
	assert(text_length(text) <= strlen(text));
	/* A number is found with something behind it too, and is no token. */
	if (card_number_in(text))
		assert(!is_payment_token(text) &&
		       card_number_in(arena_printf(arena, "%s 12", text)));
	slug = text_slug(arena, text, 30);
	assert(text_length(slug) <= 30 && (!*slug || text_is_slug(slug)));
	if (text_is_email(text))
		assert(strlen(text) <= 254 && strchr(text, '@') && !strpbrk(text, " \r\n<>\""));
	if (text_is_mobile(text))
		assert(text[0] == '+' && strlen(text) <= 16);
	if (text_is_web_address(text))
		assert(strlen(text) <= 2048 && !strpbrk(text, " \r\n\t") &&
		       strncasecmp(text, "http", 4) == 0);
}

static bool add_word(void *arg, const char *word, size_t length)
{
	struct out *out = arg;

	out_printf(out, "%s%.*s", out->length ? " " : "", (int)length, word);
	return true;
}

static const char *joined_words(struct arena *arena, const char *text)
{
	struct out out = out_new(arena);

	unicode_words(arena, text, add_word, &out);
	return out.data;
}

/* What is brought into a form is in it. */
static void unicode(struct arena *arena, const char *text)
{
	const char *nfc, *folded, *found;
	size_t length;

	if (!text_is_utf8(text, strlen(text)))
		return;
	nfc = unicode_nfc(arena, text);
	assert(text_is_utf8(nfc, strlen(nfc)) && unicode_nfc(arena, nfc) == nfc);
	folded = unicode_fold(arena, text);
	assert(strcmp(unicode_fold(arena, folded), folded) == 0);
	assert(unicode_equal_folded(arena, nfc, text));
	found = joined_words(arena, text);
	assert(text_is_utf8(found, strlen(found)));
	assert(strcmp(joined_words(arena, found), found) == 0);
	assert(!unicode_has_hidden(unicode_without_hidden(arena, text)));
	unicode_sort_key(arena, text, &length);
	(void)zone_is_known(text);
}

void fuzz(struct arena *arena, const char *bytes, size_t length)
{
	percent(arena, bytes, length);
	base64(arena, bytes, length);
	moments(bytes);
	numbers(arena, bytes);
	words(arena, bytes);
	unicode(arena, bytes);
}
