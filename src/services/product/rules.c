/* Rules of the catalogue: its words, and what follows from a product's variants. */
#include "services/product/rules.h"

#include <string.h>

#include "base/out.h"
#include "base/text.h"

const char *const product_status_words[] = {
	[PRODUCT_DRAFT] = "draft",
	[PRODUCT_ACTIVE] = "active",
	[PRODUCT_ARCHIVED] = "archived",
	NULL,
};

static const char *const stock_words[] = {
	[STOCK_OUT] = "out_of_stock",
	[STOCK_BACKORDER] = "backorder",
	[STOCK_LOW] = "low_stock",
	[STOCK_IN] = "in_stock",
};

const char *stock_status_word(enum stock_status status)
{
	return stock_words[status];
}

enum stock_status stock_status_from_word(const char *word)
{
	for (enum stock_status status = STOCK_BACKORDER; status <= STOCK_IN; status++)
		if (word && strcmp(word, stock_words[status]) == 0)
			return status;
	return STOCK_OUT;
}

bool category_is_path(const char *text)
{
	char segment[PRODUCT_CATEGORY_MAX * 4 + 1]; /* a character has four bytes at most */

	for (;;) {
		size_t length = strcspn(text, "/");

		if (length >= sizeof(segment))
			return false;
		memcpy(segment, text, length);
		segment[length] = '\0';
		if (!text_is_slug(segment))
			return false;
		if (!text[length])
			return true;
		text += length + 1;
	}
}

/* --- what follows from the variants ------------------------------------------------------ */

static char *options_text(struct arena *arena, const struct list *options,
			  const struct variant *variant)
{
	const struct option *option = options->items;
	struct out out = out_new(arena);

	out_open(&out, NULL);
	for (size_t i = 0; i < options->count; i++)
		out_text(&out, option[i].name, variant->values[i]);
	out_close(&out);
	return out.data;
}

static char *title_of(struct arena *arena, const struct variant *variant, size_t options)
{
	struct out out = out_new(arena);

	for (size_t i = 0; i < options; i++)
		out_printf(&out, "%s%s", i ? " / " : "", variant->values[i]);
	return out.data;
}

static struct stock stock_begin(const struct initial_stock *initial)
{
	return (struct stock){
		.status = initial->uncounted || initial->units ? STOCK_IN
			  : initial->backorder		       ? STOCK_BACKORDER
							       : STOCK_OUT,
		.available = initial->uncounted ? 0 : initial->units,
		.uncounted = initial->uncounted,
		.backorder = initial->backorder,
	};
}

void product_settle_prices(struct product *product)
{
	product->price.amount = MONEY_MAX;
	product->price_max = 0;
	product->price_ranges = 0;
	for (size_t i = 0; i < product->variant_count; i++) {
		int64_t price = product->variants[i].price;

		product->price.amount = MIN(product->price.amount, price);
		product->price_max = MAX(product->price_max, price);
		product->price_ranges |= price_range_bit(price);
	}
}

void product_settle(struct arena *arena, struct product *product)
{
	const struct list *options = &product->content.options;

	product_settle_prices(product);
	product->stock = (struct stock){.status = STOCK_OUT};
	for (size_t i = 0; i < product->variant_count; i++) {
		struct variant *variant = &product->variants[i];

		variant->options = options_text(arena, options, variant);
		variant->title = title_of(arena, variant, options->count);
		/* Until Inventory says what there is, what it was told counts. */
		if (variant->is_new)
			variant->stock = stock_begin(&variant->initial);
		stock_add(&product->stock, &variant->stock, product->variant_count);
	}
}

int64_t stock_share(const struct stock *one, size_t variants)
{
	if (one->uncounted)
		return 0;
	return variants == 1 ? one->available : MAX(one->available, 0);
}

void stock_add(struct stock *all, const struct stock *one, size_t variants)
{
	all->available += stock_share(one, variants);
	all->uncounted += one->uncounted;
	all->status = MAX(all->status, one->status);
}

char *variant_sku(struct arena *arena, const char *slug, const struct variant *variant)
{
	return text_slug(
		arena, *variant->title ? arena_printf(arena, "%s %s", slug, variant->title) : slug,
		PRODUCT_SLUG_MAX);
}
