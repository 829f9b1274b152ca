/* What the two halves of the SQLite store share. */
#ifndef SERVICES_PRODUCT_STORE_SQLITE_H
#define SERVICES_PRODUCT_STORE_SQLITE_H

#include "services/product/store.h"

/* The product with this number; ERR_NOT_FOUND. */
enum err sqlite_load(struct sql *sql, struct arena *arena, int64_t number,
		     struct product *ret_product) MUST_CHECK;

#endif
