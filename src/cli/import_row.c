/*
 * What a row of Shopify's product export says. The first row of a handle holds the product, and any
 * row may hold a variant, an image, or both.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/unicode.h"
#include "cli/import.h"
#include "cli/import_cells.h"

#define BRAND_MAX 100
#define SEO_MAX 1000

/* --- lists and notes --------------------------------------------------------------------- */

void list_append(struct arena *arena, struct list *list, const void *item, size_t size)
{
	const size_t first = 4;
	bool full = list->count >= first && (list->count & (list->count - 1)) == 0;

	if (!list->count || full) {
		void *items = arena_array(arena, list->count ? 2 * list->count : first, size);

		if (list->count)
			memcpy(items, list->items, list->count * size);
		list->items = items;
	}
	memcpy((char *)list->items + list->count++ * size, item, size);
}

/* --- cells ------------------------------------------------------------------------------- */

static void note_word(struct import *import, int64_t line, const char *column, const char *word,
		      const char *what)
{
	import_note(import, "line %lld: %s is \"%s\", a word that is not known: %s",
		    (long long)line, column, word, what);
}

/* The cell's text; where it is too long, what can be taken of it, told of. */
static char *take_text(struct import *import, const struct row *row, const char *what,
		       const char *cell, size_t most)
{
	if (text_length(cell) > most)
		import_note(import, "line %lld: its %s was cut to %zu characters",
			    (long long)row->line, what, most);
	return cell_cut(import->arena, cell, most);
}

/* The same; NULL where the cell is empty. */
static char *take_filled(struct import *import, const struct row *row, const char *what,
			 const char *cell, size_t most)
{
	return *cell ? take_text(import, row, what, cell, most) : NULL;
}

/* False where it says nothing. What is not to be listed is not to be sold: a word that we do not know
 * hides it too. */
static bool status_from(struct import *import, const struct row *row,
			enum product_status *ret_status)
{
	const char *status = row->cells[COLUMN_STATUS], *published = row->cells[COLUMN_PUBLISHED];
	enum cell_truth truth = cell_truth(import->arena, published);
	bool active = !*status || text_equal_ignoring_case(status, "active");

	if (!*status && !*published)
		return false;
	if (text_equal_ignoring_case(status, "archived")) {
		*ret_status = PRODUCT_ARCHIVED;
		return true;
	}
	if (!active && !text_equal_ignoring_case(status, "draft"))
		note_word(import, row->line, "Status", status, "the product is a draft");
	if (truth == CELL_UNKNOWN)
		note_word(import, row->line, "Published", published, "the product is a draft");
	active = active && (truth == CELL_TRUE || truth == CELL_EMPTY);
	*ret_status = active ? PRODUCT_ACTIVE : PRODUCT_DRAFT;
	return true;
}

static void read_tags(struct import *import, const struct row *row, struct import_product *product)
{
	const char *text = row->cells[COLUMN_TAGS];

	while (*text) {
		size_t length = strcspn(text, ",");
		const char *part = arena_copy_bytes(import->arena, text, length);
		char *tag = take_text(import, row, "tag", text_trim(import->arena, part),
				      PRODUCT_TAG_LENGTH_MAX);

		if (*tag && product->tags.count < PRODUCT_TAGS_MAX)
			list_append(import->arena, &product->tags, &tag, sizeof(tag));
		else if (*tag)
			import_note(import, "line %lld: more than %d tags; \"%s\" was left out",
				    (long long)row->line, PRODUCT_TAGS_MAX, tag);
		text += length;
		text += *text != '\0';
	}
}

/* What a cell comes to, rounded; false, told of, where it is no number. */
static bool number_from(struct import *import, const struct row *row, enum column column,
			const char *name, int64_t most, int64_t *ret_number)
{
	const char *cell = row->cells[column];
	bool below = *cell == '-';
	int64_t number;
	char *plain;

	if (!*cell)
		return false;
	if (cell_decimal(import->arena, cell + below, import->separator != ',',
			 column == COLUMN_GRAMS ? -1 : 0, &plain) != DECIMAL_GOOD ||
	    !cell_round(plain, &number) || number > most) {
		import_note(import, "line %lld: %s \"%s\" was left out: it is no number to go by",
			    (long long)row->line, name, cell);
		return false;
	}
	*ret_number = below ? -number : number;
	return true;
}

