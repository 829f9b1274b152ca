/*
 * How a draft is applied to a product:
 *
 *	product_merge: scalars and content -> list_variants (match, take over, keep others)
 *	               -> set_prices -> check_variants (options, combinations)
 */
#include <stdio.h>
#include <string.h>

#include "services/product/rules.h"

/* --- variants of a draft ----------------------------------------------------------------- */

static const char *pointer_to(struct faults *faults, size_t index, const char *member)
{
	return arena_printf(faults->arena, "/variants/%zu%s", index, member);
}

/* Where no options are said, the variants' own members say them, in the order they come. */
static void derive_options(struct arena *arena, const struct list *variants, struct list *ret)
{
	const struct variant_draft *variant = variants->items;
	struct option *options = ARENA_ARRAY(arena, struct option, PRODUCT_OPTIONS_MAX);
	const char *name;
	json_t *value;

	*ret = (struct list){.items = options};
	for (size_t i = 0; i < variants->count; i++) {
		json_object_foreach (variant[i].options, name, value) {
			size_t at = 0, n = 0;
			const char **values;

			while (at < ret->count && strcmp(options[at].name, name) != 0)
				at++;
			if (at == PRODUCT_OPTIONS_MAX)
				continue;
			if (at == ret->count) {
				options[at].name = arena_copy_text(arena, name);
				options[at].values.items =
					ARENA_ARRAY(arena, char *, variants->count);
				ret->count++;
			}
			values = options[at].values.items;
			while (n < options[at].values.count &&
			       strcmp(values[n], json_string_value(value)) != 0)
				n++;
			if (n == options[at].values.count)
				values[options[at].values.count++] = json_string_value(value);
		}
	}
}

/* The variant's values in the order of the product's options; false where one is missing. */
static bool take_values(const json_t *object, const struct list *options, const char **ret_values)
{
	const struct option *option = options->items;
	bool whole = true;

	for (size_t i = 0; i < options->count; i++) {
		ret_values[i] = json_string_value(json_object_get(object, option[i].name));
		whole = whole && ret_values[i];
	}
	return whole;
}

static bool same_values(const struct variant *a, const struct variant *b, size_t options)
{
	for (size_t i = 0; i < options; i++)
		if (!a->values[i] || !b->values[i] || strcmp(a->values[i], b->values[i]) != 0)
			return false;
	return true;
}

/* What `was` is called in the product's new options: an import may give an option another name, in
 * the same place. */
static const char *new_name(const struct list *was, const struct list *options, size_t index)
{
	const struct option *old = was->items, *new = options->items;

	for (size_t i = 0; i < options->count; i++)
		if (strcmp(new[i].name, old[index].name) == 0)
			return old[index].name;
	if (was->count != options->count)
		return NULL;
	for (size_t i = 0; i < was->count; i++)
		if (strcmp(old[i].name, new[index].name) == 0)
			return NULL;
	return new[index].name;
}

/* The values that the variant has of options that the product has now under another name. */
static void take_renamed(const json_t *object, const struct list *was, const struct list *options,
			 const char **ret_values)
{
	const struct option *old = was->items, *new = options->items;

	for (size_t i = 0; i < was->count; i++) {
		const char *name = new_name(was, options, i);

		for (size_t j = 0; name && j < options->count; j++)
			if (!ret_values[j] && strcmp(new[j].name, name) == 0)
				ret_values[j] =
					json_string_value(json_object_get(object, old[i].name));
	}
}

/* A copy of the current variants, their values read as far as the product keeps their options. */
static struct product *with_values(struct arena *arena, const struct product *current,
				   const struct list *options, bool imported)
{
	struct product *copy = ARENA_NEW(arena, struct product);

	*copy = *current;
	copy->variants = ARENA_ARRAY(arena, struct variant, current->variant_count);
	for (size_t i = 0; i < current->variant_count; i++) {
		struct variant *variant = &copy->variants[i];
		json_t *object = NULL;

		*variant = current->variants[i];
		if (!json_parse(arena, variant->options, strlen(variant->options), &object, NULL))
			take_values(object, options, variant->values);
		if (imported && object)
			take_renamed(object, &current->content.options, options, variant->values);
	}
	return copy;
}

static bool value_is_known(const struct option *option, const char *value)
{
	const char *const *values = option->values.items;

	for (size_t i = 0; i < option->values.count; i++)
		if (strcmp(values[i], value) == 0)
			return true;
	return false;
}

