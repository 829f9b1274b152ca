/* The handlers that are not in api.c, and the route table that is. */
#ifndef SERVICES_PRODUCT_API_H
#define SERVICES_PRODUCT_API_H

#include "platform/service.h"
#include "services/product/product.h"

enum err get_products(struct request *req, struct reply *reply); /* api_list.c */
enum err post_quote(struct request *req, struct reply *reply);	 /* api_quote.c */
enum err post_batch(struct request *req, struct reply *reply);	 /* api_batch.c */

extern const struct route product_routes[];
extern const struct subscription product_subscriptions[]; /* events.c */

/* Writes a product that the same snapshot has just shown, as it is kept or as it is loaded. */
enum err product_show(struct sql *sql, const struct product_head *head, struct out *out) MUST_CHECK;

#endif
