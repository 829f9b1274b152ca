/*
 * souk keys rotate: a new signing key, while a server runs or not. The key is there for all to see
 * before it signs, and the older ones verify for as long as tokens that they signed live: nobody is
 * logged out.
 */
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "cli/program.h"
#include "services/auth/key_files.h"

static int fail(const char *why)
{
	fprintf(stderr, "souk: %s\n", why);
	return 1;
}

static int rotate(struct arena *arena, const char *directory)
{
	struct jwt_keys keys;
	const char *why = NULL;
	size_t removed;

	/* What the settings here say of the life of tokens may not be what the server has: so long as
	 * it may at most be. */
	if (key_files_prune(directory, KEY_LIFE_MAX_MS, arena, &removed, &why) ||
	    key_files_add(directory, false, arena, &why) ||
	    key_files_read(directory, arena, &keys, &why))
		return fail(why);
	printf("%s is the new signing key; it signs in %d seconds.\n", keys.keys[0].key_id,
	       KEY_SETTLE_MS / 1000);
	printf("Keys that verify: %zu; needless ones removed: %zu.\n", keys.count, removed);
	explicit_bzero(&keys, sizeof(keys));
	return 0;
}

int cli_keys(int argc, char **argv)
{
	struct arena *arena;
	int left, code;

	if (!program_load_config(argc, argv, &left))
		return 2;
	if (left != 2 || strcmp(argv[1], "rotate") != 0) {
		fputs("souk: what can be done with keys is: souk keys rotate\n", stderr);
		return 2;
	}
	arena = arena_new();
	code = rotate(arena, config_text("data"));
	arena_free(arena);
	return code;
}
