/*
 * souk keys replace-secret: souk.key anew, for who has lost it and has no backup.
 *
 * souk keys rotate: a new signing key, while a server runs or not. The key is there for all to see
 * before it signs, and the older ones verify for as long as tokens that they signed live: nobody is
 * logged out.
 */
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "cli/data_directory.h"
#include "cli/program.h"
#include "platform/platform.h"
#include "runtime/worker.h"
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

static int replace_secret(struct arena *arena, const char *directory)
{
	const struct platform_options options = {
		.directory = directory,
		.services = program_get()->services,
		.all = program_get()->services,
		.replace_secret = true,
	};
	struct data_holder holder;
	const char *why = NULL;
	enum err err = data_directory_lock(arena, directory, &holder, &why);

	if (err)
		return fail(err == ERR_CONFLICT ? "a souk runs on the data directory; stop it first"
						: why);
	err = platform_open(&options, NULL, arena, &why);
	if (!err)
		platform_close();
	data_directory_unlock();
	if (err)
		return fail(why);
	puts("souk.key is another one now. Requests that are repeated with an Idempotency-Key of the"
	     " last 24 hours are refused (idempotency-key-reused).");
	return 0;
}

int cli_keys(int argc, char **argv)
{
	struct arena *arena;
	int left, code;

	if (!program_load_config(argc, argv, &left))
		return 2;
	if (left != 2 ||
	    (strcmp(argv[1], "rotate") != 0 && strcmp(argv[1], "replace-secret") != 0)) {
		fputs("souk: what can be done with keys is: souk keys rotate, souk keys"
		      " replace-secret\n",
		      stderr);
		return 2;
	}
	arena = arena_new();
	if (strcmp(argv[1], "rotate") == 0)
		code = rotate(arena, config_text("data"));
	else
		code = replace_secret(arena, config_text("data"));
	arena_free(arena);
	return code;
}