/* The same; 0 where there is none. */
static int64_t read_number(struct import *import, const struct row *row, enum column column,
			   const char *name, int64_t most)
{
	int64_t number = 0;

	return number_from(import, row, column, name, most, &number) ? number : 0;
}

/* --- images ------------------------------------------------------------------------------ */

static void add_image(struct import *import, const struct row *row, struct import_product *product,
		      const char *url, const char *alt)
{
	const struct import_image *images = product->images.items;
	struct import_image image = {.position = INT64_MAX};

	if (!*url)
		return;
	for (size_t i = 0; i < product->images.count; i++)
		if (strcmp(images[i].url, url) == 0)
			return;
	if (!text_is_web_address(url) || product->images.count >= PRODUCT_IMAGES_MAX) {
		import_note(import, "line %lld: an image was left out: %s", (long long)row->line,
			    product->images.count >= PRODUCT_IMAGES_MAX
				    ? "there are too many"
				    : "its address is no http or https address");
		return;
	}
	image.url = arena_copy_text(import->arena, url);
	image.alt = take_text(import, row, "image's text", alt, PRODUCT_ALT_LENGTH_MAX);
	if (url == row->cells[COLUMN_IMAGE] && *row->cells[COLUMN_IMAGE_POSITION])
		image.position =
			read_number(import, row, COLUMN_IMAGE_POSITION, "the position", INT32_MAX);
	list_append(import->arena, &product->images, &image, sizeof(image));
}

/* --- products ---------------------------------------------------------------------------- */

static void set_option_name(struct import *import, const struct row *row,
			    struct import_product *product, size_t index)
{
	const char *name =
		take_text(import, row, "option's name", row->cells[COLUMN_OPTION1_NAME + 2 * index],
			  PRODUCT_OPTION_NAME_MAX);

	for (size_t i = 0; i < product->option_count; i++)
		if (product->options[i] && strcmp(product->options[i], name) == 0)
			name = arena_printf(import->arena, "%s %zu", name, index + 1);
	product->options[index] = name;
}

/* Its first variant says how many options there are, any row what they are called. */
static void read_options(struct import *import, const struct row *row,
			 struct import_product *product, bool variant)
{
	for (size_t i = 0; i < PRODUCT_OPTIONS_MAX; i++) {
		const char *name = row->cells[COLUMN_OPTION1_NAME + 2 * i];
		const char *value = row->cells[COLUMN_OPTION1_VALUE + 2 * i];
		bool plain = i == 0 && text_equal_ignoring_case(value, "Default Title") &&
			     (!*name || text_equal_ignoring_case(name, "Title"));

		if ((!*name && !*value) || plain)
			break;
		if (variant && !product->has_options)
			product->option_count = i + 1;
		if (*name && i < product->option_count && !product->options[i])
			set_option_name(import, row, product, i);
	}
	product->has_options = product->has_options || variant;
}

/* Nor is what may be one to be sold as goods. */
static bool is_gift_card(struct import *import, const struct row *row)
{
	const char *cell = row->cells[COLUMN_GIFT_CARD];
	enum cell_truth truth = cell_truth(import->arena, cell);

	if (truth == CELL_UNKNOWN)
		note_word(import, row->line, "Gift Card", cell, "the product is taken for one");
	return truth == CELL_TRUE || truth == CELL_UNKNOWN;
}

/* What the row says of the product, and no row before it: mostly all of it stands in the first. */
static void read_product(struct import *import, const struct row *row,
			 struct import_product *product)
{
	const char *type = row->cells[COLUMN_TYPE], *title = row->cells[COLUMN_TITLE];
	struct arena *arena = import->arena;

