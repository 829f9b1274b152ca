/* The columns of Shopify's product export, under the names that they have had. */
#include <string.h>

#include "base/text.h"
#include "cli/import.h"

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
	{COLUMN_TRACKER, "inventory tracker"},
	{COLUMN_POLICY, "inventory policy"},
	{COLUMN_POLICY, "continue selling when out of stock"},
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
	{COLUMN_GIFT_CARD, "gift card"},
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
