/* Inventory's handlers for stock; those for orders, and the table of routes, are in api.c. */
#ifndef SERVICES_INVENTORY_API_H
#define SERVICES_INVENTORY_API_H

#include "platform/service.h"

enum err get_stock(struct request *req, struct reply *reply);
enum err get_stock_list(struct request *req, struct reply *reply);
enum err put_stock(struct request *req, struct reply *reply);

extern const struct route inventory_routes[];

#endif
