/* Rules of looking for products: what is typed, ratings and prices, and facets. */
#include <string.h>

#include "base/out.h"
#include "base/text.h"
#include "services/product/rules.h"

#define SPACES " \t\r\n"
#define LABELS "{name tags category sku}"

/*
 * The words as strings of FTS5: within quotes nothing is syntax, and a quote is doubled. Where one
 * is cut into several tokens they must stand together, as in t-shirt. `behind` each of them a word
 * that only begins so is asked for with "*".
 */
static const char *quoted_words(struct arena *arena, const char *typed, const char *behind,
				size_t *ret_count)
{
	struct out out = out_new(arena);

	*ret_count = 0;
	typed += strspn(typed, SPACES);
	while (*typed) {
		size_t length = strcspn(typed, SPACES);

		out_printf(&out, "%s\"", *ret_count ? behind : "");
		for (size_t i = 0; i < length; i++)
			out_bytes(&out, typed[i] == '"' ? "\"\"" : typed + i,
				  typed[i] == '"' ? 2 : 1);
		out_bytes(&out, "\"", 1);
		typed += length;
		typed += strspn(typed, SPACES);
		(*ret_count)++;
	}
	return out.data;
}

struct search *search_new(struct arena *arena, const char *typed)
{
	struct search *search = ARENA_NEW(arena, struct search);
	size_t count;
	const char *whole = quoted_words(arena, typed, " ", &count);
	const char *all = arena_printf(arena, "%s*", quoted_words(arena, typed, "* ", &count));
	const char *any;

	if (!count)
		return NULL;
	search->words = count;
	search->all = all;
	search->whole = whole;
	search->tiers[0] = arena_printf(arena, "name : (%s)", whole);
	if (count == 1) {
		search->tiers[1] = arena_printf(arena, "name : (%s) NOT name : (%s)", all, whole);
		search->tiers[2] =
			arena_printf(arena, "(" LABELS " : (%s)) NOT name : (%s)", all, all);
		search->tiers[3] = arena_printf(arena, "(%s) NOT (" LABELS " : (%s))", all, all);
		return search;
	}
	/* Whole words, which are looked up faster than beginnings. */
	any = quoted_words(arena, typed, " OR ", &count);
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

void facet_roll_up(struct facet_value *values, size_t count)
{
	/* In order, what lies below a path comes right behind it. */
	for (size_t i = 0; i < count; i++)
		for (size_t j = i + 1;
		     j < count && text_starts_with(values[j].value, values[i].value); j++)
			values[i].count += values[j].count;
}