	if (!product->name)
		product->name = take_filled(import, row, "title", title, PRODUCT_NAME_MAX);
	if (!product->description && *row->cells[COLUMN_BODY])
		product->description = cell_clean(arena, row->cells[COLUMN_BODY], true);
	if (!product->brand)
		product->brand =
			take_filled(import, row, "vendor", row->cells[COLUMN_VENDOR], BRAND_MAX);
	if (*type && *row->cells[COLUMN_CATEGORY])
		import->categories_left++;
	if (!product->category)
		product->category =
			cell_category(arena, *type ? type : row->cells[COLUMN_CATEGORY]);
	if (!product->status_given)
		product->status_given = status_from(import, row, &product->status);
	if (!product->seo_title)
		product->seo_title = take_filled(import, row, "SEO title",
						 row->cells[COLUMN_SEO_TITLE], SEO_MAX);
	if (!product->seo_description)
		product->seo_description = take_filled(import, row, "SEO description",
						       row->cells[COLUMN_SEO_DESCRIPTION], SEO_MAX);
	if (!product->is_gift_card)
		product->is_gift_card = is_gift_card(import, row);
	if (!product->tags.count)
		read_tags(import, row, product);
}

static struct import_product *new_product(struct import *import, const struct row *row,
					  const char *slug)
{
	struct import_product *product = ARENA_NEW(import->arena, struct import_product);
	void *item = product;

	product->handle = cell_clean(import->arena, row->cells[COLUMN_HANDLE], false);
	product->slug = arena_copy_text(import->arena, slug);
	list_append(import->arena, &import->products, &item, sizeof(item));
	return product;
}

/* The handle where it is a slug as it is, so that two whose letters differ by their marks alone stay
 * two products; else what of it can be one. */
static const char *slug_from(struct arena *arena, const char *handle)
{
	handle = unicode_nfc(arena, handle);
	if (text_is_slug(handle) && text_length(handle) <= PRODUCT_SLUG_MAX)
		return handle;
	return text_slug(arena, handle, PRODUCT_SLUG_MAX);
}

/* A handle under which there can be no product: one has failed, however many rows it has. */
static void note_lost(struct import *import, const char *handle)
{
	/* No slug begins so. */
	char *key = arena_printf(import->arena, "\n%s", handle);

	if (map_get(import->by_slug, key, strlen(key)))
		return;
	import->failed++;
	if (!map_put(import->by_slug, key, strlen(key), key))
		import_note(import, "there are more handles than can be counted");
}

/* Skips a row that does not say which product it is of: one has failed. */
static void lose_stray(struct import *import, int64_t line, const char *reason)
{
	import_skip(import, line, NULL, "%s", reason);
	import->strays++;
	import->failed++;
}

/* The product that the row belongs to; NULL, reported, where there is none. */
static struct import_product *product_of(struct import *import, const struct row *row)
{
	const char *handle = row->cells[COLUMN_HANDLE];
	struct import_product *product;
	const char *slug;

	if (!*handle) {
		lose_stray(import, row->line, "it has no handle");
		return NULL;
	}
	slug = slug_from(import->arena, handle);
	if (!*slug) {
		import_skip(import, row->line, handle, "its handle has neither letters nor digits");
		note_lost(import, handle);
		return NULL;
	}
	product = map_get(import->by_slug, slug, strlen(slug));
	if (product && !unicode_equal_folded(import->arena, product->handle, handle)) {
		import_skip(import, row->line, handle,
			    "its handle is too much like \"%s\": both would be found at %s",
			    product->handle, slug);
		note_lost(import, handle);
		return NULL;
	}
	if (product)
		return product;
	product = new_product(import, row, slug);
	if (!map_put(import->by_slug, slug, strlen(slug), product)) {
		import_skip(import, row->line, handle, "there are more products than can be read");
		import->products.count--;
		return NULL;
	}
	return product;
}

/* --- variants ---------------------------------------------------------------------------- */

static const enum column variant_columns[] = {
	COLUMN_OPTION1_VALUE, COLUMN_SKU,	    COLUMN_PRICE,   COLUMN_COMPARE_AT,
	COLUMN_QUANTITY,      COLUMN_VARIANT_IMAGE, COLUMN_BARCODE, COLUMN_GRAMS,
};

/* Those that a row which holds no more than an image leaves empty. */
#define VARIANT_COLUMNS_TELLING 3

/* A product's first row always is one, but for an image that was sorted in front of it; a later one
 * may hold no more than an image. */
