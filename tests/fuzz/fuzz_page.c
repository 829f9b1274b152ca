/* Cursors: one that is taken is one that we would write, and nothing in it or in the query gets out
 * of the Link header's address. */
#include "base/text.h"
#include "fuzz.h"
#include "http/request.h"

static const char kind[] = "products/price";

/* The page that the query asks for; false where it is none. */
static bool read_page(struct arena *arena, struct request *req, const char *query,
		      struct page *page)
{
	*req = (struct request){.arena = arena, .path = "/products", .query = query};
	if (request_page(req, kind, page)) {
		assert(req->faults.count > 0);
		return false;
	}
	assert(page->limit >= 1 && page->limit <= PAGE_LIMIT_MAX);
	return true;
}

static void check(struct arena *arena, const char *query)
{
	struct reply reply = {.arena = arena};
	struct page page, again;
	struct cursor next;
	struct request req;
	const char *link;
	struct out out;
	size_t length;

	if (!read_page(arena, &req, query, &page) || !page.has_after)
		return;
	out = reply_list_begin(&reply);
	reply_list_end_items(&out);
	assert(!page.after.text || text_is_utf8(page.after.text, strlen(page.after.text)));
	next = page.after;
	next.number /= 2;
	reply_list_end(&req, &reply, &out, kind, &next);
	link = reply_get_header(&reply, "Link");
	if (!link)
		return;
	length = strcspn(link, ">");
	assert(link[0] == '<' && strcmp(link + length, ">; rel=\"next\"") == 0);
	for (const char *at = link + 1; *at != '>'; at++)
		assert(*at > ' ' && *at < 0x7f && !strchr("<\"\\", *at));
	/* Followed as it is, it leads on, whatever else the query held. */
	query = strchr(arena_copy_bytes(arena, link, length), '?') + 1;
	assert(read_page(arena, &req, query, &again) && again.has_after);
	assert(again.after.number == next.number && id_equal(&again.after.id, &next.id) &&
	       !again.after.text == !next.text);
	assert(!next.text || strcmp(again.after.text, next.text) == 0);
}

void fuzz(struct arena *arena, const char *bytes, size_t length)
{
	check(arena, bytes);
	check(arena,
	      arena_printf(arena, "limit=3&x=%s&cursor=%s", text_percent_encode(arena, bytes),
			   base64url_encode(arena, bytes, length)));
}
