/*
 * The texts that messages are made of: a table in templates.c. A text names what it is filled with
 * in double braces: {{number}}.
 */
#ifndef SERVICES_NOTIFICATION_TEMPLATES_H
#define SERVICES_NOTIFICATION_TEMPLATES_H

#include "base/json.h"
#include "services/notification/message.h"

#define TEMPLATE_VALUES_MAX 8
#define TEMPLATE_DATA_BYTES_MAX (32 * 1024)

enum value_kind {
	VALUE_TEXT,   /* text, of one line */
	VALUE_REASON, /* why an order was cancelled: one of the platform's words, or any text */
	VALUE_INT,    /* a whole number */
	VALUE_MONEY,  /* {amount, currency}: "19.90 EUR" */
	VALUE_LINES,  /* a list of an order's lines: one a line, with quantity, name, total */
};

struct template_value {
	const char *name;
	enum value_kind kind;
	bool optional;
	const char *otherwise; /* in place of an optional one that is missing */
};

struct template
{
	const char *name;
	const char *subject;				   /* of e-mail and push */
	const char *body;				   /* of e-mail */
	const char *brief;				   /* of SMS and push */
	struct template_value values[TEMPLATE_VALUES_MAX]; /* ends with one without name */
};

/* NULL where there is none of this name. */
const struct template *template_find(const char *name);
bool template_is_known(const char *name);

/* Calls `visit` with every template. */
void templates_each(void (*visit)(const struct template *template, void *arg), void *arg);

/* Adds a fault, below `pointer`, for all that the template misses, or does not know, in `data`.
 * `strict`: members that the template does not know are faults. */
void template_check(const struct template *template, const json_t *data, bool strict,
		    const char *pointer, struct faults *faults);

/* Sets the message's template_name, subject and body, by its channel. The data was checked. */
void template_fill(const struct template *template, const json_t *data, struct arena *arena,
		   struct message *message);

#endif
