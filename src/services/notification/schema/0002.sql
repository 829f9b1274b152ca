-- What admins are to be told, until it is known who they are and each has a message.
--   event_id   the event that it tells of
--   data       what the template is filled with, as JSON
CREATE TABLE admin_news (
	event_id UUID NOT NULL PRIMARY KEY,
	template TEXT NOT NULL,
	data TEXT NOT NULL,
	traceparent TEXT,
	attempts BIGINT NOT NULL,
	due_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */;
CREATE INDEX admin_news_due ON admin_news (due_at);
