/*
 * HTML made safe. Nothing of the input is copied as markup: tokens are read, and tags and text are
 * written anew from our own table, so that a browser reads what we write and not what came in.
 *
 *  1. Every tag written is one of `elements`; every attribute is quoted, its value decoded, judged
 *     and escaped again, so that what is judged is what a browser sees.
 *  2. `open` holds what is written and not yet closed, DEPTH_MAX at most; each end tag written
 *     is the innermost one's. Deeper elements lose their tags and keep their text.
 *  3. An element closes those that a browser would close before it; table parts are written only
 *     where a browser would keep them.
 */
#include "base/html.h"

#include <string.h>

#include "base/html_scan.h"
#include "base/out.h"
#include "base/text.h"

#define DEPTH_MAX 64
#define ADDRESS_LENGTH_MAX 2048
#define SPAN_MAX 1000

/* clang-format off */
enum element {
	P, BR, HR, B, STRONG, I, EM, U, S, SMALL, SUB, SUP, UL, OL, LI, DL, DT, DD, H2, H3, H4, H5,
	H6, BLOCKQUOTE, PRE, CODE, TABLE, THEAD, TBODY, TR, TD, TH, A, IMG, SPAN, DIV, ELEMENT_COUNT
};
/* clang-format on */

#define BIT(element) (UINT64_C(1) << (element))
#define HEADINGS (BIT(H2) | BIT(H3) | BIT(H4) | BIT(H5) | BIT(H6))
#define CELLS (BIT(TD) | BIT(TH))
#define WALLS (CELLS | BIT(TABLE)) /* what lies without is not touched from within */
#define LISTS (BIT(UL) | BIT(OL) | BIT(DL))

struct rule {
	const char *name;
	bool is_void;
	uint64_t closes; /* open elements that its start tag closes, unless behind a wall */
	uint64_t walls;	 /* further walls for it */
	uint64_t within; /* it stands directly within one of these, or is left out; 0: anywhere */
};

#define BLOCK .closes = BIT(P)

static const struct rule elements[ELEMENT_COUNT] = {
	[P] = {"p", BLOCK},
	[BR] = {"br", .is_void = true},
	[HR] = {"hr", BLOCK, .is_void = true},
	[B] = {"b"},
	[STRONG] = {"strong"},
	[I] = {"i"},
	[EM] = {"em"},
	[U] = {"u"},
	[S] = {"s"},
	[SMALL] = {"small"},
	[SUB] = {"sub"},
	[SUP] = {"sup"},
	[UL] = {"ul", BLOCK},
	[OL] = {"ol", BLOCK},
	[LI] = {"li", .closes = BIT(LI) | BIT(P), .walls = LISTS | BIT(BLOCKQUOTE)},
	[DL] = {"dl", BLOCK},
	[DT] = {"dt", .closes = BIT(DT) | BIT(DD) | BIT(P), .walls = LISTS | BIT(BLOCKQUOTE)},
	[DD] = {"dd", .closes = BIT(DT) | BIT(DD) | BIT(P), .walls = LISTS | BIT(BLOCKQUOTE)},
	[H2] = {"h2", .closes = HEADINGS | BIT(P), .walls = BIT(DIV) | BIT(BLOCKQUOTE) | BIT(LI)},
	[H3] = {"h3", .closes = HEADINGS | BIT(P), .walls = BIT(DIV) | BIT(BLOCKQUOTE) | BIT(LI)},
	[H4] = {"h4", .closes = HEADINGS | BIT(P), .walls = BIT(DIV) | BIT(BLOCKQUOTE) | BIT(LI)},
	[H5] = {"h5", .closes = HEADINGS | BIT(P), .walls = BIT(DIV) | BIT(BLOCKQUOTE) | BIT(LI)},
	[H6] = {"h6", .closes = HEADINGS | BIT(P), .walls = BIT(DIV) | BIT(BLOCKQUOTE) | BIT(LI)},
	[BLOCKQUOTE] = {"blockquote", BLOCK},
	[PRE] = {"pre", BLOCK},
	[CODE] = {"code"},
	[TABLE] = {"table", BLOCK},
	[THEAD] = {"thead", .within = BIT(TABLE)},
	[TBODY] = {"tbody", .within = BIT(TABLE)},
	[TR] = {"tr", .within = BIT(TABLE) | BIT(THEAD) | BIT(TBODY)},
	[TD] = {"td", .within = BIT(TR)},
	[TH] = {"th", .within = BIT(TR)},
	[A] = {"a", .closes = BIT(A)},
	[IMG] = {"img", .is_void = true},
	[SPAN] = {"span"},
	[DIV] = {"div", BLOCK},
};

