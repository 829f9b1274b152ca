/*
 * Who may sell: a vendor whose account is active (src/services/user/README.md).
 *
 * User is asked before a product becomes active. What it says may change until the product is
 * stored, so its news is looked at as well, in the transaction: either that sees the news, or the
 * product is there when the news is heard, and is taken out of the shop like the vendor's others.
 */
#ifndef SERVICES_PRODUCT_VENDOR_H
#define SERVICES_PRODUCT_VENDOR_H

#include "platform/service.h"
#include "services/product/product.h"

enum vendor_standing { VENDOR_ACTIVE, VENDOR_PENDING, VENDOR_SUSPENDED };

/* Those that are pending may where the setting lets them. */
bool vendor_may_sell(enum vendor_standing standing);

/* What User says of the account. One that there is not hinders nobody. */
enum err vendor_ask(struct request *req, const struct id *vendor,
		    enum vendor_standing *ret_standing) MUST_CHECK;

/* ERR_VENDOR_NOT_APPROVED, in words. */
enum err vendor_refuse(struct request *req, enum vendor_standing standing);

/* Within the transaction: whether the vendor may sell by what User `said` and by its news, which is
 * in *ret_news; ERR_VENDOR_NOT_APPROVED. */
enum err vendor_check(struct sql *sql, const struct id *vendor, enum vendor_standing said,
		      enum vendor_standing *ret_news) MUST_CHECK;

/* The account's status is another now: its products are due. */
enum err vendor_note(struct sql *sql, const struct id *vendor, const char *status) MUST_CHECK;

/* At the start: what the setting says of pending vendors may be new. */
enum err vendors_look_again(struct sql *sql, void *arg) MUST_CHECK;

/* The job: takes the products of those who may not sell out of the shop, and puts them back. */
void vendors_settle(void);

extern const struct job product_jobs[];

#endif
