/* Archives: what is written is read again, and tar reads it; what is no tar of plain files is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/tar.h"

#define HEAD_KIND 156
#define HEAD_SIZE 124
#define HEAD_PREFIX 345
#define HEAD_SUM 148
#define BLOCKS_MANY 1000

static int make_file(void)
{
	int file = memfd_create("archive", MFD_CLOEXEC);

	assert_true(file >= 0);
	return file;
}

static void rewind_file(int file)
{
	assert_int_equal(lseek(file, 0, SEEK_SET), 0);
}

static void write_text(struct tar *tar, const char *name, const char *text)
{
	assert_true(tar_write_member(tar, name, (int64_t)strlen(text), 1763817360000));
	if (*text)
		assert_true(tar_write(tar, text, strlen(text)));
}

/* An archive of order.db, which is "goods". */
static int make_archive(void)
{
	int file = make_file();
	struct tar tar;

	tar_begin(&tar, file);
	write_text(&tar, "order.db", "goods");
	assert_true(tar_write_end(&tar));
	return file;
}

/* Changes bytes of the first head, and makes its sum right again. */
static void change_head(int file, off_t at, const void *bytes, size_t length)
{
	unsigned char head[TAR_BLOCK];
	char text[8];
	unsigned sum = 0;

	assert_int_equal(pwrite(file, bytes, length, at), length);
	assert_int_equal(pread(file, head, sizeof(head), 0), sizeof(head));
	memset(head + HEAD_SUM, ' ', 8);
	for (size_t i = 0; i < sizeof(head); i++)
		sum += head[i];
	snprintf(text, sizeof(text), "%06o", sum);
	assert_int_equal(pwrite(file, text, 7, HEAD_SUM), 7);
}

/* What the last step through the archive says. */
static enum tar_step read_through(int file)
{
	struct tar tar;
	struct tar_member member;
	enum tar_step step;
	char piece[100];
	ssize_t got;

	rewind_file(file);
	tar_begin(&tar, file);
	while ((step = tar_read_member(&tar, &member)) == TAR_MEMBER) {
		while ((got = tar_read(&tar, piece, sizeof(piece))) > 0)
			;
		if (got < 0) {
			step = TAR_BROKEN;
			break;
		}
	}
	close(file);
	return step;
}

static void test_again(void **state)
{
	static const char *const names[] = {"a", "outbox/b.eml", "empty", "block"};
	char block[TAR_BLOCK + 1] = {0};
	const char *texts[] = {"x", "one line\n", "", memset(block, 'b', TAR_BLOCK)};
	int file = make_file();
	struct tar tar, reader;
	struct tar_member member;
	struct hash written, got;
	char piece[TAR_BLOCK + 1];

	(void)state;
	tar_begin(&tar, file);
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
		write_text(&tar, names[i], texts[i]);
	written = tar_hash(&tar);
	assert_true(tar_write_end(&tar));
	assert_int_equal(lseek(file, 0, SEEK_CUR), tar.bytes);
	rewind_file(file);
	tar_begin(&reader, file);
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		assert_int_equal(tar_read_member(&reader, &member), TAR_MEMBER);
		assert_string_equal(member.name, names[i]);
		assert_int_equal(member.size, strlen(texts[i]));
		assert_int_equal(tar_read(&reader, piece, sizeof(piece)), member.size);
		assert_memory_equal(piece, texts[i], (size_t)member.size);
		assert_int_equal(tar_read(&reader, piece, sizeof(piece)), 0);
	}
	got = tar_hash(&reader);
	assert_memory_equal(written.bytes, got.bytes, HASH_SIZE);
	assert_int_equal(tar_read_member(&reader, &member), TAR_END);
	close(file);
}

static void test_sizes(void **state)
{
	static const int64_t sizes[] = {0, 1, (INT64_C(1) << 33) - 1, INT64_C(1) << 33, INT64_MAX};
	struct tar_member member;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
		int file = make_file();
		struct tar tar;

		tar_begin(&tar, file);
		assert_true(tar_write_member(&tar, "order.db", sizes[i], 0));
		rewind_file(file);
		tar_begin(&tar, file);
		assert_int_equal(tar_read_member(&tar, &member), TAR_MEMBER);
		assert_int_equal(member.size, sizes[i]);
		close(file);
	}
}