static bool is_variant(const struct import *import, const struct row *row,
		       const struct import_product *product)
{
	bool known = false;

	for (size_t i = 0; i < VARIANT_COLUMNS_TELLING; i++)
		if (*row->cells[variant_columns[i]])
			return true;
	for (size_t i = 0; i < ARRAY_LENGTH(variant_columns); i++)
		known = known || import->known[variant_columns[i]];
	return known && product->lines.count == 0 &&
	       (!*row->cells[COLUMN_IMAGE] || *row->cells[COLUMN_TITLE]);
}

/* Whether both rows speak of one variant: their options say so, or, where the file has none, their
 * SKUs. */
static bool is_same(const struct import *import, const struct import_product *product,
		    const struct import_variant *a, const struct import_variant *b)
{
	if (!import->known[COLUMN_OPTION1_VALUE])
		return !a->sku || !b->sku || strcmp(a->sku, b->sku) == 0;
	for (size_t i = 0; i < product->option_count; i++)
		if (strcmp(a->values[i], b->values[i]) != 0)
			return false;
	return true;
}

static const char *option_name(struct import *import, const struct import_product *product,
			       size_t index)
{
	return product->options[index] ? product->options[index]
				       : arena_printf(import->arena, "Option %zu", index + 1);
}

/* Why the row's option values are no good, or NULL. */
static const char *read_values(struct import *import, const struct row *row,
			       const struct import_product *product, struct import_variant *variant)
{
	const struct import_variant *others = product->variants.items;

	for (size_t i = 0; i < PRODUCT_OPTIONS_MAX; i++) {
		const char *value = row->cells[COLUMN_OPTION1_VALUE + 2 * i];

		if (i >= product->option_count) {
			if (*value && !text_equal_ignoring_case(value, "Default Title"))
				return arena_printf(
					import->arena,
					"the product has no option %zu, but the row has "
					"the value \"%s\" of it",
					i + 1, value);
			continue;
		}
		if (!*value)
			return arena_printf(import->arena, "it has no value for the option \"%s\"",
					    option_name(import, product, i));
		variant->values[i] =
			take_text(import, row, "option's value", value, PRODUCT_OPTION_VALUE_MAX);
	}
	for (size_t i = 0; i < product->variants.count; i++)
		if (is_same(import, product, &others[i], variant))
			return arena_printf(import->arena,
					    "it is the same variant as the one on line %lld",
					    (long long)others[i].line);
	return NULL;
}

/* Why its SKU is no good, or NULL. */
static const char *read_sku(struct import *import, const struct row *row,
			    struct import_variant *variant)
{
	const char *sku = cell_without_apostrophe(row->cells[COLUMN_SKU]);

	if (!*sku)
		return NULL;
	if (text_length(sku) > PRODUCT_SKU_MAX)
		return "its SKU is too long";
	variant->sku = cell_clean(import->arena, sku, false);
	return NULL;
}

/* Why the cell is no amount, or NULL. */
static const char *read_amount(struct import *import, const char *cell, int64_t *ret_amount)
{
	int digits = currency_digits(import->currency);
	struct money money;
	char *plain;

	switch (cell_decimal(import->arena, cell, import->separator != ',', digits, &plain)) {
	case DECIMAL_AMBIGUOUS:
		return arena_printf(import->arena,
				    "\"%s\" can be read in two ways: write its decimals", cell);
	case DECIMAL_GOOD:
		if (!money_parse_decimal(plain, import->currency, &money))
			break;
		*ret_amount = money.amount;
		return NULL;
	case DECIMAL_NONE:
		break;
	}
	return arena_printf(import->arena, "\"%s\" is no amount of %s", cell, import->currency);
}

static const char *read_price(struct import *import, const struct row *row,
			      struct import_variant *variant)
{
	const char *text = row->cells[COLUMN_PRICE], *why;

	variant->price = -1;
	if (!import->known[COLUMN_PRICE])
		return NULL;
	if (!*text)
		return "it has no price";
	why = read_amount(import, text, &variant->price);
	return why ? arena_printf(import->arena, "its price %s", why) : NULL;
}

/* Whether it may be sold before it is there. */
static bool read_policy(struct import *import, const struct row *row)
{
	const char *policy = row->cells[COLUMN_POLICY];

	if (!*policy || text_equal_ignoring_case(policy, "deny"))
		return false;
	if (text_equal_ignoring_case(policy, "continue"))
		return true;
	switch (cell_truth(import->arena, policy)) {
	case CELL_TRUE:
		return true;
	case CELL_UNKNOWN:
		note_word(import, row->line, "the inventory policy", policy,
			  "it is not sold before it is there");
		return false;
	case CELL_EMPTY:
	case CELL_FALSE:
		break;
	}
	return false;
}

