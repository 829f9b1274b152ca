/* See tar.h. */
#include "cli/tar.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OCTAL_SIZE_END (UINT64_C(1) << 33) /* eleven digits */
#define END_BLOCKS 2
#define END_BLOCKS_MAX 128 /* tar fills its last record */
#define PLAIN_FILE '0'

struct head {
	char name[100], mode[8], owner[8], group[8], size[12], changed[12], sum[8], kind;
	char linked[100], magic[6], version[2], owner_name[32], group_name[32];
	char device_major[8], device_minor[8], prefix[155], unused[12];
};
_Static_assert(sizeof(struct head) == TAR_BLOCK, "a head is a block");

void tar_begin(struct tar *tar, int file)
{
	*tar = (struct tar){.file = file};
	sha256_begin(&tar->sha256);
}

struct hash tar_hash(const struct tar *tar)
{
	struct sha256 copy = tar->sha256;

	return sha256_end(&copy);
}

/* Of all bytes, the sum's own counted as blanks. */
static unsigned sum_of(const struct head *head)
{
	struct head copy = *head;
	const unsigned char *bytes = (const unsigned char *)&copy;
	unsigned sum = 0;

	memset(copy.sum, ' ', sizeof(copy.sum));
	for (size_t i = 0; i < sizeof(copy); i++)
		sum += bytes[i];
	return sum;
}

static int64_t padding_of(int64_t size)
{
	return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}

/* --- writing ---------------------------------------------------------------------------------- */

static bool write_bytes(struct tar *tar, const void *bytes, size_t length)
{
	const char *at = bytes;
	size_t left = length;

	while (left > 0) {
		ssize_t wrote = write(tar->file, at, left);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return false;
		at += wrote;
		left -= (size_t)wrote;
	}
	sha256_add(&tar->sha256, bytes, length);
	tar->bytes += (int64_t)length;
	return true;
}

static bool write_zeros(struct tar *tar, size_t length)
{
	static const char zeros[END_BLOCKS * TAR_BLOCK];

	assert(length <= sizeof(zeros));
	return write_bytes(tar, zeros, length);
}

static void put_size(struct head *head, int64_t size)
{
	if (size < (int64_t)OCTAL_SIZE_END) {
		snprintf(head->size, sizeof(head->size), "%011" PRIo64,
			 (uint64_t)size % OCTAL_SIZE_END);
		return;
	}
	head->size[0] = (char)0x80;
	for (size_t i = sizeof(head->size) - 1; i >= sizeof(head->size) - sizeof(size); i--) {
		head->size[i] = (char)(size & 0xff);
		size >>= 8;
	}
}

bool tar_write_member(struct tar *tar, const char *name, int64_t size, int64_t changed_ms)
{
	struct head head = {.kind = PLAIN_FILE, .magic = "ustar", .version = {'0', '0'}};

	assert(tar->left == 0 && strlen(name) <= TAR_NAME_MAX);
	snprintf(head.name, sizeof(head.name), "%s", name);
	snprintf(head.mode, sizeof(head.mode), "0000600");
	snprintf(head.owner, sizeof(head.owner), "0000000");
	snprintf(head.group, sizeof(head.group), "0000000");
	put_size(&head, size);
	snprintf(head.changed, sizeof(head.changed), "%011" PRIo64,
		 (uint64_t)changed_ms / 1000 % OCTAL_SIZE_END);
	snprintf(head.sum, sizeof(head.sum), "%06o", sum_of(&head));
	head.sum[7] = ' ';
	tar->left = size;
	tar->padding = padding_of(size);
	return write_bytes(tar, &head, sizeof(head));
}

bool tar_write(struct tar *tar, const void *bytes, size_t length)
{
	assert((int64_t)length <= tar->left);
	if (!write_bytes(tar, bytes, length))
		return false;
	tar->left -= (int64_t)length;
	return tar->left > 0 || write_zeros(tar, (size_t)tar->padding);
}

