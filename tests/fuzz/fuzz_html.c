/*
 * The sanitiser. What goes out is read by a reader of the target's own, which knows nothing but what
 * base/html.h promises: the elements and attributes there are, that all stands in its place and is
 * closed in its order, that no address but a harmless one is left, and nothing of what is dropped.
 * Sanitised again it stays as it is, and its size is bounded.
 */
#include "base/html.h"

#include "base/text.h"
#include "fuzz.h"

#define OPEN_MAX 64

static const char *const elements[] = {
	"p",	 "br",	       "hr",  "b",    "strong", "i",	 "em",	  "u",	  "s",
	"small", "sub",	       "sup", "ul",   "ol",	"li",	 "dl",	  "dt",	  "dd",
	"h2",	 "h3",	       "h4",  "h5",   "h6",	"a",	 "td",	  "th",	  "tr",
	"img",	 "blockquote", "pre", "code", "table",	"thead", "tbody", "span", "div",
};

static bool is_void(const char *name)
{
	return strcmp(name, "br") == 0 || strcmp(name, "hr") == 0 || strcmp(name, "img") == 0;
}

static bool may_have(const char *element, const char *attribute)
{
	if (strcmp(attribute, "title") == 0)
		return true;
	if (strcmp(attribute, "href") == 0 || strcmp(attribute, "rel") == 0)
		return strcmp(element, "a") == 0;
	if (strcmp(attribute, "src") == 0 || strcmp(attribute, "alt") == 0)
		return strcmp(element, "img") == 0;
	if (strcmp(attribute, "colspan") == 0 || strcmp(attribute, "rowspan") == 0)
		return strcmp(element, "td") == 0 || strcmp(element, "th") == 0;
	return false;
}

/* Letters and digits at `at`, in lower case. */
static const char *read_name(const char *at, char name[static 16])
{
	size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789");

	assert(length > 0 && length < 16);
	memcpy(name, at, length);
	name[length] = '\0';
	return at + length;
}

/* The value with our five references resolved: there are no others, but for an ampersand before a
 * name that is none. */
static char *decode(struct arena *arena, const char *from, const char *end)
{
	static const struct {
		const char *text;
		char character;
	} references[] = {
		{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''},
	};
	char *value = arena_alloc(arena, (size_t)(end - from) + 1), *to = value;

	while (from < end) {
		size_t length = 1;

		*to = *from;
		for (size_t i = 0; i < ARRAY_LENGTH(references); i++) {
			if (text_starts_with(from, references[i].text)) {
				*to = references[i].character;
				length = strlen(references[i].text);
			}
		}
		from += length;
		to++;
	}
	return value;
}

/* As a browser finds a scheme: leading controls and spaces, tabs and line ends do not count. */
static void check_address(const char *address, bool is_link)
{
	char scheme[16] = {0};
	size_t length = 0;

	while (*address && (unsigned char)*address <= ' ')
		address++;
	for (; *address && !strchr(":/?#", *address); address++) {
		if (strchr("\t\r\n", *address))
			continue;
		if (length < sizeof(scheme) - 1)
			scheme[length++] = (char)(*address >= 'A' && *address <= 'Z' ? *address + 32
										     : *address);
	}
	if (*address != ':')
		return;
	assert(strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0 ||
	       (is_link && strcmp(scheme, "mailto") == 0));
}

/* *links grows by one for an address, and goes down by one for what must stand behind it. */
static const char *read_attribute(struct arena *arena, const char *element, const char *at,
				  int *links)
{
	const char *end;
	char name[16];

	at = read_name(at + 1, name);
	assert(may_have(element, name));
	assert(at[0] == '=' && at[1] == '"');
	end = strchr(at + 2, '"');
	assert(end && strcspn(at + 2, "<>'") >= (size_t)(end - at - 2));
	if (strcmp(name, "href") == 0 || strcmp(name, "src") == 0)
		check_address(decode(arena, at + 2, end), name[0] == 'h');
	*links += strcmp(name, "href") == 0;
	if (strcmp(name, "rel") == 0) {
		assert(text_starts_with(at, "=\"nofollow noopener\""));
		*links -= 1;
	}
	return end + 1;
}

