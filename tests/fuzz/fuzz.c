/* The entry of every fuzz target: see fuzz.h. */
#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static struct arena *memory;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	memory = arena_new();
	if (fuzz_begin)
		fuzz_begin();
	return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	/* A copy of its own block: an arena's has others behind it. */
	char *bytes = malloc(size + 1);

	assert(bytes);
	if (size)
		memcpy(bytes, data, size);
	bytes[size] = '\0';
	fuzz(memory, bytes, size);
	arena_reset(memory);
	free(bytes);
	return 0;
}

char *fuzz_line(struct arena *arena, const char **rest, const char *end)
{
	const char *start = *rest;
	const char *stop = start < end ? memchr(start, '\n', (size_t)(end - start)) : NULL;

	*rest = stop ? stop + 1 : end;
	return arena_copy_bytes(arena, start, (size_t)((stop ? stop : end) - start));
}

unsigned fuzz_choice(const char **bytes, size_t *length)
{
	unsigned choice;

	if (*length == 0)
		return 0;
	choice = (unsigned char)**bytes;
	*bytes += 1;
	*length -= 1;
	return choice;
}
