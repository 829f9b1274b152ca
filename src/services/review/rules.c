/* The Review service's decisions. Pure: no I/O, no clock, no database. */
#include "services/review/rules.h"

#include <string.h>

#include "base/text.h"
#include "base/unicode.h"

/* --- words ------------------------------------------------------------------------------------ */

/* Where words are put, or only how long they are, while `end` is NULL. */
struct joining {
	char *end;
	size_t length;
};

static bool join_word(void *arg, const char *word, size_t length)
{
	struct joining *joining = arg;

	joining->length += length + 1;
	if (joining->end) {
		memcpy(joining->end, word, length);
		joining->end += length;
		*joining->end++ = ' ';
	}
	return true;
}

char *review_words(struct arena *arena, const char *text)
{
	struct joining joining = {0};
	char *words;

	unicode_words(arena, text, join_word, &joining);
	words = arena_alloc(arena, joining.length + 2);
	words[0] = ' ';
	joining.end = words + 1;
	unicode_words(arena, text, join_word, &joining);
	*joining.end = '\0';
	return words;
}

bool review_has_blocked_word(struct arena *arena, const char *text, const char *phrases)
{
	const char *words = review_words(arena, text);

	while (*phrases) {
		size_t length = strcspn(phrases, ",");
		const char *phrase = review_words(arena, arena_copy_bytes(arena, phrases, length));

		/* A phrase without a letter is a lone space, and would be in every text. */
		if (phrase[1] && strstr(words, phrase))
			return true;
		phrases += length;
		phrases += *phrases == ',';
	}
	return false;
}

/* --- links ------------------------------------------------------------------------------------ */

/* Those that advertisers use, and that no sentence begins with where the space was forgotten. */
static const char *const link_domains[] = {
	"com",	  "net",  "org", "info", "biz",	 "io", "shop", "store", "рф",
	"online", "site", "top", "xyz",	 "club", "ru", "cn",   "link",
};

/* What divides a host's labels where another script is typed (UTS 46). */
#define IDEOGRAPHIC_FULL_STOP "\u3002"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

static bool see_word(void *arg, const char *word, size_t length)
{
	*(bool *)arg = true;
	return false;
}

/* Whether a host's label that was read up to here goes on: with a letter of any script, and not with
 * a sign or a quotation mark of another one. */
static bool goes_on(struct arena *arena, const char *text)
{
	const char *end = text;
	bool is_word = false;

	if (!((unsigned char)*text & 0x80))
		return *text == '-' || is_letter(*text);
	text_next(&end);
	unicode_words(arena, arena_copy_bytes(arena, text, (size_t)(end - text)), see_word,
		      &is_word);
	return is_word;
}

static bool begins_with_domain(struct arena *arena, const char *text)
{
	for (size_t i = 0; i < ARRAY_LENGTH(link_domains); i++)
		if (text_starts_with(text, link_domains[i]) &&
		    !goes_on(arena, text + strlen(link_domains[i])))
			return true;
	return false;
}

/* Whether the dot at `dot`, of so many bytes, joins a name of two letters or more to a domain. */
static bool joins_host(struct arena *arena, const char *text, const char *dot, size_t length)
{
	return dot - text >= 2 && is_letter(dot[-1]) && is_letter(dot[-2]) &&
	       begins_with_domain(arena, dot + length);
}

static bool has_host(struct arena *arena, const char *text, const char *dot)
{
	size_t length = strlen(dot);

	for (const char *at = strstr(text, dot); at; at = strstr(at + length, dot))
		if (joins_host(arena, text, at, length))
			return true;
	return false;
}

bool review_has_link(struct arena *arena, const char *text)
{
	const char *folded = unicode_fold(arena, text);

	return strstr(folded, "://") || strstr(folded, "www.") || has_host(arena, folded, ".") ||
	       has_host(arena, folded, IDEOGRAPHIC_FULL_STOP);
}

/* --- what waits ------------------------------------------------------------------------------- */

const char *review_why_wait(struct arena *arena, const struct review *review,
			    const struct review_history *history,
			    const struct review_limits *limits)
{
	/* Two sentences: a phrase does not reach from the title into the comment. */
	const char *title = review->title ? review->title : "";

	if (review_has_blocked_word(arena, title, limits->blocked_phrases) ||
	    review_has_blocked_word(arena, review->comment, limits->blocked_phrases))
		return "It holds a blocked word.";
	if (review_has_link(arena, title) || review_has_link(arena, review->comment))
		return "It holds a link.";
	if (history->sells_product)
		return "Its author sells the product.";
	if (history->rejected)
		return "A review by its author was rejected.";
	if (history->words_rejected)
		return "The same words were rejected before.";
	if (history->account_age_ms < limits->account_ms)
		return "Its author's account is new.";
	if (!history->published_before && history->recent >= limits->flood)
		return "A first-time reviewer wrote many reviews within an hour.";
	return NULL;
}

bool review_fingerprint(struct arena *arena, const struct review *review, struct hash *ret_hash)
{
	const char *words = arena_printf(arena, "%s\n%s",
					 review_words(arena, review->title ? review->title : ""),
					 review_words(arena, review->comment));

	if (strlen(words) < REVIEW_FINGERPRINT_BYTES_MIN)
		return false;
	*ret_hash = hash_of_text(words);
	return true;
}

/* --- order and sums --------------------------------------------------------------------------- */

int64_t review_helpfulness(const struct review *review)
{
	int64_t length = (int64_t)text_length(review->comment);

	return (review->verified ? REVIEW_HELPFUL_VERIFIED : 0) +
	       MIN(length, REVIEW_HELPFUL_LENGTH_MAX);
}

int64_t rating_count(const struct rating *rating)
{
	int64_t count = 0;

	for (int i = 1; i <= REVIEW_STARS_MAX; i++)
		count += rating->stars[i];
	return count;
}

int64_t rating_average(const struct rating *rating)
{
	int64_t count = rating_count(rating), sum = 0;

	for (int i = 1; i <= REVIEW_STARS_MAX; i++)
		sum += i * rating->stars[i];
	return count ? (200 * sum + count) / (2 * count) : 0;
}