/* Whether `words`, with a space around each, has the name. */
static bool has_word(const char *words, const char *name)
{
	char word[18];

	snprintf(word, sizeof(word), " %s ", name);
	return strstr(words, word);
}

/* Where a browser would keep it: the parts of a table in their place, no block in a paragraph, no
 * link in a link; what is without a cell or a table does not count. */
static void check_place(const char *name, char open[][16], size_t depth)
{
	static const char blocks[] =
		" p hr ul ol dl li dt dd h2 h3 h4 h5 h6 blockquote pre table div ";
	const char *parent = depth ? open[depth - 1] : "";

	if (has_word(" td th ", name))
		assert(has_word(" tr ", parent));
	else if (has_word(" tr ", name))
		assert(has_word(" table thead tbody ", parent));
	else if (has_word(" thead tbody ", name))
		assert(has_word(" table ", parent));
	for (size_t i = depth; i > 0 && !has_word(" td th table ", open[i - 1]); i--) {
		assert(!has_word(blocks, name) || strcmp(open[i - 1], "p") != 0);
		assert(strcmp(name, "a") != 0 || strcmp(open[i - 1], "a") != 0);
	}
}

static const char *read_tag(struct arena *arena, const char *at, char open[][16], size_t *depth)
{
	bool known = false, closes = at[1] == '/';
	char name[16];
	int links = 0;

	at = read_name(at + 1 + closes, name);
	for (size_t i = 0; i < ARRAY_LENGTH(elements); i++)
		known = known || strcmp(elements[i], name) == 0;
	assert(known);
	if (closes) {
		assert(*depth > 0 && strcmp(open[*depth - 1], name) == 0);
		*depth -= 1;
	} else {
		check_place(name, open, *depth);
	}
	if (!closes && !is_void(name)) {
		assert(*depth < OPEN_MAX);
		memcpy(open[(*depth)++], name, sizeof(name));
	}
	while (!closes && *at == ' ')
		at = read_attribute(arena, name, at, &links);
	assert(*at == '>' && links == 0);
	return at + 1;
}

static void check_output(struct arena *arena, const char *html)
{
	char open[OPEN_MAX][16];
	const char *at = html;
	size_t depth = 0;

	while (*at) {
		assert(*at != '>');
		at = *at == '<' ? read_tag(arena, at, open, &depth) : at + 1;
	}
	assert(depth == 0);
}

/* Nothing of what is dropped is left, as far as it goes. */
static void check_dropped(struct arena *arena, const char *html)
{
	static const struct {
		const char *begin, *end;
	} dropped[] = {
		{"<script>", "</script"}, {"<STYLE x>", "</style"},	{"<title>", "</title"},
		{"<svg>", "</svg"},	  {"<template>", "</template"}, {"<!--x", "--"},
	};

	size_t i = strlen(html) % ARRAY_LENGTH(dropped);

	if (!strcasestr(html, dropped[i].end))
		assert(!*html_sanitise(arena, arena_printf(arena, "%s%s", dropped[i].begin, html)));
}

void fuzz(struct arena *arena, const char *bytes, size_t length)
{
	const char *clean = html_sanitise(arena, bytes), *text = html_to_text(arena, bytes);

	length = strlen(bytes);
	assert(text_is_utf8(clean, strlen(clean)) && !text_has_control(clean));
	assert(strlen(clean) <= 8 * length);
	check_output(arena, clean);
	assert(strcmp(html_sanitise(arena, clean), clean) == 0);
	check_dropped(arena, bytes);

	assert(text_is_utf8(text, strlen(text)) && !text_has_control(text));
	assert(strlen(text) <= 3 * length);
	assert(!strpbrk(html_escape(arena, bytes), "<>\"'"));
	assert(!strpbrk(html_sanitise(arena, html_escape(arena, bytes)), "<>"));
}
