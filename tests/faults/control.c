/* The words by which a test asks for faults, and the clock, which is one of them. */
#include "faults.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

volatile int64_t *fault_words;

__attribute__((constructor(101))) static void map_words(void)
{
	const char *path = getenv("FAULTS_CONTROL");
	int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *words;

	if (file < 0)
		return;
	words = mmap(NULL, FAULT_WORDS * sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file,
		     0);
	close(file);
	if (words != MAP_FAILED)
		fault_words = words;
}

int64_t fault_word(enum fault_word word)
{
	return fault_words ? __atomic_load_n(&fault_words[word], __ATOMIC_RELAXED) : 0;
}

void fault_happened(void)
{
	if (fault_words)
		__atomic_fetch_add(&fault_words[FAULT_COUNT], 1, __ATOMIC_RELAXED);
}

/* splitmix64 */
uint64_t fault_random(uint64_t *state)
{
	uint64_t number = *state += 0x9e3779b97f4a7c15;

	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
	number = (number ^ number >> 27) * 0x94d049bb133111eb;
	return number ^ number >> 31;
}

int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
	static int (*real)(clockid_t clock, struct timespec * ret_now);
	int64_t shift_ms = clock == CLOCK_REALTIME ? fault_word(FAULT_CLOCK_MS) : 0;
	int failed;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	failed = real(clock, ret_now);
	if (!failed && shift_ms) {
		int64_t ns = ret_now->tv_nsec + shift_ms % 1000 * 1000000;

		ret_now->tv_sec += shift_ms / 1000 + (ns >= 1000000000) - (ns < 0);
		ret_now->tv_nsec = ns + (ns < 0 ? 1000000000 : ns >= 1000000000 ? -1000000000 : 0);
	}
	return failed;
}
