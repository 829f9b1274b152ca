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

#define BRAND_MAX 100
#define SEO_MAX 1000

static const struct {
	enum column column;
	const char *name; /* in lower case, without "variant " */
} column_names[] = {
	{COLUMN_HANDLE, "handle"},
	{COLUMN_HANDLE, "url handle"},
	{COLUMN_TITLE, "title"},
	{COLUMN_BODY, "body (html)"},
	{COLUMN_BODY, "body html"},
	{COLUMN_BODY, "body"},
	{COLUMN_BODY, "description"},
	{COLUMN_VENDOR, "vendor"},
	{COLUMN_TYPE, "type"},
	{COLUMN_TYPE, "product type"},
	{COLUMN_TYPE, "custom product type"},
	{COLUMN_CATEGORY, "product category"},
	{COLUMN_CATEGORY, "standard product type"},
	{COLUMN_CATEGORY, "standardized product type"},
	{COLUMN_TAGS, "tags"},
	{COLUMN_PUBLISHED, "published"},
	{COLUMN_PUBLISHED, "published on online store"},
	{COLUMN_STATUS, "status"},
	{COLUMN_OPTION1_NAME, "option1 name"},
	{COLUMN_OPTION1_VALUE, "option1 value"},
	{COLUMN_OPTION2_NAME, "option2 name"},
	{COLUMN_OPTION2_VALUE, "option2 value"},
	{COLUMN_OPTION3_NAME, "option3 name"},
	{COLUMN_OPTION3_VALUE, "option3 value"},
	{COLUMN_SKU, "sku"},
	{COLUMN_GRAMS, "grams"},
	{COLUMN_GRAMS, "weight value (grams)"},
	{COLUMN_QUANTITY, "inventory qty"},
	{COLUMN_QUANTITY, "inventory quantity"},
	{COLUMN_PRICE, "price"},
	{COLUMN_COMPARE_AT, "compare at price"},
	{COLUMN_COMPARE_AT, "compare-at price"},
	{COLUMN_BARCODE, "barcode"},
	{COLUMN_IMAGE, "image src"},
	{COLUMN_IMAGE, "product image url"},
	{COLUMN_IMAGE_ALT, "image alt text"},
	{COLUMN_IMAGE_POSITION, "image position"},
	{COLUMN_VARIANT_IMAGE, "variant image"},
	{COLUMN_VARIANT_IMAGE, "variant image url"},
	{COLUMN_SEO_TITLE, "seo title"},
	{COLUMN_SEO_DESCRIPTION, "seo description"},
};

static enum column find_column(const char *name)
{
	for (size_t i = 0; i < ARRAY_LENGTH(column_names); i++)
		if (text_equal_ignoring_case(column_names[i].name, name))
			return column_names[i].column;
	return COLUMNS;
}

enum column column_from_name(const char *name)
{
	static const char variant[] = "variant ";
	enum column column = find_column(name);

	if (column == COLUMNS && strncasecmp(name, variant, strlen(variant)) == 0)
		column = find_column(name + strlen(variant));
	return column;
}

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

/* How many bytes the control character at `at` has; 0 where there is none. */
static size_t control_length(const char *at)
{
	unsigned char c = (unsigned char)at[0];

	if (c < 0x20 || c == 0x7f)
		return 1;
	return c == 0xc2 && (unsigned char)at[1] < 0xa0 ? 2 : 0;
}

/* A copy without control characters, on one line unless `lines`. */
static char *clean(struct arena *arena, const char *text, bool lines)
{
	char *copy = arena_alloc(arena, strlen(text) + 1), *to = copy;

	while (*text) {
		size_t control = control_length(text);
		bool space = control && strchr("\t\r\n", *text);

		if (!control || (space && lines))
			*to++ = *text;
		else if (space)
			*to++ = ' ';
		text += control ? control : 1;
	}
	return copy;
}

/* As clean, of at most so many characters. */
static char *clean_cut(struct arena *arena, const char *text, size_t most)
{
	char *copy = clean(arena, text, false), *end = copy;
	size_t count = 0;

	for (; *end && count <= most; end++)
		if (((unsigned char)*end & 0xc0) != 0x80 && ++count > most)
			break;
	*end = '\0';
	return text_trim(arena, copy);
}

/* NULL where the cell is empty. */
static char *filled(struct arena *arena, const char *cell, size_t most)
{
	return *cell ? clean_cut(arena, cell, most) : NULL;
}

