/*
 * Tests of HTML made safe. Besides examples, hostile pieces are joined at random, and of every
 * answer a reader of its own checks that it holds nothing but the promised elements and
 * attributes, well nested, and that making it safe once more changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/env.h"
#include "base/html.h"
#include "base/text.h"

static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/* --- a reader of what is safe --------------------------------------------------------------- */

static bool is_word_of(const char *list, const char *start, size_t length)
{
	char word[16] = {' '};

	if (length == 0 || length > sizeof(word) - 3)
		return false;
	memcpy(word + 1, start, length);
	word[length + 1] = ' ';
	return strstr(list, word) != NULL;
}

/* The end of an attribute that is as it must be, or NULL. `at` is behind its space. */
static const char *read_attribute(const char *at)
{
	size_t name = strcspn(at, "=");
	const char *value = at + name + 2, *end;

	if (!is_word_of(" href src alt title colspan rowspan rel ", at, name) ||
	    at[name + 1] != '"')
		return NULL;
	end = value + strcspn(value, "\"<>'");
	if (*end != '"')
		return NULL;
	if (*at == 'h' || (*at == 's' && at[1] == 'r')) {
		size_t scheme = strcspn(value, ":/?#\"");

		if (value[scheme] == ':' && !is_word_of(" http https mailto HTTP ", value, scheme))
			return NULL;
	}
	return end + 1;
}

/* Why `html` is not safe, or NULL. */
static const char *find_fault(const char *html)
{
	static const char elements[] =
		" p br hr b strong i em u s small sub sup ul ol li dl dt dd h2 h3 h4 h5 h6 "
		"blockquote pre code table thead tbody tr th td a img span div ";
	const char *open[64];
	size_t depth = 0;

	for (const char *at = html; *at; at++) {
		bool end = at[1] == '/';
		const char *name = at + 1 + end;
		size_t length = *at == '<' ? strcspn(name, " >") : 0;

		if (*at == '>')
			return "a bare >";
		if (*at == '&' && !memchr(at, ';', strnlen(at, 34)))
			return "a bare &";
		if (*at != '<')
			continue;
		if (!is_word_of(elements, name, length))
			return "an element";
		at = name + length;
		while (!end && *at == ' ') {
			at = read_attribute(at + 1);
			if (!at)
				return "an attribute";
		}
		if (*at != '>')
			return "a tag";
		if (end && (depth == 0 || strcspn(open[depth - 1], " >") != length ||
			    strncmp(open[depth - 1], name, length) != 0))
			return "nesting";
		if (end)
			depth--;
		else if (!is_word_of(" br hr img ", name, length) && depth == ARRAY_LENGTH(open))
			return "depth";
		else if (!is_word_of(" br hr img ", name, length))
			open[depth++] = name;
	}
	return depth ? "something is left open" : NULL;
}

static const char *sanitise(const char *html)
{
	const char *safe = html_sanitise(arena, html);
	const char *fault = find_fault(safe);

	if (fault)
		fail_msg("%s: %s gave %s", fault, html, safe);
	assert_true(text_is_utf8(safe, strlen(safe)));
	assert_string_equal(html_sanitise(arena, safe), safe);
	return safe;
}

/* --- examples --------------------------------------------------------------------------------- */

struct row {
	const char *html, *expected;
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_string_equal(sanitise(rows[i].html), rows[i].expected);
}

static void test_good_html_stays(void **state)
{
	static const struct row rows[] = {
		{"", ""},
		{"text", "text"},
		{"<p>Soft <b>cotton</b>, 5 &lt; 6 &amp; \"more\" \u00e9</p>",
		 "<p>Soft <b>cotton</b>, 5 &lt; 6 &amp; \"more\" \u00e9</p>"},
		{"<ul><li>a</li><li>b<ol><li>c</li></ol></li></ul>",
		 "<ul><li>a</li><li>b<ol><li>c</li></ol></li></ul>"},
		{"<table><thead><tr><th colspan=2>x</th></tr></thead><tbody><tr><td>1</td>"
		 "<td rowspan=\"3\">2</td></tr></tbody></table>",
		 "<table><thead><tr><th colspan=\"2\">x</th></tr></thead><tbody><tr><td>1</td>"
		 "<td rowspan=\"3\">2</td></tr></tbody></table>"},
		{"<A HREF='https://x.eu/?a=1&b=2' Title=t>l</A>",
		 "<a href=\"https://x.eu/?a=1&amp;b=2\" title=\"t\" "
		 "rel=\"nofollow noopener\">l</a>"},
		{"<a href=mailto:a@b.eu>m</a><a href=/p/1>r</a><a href=//x.eu/a>r</a>"
		 "<a href=#x>f</a>",
		 "<a href=\"mailto:a@b.eu\" rel=\"nofollow noopener\">m</a>"
		 "<a href=\"/p/1\" rel=\"nofollow noopener\">r</a>"
		 "<a href=\"//x.eu/a\" rel=\"nofollow noopener\">r</a>"
		 "<a href=\"#x\" rel=\"nofollow noopener\">f</a>"},
		{"<img src=\"https://x.eu/a.png\" alt=\"a &quot;b&quot;\" width=3/>",
		 "<img src=\"https://x.eu/a.png\" alt=\"a &quot;b&quot;\">"},
		{"a<br/>b<hr>c", "a<br>b<hr>c"},
		{"<h1>Big</h1>", "<h2>Big</h2>"},
		{"&eacute;&#233;&#xe9;&hellip; &unknown; &rarrw; AT&T &copy2",
		 "\u00e9\u00e9\u00e9\u2026 "
		 "&unknown; &rarrw; AT&amp;T &amp;copy2"},
		{"5 < 6 > 4 <3 <", "5 &lt; 6 &gt; 4 &lt;3 &lt;"},
	};

	(void)state;
	check_rows(rows, ARRAY_LENGTH(rows));
}

