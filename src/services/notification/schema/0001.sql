-- What is told to whom, and what became of it.
--   id         of what tells of an event it is made of event, user and template, so that nobody is
--              told the same thing twice (message_id_of in rules.h)
--   recipient  the address; NULL until the user's is looked up, at sending
--   event_id   the event that it tells of; NULL: somebody asked for it
--   due_at     while it is queued: nobody tries before; NULL once it is sent or has failed
CREATE TABLE messages (
	id UUID NOT NULL PRIMARY KEY,
	channel TEXT NOT NULL CHECK (channel = 'email' OR channel = 'sms' OR channel = 'push'),
	recipient TEXT,
	user_id UUID,
	event_id UUID,
	template TEXT,
	subject TEXT,
	body TEXT NOT NULL,
	status TEXT NOT NULL CHECK (status = 'queued' OR status = 'sent' OR status = 'failed'),
	attempts BIGINT NOT NULL,
	provider TEXT NOT NULL,
	last_error TEXT,
	traceparent TEXT,
	due_at BIGINT,
	version BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	sent_at BIGINT,
	CHECK (recipient IS NOT NULL OR user_id IS NOT NULL),
	CHECK ((status = 'queued') = (due_at IS NOT NULL)),
	CHECK ((status = 'sent') = (sent_at IS NOT NULL)),
	CHECK (status <> 'failed' OR last_error IS NOT NULL)
) /*sqlite WITHOUT ROWID */;
CREATE INDEX messages_due ON messages (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX messages_by_user ON messages (user_id, id);

-- Lists by status: nearly all are sent, so these are found in the order of the ids; the queued ones
-- are few, or else all that there is to do, and found by due_at.
CREATE INDEX messages_failed ON messages (id) WHERE status = 'failed';

-- Whose an order is, and what the buyer calls it: PaymentRefunded does not say. Known once it is paid
-- or cancelled; nothing is refunded without.
CREATE TABLE orders (
	order_id UUID NOT NULL PRIMARY KEY,
	user_id UUID NOT NULL,
	number TEXT NOT NULL
) /*sqlite WITHOUT ROWID */;

-- Refunds that were heard of before their order: events of two services have no common order.
CREATE TABLE refunds_waiting (
	event_id UUID NOT NULL PRIMARY KEY,
	order_id UUID NOT NULL,
	amount BIGINT NOT NULL,
	currency TEXT NOT NULL,
	traceparent TEXT
) /*sqlite WITHOUT ROWID */;
CREATE INDEX refunds_waiting_by_order ON refunds_waiting (order_id, event_id);
