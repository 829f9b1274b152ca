/* Drafts of products: their fields, and the rules that need nothing but the draft. */
#include "services/product/draft.h"

#include <string.h>

#include "base/html.h"
#include "base/out.h"
#include "base/text.h"
#include "base/unicode.h"
#include "services/product/rules.h"

#define CATEGORY_WANTED "must be a path of slugs such as clothing/shirts"
#define SLUG_WANTED "must be a slug (letters in lower case, digits and single hyphens) and no UUID"

/* --- fields ------------------------------------------------------------------------------ */

static bool is_product_slug(const char *text)
{
	struct id id;

	/* GET /products/:id takes both, so that one must not look like the other. */
	return text_is_slug(text) && !id_parse(text, &id);
}

static const struct field image_fields[] = {
	FIELD(struct image, url, "url", TEXT, .flags = REQUIRED, .min = 1, .max = 2048,
	      .check = text_is_web_address, .expected = "must be an http or https address"),
	FIELD(struct image, alt, "alt", TEXT, .flags = NULLABLE | MULTILINE,
	      .max = PRODUCT_ALT_LENGTH_MAX),
	FIELD_END,
};

static const struct field option_value = {
	.kind = FIELD_KIND_TEXT, .flags = VISIBLE, .min = 1, .max = PRODUCT_OPTION_VALUE_MAX};

static const struct field option_fields[] = {
	FIELD(struct option, name, "name", TEXT, .flags = REQUIRED | VISIBLE, .min = 1,
	      .max = PRODUCT_OPTION_NAME_MAX),
	FIELD(struct option, values, "values", LIST, .flags = REQUIRED, .min = 1,
	      .max = PRODUCT_VARIANTS_MAX, LIST_OF(&option_value, char *)),
	FIELD_END,
};

static const struct field tag_value = {
	.kind = FIELD_KIND_TEXT, .flags = VISIBLE, .min = 1, .max = PRODUCT_TAG_LENGTH_MAX};

/* clang-format off */
#define VARIANT_FIELDS                                                                             \
	FIELD(struct variant_draft, id, "id", ID, GIVEN(struct variant_draft, id_given)),          \
	FIELD(struct variant_draft, sku, "sku", TEXT, .flags = NULLABLE | VISIBLE, .min = 1,                 \
	      .max = PRODUCT_SKU_MAX),                                                             \
	FIELD(struct variant_draft, options, "options", JSON, .flags = NULLABLE, .max = 8192),     \
	FIELD(struct variant_draft, price, "price", MONEY,                                         \
	      GIVEN(struct variant_draft, price_given)),                                           \
	FIELD(struct variant_draft, compare_at, "compareAtPrice", MONEY, .flags = NULLABLE,        \
	      GIVEN(struct variant_draft, compare_at_given)),                                      \
	FIELD(struct variant_draft, details.barcode, "barcode", TEXT, .flags = NULLABLE, .min = 1, \
	      .max = PRODUCT_BARCODE_MAX, GIVEN(struct variant_draft, barcode_given)),             \
	FIELD(struct variant_draft, details.weight_grams, "weightGrams", INT, .flags = NULLABLE,   \
	      .min = 0, .max = PRODUCT_WEIGHT_GRAMS_MAX, GIVEN(struct variant_draft, weight_given)), \
	FIELD(struct variant_draft, details.image, "image", TEXT, .flags = NULLABLE, .min = 1,     \
	      .max = 2048, .check = text_is_web_address,                                           \
	      .expected = "must be an http or https address",                                      \
	      GIVEN(struct variant_draft, image_given)),                                           \
	FIELD(struct variant_draft, stock, "stock", ANY, .flags = NULLABLE)
/* clang-format on */

static const struct field variant_fields[] = {
	VARIANT_FIELDS,
	FIELD_END,
};

static const struct field import_variant_fields[] = {
	VARIANT_FIELDS,
	FIELD(struct variant_draft, assumed_units, "assumedStock", INT, .min = 0,
	      .max = PRODUCT_STOCK_MAX, GIVEN(struct variant_draft, assumed)),
	FIELD_END,
};