struct cleaner {
	struct arena *arena;
	struct out out;
	uint8_t open[DEPTH_MAX];
	size_t depth;
};

/* --- text --------------------------------------------------------------------------------- */

static const char *escape_of(uint32_t character)
{
	switch (character) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

char *html_escape(struct arena *arena, const char *text)
{
	struct out out = out_new(arena);

	for (;;) {
		size_t plain = strcspn(text, "&<>\"'");
		const char *escape;

		out_bytes(&out, text, plain);
		text += plain;
		escape = escape_of((unsigned char)*text);
		if (!escape)
			return out.data;
		out_bytes(&out, escape, strlen(escape));
		text++;
	}
}

static bool is_plain(char c)
{
	return c == '\n' ||
	       (c >= ' ' && c < 0x7f && c != '&' && c != '<' && c != '>' && c != '"' && c != '\'');
}

/* Writes raw text anew; quotes only need an escape in an attribute. */
static void write_text(struct out *out, struct html_slice text, bool in_attribute)
{
	const char *at = text.start, *end = at + text.length;

	while (at < end) {
		const char *start = at;
		const char *escape;
		uint32_t character;
		char bytes[4];

		while (at < end && is_plain(*at))
			at++;
		out_bytes(out, start, (size_t)(at - start));
		if (at == end)
			return;
		start = at;
		character = html_character(&at, end);
		escape = escape_of(character);
		if (character == '&' && at == start + 1 && html_is_named_reference(start, end))
			escape = "&"; /* a name that browsers may know; it can only be text */
		if (!in_attribute && (character == '"' || character == '\''))
			escape = NULL;
		if (escape)
			out_bytes(out, escape, strlen(escape));
		else if (character)
			out_bytes(out, bytes, html_put_character(bytes, character));
	}
}

/* --- attributes --------------------------------------------------------------------------- */

/* Decodes an address as a browser does: no tabs and line ends, no spaces around. NULL where it
 * holds other control characters or is too long. */
static char *decode_address(struct arena *arena, struct html_slice raw)
{
	const char *at = raw.start, *end = at + raw.length;
	char *address, *to;

	if (raw.length > ADDRESS_LENGTH_MAX)
		return NULL;
	/* A byte that is not UTF-8 becomes three. */
	address = to = arena_alloc(arena, 3 * raw.length + 4);
	while (at < end) {
		uint32_t character = html_character(&at, end);

		if (character == '\t' || character == '\n' || character == '\r')
			continue;
		if (character == 0)
			return NULL;
		if (character != ' ' || to > address)
			to += html_put_character(to, character);
	}
	while (to > address && to[-1] == ' ')
		to--;
	*to = '\0';
	return address;
}

/* Whether the address is relative, or has one of the schemes. */
static bool is_safe_address(const char *address, const char *const *schemes)
{
	size_t length = strcspn(address, ":/?#");

	if (address[length] != ':')
		return true;
	for (; *schemes; schemes++) {
		bool same = strlen(*schemes) == length;

		for (size_t i = 0; same && i < length; i++) {
			char c = address[i];

			same = (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) == (*schemes)[i];
		}
		if (same)
			return true;
	}
	return false;
}

/* The address to write, or NULL. */
static const char *safe_address(struct arena *arena, struct html_slice raw,
				const char *const *schemes)
{
	const char *address = raw.start ? decode_address(arena, raw) : NULL;

	return address && *address && is_safe_address(address, schemes) ? address : NULL;
}

static void write_raw(struct out *out, const char *text)
{
	out_bytes(out, text, strlen(text));
}

static void write_address(struct cleaner *cleaner, const char *name, const char *address)
{
	struct out *out = &cleaner->out;
	size_t length = strlen(address);

	write_raw(out, name);
	/* Decoded: an ampersand begins nothing any more. */
	for (size_t i = 0; i < length; i++) {
		const char *escape = escape_of((unsigned char)address[i]);

		if (escape)
			write_raw(out, escape);
		else
			out_bytes(out, address + i, 1);
	}
	write_raw(out, "\"");
}

static void write_words(struct cleaner *cleaner, const char *name, struct html_slice raw)
{
	if (!raw.start)
		return;
	write_raw(&cleaner->out, name);
	write_text(&cleaner->out, raw, true);
	write_raw(&cleaner->out, "\"");
}

static void write_span(struct cleaner *cleaner, const char *name, struct html_slice raw)
{
	int span = 0;

	if (!raw.start)
		return;
	for (size_t i = 0; i < raw.length; i++) {
		if (raw.start[i] < '0' || raw.start[i] > '9' || span > SPAN_MAX)
			return;
		span = 10 * span + raw.start[i] - '0';
	}
	if (span >= 1 && span <= SPAN_MAX)
		out_printf(&cleaner->out, "%s%d\"", name, span);
}

/* --- elements ----------------------------------------------------------------------------- */

static void close_innermost(struct cleaner *cleaner)
{
	assert(cleaner->depth > 0);
	out_printf(&cleaner->out, "</%s>", elements[cleaner->open[--cleaner->depth]].name);
}

/* How many elements to close so that the innermost of `wanted` is the last closed; 0 where there
 * is none before a wall. What is both is wanted. */
static size_t count_up_to(const struct cleaner *cleaner, uint64_t wanted, uint64_t walls)
{
	for (size_t i = cleaner->depth; i > 0; i--) {
		uint64_t bit = BIT(cleaner->open[i - 1]);

		if (bit & wanted)
			return cleaner->depth - i + 1;
		if (bit & walls)
			return 0;
	}
	return 0;
}

static void close_many(struct cleaner *cleaner, size_t count)
{
	while (count-- > 0)
		close_innermost(cleaner);
}

static enum element find_element(const char *name)
{
	if (strcmp(name, "h1") == 0)
		return H2;
	for (int i = 0; i < ELEMENT_COUNT; i++) {
		if (strcmp(elements[i].name, name) == 0)
			return i;
	}
	return ELEMENT_COUNT;
}

/* Makes the place for an element's start tag; false where there is none. */
static bool make_place(struct cleaner *cleaner, enum element element)
{
	const struct rule *rule = &elements[element];
	size_t count;

	if (rule->within) {
		count = count_up_to(cleaner, rule->within, BIT(TABLE));
		if (count == 0)
			return false;
		close_many(cleaner, count - 1);
	}
	while ((count = count_up_to(cleaner, rule->closes, WALLS | rule->walls)) > 0)
		close_many(cleaner, count);
	return rule->is_void || cleaner->depth < DEPTH_MAX;
}

static void open_element(struct cleaner *cleaner, const struct html_token *token)
{
	static const char *const link_schemes[] = {"http", "https", "mailto", NULL};
	static const char *const image_schemes[] = {"http", "https", NULL};
	enum element element = find_element(token->name);
	const struct html_slice *attributes = token->attributes;
	const char *href = NULL, *src = NULL;

	if (element == A)
		href = safe_address(cleaner->arena, attributes[HTML_HREF], link_schemes);
	if (element == IMG)
		src = safe_address(cleaner->arena, attributes[HTML_SRC], image_schemes);
	if (element == ELEMENT_COUNT || (element == IMG && !src) || !make_place(cleaner, element))
		return;

	out_printf(&cleaner->out, "<%s", elements[element].name);
	if (href)
		write_address(cleaner, " href=\"", href);
	if (src) {
		write_address(cleaner, " src=\"", src);
		write_words(cleaner, " alt=\"", attributes[HTML_ALT]);
	}
	write_words(cleaner, " title=\"", attributes[HTML_TITLE]);
	if (element == TD || element == TH) {
		write_span(cleaner, " colspan=\"", attributes[HTML_COLSPAN]);
		write_span(cleaner, " rowspan=\"", attributes[HTML_ROWSPAN]);
	}
	write_raw(&cleaner->out, href ? " rel=\"nofollow noopener\">" : ">");
	if (!elements[element].is_void)
		cleaner->open[cleaner->depth++] = (uint8_t)element;
}

static void close_element(struct cleaner *cleaner, const struct html_token *token)
{
	enum element element = find_element(token->name);
	uint64_t walls = WALLS;

	if (element == ELEMENT_COUNT)
		return;
	if (elements[element].within)
		walls = BIT(TABLE);
	else if (element == LI || element == DT || element == DD)
		walls |= LISTS;
	else if (element == TABLE)
		walls = 0;
	close_many(cleaner, count_up_to(cleaner, BIT(element), walls));
}

char *html_sanitise(struct arena *arena, const char *html)
{
	struct cleaner cleaner = {.arena = arena, .out = out_new(arena)};
	struct html_token token;
	struct html_scan scan;

	html_scan_begin(&scan, html);
	do {
		html_scan_next(&scan, &token);
		if (token.kind == HTML_TEXT)
			write_text(&cleaner.out, token.text, false);
		else if (token.kind == HTML_OPEN)
			open_element(&cleaner, &token);
		else if (token.kind == HTML_CLOSE)
			close_element(&cleaner, &token);
	} while (token.kind != HTML_END);
	close_many(&cleaner, cleaner.depth);
	return cleaner.out.data;
}

/* --- text alone --------------------------------------------------------------------------- */

/* Whether words on both sides of the tag are still one word. */
static bool is_inline(const char *name)
{
	/* clang-format off */
	static const char *const names[] = {
		"a", "b", "strong", "i", "em", "u", "s", "small", "sub", "sup", "code", "span",
		"font", "mark", "abbr", "del", "ins", "wbr", "big", "tt", "strike", "kbd", "q",
		"cite", "label",
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static bool is_white(uint32_t character)
{
	return character == ' ' || character == '\t' || character == '\n' || character == '\r' ||
	       character == 0xa0 || character == 0x1680 ||
	       (character >= 0x2000 && character <= 0x200a) || character == 0x2028 ||
	       character == 0x2029 || character == 0x202f || character == 0x205f ||
	       character == 0x3000;
}

/* Adds text; white space is only remembered, and becomes one space before what follows. */
static void add_words(struct out *out, struct html_slice text, bool *gap)
{
	const char *at = text.start, *end = at + text.length;

	while (at < end) {
		uint32_t character = html_character(&at, end);
		char bytes[4];

		if (is_white(character)) {
			*gap = true;
		} else if (character) {
			if (*gap && out->length > 0)
				out_bytes(out, " ", 1);
			*gap = false;
			out_bytes(out, bytes, html_put_character(bytes, character));
		}
	}
}

char *html_to_text(struct arena *arena, const char *html)
{
	struct out out = out_new(arena);
	struct html_token token;
	struct html_scan scan;
	bool gap = false;

	html_scan_begin(&scan, html);
	do {
		html_scan_next(&scan, &token);
		if (token.kind == HTML_TEXT)
			add_words(&out, token.text, &gap);
		else if (!is_inline(token.name))
			gap = true;
	} while (token.kind != HTML_END);
	return out.data;
}
