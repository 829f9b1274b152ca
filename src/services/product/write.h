/* Products as JSON: the resource, and what events tell of it. */
#ifndef SERVICES_PRODUCT_WRITE_H
#define SERVICES_PRODUCT_WRITE_H

#include "base/out.h"
#include "services/product/product.h"

void product_write(struct out *out, const char *name, const struct product *product);

/* The name that lines of carts and orders show: "Shirt - S / Red". */
char *sold_name(struct arena *arena, const char *name, const char *title);

void quote_write(struct out *out, struct arena *arena, const struct quote *quote);

/* The data of ProductCreated and ProductUpdated, and of ProductDeleted. */
void product_write_event(struct out *out, struct arena *arena, const struct product *product);
void product_write_deleted(struct out *out, const struct product *product);

#endif
