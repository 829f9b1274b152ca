/*
 * Notification's endpoints. A message is stored and answered for (202); the job of deliver.h
 * carries it.
 */
#include "base/text.h"
#include "services/notification/provider.h"
#include "services/notification/rules.h"
#include "services/notification/store.h"
#include "services/notification/templates.h"

/* --- fields ----------------------------------------------------------------------------------- */

struct message_draft {
	char *to, *template_name, *subject, *body;
	struct id user;
	json_t *data;
	bool to_given, user_given, template_given, data_given, subject_given, body_given;
};

static const struct field draft_fields[] = {
	FIELD(struct message_draft, to, "to", TEXT, .min = 1, .max = MESSAGE_TO_MAX,
	      GIVEN(struct message_draft, to_given)),
	FIELD(struct message_draft, user, "userId", ID, GIVEN(struct message_draft, user_given)),
	FIELD(struct message_draft, template_name, "template", TEXT, .min = 1, .max = 64,
	      .check = template_is_known, .expected = "must be the name of a template",
	      GIVEN(struct message_draft, template_given)),
	FIELD(struct message_draft, data, "data", JSON, .max = TEMPLATE_DATA_BYTES_MAX,
	      GIVEN(struct message_draft, data_given)),
	FIELD(struct message_draft, subject, "subject", TEXT, .min = 1, .max = MESSAGE_SUBJECT_MAX,
	      GIVEN(struct message_draft, subject_given)),
	FIELD(struct message_draft, body, "body", TEXT, .flags = MULTILINE, .min = 1,
	      .max = MESSAGE_EMAIL_BODY_MAX, GIVEN(struct message_draft, body_given)),
	FIELD_END,
};

static const struct field filter_fields[] = {
	FIELD(struct message_filter, user, "userId", ID, GIVEN(struct message_filter, has_user)),
	FIELD(struct message_filter, status, "status", CHOICE, .choices = message_status_words,
	      GIVEN(struct message_filter, has_status)),
	FIELD_END,
};

/* --- what a message may be made of ------------------------------------------------------------ */

/* By channel. */
static const int64_t body_limits[] = {
	[CHANNEL_EMAIL] = MESSAGE_EMAIL_BODY_MAX,
	[CHANNEL_SMS] = MESSAGE_SMS_BODY_MAX,
	[CHANNEL_PUSH] = MESSAGE_PUSH_BODY_MAX,
};

static void check_recipient(const struct message_draft *draft, enum channel channel,
			    struct faults *faults)
{
	if (draft->to_given && draft->user_given)
		fault_add(faults, "/userId", "cannot be given beside to");
	else if (!draft->to_given && !draft->user_given)
		fault_add(faults, "/to", "is required, or else userId");
	if (draft->to && !address_is_good(channel, draft->to))
		fault_add(faults, "/to", "%s", address_expected(channel));
}

static void check_template(const struct message_draft *draft, struct faults *faults)
{
	const struct template *template;

	if (draft->subject_given)
		fault_add(faults, "/subject", "cannot be given beside template");
	if (draft->body_given)
		fault_add(faults, "/body", "cannot be given beside template");
	template = draft->template_name ? template_find(draft->template_name) : NULL;
	if (template && (draft->data || !draft->data_given))
		template_check(template, draft->data, true, "/data", faults);
}

static void check_words(const struct message_draft *draft, enum channel channel,
			struct faults *faults)
{
	if (draft->data_given)
		fault_add(faults, "/data", "is only for a template");
	if (!draft->body_given)
		fault_add(faults, "/body", "is required, or else template");
	if (draft->body && (int64_t)text_length(draft->body) > body_limits[channel])
		fault_add(faults, "/body", "must have at most %d characters",
			  (int)body_limits[channel]);
	if (channel == CHANNEL_EMAIL && !draft->subject_given)
		fault_add(faults, "/subject", "is required");
	if (channel == CHANNEL_SMS && draft->subject_given)
		fault_add(faults, "/subject", "is nothing that an SMS has");
}

/* --- queueing --------------------------------------------------------------------------------- */

struct queueing {
	struct request *req;
	struct reply *reply;
	struct message message;
};

static void reply_message(struct reply *reply, int status, const struct message *message)
{
	struct out out = out_new(reply->arena);

	message_write(&out, NULL, message);
	reply_json(reply, status, &out);
	reply_etag(reply, message->version, 0);
}

static enum err queue(struct sql *sql, void *arg)
{
	struct queueing *queueing = arg;
	struct message *message = &queueing->message;
	struct arena *arena = queueing->req->arena;
	enum err err;

	message->created_ms = message->due_ms = sql_now_ms(sql);
	err = messages_insert(sql, message);
	if (err)
		return err;
	reply_header(queueing->reply, "Location", "/notifications/%s",
		     id_text(arena, &message->id));
	reply_message(queueing->reply, 202, message);
	return OK;
}

