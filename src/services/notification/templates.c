/* The texts, and how they are filled. A new one is a row of the table. */
#include "services/notification/templates.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

#define VALUE_BYTES_MAX 1000 /* of one filled in, but for lists; longer ones are cut */

/* clang-format off */
static const struct template templates[] = {
	{
		.name = "welcome",
		.subject = "Welcome to Souk",
		.body = "Hello {{name}},\n\n"
			"welcome to Souk. Your account is ready: log in with this address.\n\n"
			"Have a good time looking around.\n",
		.brief = "Welcome to Souk, {{name}}. Your account is ready.",
		.values = {{"name", VALUE_TEXT, true, "and thank you for coming"}},
	},
	{
		.name = "order_paid",
		.subject = "Your order {{number}} is paid",
		.body = "Hello,\n\n"
			"thank you for your order {{number}}. It comes to {{total}}, and nothing is left"
			" to be paid.\n\n"
			"{{lines}}"
			"We tell you when it is on its way.\n",
		.brief = "Your order {{number}} is paid: {{total}}.",
		.values = {
			{"number", VALUE_TEXT},
			{"total", VALUE_MONEY},
			{"lines", VALUE_LINES, true, ""},
		},
	},
	{
		.name = "receipt",
		.subject = "Your payment for the order {{number}}",
		.body = "Hello,\n\n"
			"thank you for your order {{number}}. We have received your payment of"
			" {{amount}}.\n\n"
			"We tell you when it is on its way.\n",
		.brief = "We have received your payment of {{amount}} for your order {{number}}.",
		.values = {
			{"number", VALUE_TEXT, true, "with us"},
			{"amount", VALUE_MONEY},
		},
	},
	{
		.name = "payment_declined",
		.subject = "Your payment for the order {{number}} was declined",
		.body = "Hello,\n\n"
			"your payment of {{amount}} for the order {{number}} was declined: {{message}}\n\n"
			"You have paid nothing, and this order is cancelled. Your cart is kept as it was:"
			" order again whenever you like, with another way to pay.\n",
		.brief = "Your payment of {{amount}} for the order {{number}} was declined. Your cart is"
			 " kept.",
		.values = {
			{"number", VALUE_TEXT, true, "with us"},
			{"amount", VALUE_MONEY},
			{"message", VALUE_TEXT, true, "the provider did not say why."},
		},
	},
	{
		.name = "order_cancelled",
		.subject = "Your order {{number}} is cancelled",
		.body = "Hello,\n\n"
			"your order {{number}} over {{total}} is cancelled: {{reason}}.\n",
		.brief = "Your order {{number}} is cancelled: {{reason}}.",
		.values = {
			{"number", VALUE_TEXT},
			{"total", VALUE_MONEY},
			{"reason", VALUE_REASON, true, "it could not be carried out"},
		},
	},
	{
		.name = "order_shipped",
		.subject = "Your order {{number}} is on its way",
		.body = "Hello,\n\n"
			"your order {{number}} has been shipped:\n\n"
			"{{lines}}"
			"We hope that you enjoy it.\n",
		.brief = "Your order {{number}} has been shipped.",
		.values = {
			{"number", VALUE_TEXT},
			{"lines", VALUE_LINES, true, ""},
		},
	},
	{
		.name = "order_delivered",
		.subject = "Your order {{number}} has arrived",
		.body = "Hello,\n\n"
			"your order {{number}} has been delivered. If anything is not as it should be,"
			" tell us.\n\n"
			"Others would like to know what you think of it: write a review.\n",
		.brief = "Your order {{number}} has been delivered.",
		.values = {{"number", VALUE_TEXT}},
	},
	{
		.name = "order_returned",
		.subject = "Your order {{number}} is back with us",
		.body = "Hello,\n\n"
			"your order {{number}} has come back to us. Thank you for sending it.\n",
		.brief = "Your order {{number}} is back with us.",
		.values = {{"number", VALUE_TEXT}},
	},
	{
		.name = "refund",
		.subject = "We have refunded {{amount}} for your order {{number}}",
		.body = "Hello,\n\n"
			"we have returned {{amount}} for your order {{number}} to the account that it"
			" was paid from.\n",
		.brief = "We have refunded {{amount}} for your order {{number}}.",
		.values = {
			{"number", VALUE_TEXT},
			{"amount", VALUE_MONEY},
		},
	},
	{
		.name = "refund_failed",
		.subject = "A refund of {{amount}} for the order {{number}} has failed",
		.body = "Hello,\n\n"
			"the payment provider refuses to refund {{amount}} for the order {{number}}:"
			" {{message}}\n\n"
			"It is not tried again by itself, and the customer was told nothing of it. Try it"
			" again (POST /payments/refund), or give the money back another way.\n\n"
			"Order: {{orderId}}\n"
			"Refund: {{transactionId}}\n",
		.brief = "A refund of {{amount}} for the order {{number}} has failed: {{message}}",
		.values = {
			{"number", VALUE_TEXT, true, "of a number that is not known"},
			{"orderId", VALUE_TEXT},
			{"transactionId", VALUE_TEXT},
			{"amount", VALUE_MONEY},
			{"message", VALUE_TEXT, true, "it did not say why."},
		},
	},
	{
		.name = "low_stock",
		.subject = "Low stock: {{name}}",
		.body = "Hello,\n\n"
			"of {{name}} (SKU {{sku}}) there are {{available}} left; you asked to be told"
			" at {{threshold}}.\n",
		.brief = "Low stock: {{available}} left of {{name}} ({{sku}}).",
		.values = {
			{"name", VALUE_TEXT, true, "one of your products"},
			{"sku", VALUE_TEXT, true, "none"},
			{"available", VALUE_INT},
			{"threshold", VALUE_INT},
		},
	},
};
/* clang-format on */

