/*
 * Archives that are brought back (souk restore): members lie within the bytes and have sound heads,
 * what was read was hashed, and what is read to its end reads as the same when it is written again.
 */
#include "cli/tar.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#define MEMBERS_MAX 64
#define PIECE 97
#define MAGIC_AT 257
#define SUM_AT 148
#define SUM_SIZE 8

struct found {
	struct tar_member member;
	const char *bytes;
};

static int file_of(const char *bytes, size_t length)
{
	int file = memfd_create("archive", MFD_CLOEXEC);

	assert(file >= 0);
	assert(write(file, bytes, length) == (ssize_t)length);
	assert(lseek(file, 0, SEEK_SET) == 0);
	return file;
}

/* In pieces of an odd size; NULL where it is cut off. */
static char *read_bytes(struct arena *arena, struct tar *tar, const struct tar_member *member,
			size_t most)
{
	char *bytes = ARENA_ARRAY(arena, char, most + PIECE);
	size_t length = 0;
	ssize_t got;

	assert(member->size >= 0);
	while ((got = tar_read(tar, bytes + length, PIECE)) > 0) {
		length += (size_t)got;
		assert(length <= most);
	}
	assert(got < 0 || (length == (size_t)member->size && tar_read(tar, bytes, PIECE) == 0));
	return got < 0 ? NULL : bytes;
}

static enum tar_step read_archive(struct arena *arena, int file, size_t length, struct found *found,
				  size_t *ret_count)
{
	struct tar tar;
	enum tar_step step = TAR_MEMBER;
	size_t count = 0;

	tar_begin(&tar, file);
	while (step == TAR_MEMBER && count < MEMBERS_MAX) {
		struct found *next = &found[count];

		step = tar_read_member(&tar, &next->member);
		assert(tar.bytes >= 0 && (size_t)tar.bytes <= length);
		if (step != TAR_MEMBER)
			break;
		assert(next->member.name[0] && strlen(next->member.name) <= TAR_NAME_MAX);
		next->bytes = read_bytes(arena, &tar, &next->member, length);
		if (!next->bytes)
			step = TAR_BROKEN;
		count++;
	}
	*ret_count = count;
	return step;
}

static void check_again(struct arena *arena, const struct found *found, size_t count)
{
	struct found *again = ARENA_ARRAY(arena, struct found, MEMBERS_MAX);
	int file = file_of("", 0);
	size_t again_count;
	struct tar tar;

	tar_begin(&tar, file);
	for (size_t i = 0; i < count; i++) {
		if (!tar_write_member(&tar, found[i].member.name, found[i].member.size, 0))
			abort();
		if (found[i].member.size > 0 &&
		    !tar_write(&tar, found[i].bytes, (size_t)found[i].member.size))
			abort();
	}
	if (!tar_write_end(&tar))
		abort();
	assert(lseek(file, 0, SEEK_SET) == 0);
	if (read_archive(arena, file, (size_t)tar.bytes, again, &again_count) != TAR_END)
		assert(!"what was written can be read");
	assert(again_count == count);
	for (size_t i = 0; i < count; i++) {
		assert(strcmp(again[i].member.name, found[i].member.name) == 0);
		assert(again[i].member.size == found[i].member.size);
		assert(memcmp(again[i].bytes, found[i].bytes, (size_t)found[i].member.size) == 0);
	}
	close(file);
}

/* Nobody guesses sums: gives each block that could be a head its own. */
static void mend_sums(char *bytes, size_t length)
{
	for (; length >= TAR_BLOCK; bytes += TAR_BLOCK, length -= TAR_BLOCK) {
		unsigned sum = 0;

		if (memcmp(bytes + MAGIC_AT, "ustar", 5) != 0)
			continue;
		memset(bytes + SUM_AT, ' ', SUM_SIZE);
		for (size_t i = 0; i < TAR_BLOCK; i++)
			sum += (unsigned char)bytes[i];
		snprintf(bytes + SUM_AT, SUM_SIZE, "%06o", sum);
	}
}

void fuzz(struct arena *arena, const char *bytes, size_t length)
{
	struct found *found = ARENA_ARRAY(arena, struct found, MEMBERS_MAX);
	unsigned choice = fuzz_choice(&bytes, &length);
	char *archive = arena_copy_bytes(arena, bytes, length);
	size_t count;
	int file;

	if (choice & 1)
		mend_sums(archive, length);
	file = file_of(archive, length);
	if (read_archive(arena, file, length, found, &count) == TAR_END)
		check_again(arena, found, count);
	close(file);
}
