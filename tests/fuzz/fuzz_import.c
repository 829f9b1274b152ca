/* Product exports: whole files, read as `souk import products` reads them, from a file in memory. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/import.h"
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
		assert(variants[i].stock >= 0 && variants[i].stock <= PRODUCT_STOCK_MAX);
	}
}

void fuzz(struct arena *arena, const char *bytes, size_t length)
{
	struct import import = {.arena = arena, .path = path, .currency = "EUR"};
	const char *why = NULL;

	if (ftruncate(file, 0) || pwrite(file, bytes, length, 0) != (ssize_t)length)
		return;
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