/* --- finding ---------------------------------------------------------------------------------- */

const struct template *template_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LENGTH(templates); i++)
		if (strcmp(templates[i].name, name) == 0)
			return &templates[i];
	return NULL;
}

bool template_is_known(const char *name)
{
	return template_find(name) != NULL;
}

void templates_each(void (*visit)(const struct template *template, void *arg), void *arg)
{
	for (size_t i = 0; i < ARRAY_LENGTH(templates); i++)
		visit(&templates[i], arg);
}

/* The value with the name of that length; NULL where there is none. */
static const struct template_value *find_value(const struct template *template, const char *name,
					       size_t length)
{
	for (const struct template_value *value = template->values; value->name; value++)
		if (strlen(value->name) == length && memcmp(value->name, name, length) == 0)
			return value;
	return NULL;
}

/* --- checking --------------------------------------------------------------------------------- */

/* Whether it is text that cannot break out of its line: a subject is a header. */
static bool is_line(const json_t *data, const char *name)
{
	const char *text = json_get_text(data, name);

	return text && *text && !text_has_control(text) && !strpbrk(text, "\t\r\n");
}

static bool is_text(const json_t *data, const char *name)
{
	return json_get_text(data, name) != NULL;
}

static bool is_int(const json_t *data, const char *name)
{
	return json_is_integer(json_object_get(data, name));
}

static bool is_money(const json_t *data, const char *name)
{
	struct money money;

	return json_get_money(data, name, &money);
}

static bool is_lines(const json_t *data, const char *name)
{
	const json_t *lines = json_object_get(data, name), *line;
	size_t i;

	json_array_foreach (lines, i, line) {
		if (!is_line(line, "name") || !is_int(line, "quantity") ||
		    !is_money(line, "lineTotal"))
			return false;
	}
	return json_is_array(lines);
}

static const struct {
	bool (*check)(const json_t *data, const char *name);
	const char *expected;
} kinds[] = {
	[VALUE_TEXT] = {is_line, "must be text of one line"},
	[VALUE_REASON] = {is_text, "must be text"},
	[VALUE_INT] = {is_int, "must be a whole number"},
	[VALUE_MONEY] = {is_money, "must be an amount of money"},
	[VALUE_LINES] = {is_lines, "must be a list of {name, quantity, lineTotal}"},
};