static void test_cut(void **state)
{
	int whole = make_archive();
	off_t end = lseek(whole, 0, SEEK_CUR);

	(void)state;
	close(whole);
	for (off_t length = 0; length < end; length++) {
		int file = make_archive();

		assert_int_equal(ftruncate(file, length), 0);
		assert_int_equal(read_through(file), TAR_BROKEN);
	}
	assert_int_equal(read_through(make_archive()), TAR_END);
}

static void test_behind_the_end(void **state)
{
	static const char zeros[TAR_BLOCK];
	int file = make_archive();

	(void)state;
	/* tar fills its last record. */
	assert_int_equal(write(file, zeros, sizeof(zeros)), sizeof(zeros));
	assert_int_equal(read_through(file), TAR_END);
	file = make_archive();
	assert_int_equal(write(file, zeros, 1), 1);
	assert_int_equal(read_through(file), TAR_BROKEN);
	file = make_archive();
	assert_int_equal(write(file, zeros, sizeof(zeros) - 1), sizeof(zeros) - 1);
	assert_int_equal(write(file, "x", 1), 1);
	assert_int_equal(read_through(file), TAR_BROKEN);
	file = make_archive();
	for (int i = 0; i < BLOCKS_MANY; i++)
		assert_int_equal(write(file, zeros, sizeof(zeros)), sizeof(zeros));
	assert_int_equal(read_through(file), TAR_BROKEN);
}

static void test_heads(void **state)
{
	static const struct {
		off_t at;
		const char *bytes;
		size_t length;
		enum tar_step step;
	} rows[] = {
		{0, "other.db", 8, TAR_END},
		{0, "\0", 1, TAR_BROKEN},
		{HEAD_KIND, "1", 1, TAR_BROKEN}, /* a link */
		{HEAD_KIND, "2", 1, TAR_BROKEN},
		{HEAD_KIND, "5", 1, TAR_BROKEN}, /* a directory */
		{HEAD_KIND, "L", 1, TAR_BROKEN}, /* a long name of GNU's */
		{HEAD_KIND, "x", 1, TAR_BROKEN}, /* attributes of POSIX's */
		{HEAD_PREFIX, "etc", 3, TAR_BROKEN},
		{HEAD_SIZE, "00000000005 ", 12, TAR_END},
		{HEAD_SIZE, "-0000000001 ", 12, TAR_BROKEN},
		{HEAD_SIZE, "            ", 12, TAR_BROKEN},
		{HEAD_SIZE, "0000000000x ", 12, TAR_BROKEN},
		{HEAD_SIZE, "777777777777", 12, TAR_BROKEN},
		{HEAD_SIZE, "\x80\0\0\0\0\0\0\0\0\0\0\5", 12, TAR_END},
		{HEAD_SIZE, "\x80\0\0\0\x80\0\0\0\0\0\0\5", 12, TAR_BROKEN},
		{HEAD_SIZE, "\x80\1\0\0\0\0\0\0\0\0\0\5", 12, TAR_BROKEN},
		{HEAD_SIZE, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, TAR_BROKEN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		int file = make_archive();

		change_head(file, rows[i].at, rows[i].bytes, rows[i].length);
		assert_int_equal(read_through(file), rows[i].step);
	}
}

static void test_sum(void **state)
{
	(void)state;
	for (off_t at = 0; at < TAR_BLOCK; at++) {
		int file = make_archive();
		char byte;

		/* The sum's own end is NUL and blank, in either order, or nothing. */
		if (at >= HEAD_SUM + 6 && at < HEAD_SUM + 8) {
			close(file);
			continue;
		}
		assert_int_equal(pread(file, &byte, 1, at), 1);
		byte ^= 1;
		assert_int_equal(pwrite(file, &byte, 1, at), 1);
		assert_int_equal(read_through(file), TAR_BROKEN);
	}
}

static void test_long_name(void **state)
{
	char name[TAR_NAME_MAX + 2];
	int file = make_archive();

	(void)state;
	memset(name, 'n', sizeof(name));
	change_head(file, 0, name, TAR_NAME_MAX);
	assert_int_equal(read_through(file), TAR_END);
	file = make_archive();
	change_head(file, 0, name, TAR_NAME_MAX + 1);
	assert_int_equal(read_through(file), TAR_BROKEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_again),	  cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_cut),	  cmocka_unit_test(test_behind_the_end),
		cmocka_unit_test(test_heads),	  cmocka_unit_test(test_sum),
		cmocka_unit_test(test_long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
