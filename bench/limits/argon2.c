/*
 * The limit of log-ins: libsodium's argon2id at Souk's cost, on THREADS threads, for SECONDS.
 *
 *	argon2 THREADS SECONDS     prints {"checks": n, "seconds": s}
 */
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/password.h"

#define THREADS_MAX 256

static const char password[] = "a-perfectly-fine-Passphrase-9";
static char hash[crypto_pwhash_STRBYTES];
static atomic_ulong checks;
static double until;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void *check(void *arg)
{
	while (now() < until) {
		if (crypto_pwhash_str_verify(hash, password, strlen(password)))
			abort();
		atomic_fetch_add(&checks, 1);
	}
	return arg;
}

int main(int argc, char **argv)
{
	unsigned long threads = argc == 3 ? strtoul(argv[1], NULL, 10) : 0, i;
	pthread_t thread[THREADS_MAX];
	double begun;

	if (!threads || threads > THREADS_MAX) {
		fprintf(stderr, "usage: argon2 THREADS SECONDS\n");
		return 2;
	}
	if (sodium_init() < 0 ||
	    crypto_pwhash_str_alg(hash, password, strlen(password), PASSWORD_PASSES,
				  PASSWORD_MEMORY_BYTES, crypto_pwhash_ALG_ARGON2ID13))
		return 1;
	begun = now();
	until = begun + strtod(argv[2], NULL);
	for (i = 0; i < threads; i++)
		if (pthread_create(&thread[i], NULL, check, NULL))
			return 1;
	for (i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	printf("{\"checks\": %lu, \"seconds\": %.3f}\n", atomic_load(&checks), now() - begun);
	return 0;
}