/* clang-format off */
/* `needed` is REQUIRED or OPTIONAL: of what a new product cannot be without. */
#define DRAFT_FIELDS(needed)                                                                       \
	FIELD(struct draft, name, "name", TEXT, .flags = (needed) | VISIBLE, .min = 1,                       \
	      .max = PRODUCT_NAME_MAX, GIVEN(struct draft, name_given)),                           \
	FIELD(struct draft, category, "category", TEXT, .flags = NULLABLE, .min = 1,               \
	      .max = PRODUCT_CATEGORY_MAX, .check = category_is_path, .expected = CATEGORY_WANTED, \
	      GIVEN(struct draft, category_given)),                                                \
	FIELD(struct draft, status, "status", CHOICE, .choices = product_status_words,             \
	      GIVEN(struct draft, status_given)),                                                  \
	FIELD(struct draft, price, "price", MONEY, GIVEN(struct draft, price_given)),              \
	FIELD(struct draft, content.description, "description", TEXT,                              \
	      .flags = NULLABLE | MULTILINE, .max = PRODUCT_DESCRIPTION_MAX,                       \
	      GIVEN(struct draft, description_given)),                                             \
	FIELD(struct draft, content.tags, "tags", LIST, .flags = NULLABLE,                         \
	      .max = PRODUCT_TAGS_MAX, LIST_OF(&tag_value, char *),                                \
	      GIVEN(struct draft, tags_given)),                                                    \
	FIELD(struct draft, content.images, "images", LIST, .flags = NULLABLE,                     \
	      .max = PRODUCT_IMAGES_MAX, STRUCT_OF(image_fields, struct image),                    \
	      GIVEN(struct draft, images_given)),                                                  \
	FIELD(struct draft, content.options, "options", LIST, .flags = NULLABLE,                   \
	      .max = PRODUCT_OPTIONS_MAX, STRUCT_OF(option_fields, struct option),                 \
	      GIVEN(struct draft, options_given)),                                                 \
	FIELD(struct draft, content.attributes, "attributes", JSON, .flags = NULLABLE,             \
	      .max = PRODUCT_ATTRIBUTES_BYTES_MAX, GIVEN(struct draft, attributes_given))

#define SLUG_FIELD(needed)                                                                         \
	FIELD(struct draft, slug, "slug", TEXT, .flags = (needed), .min = 1,                       \
	      .max = PRODUCT_SLUG_MAX, .check = is_product_slug, .expected = SLUG_WANTED,          \
	      GIVEN(struct draft, slug_given))

#define VENDOR_FIELD(needed)                                                                       \
	FIELD(struct draft, vendor_id, "vendorId", ID, .flags = (needed),                          \
	      GIVEN(struct draft, vendor_given))

#define VARIANTS_FIELD(variant_table, least)                                                       \
	FIELD(struct draft, variants, "variants", LIST, .min = (least),                            \
	      .max = PRODUCT_VARIANTS_MAX, STRUCT_OF(variant_table, struct variant_draft),         \
	      GIVEN(struct draft, variants_given))

/* What GET shows and nobody sets, but for a new product's stock. */
#define STOCK_FIELD FIELD(struct draft, stock, "stock", ANY, .flags = NULLABLE)

#define SHOWN_FIELDS                                                                               \
	STOCK_FIELD,                                                                               \
	FIELD_READ_ONLY("id"),                                                                     \
	FIELD_READ_ONLY("rating"),                                                                 \
	FIELD_READ_ONLY("createdAt"),                                                              \
	FIELD_READ_ONLY("updatedAt")

const struct field draft_new_fields[] = {
	DRAFT_FIELDS(REQUIRED),
	SLUG_FIELD(OPTIONAL),
	VENDOR_FIELD(OPTIONAL),
	VARIANTS_FIELD(variant_fields, 0),
	STOCK_FIELD,
	FIELD_END,
};

const struct field draft_change_fields[] = {
	DRAFT_FIELDS(OPTIONAL),
	SLUG_FIELD(OPTIONAL),
	VENDOR_FIELD(OPTIONAL),
	VARIANTS_FIELD(variant_fields, 1),
	SHOWN_FIELDS,
	FIELD_END,
};

