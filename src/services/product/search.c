/* Rules of looking for products: what is typed, ratings and prices, and facets. */
#include <string.h>

#include "base/out.h"
#include "base/text.h"
#include "base/unicode.h"
#include "services/product/rules.h"

#define LABELS "{name tags category sku}"
#define LETTERS_MAX 40 /* words of Unicode, of which what is typed without blanks may have many */

/* What was typed between two blanks, as a phrase of words that stand together, as in t-shirt. Words
 * are letters and digits alone: within quotes they are no syntax of FTS5. */
struct phrase {
	struct out text;
	size_t *left; /* words that may still come */
};

static bool add_word(void *arg, const char *word, size_t length)
{
	struct phrase *phrase = arg;

	if (*phrase->left == 0)
		return false;
	(*phrase->left)--;
	out_printf(&phrase->text, "%s%.*s", phrase->text.length ? " " : "", (int)length, word);
	return true;
}

/* What stands before the next blank; it moves *typed behind it. NULL at the end. */
static const char *next_chunk(struct arena *arena, const char **typed)
{
	const char *begin = NULL, *end = *typed;

	while (*end) {
		const char *at = end;
		bool blank = text_is_white_space(text_next(&end));

		if (blank && begin) {
			*typed = end;
			return arena_copy_bytes(arena, begin, (size_t)(at - begin));
		}
		if (!blank && !begin)
			begin = at;
	}
	*typed = end;
	return begin;
}

/* The first different phrases; `false` where nothing was typed at all. */
static bool read_phrases(struct arena *arena, const char *typed, struct search *search)
{
	size_t left = LETTERS_MAX;
	bool any = false;
	const char *chunk;

	while (search->words < SEARCH_WORDS_MAX && left && (chunk = next_chunk(arena, &typed))) {
		struct phrase phrase = {.text = out_new(arena), .left = &left};
		bool twice = false;

		any = true;
		unicode_words(arena, chunk, add_word, &phrase);
		for (size_t i = 0; i < search->words && !twice; i++)
			twice = strcmp(search->phrases[i], phrase.text.data) == 0;
		if (phrase.text.length && !twice)
			search->phrases[search->words++] = phrase.text.data;
	}
	return any;
}

/* The phrases with `between` them; a "*" behind each asks for what only begins so. */
static const char *join(struct arena *arena, const struct search *search, const char *between,
			const char *behind)
{
	struct out out = out_new(arena);

	for (size_t i = 0; i < search->words; i++)
		out_printf(&out, "%s\"%s\"%s", i ? between : "", search->phrases[i], behind);
	return out.data;
}

struct search *search_new(struct arena *arena, const char *typed)
{
	struct search *search = ARENA_NEW(arena, struct search);
	const char *whole, *all, *any;

	if (!read_phrases(arena, typed, search))
		return NULL;
	/* Of signs alone: an empty phrase, which nothing has. */
	if (!search->words)
		search->phrases[search->words++] = "";
	search->whole = whole = join(arena, search, " ", "");
	search->all = all = join(arena, search, " ", "*");
	search->tiers[0] = arena_printf(arena, "name : (%s)", whole);
	if (search->words == 1) {
		search->tiers[1] = arena_printf(arena, "name : (%s) NOT name : (%s)", all, whole);
		search->tiers[2] =
			arena_printf(arena, "(" LABELS " : (%s)) NOT name : (%s)", all, all);
		search->tiers[3] = arena_printf(arena, "(%s) NOT (" LABELS " : (%s))", all, all);
		return search;
	}
	if (search->words > RANKED_WORDS_MAX) {
		search->tiers[1] = arena_printf(arena, "(%s) NOT name : (%s)", whole, whole);
		search->tiers[2] = arena_printf(arena, "(%s) NOT (%s)", all, whole);
		return search;
	}
	/* Whole words, which are looked up faster than beginnings. */
	any = join(arena, search, " OR ", "");
	search->tiers[1] =
		arena_printf(arena, "((%s) AND name : (%s)) NOT name : (%s)", all, any, whole);
	search->tiers[2] = arena_printf(arena, "(" LABELS " : (%s)) NOT name : (%s)", all, any);
	search->tiers[3] =
		arena_printf(arena, "(%s) NOT (" LABELS " : (%s) OR name : (%s))", all, all, any);
	return search;
}

bool rating_parse(const char *text, int64_t *ret_rating)
{
	int64_t rating;

	if (text[0] < '0' || text[0] > '5')
		return false;
	rating = (text[0] - '0') * 100;
	if (text[1]) {
		size_t digits = strspn(text + 2, "0123456789");

		if (text[1] != '.' || digits < 1 || digits > 2 || text[2 + digits])
			return false;
		rating += (text[2] - '0') * 10 + (digits > 1 ? text[3] - '0' : 0);
	}
	if (rating > 500)
		return false;
	*ret_rating = rating;
	return true;
}

/* Steps of 1, 2 and 5: in minor units, whatever the currency. */
const struct price_range price_ranges[PRICE_RANGES] = {
	{0, 499},	    {500, 999},		{1000, 1999},	      {2000, 4999},
	{5000, 9999},	    {10000, 19999},	{20000, 49999},	      {50000, 99999},
	{100000, 199999},   {200000, 499999},	{500000, 999999},     {1000000, 1999999},
	{2000000, 4999999}, {5000000, 9999999}, {10000000, 99999999}, {100000000, MONEY_MAX},
};

unsigned price_range_bit(int64_t price)
{
	unsigned i = 0;

	while (i < PRICE_RANGES - 1 && price > price_ranges[i].max)
		i++;
	return 1u << i;
}

void facet_roll_up(struct facet_value *values, size_t count)
{
	/* In order, what lies below a path comes right behind it. */
	for (size_t i = 0; i < count; i++)
		for (size_t j = i + 1;
		     j < count && text_starts_with(values[j].value, values[i].value); j++)
			values[i].count += values[j].count;
}
