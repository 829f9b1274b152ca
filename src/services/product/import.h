/* What a file says of a product, before product_merge (rules.h) applies it. */
#ifndef SERVICES_PRODUCT_IMPORT_H
#define SERVICES_PRODUCT_IMPORT_H

#include "services/product/draft.h"

/*
 * Makes of what a file says what product_merge is told: `current` (with content) is the product as
 * it is, NULL where it is new, and then it needs a name and a vendor. What the file says nothing of
 * stays: each attribute by itself, an image's alternative text, and where it is `partial` the options
 * that there are, in their order.
 */
void import_fit(struct draft *draft, const struct product *current, struct faults *faults);

#endif
