/*
 * The events that cross the services' borders, each declared once.
 *
 * EVENT(type, source service). The envelope is CloudEvents 1.0 in JSON; `subject` is the id of the
 * thing, and what `data` holds is written in api/asyncapi.yaml, which a test compares with this
 * list.
 */
#ifndef CONTRACT_EVENTS_H
#define CONTRACT_EVENTS_H

#define SOUK_EVENTS(EVENT)               \
	EVENT(UserRegistered, user)      \
	EVENT(UserStatusChanged, user)   \
	EVENT(OrderPlaced, order)        \
	EVENT(OrderPaid, order)          \
	EVENT(OrderCancelled, order)     \
	EVENT(OrderShipped, order)       \
	EVENT(OrderDelivered, order)     \
	EVENT(OrderReturned, order)      \
	EVENT(StockReserved, inventory)  \
	EVENT(StockRejected, inventory)  \
	EVENT(StockChanged, inventory)   \
	EVENT(StockLow, inventory)       \
	EVENT(PaymentSucceeded, payment) \
	EVENT(PaymentFailed, payment)    \
	EVENT(PaymentRefunded, payment)  \
	EVENT(RefundFailed, payment)     \
	EVENT(ProductCreated, product)   \
	EVENT(ProductUpdated, product)   \
	EVENT(ProductDeleted, product)   \
	EVENT(ReviewPublished, review)   \
	EVENT(ReviewRemoved, review)

#endif
