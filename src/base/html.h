/*
 * HTML made safe: what a product's description may hold. Whatever comes in, what goes out holds
 * only the elements p br hr b strong i em u s small sub sup ul ol li dl dt dd h2 h3 h4 h5 h6
 * blockquote pre code table thead tbody tr th td a img span div (h1 becomes h2), well nested and
 * closed; of attributes only href (http, https, mailto, relative), src (http, https, relative),
 * alt, title, colspan, rowspan; links get rel="nofollow noopener". The content of script, style,
 * iframe, object, template, svg, math, textarea, title and the like is dropped, comments too; all
 * other text stays, escaped.
 */
#ifndef BASE_HTML_H
#define BASE_HTML_H

#include "base/arena.h"

/* `html` is UTF-8 of any form; the answer is at most a small multiple of its length. */
char *html_sanitise(struct arena *arena, const char *html);

/* The text alone, entities resolved, white space folded: for search and for summaries. */
char *html_to_text(struct arena *arena, const char *html);

/* Text as HTML: & < > " ' escaped. */
char *html_escape(struct arena *arena, const char *text);

#endif