static void test_nesting_is_mended(void **state)
{
	static const struct row rows[] = {
		{"<p>a<p>b", "<p>a</p><p>b</p>"},
		{"<b><i>x</b>y</i>", "<b><i>x</i></b>y"},
		{"<ul><li>a<li>b</ul>c", "<ul><li>a</li><li>b</li></ul>c"},
		{"<ul><li><p>a<li>b</ul>", "<ul><li><p>a</p></li><li>b</li></ul>"},
		{"<dl><dt>a<dd>b<dt>c</dl>", "<dl><dt>a</dt><dd>b</dd><dt>c</dt></dl>"},
		{"<p>a<div>b</div>c</p>", "<p>a</p><div>b</div>c"},
		{"<h2>a<h3>b", "<h2>a</h2><h3>b</h3>"},
		{"<a href=/a>x<a href=/b>y", "<a href=\"/a\" rel=\"nofollow noopener\">x</a>"
					     "<a href=\"/b\" rel=\"nofollow noopener\">y</a>"},
		{"</p></b></table>x", "x"},
		{"<td>a<tr>b<li>c", "ab<li>c</li>"},
		{"<table><tr><td>a<td>b<tr><td>c</table>d",
		 "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>d"},
		{"<div><table><tr><td>a</div>b</table>c",
		 "<div><table><tr><td>ab</td></tr></table>c</div>"},
		{"<table><tr><td><table><td>x</tr></table>y</table>",
		 "<table><tr><td><table>x</table>y</td></tr></table>"},
		{"<p/>a<b/>c", "<p>a<b>c</b></p>"},
	};

	(void)state;
	check_rows(rows, ARRAY_LENGTH(rows));
}

static void test_scripts_are_dropped(void **state)
{
	static const struct row rows[] = {
		{"a<script>alert(1)</script>b", "ab"},
		{"a<SCRIPT src=x>//<b></ScRiPt >b", "ab"},
		{"a<script>'</scrip>'</script\n>b", "ab"},
		{"a<script>never closed <b>", "a"},
		{"a<script/>b", "a"},
		{"<scr<script>ipt>alert(1)</script>", "ipt&gt;alert(1)"},
		{"<script><script>x</script>y</script>z", "yz"},
		{"<style>a{}</style>b<title>t</title>c<textarea><b></textarea>d", "bcd"},
		{"<iframe src=x><b>f</b></iframe>b", "b"},
		{"a<svg><circle/><script>x</script><svg></svg>t</svg>b<svg/>c", "abc"},
		{"<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></math>b",
		 "b"},
		{"<object><object>x</object>y</object>z<template><p>t</template>", "z"},
		{"<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>",
		 "<img src=\"x\">\"&gt;"},
		{"a<!-- <b>x</b> -->b<!-->c<!--->d<!--x--!>e<!doctype html>f<?php x ?>g</>h</ x>i",
		 "abcdefghi"},
		{"a<!-- never closed", "a"},
		{"a<![CDATA[<b>x]]>b", "ax]]&gt;b"},
		{"<form><input value=x><button>go</button></form><marquee>m</marquee>", "gom"},
	};

	(void)state;
	check_rows(rows, ARRAY_LENGTH(rows));
}

