/* What the commands share. */
#include "cli/program.h"

#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/log.h"

#define SERVICES_MAX 16

static const struct program *the_program;

void program_set(const struct program *program)
{
	the_program = program;
}

const struct program *program_get(void)
{
	assert(the_program);
	return the_program;
}

static const struct service *find(const char *name, size_t length)
{
	const struct service *const *service;

	for (service = the_program->services; *service; service++)
		if (strlen((*service)->name) == length &&
		    strncmp((*service)->name, name, length) == 0)
			return *service;
	return NULL;
}

const struct service *const *program_services(struct arena *arena, const char **ret_why)
{
	const char *names = config_text("services");
	const struct service **chosen;
	size_t count = 0;

	if (strcmp(names, "all") == 0)
		return the_program->services;
	chosen = ARENA_ARRAY(arena, const struct service *, SERVICES_MAX + 1);
	while (*names) {
		size_t length = strcspn(names, ",");
		const struct service *service = find(names, length);

		if (!service || count == SERVICES_MAX) {
			*ret_why = arena_printf(arena, "there is no service \"%.*s\"", (int)length,
						names);
			return NULL;
		}
		chosen[count++] = service;
		names += length;
		names += *names == ',';
	}
	return chosen;
}

bool program_load_config(int argc, char **argv, int *ret_left)
{
	const char *why = NULL;
	enum log_level level;

	if (config_load(argc, argv, ret_left, &why)) {
		fprintf(stderr, "souk: %s\n", why);
		return false;
	}
	if (log_level_from_text(config_text("log-level"), &level))
		log_set_level(level);
	return true;
}