/* What there was, what is said of it, and what is being made of it. */
struct merge {
	const struct product *current; /* with values read; NULL: none */
	const struct draft *draft;
	struct product *product;
	struct faults *faults;
	bool taken[PRODUCT_VARIANTS_MAX]; /* of the current variants */
	int from[PRODUCT_VARIANTS_MAX];	  /* of each of the draft's: current's index, or -1 */
};

/* The index of the one existing variant with the SKU; -1 where there is none, or where it says nothing:
 * several may have the same, here or there. */
static int find_by_sku(const struct merge *merge, const char *sku)
{
	const struct product *product = merge->current;
	const struct variant_draft *draft = merge->draft->variants.items;
	int found = -1;
	size_t times = 0;

	for (size_t i = 0; i < merge->draft->variants.count; i++)
		times += draft[i].sku && strcmp(draft[i].sku, sku) == 0;
	if (times > 1)
		return -1;
	for (size_t i = 0; i < product->variant_count; i++) {
		if (strcmp(product->variants[i].sku, sku) != 0)
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return found;
}

/* The index of the existing variant that the draft names; -1: none. */
static int find_by_name(const struct merge *merge, size_t index)
{
	const struct product *product = merge->current;
	const struct variant_draft *draft = merge->draft->variants.items;
	int at;

	draft += index;
	for (size_t i = 0; i < product->variant_count; i++)
		if (draft->id_given && id_equal(&product->variants[i].id, &draft->id))
			return (int)i;
	if (draft->id_given || !draft->sku)
		return -1;
	at = find_by_sku(merge, draft->sku);
	/* In a file it is the options that say which one it is: this one was another's already. */
	return at >= 0 && merge->draft->imported && merge->taken[at] ? -1 : at;
}

/* The index of the existing variant with the draft's options that nobody has taken; -1: none. */
static int find_by_values(const struct merge *merge, size_t index)
{
	const struct product *product = merge->current;
	const struct variant_draft *draft = merge->draft->variants.items;
	size_t options = merge->product->content.options.count;

	/* A file without options means a product's only variant. */
	if (merge->draft->imported && !draft[index].options && product->variant_count == 1 &&
	    merge->draft->variants.count == 1)
		return 0;
	for (size_t i = 0; i < product->variant_count; i++)
		if (!merge->taken[i] &&
		    same_values(&product->variants[i], &merge->product->variants[index], options))
			return (int)i;
	return -1;
}

/*
 * Finds which variant each of the draft's is. A client names them, by id or SKU, so that options may
 * change places between them; those it does not name are known by their options. In a file a SKU is
 * a label among others: options come first, and it counts where they have changed.
 */
static void match_variants(struct merge *merge)
{
	const struct variant_draft *draft = merge->draft->variants.items;

	for (size_t i = 0; i < merge->draft->variants.count; i++)
		merge->from[i] = -1;
	if (!merge->current)
		return;
	for (int step = 0; step <= 1; step++) {
		bool by_values = (step == 1) != merge->draft->imported;

		for (size_t i = 0; i < merge->draft->variants.count; i++) {
			int at;

			if (merge->from[i] >= 0 || (by_values && draft[i].id_given))
				continue;
			at = by_values ? find_by_values(merge, i) : find_by_name(merge, i);
			if (at < 0)
				continue;
			if (merge->taken[at])
				fault_add(merge->faults, pointer_to(merge->faults, i, ""),
					  "is the same variant as another");
			merge->taken[at] = true;
			merge->from[i] = at;
		}
	}
	for (size_t i = 0; i < merge->draft->variants.count; i++)
		if (draft[i].id_given && merge->from[i] < 0)
			fault_add(merge->faults, pointer_to(merge->faults, i, "/id"),
				  "is no variant of this product");
}

/* What the draft says of it; what it says nothing of stays. */
static void merge_details(const struct variant_draft *draft, struct details *details)
{
	if (draft->compare_at_given)
		details->compare_at = draft->compare_at.amount;
	if (draft->barcode_given)
		details->barcode = draft->details.barcode;
	if (draft->weight_given)
		details->weight_grams = draft->details.weight_grams;
	if (draft->image_given)
		details->image = draft->details.image;
}

/* What an existing variant keeps. A plain product's only one has the product's id, so that another
 * becomes a new one. */
static void take_over(struct merge *merge, const struct variant_draft *draft,
		      struct variant *variant, const struct variant *old)
{
	bool plain = merge->product->content.options.count == 0;

	if (!variant->sku)
		variant->sku = old->sku;
	if (!draft->options)
		memcpy(variant->values, old->values, sizeof(variant->values));
	variant->price = old->price;
	variant->details = old->details;
	if (plain && !id_equal(&old->id, &merge->current->id))
		return;
	variant->id = old->id;
	variant->stock = old->stock;
	variant->stock_version = old->stock_version;
	variant->is_new = false;
}

/* A file's rows that were skipped must not cost the shop the variants they spoke of, nor columns of
 * options that it does not have. A plain product's only variant gives way to those with options. */
static void keep_others(struct merge *merge)
{
	struct product *product = merge->product;
	struct list *options = &product->content.options;
	size_t known = merge->current->content.options.count;

	if (options->count < known) {
		fault_add(merge->faults, "/options",
			  "must be all that the product has, of which there are %zu", known);
		return;
	}
	for (size_t i = 0; i < merge->current->variant_count; i++) {
		struct variant *old = &merge->current->variants[i];
		bool fits = !merge->taken[i] && options->count > 0 &&
			    product->variant_count < PRODUCT_VARIANTS_MAX;

		for (size_t j = 0; fits && j < options->count; j++)
			fits = old->values[j] != NULL;
		if (!fits && !merge->taken[i] && known) {
			fault_add(merge->faults, "/variants",
				  "must list the variant \"%s\", which cannot stay beside them",
				  old->title);
			return;
		}
		for (size_t j = 0; fits && j < options->count; j++) {
			struct option *option = (struct option *)options->items + j;
			const char **values;

			if (value_is_known(option, old->values[j]))
				continue;
			values = ARENA_ARRAY(merge->faults->arena, const char *,
					     option->values.count + 1);
			memcpy(values, option->values.items,
			       option->values.count * sizeof(*values));
			values[option->values.count++] = old->values[j];
			option->values.items = values;
		}
		if (fits)
			product->variants[product->variant_count++] = *old;
	}
}

/* What GET shows may come back; a number is meant to become the stock, and would not. */
static void refuse_stock(const struct merge *merge, const json_t *stock, const char *pointer)
{
	if (json_is_integer(stock) && !merge->draft->partial)
		fault_add(merge->faults, pointer,
			  "is Inventory's: PUT /inventory/:productId sets what is on hand");
}

/* Of an old one Inventory knows better, unless nobody has told it. */
static void take_stock(const struct variant_draft *draft, struct variant *variant)
{
	variant->assumed = draft->assumed && !variant->is_new;
	variant->assumed_units = draft->assumed_units;
	if (!variant->is_new)
		return;
	variant->initial = draft->initial;
	if (draft->assumed)
		variant->initial = (struct initial_stock){
			.units = draft->assumed_units,
			.backorder = draft->initial.backorder,
		};
}

/* The variants that the draft lists. */
static void list_variants(struct merge *merge)
{
	const struct variant_draft *draft = merge->draft->variants.items;
	struct product *product = merge->product;

	if (json_is_integer(merge->draft->stock))
		fault_add(merge->faults, "/stock", "belongs to the variants, which are listed");
	for (size_t i = 0; i < merge->draft->variants.count; i++) {
		struct variant *variant = &product->variants[i];

		variant->is_new = true;
		variant->listed = i;
		variant->sku = draft[i].sku;
		variant->price = -1;
		take_values(draft[i].options, &product->content.options, variant->values);
	}
	product->variant_count = merge->draft->variants.count;
	match_variants(merge);
	for (size_t i = 0; i < merge->draft->variants.count; i++) {
		struct variant *variant = &product->variants[i];

		if (merge->from[i] >= 0)
			take_over(merge, &draft[i], variant,
				  &merge->current->variants[merge->from[i]]);
		if (merge->from[i] >= 0)
			refuse_stock(merge, draft[i].stock, pointer_to(merge->faults, i, "/stock"));
		merge_details(&draft[i], &variant->details);
		take_stock(&draft[i], variant);
	}
	if (merge->draft->partial && merge->current)
		keep_others(merge);
}

/* The variants of a draft that lists none: those there are, or a plain product's only one. */
static void assume_variants(struct merge *merge)
{
	struct product *product = merge->product;

	if (merge->current) {
		refuse_stock(merge, merge->draft->stock, "/stock");
		memcpy(product->variants, merge->current->variants,
		       merge->current->variant_count * sizeof(*product->variants));
		product->variant_count = merge->current->variant_count;
		return;
	}
	product->variant_count = 1;
	product->variants[0].is_new = true;
	product->variants[0].price = -1;
	product->variants[0].initial = merge->draft->initial;
}

/* --- prices ------------------------------------------------------------------------------ */

/* Whether the draft says a price for a variant that differs from what it costs. */
static bool prices_variants(const struct merge *merge)
{
	const struct variant_draft *draft = merge->draft->variants.items;

	for (size_t i = 0; i < merge->draft->variants.count; i++)
		if (draft[i].price_given && merge->from[i] >= 0 &&
		    draft[i].price.amount != merge->current->variants[merge->from[i]].price)
			return true;
	return false;
}

/* All prices that the draft says have one currency: this one; NULL where it says none. */
static const char *check_currencies(const struct merge *merge)
{
	const struct draft *draft = merge->draft;
	const struct variant_draft *variant = draft->variants.items;
	const char *currency = draft->price_given ? draft->price.currency : NULL;

	for (size_t i = 0; i < draft->variants.count; i++) {
		if (!variant[i].price_given)
			continue;
		if (!currency)
			currency = variant[i].price.currency;
		if (strcmp(variant[i].price.currency, currency) != 0)
			fault_add(merge->faults, pointer_to(merge->faults, i, "/price/currency"),
				  "must be %s, as the product's other prices", currency);
	}
	return currency;
}

/* A price to compare with is of the product's currency: one that stayed while the currency changed
 * says nothing any more. */
static void check_compared(struct merge *merge)
{
	const struct variant_draft *said = merge->draft->variants.items;
	struct product *product = merge->product;
	bool changed =
		merge->current && !money_same_currency(&product->price, &merge->current->price);

	for (size_t i = 0; i < product->variant_count; i++) {
		bool given = i < merge->draft->variants.count && said[i].compare_at_given &&
			     said[i].compare_at.currency[0];

		if (!given && changed)
			product->variants[i].details.compare_at = 0;
		if (given && !money_same_currency(&said[i].compare_at, &product->price))
			fault_add(merge->faults,
				  pointer_to(merge->faults, i, "/compareAtPrice/currency"),
				  "must be %s, as the product's prices", product->price.currency);
	}
}

static void set_prices(struct merge *merge)
{
	const struct draft *draft = merge->draft;
	const struct product *current = merge->current;
	const struct variant_draft *said = draft->variants.items;
	const char *currency = check_currencies(merge);
	const struct money *top = draft->price_given ? &draft->price
				  : current	     ? &current->price
						     : NULL;
	bool for_all = draft->price_given && !prices_variants(merge) && current &&
		       (draft->price.amount != current->price.amount ||
			!money_same_currency(&draft->price, &current->price));
	bool kept = false;

	for (size_t i = 0; i < merge->product->variant_count; i++) {
		struct variant *variant = &merge->product->variants[i];
		bool listed = i < draft->variants.count;

		if (for_all && !variant->is_new) {
			variant->price = draft->price.amount;
		} else if (listed && said[i].price_given) {
			variant->price = said[i].price.amount;
		} else if (variant->price >= 0 || (!draft->price_given && top)) {
			variant->price = variant->price >= 0 ? variant->price : top->amount;
			kept = true;
		} else if (top) {
			variant->price = top->amount;
		} else {
			fault_add(merge->faults,
				  listed ? pointer_to(merge->faults, i, "/price") : "/price",
				  "is required");
		}
	}
	if (currency && kept && strcmp(currency, current->price.currency) != 0)
		fault_add(merge->faults, draft->price_given ? "/price/currency" : "/variants",
			  "must be %s, as the product's other prices", current->price.currency);
	snprintf(merge->product->price.currency, sizeof(merge->product->price.currency), "%s",
		 currency  ? currency
		 : current ? current->price.currency
			   : "");
}

/* --- what must hold of the whole --------------------------------------------------------- */

static void check_values(struct merge *merge, size_t index)
{
	const struct list *options = &merge->product->content.options;
	const struct option *option = options->items;
	const struct variant *variant = &merge->product->variants[index];
	bool listed = index < merge->draft->variants.count;

	for (size_t i = 0; i < options->count; i++) {
		const char *pointer = "/options";

		if (variant->values[i] && value_is_known(&option[i], variant->values[i]))
			continue;
		if (listed)
			pointer = pointer_to(
				merge->faults, index,
				arena_printf(merge->faults->arena, "/options/%s", option[i].name));
		fault_add(merge->faults, pointer,
			  variant->values[i] ? "must be one of the values of the option \"%s\""
					     : "must give each variant a value of \"%s\"",
			  option[i].name);
	}
}

static void check_listed_options(struct merge *merge)
{
	const struct variant_draft *draft = merge->draft->variants.items;
	const struct list *options = &merge->product->content.options;
	const struct option *option = options->items;
	const char *name;
	json_t *value;

	for (size_t i = 0; i < merge->draft->variants.count; i++) {
		json_object_foreach (draft[i].options, name, value) {
			size_t at = 0;

			while (at < options->count && strcmp(option[at].name, name) != 0)
				at++;
			if (at == options->count)
				fault_add(merge->faults,
					  pointer_to(merge->faults, i,
						     arena_printf(merge->faults->arena,
								  "/options/%s", name)),
					  "is no option of the product");
		}
	}
}

static void check_variants(struct merge *merge)
{
	const struct product *product = merge->product;
	size_t options = product->content.options.count;

	check_listed_options(merge);
	if (options == 0 && product->variant_count > 1) {
		fault_add(merge->faults, "/variants",
			  "must be told apart by options where there are several");
		return;
	}
	for (size_t i = 0; i < product->variant_count; i++) {
		check_values(merge, i);
		for (size_t j = 0; j < i && options; j++) {
			if (!same_values(&product->variants[i], &product->variants[j], options))
				continue;
			fault_add(merge->faults, pointer_to(merge->faults, i, "/options"),
				  "must differ from those of variant %zu", j);
			break;
		}
	}
}

/* An update changes no place: those there were keep their order, and what is new comes behind. */
static void restore_order(struct merge *merge)
{
	struct product *product = merge->product;
	struct variant *ordered =
		ARENA_ARRAY(merge->faults->arena, struct variant, PRODUCT_VARIANTS_MAX);
	size_t count = 0;

	for (size_t i = 0; i < merge->current->variant_count; i++)
		for (size_t j = 0; j < product->variant_count; j++)
			if (!product->variants[j].is_new &&
			    id_equal(&product->variants[j].id, &merge->current->variants[i].id))
				ordered[count++] = product->variants[j];
	for (size_t j = 0; j < product->variant_count; j++)
		if (product->variants[j].is_new)
			ordered[count++] = product->variants[j];
	assert(count == product->variant_count);
	product->variants = ordered;
}

/* --- the merge --------------------------------------------------------------------------- */

static void merge_content(const struct draft *draft, struct content *content)
{
	const struct content *given = &draft->content;

	if (draft->description_given)
		content->description = given->description;
	if (draft->tags_given)
		content->tags = given->tags;
	if (draft->images_given)
		content->images = given->images;
	if (draft->options_given)
		content->options = given->options;
	if (draft->attributes_given)
		content->attributes = given->attributes;
}

/* Whether what was said of variants, options and price could be read: if not, that is the fault to
 * tell of, and not what would follow from it. */
static bool is_readable(const struct draft *draft, const struct faults *faults)
{
	if (!faults->count)
		return true;
	return (!draft->variants_given || draft->variants.count) &&
	       (!draft->options_given || draft->content.options.count) &&
	       (!draft->price_given || draft->price.currency[0]);
}

void product_merge(const struct product *current, const struct draft *draft,
		   struct product *ret_product, struct faults *faults)
{
	struct arena *arena = faults->arena;
	struct merge *merge = ARENA_NEW(arena, struct merge);
	struct product *product = ARENA_NEW(arena, struct product);

	if (current)
		*product = *current;
	else
		product->status = PRODUCT_ACTIVE;
	if (draft->slug_given)
		product->slug = draft->slug;
	if (draft->name_given)
		product->name = draft->name;
	if (draft->category_given)
		product->category = draft->category;
	if (draft->vendor_given)
		product->vendor_id = draft->vendor_id;
	if (draft->status_given)
		product->status = (enum product_status)draft->status;
	merge_content(draft, &product->content);
	if (!is_readable(draft, faults))
		return;
	if (!draft->options_given && product->content.options.count == 0)
		derive_options(arena, &draft->variants, &product->content.options);

	merge->draft = draft;
	merge->product = product;
	merge->faults = faults;
	if (current)
		merge->current =
			with_values(arena, current, &product->content.options, draft->imported);
	product->variants = ARENA_ARRAY(arena, struct variant, PRODUCT_VARIANTS_MAX);
	if (draft->variants.count)
		list_variants(merge);
	else
		assume_variants(merge);
	set_prices(merge);
	check_compared(merge);
	check_variants(merge);
	product->document = content_write(arena, &product->content);
	if (!faults->count) {
		if (draft->partial && current)
			restore_order(merge);
		product_settle(arena, product);
	}
	*ret_product = *product;
}