bool tar_write_end(struct tar *tar)
{
	assert(tar->left == 0);
	return write_zeros(tar, (size_t)END_BLOCKS * TAR_BLOCK);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* So many bytes, or as many as are left; -1 with errno set. */
static ssize_t read_up_to(int file, void *bytes, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t got = read(file, (char *)bytes + done, length - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

static bool read_all(struct tar *tar, void *bytes, size_t length)
{
	if (read_up_to(tar->file, bytes, length) != (ssize_t)length)
		return false;
	sha256_add(&tar->sha256, bytes, length);
	tar->bytes += (int64_t)length;
	return true;
}

static bool is_zero(const void *bytes, size_t length)
{
	const char *at = bytes;

	for (size_t i = 0; i < length; i++)
		if (at[i])
			return false;
	return true;
}

/* Digits, ended by the field or by NUL or blank. */
static bool read_octal(const char *field, size_t size, int64_t *ret_number)
{
	int64_t number = 0;
	size_t i = 0;

	for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
		number = number * 8 + (field[i] - '0');
	if (i == 0 || (i < size && field[i] != '\0' && field[i] != ' '))
		return false;
	*ret_number = number;
	return true;
}

static bool read_size(const struct head *head, int64_t *ret_size)
{
	const unsigned char *bytes = (const unsigned char *)head->size;
	size_t first = sizeof(head->size) - sizeof(int64_t);
	int64_t size = 0;

	if (bytes[0] != 0x80)
		return read_octal(head->size, sizeof(head->size), ret_size);
	if (!is_zero(bytes + 1, first - 1) || bytes[first] & 0x80)
		return false;
	for (size_t i = first; i < sizeof(head->size); i++)
		size = size << 8 | bytes[i];
	*ret_size = size;
	return true;
}

static bool read_head(const struct head *head, struct tar_member *ret_member)
{
	int64_t sum;

	if (memcmp(head->magic, "ustar", 5) != 0 || head->kind != PLAIN_FILE || head->prefix[0] ||
	    memchr(head->name, '\0', sizeof(head->name)) == NULL || !head->name[0] ||
	    !read_octal(head->sum, sizeof(head->sum), &sum) || sum != (int64_t)sum_of(head) ||
	    !read_size(head, &ret_member->size))
		return false;
	snprintf(ret_member->name, sizeof(ret_member->name), "%s", head->name);
	return true;
}

/* Behind the first block of zeros: nothing else comes. */
static enum tar_step read_end(struct tar *tar)
{
	char block[TAR_BLOCK];
	ssize_t length;
	int blocks = 1;

	while ((length = read_up_to(tar->file, block, sizeof(block))) == TAR_BLOCK) {
		if (blocks == END_BLOCKS_MAX || !is_zero(block, sizeof(block)))
			return TAR_BROKEN;
		blocks++;
	}
	return length == 0 && blocks >= END_BLOCKS ? TAR_END : TAR_BROKEN;
}

enum tar_step tar_read_member(struct tar *tar, struct tar_member *ret_member)
{
	struct head head;

	assert(tar->left == 0);
	if (!read_all(tar, &head, sizeof(head)))
		return TAR_BROKEN;
	if (is_zero(&head, sizeof(head)))
		return read_end(tar);
	if (!read_head(&head, ret_member))
		return TAR_BROKEN;
	tar->left = ret_member->size;
	tar->padding = padding_of(tar->left);
	return TAR_MEMBER;
}

ssize_t tar_read(struct tar *tar, void *bytes, size_t size)
{
	size_t length = (size_t)MIN((int64_t)size, tar->left);
	char padding[TAR_BLOCK];

	if (length == 0)
		return 0;
	if (!read_all(tar, bytes, length))
		return -1;
	tar->left -= (int64_t)length;
	if (tar->left == 0 && !read_all(tar, padding, (size_t)tar->padding))
		return -1;
	return (ssize_t)length;
}
