/* The parameters of OAuth's endpoints, as a form and as JSON: each is there once, and is text. */
#include "services/auth/parameters.h"

#include "base/text.h"
#include "fuzz.h"

void fuzz(struct arena *arena, const char *bytes, size_t length)
{
	bool form = fuzz_choice(&bytes, &length) % 2 == 0;
	struct request req = {
		.arena = arena, .faults.arena = arena, .body = bytes, .body_length = length};
	struct parameters parameters;
	const char *why = NULL;

	if (form)
		req.headers[req.header_count++] = (struct header){
			"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"};
	assert(body_is_form(&req) == form);
	if (parameters_read(&req, &parameters, &why)) {
		assert(why && why[0]);
		return;
	}
	assert(parameters.count <= PARAMETERS_MAX);
	for (size_t i = 0; i < parameters.count; i++) {
		const struct header *item = &parameters.items[i];

		assert(item->value[0] && text_is_utf8(item->value, strlen(item->value)));
		assert(parameters_get(&parameters, item->name) == item->value);
	}
}
