/* Rules of looking for products: what is typed, ratings and prices, and facets. */
#include <string.h>

#include "base/out.h"
#include "base/text.h"
#include "services/product/rules.h"

#define SPACES " \t\r\n"

char *search_query(struct arena *arena, const char *typed)
{
	struct out out = out_new(arena);

	typed += strspn(typed, SPACES);
	while (*typed) {
		size_t length = strcspn(typed, SPACES);

		/* A string of FTS5: within quotes nothing is syntax, and a quote is doubled. Where
		 * it is cut into several tokens they must stand together, as in t-shirt. */
		out_bytes(&out, "\"", 1);
		for (size_t i = 0; i < length; i++)
			out_bytes(&out, typed[i] == '"' ? "\"\"" : typed + i,
				  typed[i] == '"' ? 2 : 1);
		out_bytes(&out, "\"* ", 3);
		typed += length;
		typed += strspn(typed, SPACES);
	}
	return out.length ? out.data : NULL;
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