const struct field draft_import_fields[] = {
	DRAFT_FIELDS(OPTIONAL),
	SLUG_FIELD(REQUIRED),
	VENDOR_FIELD(OPTIONAL),
	VARIANTS_FIELD(import_variant_fields, 1),
	FIELD(struct draft, partial, "partial", BOOL),
	FIELD(struct draft, unnamed, "unnamedOptions", BOOL),
	FIELD_END,
};
/* clang-format on */

/* --- rules ------------------------------------------------------------------------------- */

/* Whether one of the first `count` texts is this one. */
static bool is_among(const char *const *texts, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(texts[i], text) == 0)
			return true;
	return false;
}

/* Made safe it may be longer; what GET shows must be something that PUT takes. */
static void clean_description(struct content *content, struct faults *faults)
{
	content->description = html_sanitise(faults->arena, content->description);
	if (text_length(content->description) > PRODUCT_DESCRIPTION_MAX)
		fault_add(faults, "/description",
			  "is longer than %d characters once it is made safe",
			  PRODUCT_DESCRIPTION_MAX);
	else if (text_has_control(content->description))
		fault_add(faults, "/description", "must not have control characters");
}

/* Tags compare folded, as the store's filter does. */
static void clean_tags(struct arena *arena, struct list *tags)
{
	const char *folded[PRODUCT_TAGS_MAX];
	char **texts = tags->items;
	size_t kept = 0;

	assert(tags->count <= PRODUCT_TAGS_MAX);
	for (size_t i = 0; i < tags->count; i++) {
		char *tag = text_trim(arena, texts[i]);

		folded[kept] = unicode_fold(arena, tag);
		if (!*tag || is_among(folded, kept, folded[kept]))
			continue;
		texts[kept++] = tag;
	}
	tags->count = kept;
}

static void check_options(const struct list *options, struct faults *faults)
{
	const struct option *option = options->items;

	for (size_t i = 0; i < options->count; i++) {
		const char *const *values = option[i].values.items;

		for (size_t j = 0; j < i; j++)
			if (strcmp(option[i].name, option[j].name) == 0)
				fault_add(faults,
					  arena_printf(faults->arena, "/options/%zu/name", i),
					  "is the name of another option");
		for (size_t j = 0; j < option[i].values.count; j++)
			if (is_among(values, j, values[j]))
				fault_add(faults,
					  arena_printf(faults->arena, "/options/%zu/values/%zu", i,
						       j),
					  "is there twice");
	}
}

static void check_variant_options(const struct variant_draft *variant, size_t index,
				  struct faults *faults)
{
	const char *name;
	json_t *value;

	json_object_foreach (variant->options, name, value) {
		const char *text = json_string_value(value);
		size_t length = text ? text_length(text) : 0;

		if (length < 1 || length > PRODUCT_OPTION_VALUE_MAX)
			fault_add(faults,
				  arena_printf(faults->arena, "/variants/%zu/options/%s", index,
					       name),
				  "must be text of 1 to %d characters", PRODUCT_OPTION_VALUE_MAX);
	}
}

