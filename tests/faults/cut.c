/*
 * The power cut: at SIGUSR1 everything stands still, of what was not synced any part is lost, and
 * the program is killed.
 *
 * Of the names a journaling file system loses the latest, so some of those go, from the end. Of
 * the sectors any may be there or not, whatever the order in which they were written; now and then
 * all are lost, or whole pages alone.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk.h"
#include "faults.h"

static uint64_t seed;

static bool one_in(uint64_t n)
{
	return fault_random(&seed) % n == 0;
}

/* --- contents --------------------------------------------------------------------------------- */

/* In hundredths: how likely what was not synced is lost. */
static uint64_t likelihood(void)
{
	static const uint64_t choices[] = {100, 100, 50, 50, 90, 10};

	return choices[fault_random(&seed) % (sizeof(choices) / sizeof(choices[0]))];
}

static bool is_lost(uint64_t key, int64_t unit, uint64_t hundredths)
{
	uint64_t state = key ^ (uint64_t)unit * 0x9e3779b97f4a7c15;

	return fault_random(&state) % 100 < hundredths;
}

static void lose_contents(const struct file *file)
{
	int descriptor = open(file->path, O_RDWR | O_CLOEXEC);
	int64_t sectors_per_unit = one_in(2) ? 1 : 8;
	uint64_t hundredths = likelihood(), key = fault_random(&seed);
	const struct sector *sector;
	struct stat state;
	off_t size;
	size_t i;

	if (descriptor < 0 || fstat(descriptor, &state) || state.st_ino != file->inode)
		goto end;
	for (i = 0; i < SECTOR_BUCKETS; i++) {
		for (sector = file->sectors[i]; sector; sector = sector->next) {
			if (!is_lost(key, sector->number / sectors_per_unit, hundredths))
				continue;
			if (pwrite(descriptor, sector->before, SECTOR, sector->number * SECTOR) < 0)
				abort();
		}
	}
	size = one_in(2) ? file->size_before : state.st_size;
	if (ftruncate(descriptor, size))
		abort();
end:
	if (descriptor >= 0)
		close(descriptor);
}

/* --- names ------------------------------------------------------------------------------------ */

static void put_back(const char *path, const struct change *change)
{
	int descriptor;

	if (!change->had_content)
		return;
	descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (descriptor < 0 || pwrite(descriptor, change->content, change->length, 0) < 0)
		abort();
	close(descriptor);
}

static void remove_directory(const char *path)
{
	DIR *entries = opendir(path);
	char inside[PATH_SIZE + 256];
	struct dirent *entry;

	if (!entries)
		return;
	while ((entry = readdir(entries))) {
		snprintf(inside, sizeof(inside), "%s/%s", path, entry->d_name);
		unlink(inside);
	}
	closedir(entries);
	rmdir(path);
}

static void undo(const struct change *change)
{
	switch (change->what) {
	case NAME_MADE:
		unlink(change->path);
		break;
	case NAME_MOVED:
		rename(change->to, change->path);
		put_back(change->to, change);
		break;
	case NAME_REMOVED:
		put_back(change->path, change);
		break;
	case NAME_DIRECTORY:
		remove_directory(change->path);
		break;
	}
}

static void lose_names(void)
{
	const struct change *change, *latest = disk_changes;
	uint64_t count = 0, lost;

	for (change = latest; change; change = change->earlier)
		count++;
	lost = one_in(2) ? count : fault_random(&seed) % (count + 1);
	/* Undoing is no change: nothing is noted from here on. */
	for (change = latest; change && lost > 0; change = change->earlier, lost--)
		undo(change);
}

/* --- when it happens -------------------------------------------------------------------------- */

static void *wait_for_cut(void *signals)
{
	const struct file *file;
	sigset_t all;
	int number;

	/* The program's own signals are not for this thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	sigwait(signals, &number);
	pthread_mutex_lock(&disk_lock);
	disk_is_mine = true;
	seed = (uint64_t)fault_word(FAULT_SEED);
	for (file = disk_files; file; file = file->next)
		if (file->dirty)
			lose_contents(file);
	lose_names();
	kill(getpid(), SIGKILL);
	pause();
	return NULL;
}

__attribute__((constructor(102))) static void begin(void)
{
	static sigset_t signals;
	pthread_t thread;

	if (!getenv("FAULTS_DIRECTORY"))
		return;
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	if (pthread_create(&thread, NULL, wait_for_cut, &signals))
		abort();
	pthread_detach(thread);
}
