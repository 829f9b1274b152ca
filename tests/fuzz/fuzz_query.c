/* Queries read by a table of fields, and the headers that are read as lists. Lines: the query,
 * If-Match, If-None-Match, Prefer. */
#include "base/text.h"
#include "fuzz.h"
#include "http/request.h"

struct wanted {
	char *q;
	struct id id;
	int64_t number, since;
	bool flag;
	int sort;
	struct list ids, words;
};

static const char *const sorts[] = {"newest", "price", "-price", NULL};
static const struct field id_field = {.kind = FIELD_KIND_ID};
static const struct field word_field = {.kind = FIELD_KIND_TEXT, .min = 1, .max = 10};

static const struct field fields[] = {
	FIELD(struct wanted, q, "q", TEXT, .min = 1, .max = 20),
	FIELD(struct wanted, id, "userId", ID),
	FIELD(struct wanted, number, "minPrice", INT, .min = 0, .max = 1000),
	FIELD(struct wanted, since, "since", TIME),
	FIELD(struct wanted, flag, "inStock", BOOL),
	FIELD(struct wanted, sort, "sort", CHOICE, .choices = sorts),
	FIELD(struct wanted, ids, "ids", LIST, .max = QUERY_VALUES_MAX,
	      LIST_OF(&id_field, struct id)),
	FIELD(struct wanted, words, "tags", LIST, .max = 5, LIST_OF(&word_field, char *)),
	FIELD_END,
};

static void read_query(struct request *req)
{
	struct wanted wanted = {0};

	if (request_query_read(req, fields, &wanted)) {
		assert(req->faults.count > 0);
		for (const struct fault *fault = req->faults.first; fault; fault = fault->next)
			assert(fault->pointer[0] == '?' && fault->detail[0]);
		return;
	}
	assert(!wanted.q || (text_length(wanted.q) >= 1 && text_length(wanted.q) <= 20 &&
			     !text_has_control(wanted.q)));
	assert(wanted.number >= 0 && wanted.number <= 1000);
	assert(wanted.sort >= 0 && wanted.sort < 3);
	assert(wanted.ids.count <= QUERY_VALUES_MAX && wanted.words.count <= 5);
}

void fuzz(struct arena *arena, const char *bytes, size_t length)
{
	const char *rest = bytes, *end = bytes + length;
	struct request req = {
		.arena = arena, .faults.arena = arena, .path = "/", .header_count = 3};
	struct reply reply = {.arena = arena, .status = 200};
	const char *value;

	req.query = fuzz_line(arena, &rest, end);
	req.headers[0] = (struct header){"If-Match", fuzz_line(arena, &rest, end)};
	req.headers[1] = (struct header){"if-none-match", fuzz_line(arena, &rest, end)};
	req.headers[2] = (struct header){"PREFER", fuzz_line(arena, &rest, end)};

	read_query(&req);
	value = request_query(&req, "q");
	assert(!value || strlen(value) <= strlen(req.query));
	if (!request_if_match(&req, 7))
		assert(strpbrk(req.headers[0].value, "7*"));
	(void)request_prefers(&req, "respond-async");
	reply_etag(&reply, 7, 3);
	if (reply_precondition(&req, &reply) == PRECONDITION_NOT_MODIFIED) {
		reply_not_modified(&reply);
		assert(reply.status == 304);
	}
}
