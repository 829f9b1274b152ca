/* Product exports: whole files, read as `souk import products` reads them, from a file in memory. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/import.h"
#include "cli/import_cells.h"
#include "fuzz.h"

static int file;
static char path[32];

void fuzz_begin(void)
{
	file = memfd_create("export", 0);
	assert(file >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
}

static void check_text(const char *text)
{
	assert(!text || (text_is_utf8(text, strlen(text)) && !text_has_control(text)));
}

static void check_product(const struct import_product *product)
{
	const struct import_variant *variants = product->variants.items;

	check_text(product->name);
	check_text(product->slug);
	check_text(product->brand);
	check_text(product->category);
	assert(text_is_slug(product->slug) && product->option_count <= PRODUCT_OPTIONS_MAX);
	assert(product->variants.count <= PRODUCT_VARIANTS_MAX);
	for (size_t i = 0; i < product->variants.count; i++) {
		check_text(variants[i].sku);
		assert(variants[i].price >= -1 && variants[i].price <= MONEY_MAX);
		check_text(variants[i].details.barcode);
		check_text(variants[i].details.image);
		assert(variants[i].details.compare_at >= 0 &&
		       variants[i].details.weight_grams >= 0 &&
		       variants[i].details.weight_grams <= PRODUCT_WEIGHT_GRAMS_MAX);
		assert(llabs(variants[i].stock) <= PRODUCT_STOCK_MAX);
	}
}

/* What a cell of digits is taken for can be read as a number, and rounded without a loss of sense. */
static void check_cell(struct arena *arena, const char *cell)
{
	for (int digits = -1; digits <= 3; digits++) {
		char *plain = NULL;
		int64_t number = -1;
		size_t whole;

		if (cell_decimal(arena, cell, digits & 1, digits, &plain) != DECIMAL_GOOD)
			continue;
		whole = strspn(plain, "0123456789");
		assert(whole && (!plain[whole] || plain[whole] == '.'));
		assert(!plain[whole] ||
		       (plain[whole + 1] &&
			!plain[whole + 1 + strspn(plain + whole + 1, "0123456789")]));
		if (cell_round(plain, &number))
			assert(number >= 0 && (number > 0) == (plain[strspn(plain, "0.")] != '\0'));
	}
	check_text(cell_category(arena, cell));
	assert(!*cell == (cell_truth(arena, cell) == CELL_EMPTY));
}

void fuzz(struct arena *arena, const char *bytes, size_t length)
{
	struct import import = {.arena = arena, .path = path, .currency = "EUR"};
	const char *why = NULL;

	if (ftruncate(file, 0) || pwrite(file, bytes, length, 0) != (ssize_t)length)
		return;
	if (text_is_utf8(bytes, length) && !memchr(bytes, '\0', length))
		check_cell(arena, arena_copy_bytes(arena, bytes, length));
	import.by_slug = map_new(1000, false, NULL);
	if (import_read(&import, &why)) {
		struct import_product **products = import.products.items;

		for (size_t i = 0; i < import.products.count; i++)
			check_product(products[i]);
	} else {
		assert(why && why[0]);
	}
	map_free(import.by_slug);
}
