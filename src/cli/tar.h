/*
 * Archives of plain files, as tar reads them (POSIX.1-1988 ustar; sizes from 8 GiB on as GNU and
 * BSD tar write them), one file behind the other, uncompressed. What is written and read is hashed
 * as it goes by.
 */
#ifndef CLI_TAR_H
#define CLI_TAR_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"

#define TAR_BLOCK 512
#define TAR_NAME_MAX 99

struct tar {
	int file;
	int64_t bytes; /* up to here */
	struct sha256 sha256;
	int64_t left; /* of the member at hand */
	int64_t padding;
};

struct tar_member {
	char name[TAR_NAME_MAX + 1];
	int64_t size;
};

void tar_begin(struct tar *tar, int file);

/* SHA-256 of all bytes so far. */
struct hash tar_hash(const struct tar *tar);

/* --- writing: false with errno set ---------------------------------------------------------------- */

/* Then come its `size` bytes, in pieces. */
bool tar_write_member(struct tar *tar, const char *name, int64_t size, int64_t changed_ms)
	MUST_CHECK;
bool tar_write(struct tar *tar, const void *bytes, size_t length) MUST_CHECK;
bool tar_write_end(struct tar *tar) MUST_CHECK;

/* --- reading -------------------------------------------------------------------------------------- */

enum tar_step { TAR_MEMBER, TAR_END, TAR_BROKEN };

/* The next member, of which nothing has been read; the one before has been read to its end. TAR_BROKEN
 * where the archive is no tar of plain files, is cut off, or goes on behind its end. */
enum tar_step tar_read_member(struct tar *tar, struct tar_member *ret_member);

/* Up to `size` bytes of the member; 0 at its end, -1 where the archive is cut off. */
ssize_t tar_read(struct tar *tar, void *bytes, size_t size);

#endif
