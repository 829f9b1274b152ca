/* The nouns of Inventory. */
#ifndef SERVICES_INVENTORY_INVENTORY_H
#define SERVICES_INVENTORY_INVENTORY_H

#include "base/id.h"
#include "platform/service.h"

#define WAREHOUSE_DEFAULT "main"
#define WAREHOUSE_NAME_MAX 50
#define WAREHOUSES_MAX 50 /* of one product */
#define RESERVE_ITEMS_MAX 100
#define QUANTITY_MAX INT64_C(1000000)
#define ON_HAND_MAX INT64_C(1000000000)
#define LOW_STOCK_THRESHOLD_DEFAULT 5
#define REASON_MAX 500

/* A product's variant, and what there is of it in all warehouses. */
struct item {
	struct id id;
	struct id parent; /* the product; its own id where that has one variant */
	struct id vendor;
	const char *sku, *name;
	int64_t threshold; /* so many or fewer are few */
	bool tracked;	   /* else nobody counts, and it is always to be had */
	bool backorder;	   /* it may be sold before it is there */
	int64_t on_hand, reserved;
	const char *status; /* "in_stock", "low_stock", "backorder" or "out_of_stock" */
	bool spread;	    /* other warehouses than the default one have had some */
	int64_t version, revision;
	int64_t updated_ms;
};

/* What there is of it in one of them. */
struct stock {
	const char *warehouse;
	int64_t on_hand, reserved;
};

struct stocks {
	struct stock items[WAREHOUSES_MAX];
	size_t count;
};

/* What somebody wants of a product. */
struct wanted {
	struct id product;
	int64_t quantity;
};

enum reservation_status {
	RESERVATION_ACTIVE,
	RESERVATION_COMMITTED,
	RESERVATION_RELEASED,
	RESERVATION_EXPIRED,
	RESERVATION_RESTOCKED,
	RESERVATION_STATUSES,
};

/* What is kept for an order of one product in one warehouse. */
struct kept {
	struct id product;
	const char *warehouse;
	int64_t quantity;
	bool uncounted; /* it was sold while nobody counted: nothing went out */
};

struct reservation {
	struct id id, order;
	enum reservation_status status;
	int64_t expires_ms;
	struct kept *lines; /* by product, then warehouse */
	size_t count;
};

/* Too few of a product. */
struct shortage {
	struct id product;
	int64_t requested, available;
};

struct shortages {
	struct shortage items[RESERVE_ITEMS_MAX];
	size_t count;
};

extern const struct service inventory_service;

#endif
