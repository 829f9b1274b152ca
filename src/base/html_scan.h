/*
 * HTML as a row of tokens: the ground of html.c. Tokens are cut as the HTML standard's tokenizer
 * cuts them (section 13.2.5), comments and dropped content passed over; the text within is raw,
 * and html_character reads it.
 */
#ifndef BASE_HTML_SCAN_H
#define BASE_HTML_SCAN_H

#include "base/base.h"

#define HTML_NAME_SIZE 12 /* longer than any name we know, and a NUL */

enum html_attribute {
	HTML_HREF,
	HTML_SRC,
	HTML_ALT,
	HTML_TITLE,
	HTML_COLSPAN,
	HTML_ROWSPAN,
	HTML_ATTRIBUTE_COUNT
};

struct html_slice {
	const char *start; /* NULL: not there */
	size_t length;
};

enum html_kind { HTML_END, HTML_TEXT, HTML_OPEN, HTML_CLOSE };

struct html_token {
	enum html_kind kind;
	struct html_slice text;	   /* of HTML_TEXT */
	char name[HTML_NAME_SIZE]; /* of a tag, in lower case; "" where it is longer */
	bool self_closing;
	struct html_slice attributes[HTML_ATTRIBUTE_COUNT];
};

struct html_scan {
	const char *at, *end;
	char dropping[HTML_NAME_SIZE]; /* the element whose content is dropped, or "" */
	size_t dropping_depth;	       /* so many of that name are open */
};

void html_scan_begin(struct html_scan *scan, const char *html);

/* The next token; HTML_END at the end, for ever. */
void html_scan_next(struct html_scan *scan, struct html_token *ret_token);

/* The next character of raw text, a reference resolved, and *at behind it. 0 where it is nothing
 * to be shown (a control character), U+FFFD where it is not UTF-8; an ampersand that begins no
 * reference we know stands for itself. */
uint32_t html_character(const char **at, const char *end);

/* Whether a reference with a name, be it unknown, begins at `at`. */
bool html_is_named_reference(const char *at, const char *end);

/* Writes a character as UTF-8; its length. */
size_t html_put_character(char bytes[static 4], uint32_t character);

#endif