static void read_stock(struct import *import, const struct row *row, struct import_variant *variant)
{
	const char *quantity = row->cells[COLUMN_QUANTITY];

	variant->tracked = import->known[COLUMN_TRACKER] ? *row->cells[COLUMN_TRACKER] : *quantity;
	variant->counted = number_from(import, row, COLUMN_QUANTITY, "the stock", PRODUCT_STOCK_MAX,
				       &variant->stock) &&
			   variant->tracked;
	variant->backorder = read_policy(import, row);
}

/* What the variant says besides; what is no good is left out, and told of. */
static void read_details(struct import *import, const struct row *row, struct details *details)
{
	const char *compare_at = row->cells[COLUMN_COMPARE_AT];
	const char *barcode = cell_without_apostrophe(row->cells[COLUMN_BARCODE]);
	const char *image = row->cells[COLUMN_VARIANT_IMAGE];
	const char *why = NULL;

	if (*compare_at)
		why = read_amount(import, compare_at, &details->compare_at);
	if (why)
		import_note(import, "line %lld: the price to compare with was left out: %s",
			    (long long)row->line, why);
	if (cell_is_cut_number(barcode))
		import_note(import,
			    "line %lld: the barcode \"%s\" was left out: a spreadsheet has cut it",
			    (long long)row->line, barcode);
	else if (text_length(barcode) > PRODUCT_BARCODE_MAX)
		import_note(import, "line %lld: its barcode was left out: it is too long",
			    (long long)row->line);
	else
		details->barcode = cell_filled(import->arena, barcode, PRODUCT_BARCODE_MAX);
	details->weight_grams = MAX(
		read_number(import, row, COLUMN_GRAMS, "the weight", PRODUCT_WEIGHT_GRAMS_MAX), 0);
	/* What is no address is told of where it is added to the product's images. */
	if (*image && text_is_web_address(image))
		details->image = arena_copy_text(import->arena, image);
}

/* Adds the row's variant; why not, or NULL. */
static const char *add_variant(struct import *import, const struct row *row,
			       struct import_product *product)
{
	struct import_variant variant = {.line = row->line};
	const char *why;

	if (product->variants.count >= PRODUCT_VARIANTS_MAX)
		return "the product has as many variants as it may";
	why = read_price(import, row, &variant);
	if (!why)
		why = read_sku(import, row, &variant);
	if (!why)
		why = read_values(import, row, product, &variant);
	if (why)
		return why;
	read_stock(import, row, &variant);
	read_details(import, row, &variant.details);
	list_append(import->arena, &product->variants, &variant, sizeof(variant));
	return NULL;
}

void import_row(struct import *import, const struct row *row)
{
	struct import_product *product = product_of(import, row);
	struct import_line line = {.line = row->line};
	const char *why = NULL;
	bool variant;

	if (!product)
		return;
	variant = is_variant(import, row, product);
	read_product(import, row, product);
	read_options(import, row, product, variant);
	add_image(import, row, product, row->cells[COLUMN_IMAGE], row->cells[COLUMN_IMAGE_ALT]);
	if (variant)
		why = add_variant(import, row, product);
	if (why) {
		import_skip(import, row->line, product->handle, "%s", why);
		product->partial = line.skipped = true;
	} else {
		add_image(import, row, product, row->cells[COLUMN_VARIANT_IMAGE], "");
	}
	list_append(import->arena, &product->lines, &line, sizeof(line));
}

void import_lose_row(struct import *import, const struct row *row, const char *reason)
{
	struct import_line line = {.line = row->line, .skipped = true};
	struct import_product *product;

	if (!*row->cells[COLUMN_HANDLE]) {
		lose_stray(import, row->line, reason);
		return;
	}
	product = product_of(import, row);
	if (!product)
		return;
	import_skip(import, row->line, product->handle, "%s", reason);
	product->partial = true;
	list_append(import->arena, &product->lines, &line, sizeof(line));
}
