/* What the commands share. */
#include "cli/program.h"

#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/log.h"
#include "base/text.h"

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

bool program_takes_nothing(int argc, char **argv)
{
	if (argc <= 1)
		return true;
	fprintf(stderr, "souk: %s takes no \"%s\"\n", argv[0], argv[1]);
	return false;
}

bool program_take_option(int *argc, char **argv, const char *option, const char **ret_value)
{
	size_t length = strlen(option);
	int kept = 0;

	for (int i = 0; i < *argc; i++) {
		if (strcmp(argv[i], option) == 0) {
			if (++i == *argc) {
				fprintf(stderr, "souk: %s needs a value\n", option);
				return false;
			}
			*ret_value = argv[i];
		} else if (text_starts_with(argv[i], option) && argv[i][length] == '=') {
			*ret_value = argv[i] + length + 1;
		} else {
			argv[kept++] = argv[i];
		}
	}
	*argc = kept;
	return true;
}