/* Spreadsheets are kept from taking digits for a number by an apostrophe in front. */
static const char *without_apostrophe(const char *cell)
{
	return cell[0] == '\'' && cell[1] ? cell + 1 : cell;
}

/* "Apparel & Accessories > Shirts" is apparel-accessories/shirts; NULL where nothing is left. */
static char *category_from(struct arena *arena, const char *text)
{
	const char *path = "";

	while (*text) {
		size_t length = strcspn(text, ">/");
		const char *slug = text_slug(arena, arena_copy_bytes(arena, text, length),
					     PRODUCT_CATEGORY_MAX);

		if (*slug && text_length(path) + text_length(slug) + 1 <= PRODUCT_CATEGORY_MAX)
			path = arena_printf(arena, "%s%s%s", path, *path ? "/" : "", slug);
		text += length;
		text += *text != '\0';
	}
	return *path ? arena_copy_text(arena, path) : NULL;
}

/* False where it says nothing. */
static bool status_from(const struct row *row, enum product_status *ret_status)
{
	const char *status = row->cells[COLUMN_STATUS];
	const char *published = row->cells[COLUMN_PUBLISHED];

	if (!*status && !*published)
		return false;
	*ret_status = PRODUCT_ACTIVE;
	if (text_equal_ignoring_case(status, "archived"))
		*ret_status = PRODUCT_ARCHIVED;
	/* What is not to be listed is not to be sold: a word that we do not know hides it too. */
	else if (*status && !text_equal_ignoring_case(status, "active"))
		*ret_status = PRODUCT_DRAFT;
	else if (text_equal_ignoring_case(published, "false"))
		*ret_status = PRODUCT_DRAFT;
	return true;
}

