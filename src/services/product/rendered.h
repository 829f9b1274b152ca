/*
 * Products as JSON, kept as the bytes that lists and GET answer with: what most requests cost is
 * loading and writing the same products again.
 *
 * A kept product is taken only by the version and the revision that it was written of, which the
 * caller has just read in its snapshot: together they change whenever anything changes that is
 * shown. Who asks changes nothing: what is shown to one is shown to all who may see it.
 */
#ifndef SERVICES_PRODUCT_RENDERED_H
#define SERVICES_PRODUCT_RENDERED_H

#include "base/out.h"
#include "services/product/product.h"

/* Of all products together; the oldest make room. */
#define RENDERED_BYTES_MAX (4u << 20)

/* Before and after all else; between them, any thread. */
void rendered_start(void);
void rendered_stop(void);

/* Writes the product, as a list's item or at the top; false where it is not kept. */
bool rendered_take(const struct product_head *head, struct out *out) MUST_CHECK;

/* Keeps `length` bytes of JSON; not where they are very many. */
void rendered_keep(const struct product_head *head, const char *json, size_t length);

#endif
