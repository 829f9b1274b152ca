/*
 * The data directory belongs to one running program at a time: who holds the lock on it. The file
 * souk.lock says who it is: {"pid": 123, "address": "http://127.0.0.1:8080", "issuer": ...}, the
 * issuer being that of the tokens which it takes.
 */
#ifndef CLI_DATA_DIRECTORY_H
#define CLI_DATA_DIRECTORY_H

#include "base/arena.h"
#include "base/err.h"

struct data_holder {
	int64_t pid;		      /* 0: it is not known who (somebody has removed souk.lock) */
	const char *address, *issuer; /* NULL: it does not listen (yet) */
};

/* Makes the directory where it is missing, takes the lock, until the process ends, and takes from
 * others what they could read of it: directories are 0700, files 0600.
 * ERR_CONFLICT where another process holds it: *ret_holder says who. Other errors: *ret_why. */
enum err data_directory_lock(struct arena *arena, const char *directory,
			     struct data_holder *ret_holder, const char **ret_why) MUST_CHECK;

/* Writes down where this process listens, and the issuer of its tokens. */
void data_directory_announce(const char *address, const char *issuer);

void data_directory_unlock(void);

/* A name that was made is on the disk once the directory it is in is: syncs that. */
bool data_directory_sync_parent(struct arena *arena, const char *path) MUST_CHECK;

#endif
