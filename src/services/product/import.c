/* What a file says of a product: an update of what there is, as far as it says anything. */
#include "services/product/import.h"

#include <string.h>

#include "base/out.h"

/* --- attributes -------------------------------------------------------------------------- */

/* Each is set by itself; null takes it away. */
static void fit_attributes(struct draft *draft, const struct content *current,
			   struct faults *faults)
{
	json_t *given = draft->content.attributes, *value;
	struct out out = out_new(faults->arena);
	const char *name;

	if (!draft->attributes_given)
		return;
	out_open(&out, NULL);
	json_object_foreach (current->attributes, name, value)
		if (!json_object_get(given, name))
			out_json(&out, name, json_text(faults->arena, value));
	json_object_foreach (given, name, value)
		if (!json_is_null(value))
			out_json(&out, name, json_text(faults->arena, value));
	out_close(&out);
	if (out.length > PRODUCT_ATTRIBUTES_BYTES_MAX ||
	    json_parse(faults->arena, out.data, out.length, &draft->content.attributes, NULL))
		fault_add(faults, "/attributes", "must be at most %d bytes with those there are",
			  PRODUCT_ATTRIBUTES_BYTES_MAX);
}

/* --- images ------------------------------------------------------------------------------ */

/* An image that is there already keeps its text, where the file has no word on it. */
static void fit_images(struct draft *draft, const struct content *current)
{
	struct image *image = draft->content.images.items;
	const struct image *known = current->images.items;

	for (size_t i = 0; i < draft->content.images.count; i++)
		for (size_t j = 0; j < current->images.count && !image[i].alt; j++)
			if (strcmp(image[i].url, known[j].url) == 0)
				image[i].alt = known[j].alt;
}

/* --- options ----------------------------------------------------------------------------- */

static struct option *find_option(const struct list *options, const char *name)
{
	struct option *option = options->items;

	for (size_t i = 0; i < options->count; i++)
		if (strcmp(option[i].name, name) == 0)
			return &option[i];
	return NULL;
}

/* Behind those there are, unless it is one of them. */
static void add_value(struct arena *arena, struct option *option, char *value)
{
	char **values = ARENA_ARRAY(arena, char *, option->values.count + 1);

	for (size_t i = 0; i < option->values.count; i++) {
		values[i] = ((char **)option->values.items)[i];
		if (strcmp(values[i], value) == 0)
			return;
	}
	values[option->values.count++] = value;
	option->values.items = values;
}

/* A file that lists some variants says nothing of the others' options: those that are there stay, and
 * get what is new. Where its options are other ones, they are the product's. */
static void fit_options(struct draft *draft, const struct content *current, struct arena *arena)
{
	const struct option *given = draft->content.options.items, *known = current->options.items;
	struct list all = {.count = current->options.count};
	struct option *options = ARENA_ARRAY(arena, struct option, all.count + 1);

	if (!draft->options_given || draft->content.options.count != all.count)
		return;
	all.items = options;
	for (size_t i = 0; i < all.count; i++)
		options[i] = known[i];
	for (size_t i = 0; i < all.count; i++) {
		struct option *option = find_option(&all, given[i].name);

		if (!option)
			return;
		for (size_t j = 0; j < given[i].values.count; j++)
			add_value(arena, option, ((char **)given[i].values.items)[j]);
	}
	draft->content.options = all;
}

/* The variant's options under the names that the product has for them. */
static json_t *renamed(struct arena *arena, const json_t *object, const struct list *from,
		       const struct list *to)
{
	const struct option *old = from->items, *new = to->items;
	struct out out = out_new(arena);
	json_t *result = NULL;

	out_open(&out, NULL);
	for (size_t i = 0; i < from->count; i++)
		out_text(&out, new[i].name,
			 json_string_value(json_object_get(object, old[i].name)));
	out_close(&out);
	return json_parse(arena, out.data, out.length, &result, NULL) ? NULL : result;
}

/* A file without names of options means those of the product, in their order. */
static void name_options(struct draft *draft, const struct content *current, struct arena *arena)
{
	struct option *given = draft->content.options.items;
	const struct option *known = current->options.items;
	struct variant_draft *variant = draft->variants.items;

	if (!draft->unnamed || draft->content.options.count != current->options.count)
		return;
	for (size_t i = 0; i < draft->variants.count; i++)
		variant[i].options = renamed(arena, variant[i].options, &draft->content.options,
					     &current->options);
	for (size_t i = 0; i < current->options.count; i++)
		given[i].name = known[i].name;
}

void import_fit(struct draft *draft, const struct product *current, struct faults *faults)
{
	if (!current) {
		if (!draft->name_given)
			fault_add(faults, "/name", "is required of a new product");
		if (!draft->vendor_given)
			fault_add(faults, "/vendorId", "is required of a new product");
		fit_attributes(draft, &(struct content){0}, faults);
		return;
	}
	fit_attributes(draft, &current->content, faults);
	fit_images(draft, &current->content);
	name_options(draft, &current->content, faults->arena);
	if (draft->partial)
		fit_options(draft, &current->content, faults->arena);
}
