/* What is known of each error: the table of contract/errors.def. */
#include "base/err.h"

#include <string.h>

static const struct err_info infos[ERR_COUNT] = {
#define ERROR(name, status, slug, title, transient) \
	[ERR_##name] = {#name, slug, title, status, transient},
#include "contract/errors.def"
#undef ERROR
};

const struct err_info *err_info(enum err err)
{
	assert(err > OK && err < ERR_COUNT);
	return &infos[err];
}

enum err err_from_slug(const char *slug)
{
	for (int err = OK + 1; err < ERR_COUNT; err++)
		if (!strcmp(infos[err].slug, slug))
			return (enum err)err;
	return OK;
}

bool err_is_fault(enum err err)
{
	return err_info(err)->http_status >= 500;
}
