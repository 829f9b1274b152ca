/* The key to a cart that a request brings. */
#ifndef SERVICES_ORDER_CART_ACCESS_H
#define SERVICES_ORDER_CART_ACCESS_H

#include "http/request.h"
#include "services/order/store_cart.h"

/* The caller itself, and the header Cart-Secret. */
struct cart_key cart_key_of(const struct request *req);

#endif
