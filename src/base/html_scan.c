/*
 * HTML's tokens. Every byte is looked at a bounded number of times: whatever is not closed, be it
 * a comment, a quote, a tag or a script, goes on to the end, and nothing goes back.
 */
#include "base/html_scan.h"

#include <string.h>

/* Elements whose content is text up to their own end tag, whatever it looks like. */
static const char *const raw_elements[] = {
	"script", "style",   "iframe",	 "textarea", "title",
	"xmp",	  "noembed", "noframes", "noscript", "plaintext",
};

/* Elements that are dropped with all the elements within. */
static const char *const dropped_elements[] = {
	"svg", "math", "object", "template", "select", "audio", "video", "canvas", "applet",
};

static const char *const attribute_names[HTML_ATTRIBUTE_COUNT] = {
	[HTML_HREF] = "href",	[HTML_SRC] = "src",	    [HTML_ALT] = "alt",
	[HTML_TITLE] = "title", [HTML_COLSPAN] = "colspan", [HTML_ROWSPAN] = "rowspan",
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* A name in lower case, or "" where it is longer than any we know. */
static void copy_name(char name[static HTML_NAME_SIZE], const char *start, size_t length)
{
	if (length >= HTML_NAME_SIZE)
		length = 0;
	for (size_t i = 0; i < length; i++)
		name[i] = start[i] >= 'A' && start[i] <= 'Z' ? (char)(start[i] - 'A' + 'a')
							     : start[i];
	name[length] = '\0';
}

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

/* --- tags --------------------------------------------------------------------------------- */

static void skip_spaces(struct html_scan *scan)
{
	while (scan->at < scan->end && is_space(*scan->at))
		scan->at++;
}

static struct html_slice read_value(struct html_scan *scan)
{
	struct html_slice value = {.start = scan->at};
	char quote = scan->at < scan->end ? *scan->at : '\0';

	if (quote == '"' || quote == '\'') {
		value.start = ++scan->at;
		while (scan->at < scan->end && *scan->at != quote)
			scan->at++;
		value.length = (size_t)(scan->at - value.start);
		scan->at += scan->at < scan->end;
		return value;
	}
	while (scan->at < scan->end && !is_space(*scan->at) && *scan->at != '>')
		scan->at++;
	value.length = (size_t)(scan->at - value.start);
	return value;
}

static void read_attribute(struct html_scan *scan, struct html_token *token)
{
	struct html_slice value = {.start = ""};
	const char *start = scan->at;
	char name[HTML_NAME_SIZE];

	/* An equals sign at the beginning belongs to the name. */
	do {
		scan->at++;
	} while (scan->at < scan->end && !is_space(*scan->at) && !strchr("/>=", *scan->at));
	copy_name(name, start, (size_t)(scan->at - start));
	skip_spaces(scan);
	if (scan->at < scan->end && *scan->at == '=') {
		scan->at++;
		skip_spaces(scan);
		value = read_value(scan);
	}
	for (int i = 0; i < HTML_ATTRIBUTE_COUNT; i++) {
		/* Of two with one name the first counts. */
		if (strcmp(name, attribute_names[i]) == 0 && !token->attributes[i].start)
			token->attributes[i] = value;
	}
}

/* Reads a tag, whose name begins at `at`; false where the text ends within it. */
static bool read_tag(struct html_scan *scan, struct html_token *token)
{
	const char *start = scan->at;

	while (scan->at < scan->end && !is_space(*scan->at) && *scan->at != '/' && *scan->at != '>')
		scan->at++;
	copy_name(token->name, start, (size_t)(scan->at - start));
	for (;;) {
		skip_spaces(scan);
		if (scan->at == scan->end)
			return false;
		if (*scan->at == '>') {
			scan->at++;
			return true;
		}
		token->self_closing = *scan->at == '/';
		if (token->self_closing)
			scan->at++;
		else
			read_attribute(scan, token);
	}
}

/* --- what is passed over ------------------------------------------------------------------ */

/* From a comment's two hyphens, which may be its end's as well. */
static void skip_comment(struct html_scan *scan)
{
	const char *content = scan->at + 2;

	for (; scan->at < scan->end; scan->at++) {
		if (strncmp(scan->at, "-->", 3) == 0) {
			scan->at += 3;
			return;
		}
		if (scan->at >= content && strncmp(scan->at, "--!>", 4) == 0) {
			scan->at += 4;
			return;
		}
	}
}

static void skip_to_bracket(struct html_scan *scan)
{
	const char *end = memchr(scan->at, '>', (size_t)(scan->end - scan->at));

	scan->at = end ? end + 1 : scan->end;
}

/* To the end tag of an element of raw text, which is left to be read. */
static void skip_raw(struct html_scan *scan, const char *name)
{
	size_t length = strlen(name);

	while ((scan->at = memchr(scan->at, '<', (size_t)(scan->end - scan->at)))) {
		const char *tag = scan->at + 2;
		char found[HTML_NAME_SIZE] = {0};

		if (scan->at[1] == '/' && strnlen(tag, length + 1) > length) {
			copy_name(found, tag, length);
			if (strcmp(found, name) == 0 &&
			    (is_space(tag[length]) || strchr("/>", tag[length])))
				return;
		}
		scan->at++;
	}
	scan->at = scan->end;
}

/* Whether a tag belongs to what is dropped. */
static bool drops(struct html_scan *scan, const struct html_token *token)
{
	bool foreign = strcmp(token->name, "svg") == 0 || strcmp(token->name, "math") == 0;
	bool same = strcmp(token->name, scan->dropping) == 0;

	if (token->kind == HTML_OPEN &&
	    is_one_of(token->name, raw_elements, ARRAY_LENGTH(raw_elements))) {
		/* Within SVG such an element may have no content. */
		if (!token->self_closing || !scan->dropping[0])
			skip_raw(scan, token->name);
		return true;
	}
	if (!scan->dropping[0]) {
		if (token->kind != HTML_OPEN ||
		    !is_one_of(token->name, dropped_elements, ARRAY_LENGTH(dropped_elements)))
			return false;
		memcpy(scan->dropping, token->name, sizeof(scan->dropping));
		same = true;
	}
	if (same && token->kind == HTML_OPEN)
		scan->dropping_depth += !(foreign && token->self_closing);
	else if (same)
		scan->dropping_depth--;
	if (scan->dropping_depth == 0)
		scan->dropping[0] = '\0';
	return true;
}

/* --- the row ------------------------------------------------------------------------------ */

/* Whether what begins at `at`, a less-than sign, is more than that. */
static bool is_markup(const char *at)
{
	return is_letter(at[1]) || at[1] == '!' || at[1] == '?' || (at[1] == '/' && at[2]);
}

/* Reads what begins with a less-than sign; false where it is nothing, or not whole. */
static bool read_markup(struct html_scan *scan, struct html_token *token)
{
	const char *at = scan->at;

	*token = (struct html_token){.kind = at[1] == '/' ? HTML_CLOSE : HTML_OPEN};
	if (strncmp(at, "<!--", 4) == 0) {
		scan->at += 2;
		skip_comment(scan);
		return false;
	}
	scan->at += at[1] == '/' ? 2 : 1;
	if (is_letter(*scan->at))
		return read_tag(scan, token);
	skip_to_bracket(scan);
	return false;
}

void html_scan_begin(struct html_scan *scan, const char *html)
{
	*scan = (struct html_scan){.at = html, .end = html + strlen(html)};
}

void html_scan_next(struct html_scan *scan, struct html_token *ret_token)
{
	while (scan->at < scan->end) {
		const char *start = scan->at, *next;

		if (*start == '<' && is_markup(start)) {
			if (read_markup(scan, ret_token) && !drops(scan, ret_token))
				return;
			continue;
		}
		next = memchr(start + 1, '<', (size_t)(scan->end - start - 1));
		scan->at = next ? next : scan->end;
		if (scan->dropping[0])
			continue;
		*ret_token = (struct html_token){
			.kind = HTML_TEXT,
			.text = {.start = start, .length = (size_t)(scan->at - start)},
		};
		return;
	}
	*ret_token = (struct html_token){.kind = HTML_END};
}