static enum err read_draft(struct request *req, enum channel channel, struct message_draft *draft)
{
	enum err err = request_body_parse(req, draft_fields, draft);

	if (err)
		return err;
	check_recipient(draft, channel, &req->faults);
	if (draft->template_given)
		check_template(draft, &req->faults);
	else
		check_words(draft, channel, &req->faults);
	return faults_err(&req->faults);
}

static enum err post_message(struct request *req, struct reply *reply, enum channel channel)
{
	struct queueing queueing = {.req = req, .reply = reply};
	struct message_draft draft = {0};
	enum err err;

	err = read_draft(req, channel, &draft);
	if (err)
		return err;
	queueing.message = (struct message){
		.id = id_new(),
		.channel = channel,
		.to = draft.to,
		.user = draft.user,
		.subject = draft.subject,
		.body = draft.body,
		.provider = message_provider_of(channel)->name,
		.traceparent = req->traceparent,
		.version = 1,
	};
	if (draft.template_name)
		template_fill(template_find(draft.template_name), draft.data, req->arena,
			      &queueing.message);
	err = request_transaction(req, reply, queue, &queueing);
	if (!err)
		job_poke(&notification_jobs[0]);
	return err;
}

/* POST /notifications/email: 202 with the message. */
static enum err post_email(struct request *req, struct reply *reply)
{
	return post_message(req, reply, CHANNEL_EMAIL);
}

/* POST /notifications/sms: as e-mail, without a subject. */
static enum err post_sms(struct request *req, struct reply *reply)
{
	return post_message(req, reply, CHANNEL_SMS);
}

/* POST /notifications/push: the subject is the title, and may be left out. */
static enum err post_push(struct request *req, struct reply *reply)
{
	return post_message(req, reply, CHANNEL_PUSH);
}

/* --- looking ---------------------------------------------------------------------------------- */

struct lookup {
	struct id id;
	struct arena *arena;
	struct message message;
};

static enum err look_up(struct sql *sql, void *arg)
{
	struct lookup *lookup = arg;

	return messages_find(sql, &lookup->id, lookup->arena, &lookup->message);
}

/* GET /notifications/:id: the message, and what became of it. */
static enum err get_message(struct request *req, struct reply *reply)
{
	struct lookup lookup = {.arena = req->arena};
	enum err err;

	err = request_id(req, "id", &lookup.id);
	if (err)
		return err;
	err = request_read(req, look_up, &lookup);
	if (err)
		return err;
	reply_message(reply, 200, &lookup.message);
	return OK;
}

struct listing {
	struct message_filter filter;
	struct page page;
	struct arena *arena;
	struct message *messages;
	size_t count;
};

static enum err list(struct sql *sql, void *arg)
{
	struct listing *listing = arg;

	return messages_list(sql, &listing->filter, &listing->page, listing->arena,
			     &listing->messages, &listing->count);
}

/* GET /notifications: the newest first. */
static enum err get_messages(struct request *req, struct reply *reply)
{
	struct listing listing = {.arena = req->arena};
	struct cursor next;
	size_t count;
	bool more;
	struct out out;
	enum err err, page_err;

	err = request_query_read(req, filter_fields, &listing.filter);
	page_err = request_page(req, "notifications", &listing.page);
	if (err || page_err)
		return err ? err : page_err;
	err = request_read_long(req, WORK_LIST, list, &listing);
	if (err)
		return err;
	more = listing.count > (size_t)listing.page.limit;
	count = more ? listing.count - 1 : listing.count;
	if (more)
		next = (struct cursor){.id = listing.messages[count - 1].id};
	out = reply_list_begin(reply);
	for (size_t i = 0; i < count; i++)
		message_write(&out, NULL, &listing.messages[i]);
	reply_list_end_items(&out);
	reply_list_end(req, reply, &out, "notifications", more ? &next : NULL);
	return OK;
}

/* clang-format off */
const struct route notification_routes[] = {
	{HTTP_POST, "/notifications/email", post_email,
	 ROLE_SERVICE | ROLE_ADMIN, ROUTE_BODY | ROUTE_IDEMPOTENT},
	{HTTP_POST, "/notifications/sms", post_sms,
	 ROLE_SERVICE | ROLE_ADMIN, ROUTE_BODY | ROUTE_IDEMPOTENT},
	{HTTP_POST, "/notifications/push", post_push,
	 ROLE_SERVICE | ROLE_ADMIN, ROUTE_BODY | ROUTE_IDEMPOTENT},
	{HTTP_GET, "/notifications", get_messages, ROLE_ADMIN, ROUTE_PAGE | ROUTE_QUERY},
	{HTTP_GET, "/notifications/:id", get_message, ROLE_ADMIN, 0},
	{0},
};
/* clang-format on */