/* Whether the member is absent, or one of the words. */
static bool is_absent_or(const json_t *member, const char *const *words)
{
	const char *word = json_string_value(member);

	for (; word && *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return !member;
}

/* What GET shows of stock, or an import says: what is not counted has no number, what is owed one
 * below 0. */
static bool stock_object_read(const json_t *stock, struct initial_stock *ret_initial)
{
	static const char *const statuses[] = {"out_of_stock", "backorder", "low_stock", "in_stock",
					       NULL};
	static const char *const policies[] = {"deny", "allow", NULL};
	const json_t *available = json_object_get(stock, "available");
	const json_t *status = json_object_get(stock, "status");
	const json_t *tracked = json_object_get(stock, "tracked");
	const json_t *backorder = json_object_get(stock, "backorder");
	size_t known = 1 + !!status + !!tracked + !!backorder;

	if (!json_is_integer(available) && !json_is_null(available))
		return false;
	if (json_object_size(stock) != known || !is_absent_or(status, statuses) ||
	    !is_absent_or(backorder, policies) || (tracked && !json_is_boolean(tracked)))
		return false;
	ret_initial->uncounted = json_is_null(available) || json_is_false(tracked);
	ret_initial->backorder = (status && strcmp(json_string_value(status), "backorder") == 0) ||
				 (backorder && strcmp(json_string_value(backorder), "allow") == 0);
	if (!ret_initial->uncounted)
		ret_initial->units = MAX(json_integer_value(available), 0);
	return ret_initial->units <= PRODUCT_STOCK_MAX;
}

/* Absent, a number of units, or what GET shows: false where it is none of these. */
static bool stock_read(const json_t *stock, struct initial_stock *ret_initial)
{
	if (!stock || json_is_null(stock))
		return true;
	if (json_is_object(stock))
		return stock_object_read(stock, ret_initial);
	if (!json_is_integer(stock))
		return false;
	ret_initial->units = json_integer_value(stock);
	return ret_initial->units >= 0 && ret_initial->units <= PRODUCT_STOCK_MAX;
}

#define STOCK_FAULT                                                                                \
	"must be a whole number from 0 to %d, or an object of available, and status, tracked and " \
	"backorder where they are said"

static void check_variants(struct list *variants, struct faults *faults)
{
	struct variant_draft *variant = variants->items;

	for (size_t i = 0; i < variants->count; i++) {
		check_variant_options(&variant[i], i, faults);
		if (!stock_read(variant[i].stock, &variant[i].initial))
			fault_add(faults, arena_printf(faults->arena, "/variants/%zu/stock", i),
				  STOCK_FAULT, PRODUCT_STOCK_MAX);
		if (!variant[i].sku)
			continue;
		variant[i].sku = text_trim(faults->arena, variant[i].sku);
		if (!*variant[i].sku)
			variant[i].sku = NULL;
	}
}

void draft_check(struct draft *draft, struct faults *faults)
{
	if (draft->name) {
		draft->name = text_trim(faults->arena, draft->name);
		if (!*draft->name)
			fault_add(faults, "/name", "must not be blank");
	}
	if (draft->content.description)
		clean_description(&draft->content, faults);
	if (!stock_read(draft->stock, &draft->initial))
		fault_add(faults, "/stock", STOCK_FAULT, PRODUCT_STOCK_MAX);
	clean_tags(faults->arena, &draft->content.tags);
	check_options(&draft->content.options, faults);
	check_variants(&draft->variants, faults);
}

/* --- the document ------------------------------------------------------------------------ */

char *content_write(struct arena *arena, const struct content *content)
{
	const char *const *tags = content->tags.items;
	const struct image *images = content->images.items;
	const struct option *options = content->options.items;
	struct out out = out_new(arena);

	out_open(&out, NULL);
	out_text(&out, "description", content->description ? content->description : "");
	out_open_list(&out, "tags");
	for (size_t i = 0; i < content->tags.count; i++)
		out_text(&out, NULL, tags[i]);
	out_close_list(&out);
	out_open_list(&out, "images");
	for (size_t i = 0; i < content->images.count; i++) {
		out_open(&out, NULL);
		out_text(&out, "url", images[i].url);
		out_text(&out, "alt", images[i].alt ? images[i].alt : "");
		out_close(&out);
	}
	out_close_list(&out);
	out_open_list(&out, "options");
	for (size_t i = 0; i < content->options.count; i++) {
		const char *const *values = options[i].values.items;

		out_open(&out, NULL);
		out_text(&out, "name", options[i].name);
		out_open_list(&out, "values");
		for (size_t j = 0; j < options[i].values.count; j++)
			out_text(&out, NULL, values[j]);
		out_close_list(&out);
		out_close(&out);
	}
	out_close_list(&out);
	out_json(&out, "attributes",
		 content->attributes ? json_text(arena, content->attributes) : "{}");
	out_close(&out);
	return out.data;
}

enum err content_read(struct arena *arena, const char *document, struct content *ret_content)
{
	struct faults faults = {.arena = arena, .stored = true};
	struct draft draft = {0};
	json_t *object;
	enum err err;

	err = json_parse(arena, document, strlen(document), &object, NULL);
	if (err)
		return ERR_INTERNAL;
	json_read_fields(object, draft_change_fields, "", &draft, &faults);
	/* What was stored was within limits then; should they have shrunk, it must not get lost. */
	if (faults.count)
		return ERR_INTERNAL;
	*ret_content = draft.content;
	return OK;
}
