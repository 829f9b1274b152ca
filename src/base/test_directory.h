/* For tests: a directory of their own, and its end. */
#ifndef BASE_TEST_DIRECTORY_H
#define BASE_TEST_DIRECTORY_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define TEST_DIRECTORY_SIZE 64

static inline int test_directory_make(char path[static TEST_DIRECTORY_SIZE])
{
	snprintf(path, TEST_DIRECTORY_SIZE, "/tmp/souk-test-XXXXXX");
	return mkdtemp(path) ? 0 : -1;
}

static inline int test_directory_remove_entry(const char *path, const struct stat *status, int type,
					      struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

/* With all that is in it. */
static inline int test_directory_remove(const char *path)
{
	return nftw(path, test_directory_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
