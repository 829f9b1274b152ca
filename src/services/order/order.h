/* The nouns of the Order service: what was bought, and what is about to be. */
#ifndef SERVICES_ORDER_ORDER_H
#define SERVICES_ORDER_ORDER_H

#include "base/id.h"
#include "base/money.h"

#define ORDER_LINES_MAX 100    /* of an order, and of a cart */
#define ORDER_QUANTITY_MAX 999 /* of a line */
#define ORDER_NUMBER_SIZE 24   /* "SO-000123" and a NUL */

enum order_status {
	ORDER_PENDING,
	ORDER_RESERVED,
	ORDER_PAID,
	ORDER_SHIPPED,
	ORDER_DELIVERED,
	ORDER_RETURNED,
	ORDER_CANCELLED,
	ORDER_STATUS_COUNT
};

/* The order's own view of its payment; the words are the Payment service's. */
enum payment_status {
	PAYMENT_NONE,
	PAYMENT_PROCESSING,
	PAYMENT_PAID,
	PAYMENT_FAILED,
	PAYMENT_PARTIALLY_REFUNDED,
	PAYMENT_REFUNDED,
	PAYMENT_STATUS_COUNT
};

/* Who moves an order. One person can be several of them for one order: these are bits. */
enum mover {
	MOVER_NOBODY = 0,
	MOVER_CUSTOMER = 1, /* the one who placed it */
	MOVER_VENDOR = 2,   /* of at least one line */
	MOVER_ADMIN = 4,
	MOVER_SYSTEM = 8, /* the saga */
};

struct order_line {
	struct id product; /* the variant */
	struct id parent;  /* the product that it is a variant of */
	struct id vendor;
	const char *name;
	const char *sku, *category; /* either may be NULL */
	int64_t quantity;
	struct money unit_price, line_total;
};

/* A status that it had. */
struct order_step {
	enum order_status status;
	int64_t at_ms;
	enum mover by;
	const char *reason; /* or NULL */
};

/* What there was too little of. */
struct shortage {
	struct id product;
	int64_t requested, available;
};

struct order {
	struct id id;
	int64_t number;
	struct id user;
	enum order_status status;
	struct money total;
	const char *shipping_address; /* JSON */
	const char *country;
	const char *payment_method;
	enum payment_status payment_status;
	struct id transaction;	   /* the charge; zero: none */
	int64_t due_ms;		   /* when a job looks at it next; 0: never */
	int64_t attempts;	   /* of the job at what is due now */
	int64_t reserved_until_ms; /* 0 before it is reserved */
	const char *traceparent;   /* of the request that placed it; or NULL */
	struct id cart;		   /* what it was ordered from; zero: items */
	int64_t version, revision;
	int64_t created_ms, updated_ms;

	struct order_line *lines;
	size_t line_count;
	struct order_step *history; /* NULL where it was not asked for */
	size_t history_count;

	/* Why it was cancelled, as far as that needs more than a word. */
	struct shortage *shortages;
	size_t shortage_count;
	const char *failure_code, *failure_message; /* the payment provider's; or NULL */
};

/* What a client wants of a product. */
struct order_item {
	struct id product;
	int64_t quantity;
};

/* What the Product service says of a product now. */
struct quote {
	bool purchasable; /* where not, there is no more */
	struct id parent, vendor;
	const char *name, *sku, *category;
	struct money price;
	bool unlimited; /* as many as one likes can be had; then `available` is enough */
	int64_t available;
};

struct cart_line {
	struct id id;
	struct order_item item;
	/* What the product was when it was put in. */
	bool added_known;
	struct money added_price;
	int64_t added_available;
};

struct cart {
	struct id id;
	struct id user;	 /* zero: a guest's */
	struct id order; /* that is under way for it; zero: none */
	int64_t version;
	int64_t created_ms, updated_ms;
	struct cart_line *lines; /* room for ORDER_LINES_MAX */
	size_t line_count;
};

#endif