static void test_attributes_are_dropped(void **state)
{
	static const struct row rows[] = {
		{"<b onclick=alert(1)>x</b>", "<b>x</b>"},
		{"<img src=/x onerror=alert(1) style=\"x\" srcset=y>", "<img src=\"/x\">"},
		{"<div style=\"background:url(javascript:x)\" class=c id=d>x</div>",
		 "<div>x</div>"},
		{"<img/src='/x'/onerror=alert(1)>", "<img src=\"/x\">"},
		{"<b title='\"><script>alert(1)</script>'>x</b>",
		 "<b title=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\">x</b>"},
		{"<b title=\"&quot; onclick=&quot;x\">x</b>",
		 "<b title=\"&quot; onclick=&quot;x\">x</b>"},
		{"<b title=`x onclick=y>x</b>", "<b title=\"`x\">x</b>"},
		{"<a title=1 title=2 href=/a href=javascript:x>x</a>",
		 "<a href=\"/a\" title=\"1\" rel=\"nofollow noopener\">x</a>"},
		{"<a rel=opener target=_blank>x</a>", "<a>x</a>"},
		{"<b =title=x title>x</b>", "<b title=\"\">x</b>"},
		{"<td colspan=2>", ""},
		{"<table><tr><td colspan=-1 rowspan=99999999999999>",
		 "<table><tr><td></td></tr></table>"},
		{"<b title=\"never closed>x</b>", ""},
		{"a<b", "a"},
		{"a<b title", "a"},
		{"a<b title=", "a"},
		{"a</b", "a"},
		{"<b href=/x src=/y>x</b>", "<b>x</b>"},
	};

	(void)state;
	check_rows(rows, ARRAY_LENGTH(rows));
}

static void test_addresses(void **state)
{
	static const char *const bad[] = {
		"javascript:alert(1)",
		"JaVaScRiPt:alert(1)",
		" javascript:x",
		"java\tscript:x",
		"java\nscript:x",
		"java&#115;cript:x",
		"java&#x73;cript:x",
		"java&#0000115cript:x",
		"javascript&colon;x",
		"javascript&#58;x",
		"javascript&#x3A;x",
		"java&Tab;script:x",
		"java&NewLine;script:x",
		"&#1;javascript:x",
		"\001javascript:x",
		"&#x20;javascript:x",
		"&Tab;javascript:x",
		"vbscript:x",
		"data:text/html,<script>x</script>",
		"data:image/png;base64,AAAA",
		"file:///etc/passwd",
		"ftp://x",
		"blob:x",
		"x:y",
		"&#106&#97&#118&#97&#115&#99&#114&#105&#112&#116&#58x",
		"\u00a0javascript:x",
		"java\xc2script:x",
		"view-source:http://x",
		"",
		" ",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		const char *link = arena_printf(arena, "<a href=\"%s\">x</a>", bad[i]);
		const char *image = arena_printf(arena, "<img src='%s'>", bad[i]);

		if (strcmp(sanitise(link), "<a>x</a>") != 0 || *sanitise(image))
			fail_msg("taken: %s", bad[i]);
	}
	assert_string_equal(sanitise("<img src=mailto:a@b.eu>"), "");
	assert_string_equal(sanitise("<a href=' HTTP://x.eu/\n a '>x</a>"),
			    "<a href=\"HTTP://x.eu/ a\" rel=\"nofollow noopener\">x</a>");
	assert_string_equal(sanitise("<a href='/x&#1;y'>x</a>"), "<a>x</a>");
	/* A name we do not know is text, and is written so that it stays text. */
	assert_string_equal(sanitise("<a href='/x&unknown;y'>x</a>"),
			    "<a href=\"/x&amp;unknown;y\" rel=\"nofollow noopener\">x</a>");
}

static void test_characters(void **state)
{
	static const struct row rows[] = {
		{"a\001b\x7f\xc2\x85z&#1;&#7;&#127;\xff\xc0\xaf\xed\xa0\x80",
		 "abz\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd"},
		{"&#0;&#xD800;&#x110000;&#99999999999999;&#128;&#x80",
		 "\ufffd\ufffd\ufffd\ufffd\u20ac\u20ac"},
		{"&lt;script&gt;x&lt;/script&gt;", "&lt;script&gt;x&lt;/script&gt;"},
		{"&#60;img src=x&#62;", "&lt;img src=x&gt;"},
		{"&amp;lt;b&amp;gt;", "&amp;lt;b&amp;gt;"},
		{"&<x>lt;b>", "&amp;lt;b&gt;"},
		{"&#;&#x;&;&", "&amp;#;&amp;#x;&amp;;&amp;"},
		{"\u0130\u017f<\u017fcript>", "\u0130\u017f&lt;\u017fcript&gt;"},
	};

	(void)state;
	check_rows(rows, ARRAY_LENGTH(rows));
}

/* --- size and time ---------------------------------------------------------------------------- */

static const char *repeat(const char *piece, size_t count)
{
	size_t length = strlen(piece);
	char *text = arena_alloc(arena, length * count + 1);

	for (size_t i = 0; i < count; i++)
		memcpy(text + i * length, piece, length);
	return text;
}

