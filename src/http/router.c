/*
 * Routes in a trie, a level per segment of the path.
 *
 * Invariants: a node's static children differ in their text; all rows of one node have the same
 * path, so its parameters have one set of names; the tables outlive the router.
 */
#include "http/router.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/unicode.h"

#define METHODS HTTP_OTHER /* a row names one of those before it */
#define SEGMENTS_MAX 16	   /* of a path; longer ones are not found */

struct node {
	const char *text; /* of the segment, borrowed from a row's path */
	size_t length;
	struct node *children; /* the first static one */
	struct node *next;     /* its sibling */
	struct node *parameter;
	const struct route *routes[METHODS];
	void *owners[METHODS];
};

struct table {
	const struct route *routes;
	void *owner;
	struct table *next;
};

struct router {
	struct node root;
	struct table *tables, **last;
};

struct segment {
	const char *text;
	size_t length;
};

/* What router_find looks for, and what it has found on its way down. */
struct search {
	struct segment segments[SEGMENTS_MAX];
	size_t count;
	size_t row; /* the method's */
	struct segment parameters[REQUEST_PARAMETERS_MAX];
};

struct router *router_new(void)
{
	struct router *router = must_alloc(sizeof(*router));

	router->last = &router->tables;
	return router;
}

static void node_clear(struct node *node)
{
	while (node->children) {
		struct node *child = node->children;

		node->children = child->next;
		node_clear(child);
		free(child);
	}
	if (node->parameter) {
		node_clear(node->parameter);
		free(node->parameter);
	}
}

void router_free(struct router *router)
{
	if (!router)
		return;
	while (router->tables) {
		struct table *table = router->tables;

		router->tables = table->next;
		free(table);
	}
	node_clear(&router->root);
	free(router);
}

/* Cuts the path, which begins with a slash, at its slashes; "/" has one empty segment. */
static bool split(const char *path, struct segment *segments, size_t *ret_count)
{
	size_t count = 0;

	while (*path == '/') {
		if (count == SEGMENTS_MAX)
			return false;
		path++;
		segments[count].text = path;
		segments[count].length = strcspn(path, "/");
		path += segments[count].length;
		count++;
	}
	*ret_count = count;
	return *path == '\0' && count > 0;
}

static struct node *find_child(const struct node *node, const struct segment *segment)
{
	for (struct node *child = node->children; child; child = child->next) {
		if (child->length == segment->length &&
		    memcmp(child->text, segment->text, segment->length) == 0)
			return child;
	}
	return NULL;
}

/* The child for a row's segment, made where there is none. */
static struct node *need_child(struct node *node, const struct segment *segment)
{
	struct node *child;

	if (segment->length > 0 && segment->text[0] == ':') {
		if (!node->parameter)
			node->parameter = must_alloc(sizeof(*node->parameter));
		return node->parameter;
	}
	child = find_child(node, segment);
	if (!child) {
		child = must_alloc(sizeof(*child));
		child->text = segment->text;
		child->length = segment->length;
		child->next = node->children;
		node->children = child;
	}
	return child;
}

static void add_route(struct router *router, const struct route *route, void *owner)
{
	struct segment segments[SEGMENTS_MAX];
	struct node *node = &router->root;
	size_t count, parameters = 0;
	bool good = split(route->path, segments, &count);

	assert(good && route->handler && (unsigned)route->method < METHODS);
	for (size_t i = 0; i < count; i++) {
		parameters += segments[i].text[0] == ':';
		node = need_child(node, &segments[i]);
	}
	assert(parameters <= REQUEST_PARAMETERS_MAX);
	assert(!node->routes[route->method]);
	for (size_t i = 0; i < METHODS; i++)
		assert(!node->routes[i] || strcmp(node->routes[i]->path, route->path) == 0);
	node->routes[route->method] = route;
	node->owners[route->method] = owner;
}

void router_add(struct router *router, const struct route *routes, void *owner)
{
	struct table *table = must_alloc(sizeof(*table));

	table->routes = routes;
	table->owner = owner;
	*router->last = table;
	router->last = &table->next;
	for (; routes->path; routes++)
		add_route(router, routes, owner);
}

static bool is_public(const struct route *route)
{
	return route && !(route->flags & ROUTE_INTERNAL);
}

/* Whether the search ends here. A path that is only internal is one to nobody else: it neither
 * hides a parameter ("/products/quote" may be a product) nor answers 405. */
static bool is_place(const struct node *node, size_t row)
{
	for (size_t i = 0; i < METHODS; i++) {
		if (is_public(node->routes[i]))
			return true;
	}
	return row < METHODS && node->routes[row];
}

/* The node of the path from segment `at` on; static parts first, then a parameter. A path has at
 * most REQUEST_PARAMETERS_MAX turnings, so the search is short. */
static const struct node *descend(const struct node *node, struct search *search, size_t at,
				  size_t parameters)
{
	const struct segment *segment = &search->segments[at];
	const struct node *found = NULL;
	const struct node *child;

	if (at == search->count)
		return is_place(node, search->row) ? node : NULL;
	child = find_child(node, segment);
	if (child)
		found = descend(child, search, at + 1, parameters);
	if (!found && node->parameter && segment->length > 0 &&
	    parameters < REQUEST_PARAMETERS_MAX) {
		found = descend(node->parameter, search, at + 1, parameters + 1);
		if (found)
			search->parameters[parameters] = *segment;
	}
	return found;
}

static const char *allow_text(struct arena *arena, const struct node *node)
{
	const char *text = NULL;

	for (size_t i = 0; i < METHODS; i++) {
		bool head = i == HTTP_HEAD && is_public(node->routes[HTTP_GET]);

		if (is_public(node->routes[i]) || head)
			text = arena_printf(arena, "%s%s%s", text ? text : "", text ? ", " : "",
					    http_method_text((enum http_method)i));
	}
	return text;
}

/* Decodes the parameters into the match; false where one cannot be. */
static bool take_parameters(struct arena *arena, const struct search *search, struct match *match)
{
	for (size_t i = 0; i < REQUEST_PARAMETERS_MAX && search->parameters[i].text; i++) {
		const struct segment *segment = &search->parameters[i];
		char *value = text_percent_decode(arena, segment->text, segment->length, false);

		if (!value || text_has_control(value))
			return false;
		match->parameters[i] = unicode_nfc(arena, value);
	}
	return true;
}

enum err router_find(const struct router *router, struct arena *arena, enum http_method method,
		     const char *path, struct match *ret_match, const char **ret_allow)
{
	struct search search = {.row = method};
	struct match match = {0};
	const struct node *node;
	size_t row;

	if (!split(path, search.segments, &search.count))
		return ERR_NOT_FOUND;
	node = descend(&router->root, &search, 0, 0);
	if (!node || !take_parameters(arena, &search, &match))
		return ERR_NOT_FOUND;

	row = method == HTTP_HEAD && !node->routes[HTTP_HEAD] ? HTTP_GET : method;
	if (row >= METHODS || !node->routes[row]) {
		*ret_allow = allow_text(arena, node);
		return ERR_METHOD_NOT_ALLOWED;
	}
	match.route = node->routes[row];
	match.owner = node->owners[row];
	*ret_match = match;
	return OK;
}

void router_each(const struct router *router,
		 void (*visit)(const struct route *route, void *owner, void *arg), void *arg)
{
	for (const struct table *table = router->tables; table; table = table->next) {
		for (const struct route *route = table->routes; route->path; route++)
			visit(route, table->owner, arg);
	}
}
