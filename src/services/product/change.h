/*
 * Changes of the catalogue, each within a transaction: what rules.h made of a draft gets its ids,
 * slug and SKUs, is stored, and told of. What is refused is refused before anything is written.
 */
#ifndef SERVICES_PRODUCT_CHANGE_H
#define SERVICES_PRODUCT_CHANGE_H

#include "services/product/product.h"
#include "store/sql.h"

struct change {
	struct arena *arena;
	const char *traceparent; /* or NULL */
	const char *taken;	 /* with ERR_SLUG_TAKEN: which */
};

/* A product without slug gets one made from its name, a new variant without SKU one made from
 * slug and options. */
enum err change_add(struct sql *sql, struct change *change, struct product *product) MUST_CHECK;
enum err change_update(struct sql *sql, struct change *change, struct product *product) MUST_CHECK;
enum err change_remove(struct sql *sql, struct change *change, const struct product *product)
	MUST_CHECK;

#endif