static void read_tags(struct import *import, const struct row *row, struct import_product *product)
{
	const char *text = row->cells[COLUMN_TAGS];

	while (*text) {
		size_t length = strcspn(text, ",");
		const char *part = arena_copy_bytes(import->arena, text, length);
		char *tag = clean_cut(import->arena, text_trim(import->arena, part),
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

/* A whole number, perhaps with zeros behind a point; anything else is 0. */
static int64_t read_number(const char *cell, bool *ret_good)
{
	char text[24];
	size_t length = strcspn(cell, ".");
	int64_t number = 0;

	*ret_good = length < sizeof(text) &&
		    (!cell[length] || !cell[length + 1 + strspn(cell + length + 1, "0")]);
	if (!*ret_good)
		return 0;
	memcpy(text, cell, length);
	text[length] = '\0';
	*ret_good = text_to_int(text, &number);
	return *ret_good ? number : 0;
}

/* --- images ------------------------------------------------------------------------------ */

static void add_image(struct import *import, const struct row *row, struct import_product *product,
		      const char *url, const char *alt)
{
	const struct import_image *images = product->images.items;
	struct import_image image = {.position = INT64_MAX};
	bool good = true;

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
	image.alt = clean_cut(import->arena, alt, PRODUCT_ALT_LENGTH_MAX);
	if (url == row->cells[COLUMN_IMAGE] && *row->cells[COLUMN_IMAGE_POSITION])
		image.position = read_number(row->cells[COLUMN_IMAGE_POSITION], &good);
	list_append(import->arena, &product->images, &image, sizeof(image));
}

/* --- products ---------------------------------------------------------------------------- */

static void set_option_name(struct import *import, struct import_product *product, size_t index,
			    const char *name)
{
	name = clean_cut(import->arena, name, PRODUCT_OPTION_NAME_MAX);
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
			set_option_name(import, product, i, name);
	}
	product->has_options = product->has_options || variant;
}

/* What the row says of the product, and no row before it: mostly all of it stands in the first. */
static void read_product(struct import *import, const struct row *row,
			 struct import_product *product)
{
	const char *type = row->cells[COLUMN_TYPE], *title = row->cells[COLUMN_TITLE];
	struct arena *arena = import->arena;

	if (!product->name && *title) {
		product->name = clean_cut(arena, title, PRODUCT_NAME_MAX);
		if (text_length(title) > PRODUCT_NAME_MAX)
			import_note(import, "line %lld: its title was cut to %d characters",
				    (long long)row->line, PRODUCT_NAME_MAX);
	}
	if (!product->description && *row->cells[COLUMN_BODY])
		product->description = clean(arena, row->cells[COLUMN_BODY], true);
	if (!product->brand)
		product->brand = filled(arena, row->cells[COLUMN_VENDOR], BRAND_MAX);
	if (!product->category)
		product->category =
			category_from(arena, *type ? type : row->cells[COLUMN_CATEGORY]);
	if (!product->status_given)
		product->status_given = status_from(row, &product->status);
	if (!product->seo_title)
		product->seo_title = filled(arena, row->cells[COLUMN_SEO_TITLE], SEO_MAX);
	if (!product->seo_description)
		product->seo_description =
			filled(arena, row->cells[COLUMN_SEO_DESCRIPTION], SEO_MAX);
	if (!product->tags.count)
		read_tags(import, row, product);
}

static struct import_product *new_product(struct import *import, const struct row *row,
					  const char *slug)
{
	struct import_product *product = ARENA_NEW(import->arena, struct import_product);
	void *item = product;

	product->handle = clean(import->arena, row->cells[COLUMN_HANDLE], false);
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

/* The product that the row belongs to; NULL, reported, where there is none. */
static struct import_product *product_of(struct import *import, const struct row *row)
{
	const char *handle = row->cells[COLUMN_HANDLE];
	struct import_product *product;
	const char *slug;

	if (!*handle) {
		import_skip(import, row->line, NULL, "it has no handle");
		return NULL;
	}
	slug = slug_from(import->arena, handle);
	if (!*slug) {
		import_skip(import, row->line, handle, "its handle has neither letters nor digits");
		return NULL;
	}
	product = map_get(import->by_slug, slug, strlen(slug));
	if (product && !unicode_equal_folded(import->arena, product->handle, handle)) {
		import_skip(import, row->line, handle,
			    "its handle is too much like \"%s\": both would be found at %s",
			    product->handle, slug);
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

bool import_is_whole(const struct import *import)
{
	static const enum column columns[] = {
		COLUMN_TITLE, COLUMN_BODY,	    COLUMN_VENDOR, COLUMN_TAGS,
		COLUMN_SKU,   COLUMN_OPTION1_VALUE, COLUMN_PRICE,
	};
	bool whole = import->known[COLUMN_PUBLISHED] || import->known[COLUMN_STATUS];

	for (size_t i = 0; i < ARRAY_LENGTH(columns); i++)
		whole = whole && import->known[columns[i]];
	return whole;
}

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
		variant->values[i] = clean_cut(import->arena, value, PRODUCT_OPTION_VALUE_MAX);
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
	const char *sku = without_apostrophe(row->cells[COLUMN_SKU]);

	if (!*sku)
		return NULL;
	if (text_length(sku) > PRODUCT_SKU_MAX)
		return "its SKU is too long";
	variant->sku = clean(import->arena, sku, false);
	return NULL;
}

static const char *read_price(struct import *import, const struct row *row,
			      struct import_variant *variant)
{
	const char *text = row->cells[COLUMN_PRICE];
	struct money price;

	variant->price = -1;
	if (!import->known[COLUMN_PRICE])
		return NULL;
	if (!*text)
		return "it has no price";
	if (!money_parse_decimal(text, import->currency, &price))
		return arena_printf(import->arena, "its price \"%s\" is no amount of %s", text,
				    import->currency);
	variant->price = price.amount;
	return NULL;
}

static int64_t read_stock(struct import *import, const struct row *row)
{
	const char *text = row->cells[COLUMN_QUANTITY];
	bool good = true;
	int64_t stock = *text ? read_number(text, &good) : 0;

	if (!good)
		import_note(import,
			    "line %lld: the stock \"%s\" is no whole number, and counts as 0",
			    (long long)row->line, text);
	return MIN(MAX(stock, 0), PRODUCT_STOCK_MAX);
}

/* What a product's first variant says for all of it: our variants have no attributes. */
static void read_attributes(struct import *import, const struct row *row,
			    struct import_product *product)
{
	const char *compare_at = row->cells[COLUMN_COMPARE_AT];
	struct money money;
	bool good;

	product->grams = read_number(row->cells[COLUMN_GRAMS], &good);
	product->barcode = filled(import->arena, without_apostrophe(row->cells[COLUMN_BARCODE]),
				  PRODUCT_SKU_MAX);
	if (*compare_at && money_parse_decimal(compare_at, import->currency, &money))
		product->compare_at = money.amount;
	else if (*compare_at)
		import_note(import, "line %lld: the price to compare with, \"%s\", was left out",
			    (long long)row->line, compare_at);
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
	variant.stock = read_stock(import, row);
	if (!product->variants.count)
		read_attributes(import, row, product);
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
