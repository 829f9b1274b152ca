/* The events that could not be handled, for admins: GET /events/parked, and trying one again. */
#include "base/config.h"
#include "events/bus.h"
#include "platform/internal.h"

static void write_parked(struct out *out, const char *service, const struct parked_event *parked)
{
	out_open(out, NULL);
	out_text(out, "service", service);
	out_int(out, "attempts", parked->attempts);
	out_text(out, "lastError", parked->last_error);
	if (parked->next_try_ms)
		out_time(out, "nextTryAt", parked->next_try_ms);
	else
		out_null(out, "nextTryAt");
	out_time(out, "parkedAt", parked->parked_ms);
	event_write(out, "event", &parked->event);
	out_close(out);
}

/* GET /events/parked: service by service, oldest first. */
static enum err get_parked(struct request *req, struct reply *reply)
{
	struct cursor next = {0};
	struct page page;
	struct out out;
	int64_t room;
	bool more = false;
	size_t i, j;
	enum err err;

	err = request_page(req, "events/parked", &page);
	if (err)
		return err;
	room = page.limit;
	out = reply_list_begin(reply);
	/* The cursor is the service's place, and the row's within it. */
	for (i = page.after.text ? (size_t)page.after.text[0] - 'a' : 0;
	     i < platform_service_count() && !more; i++) {
		const struct running_service *service = platform_service(i);
		int64_t after =
			page.has_after && page.after.text && (size_t)page.after.text[0] - 'a' == i
				? page.after.number
				: 0;
		struct parked_event *events;
		size_t count;

		err = parked_list(service->database, req->arena, after, room + 1, &events, &count);
		if (err)
			return err;
		for (j = 0; j < count && !more; j++) {
			more = room == 0;
			if (more)
				break;
			write_parked(&out, service->service->name, &events[j]);
			next.text = arena_printf(req->arena, "%c", (int)('a' + i));
			next.number = events[j].seq;
			room--;
		}
	}
	reply_list_end_items(&out);
	reply_list_end(req, reply, &out, "events/parked", more ? &next : NULL);
	return OK;
}

/* POST /events/parked/:id/retry: 202, the event is tried again by whoever parked it. */
static enum err retry_parked(struct request *req, struct reply *reply)
{
	struct id id;
	enum err err;

	err = request_id(req, "id", &id);
	if (err)
		return err;
	err = parked_retry(platform_bus(), &id);
	if (err)
		return err;
	reply_empty(reply, 202);
	return OK;
}

const struct route parked_routes[] = {
	{HTTP_GET, "/events/parked", get_parked, ROLE_ADMIN, ROUTE_PAGE, 0},
	{HTTP_POST, "/events/parked/:id/retry", retry_parked, ROLE_ADMIN, 0, 0},
	{0},
};