void template_check(const struct template *template, const json_t *data, bool strict,
		    const char *pointer, struct faults *faults)
{
	const json_t *member;
	const char *name;

	for (const struct template_value *value = template->values; value->name; value++) {
		const char *at = arena_printf(faults->arena, "%s/%s", pointer, value->name);

		member = json_object_get(data, value->name);
		if (!member && !value->optional)
			fault_add(faults, at, "is required by the template %s", template->name);
		else if (member && !kinds[value->kind].check(data, value->name))
			fault_add(faults, at, "%s", kinds[value->kind].expected);
	}
	if (!strict)
		return;
	json_object_foreach ((json_t *)data, name, member) {
		if (!find_value(template, name, strlen(name)))
			fault_add(faults, pointer,
				  "has \"%.100s\", which the template %s does not know", name,
				  template->name);
	}
}

/* --- filling ---------------------------------------------------------------------------------- */

static void fill_lines(struct out *out, const json_t *lines)
{
	const json_t *line;
	char price[40];
	size_t i;

	json_array_foreach (lines, i, line) {
		struct money total = {0};

		if (!json_get_money(line, "lineTotal", &total))
			continue;
		money_format(&total, price, sizeof(price));
		out_printf(out, "  %" PRId64 " x %s: %s\n", json_get_int(line, "quantity"),
			   json_get_text(line, "name"), price);
	}
	if (json_array_size(lines))
		out_bytes(out, "\n", 1);
}

/* As many whole characters of the text as fit. */
static size_t cut_length(const char *text)
{
	size_t length = strnlen(text, VALUE_BYTES_MAX + 1);

	if (length <= VALUE_BYTES_MAX)
		return length;
	length = VALUE_BYTES_MAX;
	while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	return length;
}

/* On one line: what breaks lines becomes a space. */
static void fill_text(struct out *out, const char *text)
{
	char *line = arena_copy_bytes(out->arena, text, cut_length(text));

	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	out_bytes(out, line, strlen(line));
}

static const char *reason_in_words(const char *reason)
{
	static const struct {
		const char *reason, *words;
	} known[] = {
		{"out-of-stock", "not everything that you ordered is in stock"},
		{"payment-declined", "the payment was declined"},
		{"customer", "you asked for it"},
		{"expired", "it was not paid in time"},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(known); i++)
		if (strcmp(known[i].reason, reason) == 0)
			return known[i].words;
	return reason;
}

static void fill_value(struct out *out, const struct template_value *value, const json_t *data)
{
	const json_t *member = json_object_get(data, value->name);
	struct money money;
	char price[40];

	if (!member) {
		out_bytes(out, value->otherwise, strlen(value->otherwise));
		return;
	}
	switch (value->kind) {
	case VALUE_TEXT:
		fill_text(out, json_string_value(member));
		break;
	case VALUE_REASON:
		fill_text(out, reason_in_words(json_string_value(member)));
		break;
	case VALUE_INT:
		out_printf(out, "%" PRId64, (int64_t)json_integer_value(member));
		break;
	case VALUE_MONEY:
		if (!json_get_money(data, value->name, &money))
			break;
		money_format(&money, price, sizeof(price));
		out_bytes(out, price, strlen(price));
		break;
	case VALUE_LINES:
		fill_lines(out, member);
		break;
	}
}

static const char *fill(const struct template *template, const char *text, const json_t *data,
			struct arena *arena)
{
	struct out out = out_new(arena);
	const char *open;

	while ((open = strstr(text, "{{"))) {
		const char *name = open + 2, *close = strstr(name, "}}");
		const struct template_value *value;

		assert(close);
		value = find_value(template, name, (size_t)(close - name));
		assert(value);
		out_bytes(&out, text, (size_t)(open - text));
		fill_value(&out, value, data);
		text = close + 2;
	}
	out_bytes(&out, text, strlen(text));
	return out.data;
}

void template_fill(const struct template *template, const json_t *data, struct arena *arena,
		   struct message *message)
{
	bool long_text = message->channel == CHANNEL_EMAIL;

	message->template_name = template->name;
	if (message->channel != CHANNEL_SMS)
		message->subject = fill(template, template->subject, data, arena);
	message->body = fill(template, long_text ? template->body : template->brief, data, arena);
}