static void test_size_and_time_stay_in_proportion(void **state)
{
	static const char *const pieces[] = {
		"<div>",
		"<b>",
		"<a href=x>",
		"<table><tr><td>",
		"<ul><li>",
		"</div>",
		"<",
		"<!--",
		"<!",
		"</",
		"<a \"",
		"<a b='",
		"&",
		"&#",
		"&a",
		"\"",
		"<script",
		"<script>",
		"</script",
		"<svg>",
		"<svg><script>",
		"<p><b><i>",
		"<h2>",
		"<b title=\"'\">",
		"\xff",
		"<!-- --",
		"<object>",
		"<td>",
		"<table>",
		"<select></",
		"<textarea></textare",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
		const char *html = repeat(pieces[i], 100000);
		int64_t start_ms = env_monotonic_ms();
		const char *safe = html_sanitise(arena, html);

		html_to_text(arena, html);
		/* Some 50 ms; were it quadratic, minutes. */
		assert_true(env_monotonic_ms() - start_ms < 5000);
		assert_null(find_fault(safe));
		assert_true(strlen(safe) <= 8 * strlen(html) + 1024);
		arena_reset(arena);
	}
}

static void test_depth_is_bounded(void **state)
{
	const char *safe = sanitise(
		arena_printf(arena, "%sx%sy", repeat("<div>", 1000), repeat("</div>", 1000)));

	(void)state;
	assert_int_equal(strlen(safe), 64 * strlen("<div></div>") + 2);
}

static const char *const hostile_pieces[] = {
	"<b>",
	"</b>",
	"<p>",
	"</p>",
	"<div>",
	"</div>",
	"<a href='",
	"'>",
	"</a>",
	"<table>",
	"</table>",
	"<tr>",
	"<td>",
	"</td>",
	"</tr>",
	"<ul>",
	"<li>",
	"</li>",
	"</ul>",
	"<h1>",
	"</h1>",
	"<script>",
	"</script>",
	"<style>",
	"</style>",
	"<!--",
	"-->",
	"<",
	">",
	"\"",
	"'",
	"=",
	"/",
	" ",
	"&",
	"&amp;",
	"&lt;",
	"&#",
	"60;",
	"x",
	"javascript:",
	"<svg>",
	"</svg>",
	"<img src=",
	"onerror=x",
	"title=",
	"<br>",
	"\xff",
	"\u00e9",
	"<dl>",
	"<dt>",
	"<dd>",
	"<thead>",
	"<tbody>",
	"<blockquote>",
	"</blockquote>",
	"<math",
	"<pre>",
	"\n",
};

static void test_pieces_at_random(void **state)
{
	uint32_t chance = 12345;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char html[512];
		size_t length = 0;

		while (length < 200) {
			const char *piece;

			chance = chance * 1664525 + 1013904223;
			if (chance >> 28 == 0)
				break;
			piece = hostile_pieces[(chance >> 8) % ARRAY_LENGTH(hostile_pieces)];
			memcpy(html + length, piece, strlen(piece));
			length += strlen(piece);
		}
		html[length] = '\0';
		sanitise(html);
		arena_reset(arena);
	}
}

/* --- text alone ------------------------------------------------------------------------------- */

static void test_to_text(void **state)
{
	static const struct row rows[] = {
		{"", ""},
		{" <p>Soft <b>cot</b>ton</p>\n<p>shirt&nbsp;&amp;&#x20;\n tie</p> ",
		 "Soft cotton shirt & tie"},
		{"a<br>b<li>c<td>d<section>e</section>f", "a b c d e f"},
		{"a<script>x</script>b<style>y</style><!-- z -->c", "a b c"},
		{"&lt;b&gt; &eacute;&euro;&hellip;&unknown; 5 < 6",
		 "<b> \u00e9\u20ac\u2026&unknown; 5 < 6"},
		{"\u3000\u2003a\u00a0\u00a0b", "a b"},
		{"a&#1;b\xff", "ab\ufffd"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
		assert_string_equal(html_to_text(arena, rows[i].html), rows[i].expected);
}

static void test_escape(void **state)
{
	(void)state;
	assert_string_equal(html_escape(arena, ""), "");
	assert_string_equal(html_escape(arena, "a<b>&\"c\"'d' \u00e9"),
			    "a&lt;b&gt;&amp;&quot;c&quot;&#39;d&#39; \u00e9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_good_html_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nesting_is_mended, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scripts_are_dropped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_attributes_are_dropped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_addresses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_characters, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_size_and_time_stay_in_proportion, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_depth_is_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pieces_at_random, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_to_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_escape, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
