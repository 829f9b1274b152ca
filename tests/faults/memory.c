/* Allocations that fail now and then, in a library of their own: only a test of it preloads it. */
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

static bool fails(void)
{
	static _Thread_local uint64_t state;
	int64_t one_in = fault_word(FAULT_MEMORY_ONE_IN);

	if (one_in == 0)
		return false;
	if (state == 0)
		state = (uint64_t)fault_word(FAULT_SEED) ^ (uint64_t)(uintptr_t)&state;
	if (fault_random(&state) % (uint64_t)one_in != 0)
		return false;
	fault_happened();
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	static void *(*real)(size_t size);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "malloc");
	return fails() ? NULL : real(size);
}

void *realloc(void *memory, size_t size)
{
	static void *(*real)(void *memory, size_t size);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "realloc");
	return fails() ? NULL : real(memory, size);
}

/* dlsym itself may ask for zeroed memory, before it has found whom to ask. */
void *calloc(size_t count, size_t size)
{
	static void *(*real)(size_t count, size_t size);
	static _Thread_local bool looking;
	static char early[4096];
	static size_t early_used;

	if (!real && looking) {
		void *memory = early + early_used;

		early_used += (count * size + 15) / 16 * 16;
		return early_used <= sizeof(early) ? memory : NULL;
	}
	if (!real) {
		looking = true;
		*(void **)&real = dlsym(RTLD_NEXT, "calloc");
		looking = false;
	}
	return fails() ? NULL : real(count, size);
}
