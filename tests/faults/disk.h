/*
 * A disk that forgets what it was not told to keep. For every file of the data directory it is
 * known what each sector held when the file was synced last, and for every directory which names
 * have come and gone since; a power cut takes back any part of that.
 *
 * Left out: -shm files, which are shared memory and made anew at every start, and souk.lock.
 * A sync does not reach the machine's own disk: the machine goes on, only the program is killed.
 */
#ifndef DISK_H
#define DISK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SECTOR 512
#define SECTOR_BUCKETS 1024
#define PATH_SIZE 4096

struct sector {
	int64_t number;
	struct sector *next;
	unsigned char before[SECTOR];
};

struct file {
	dev_t device;
	ino_t inode;
	char path[PATH_SIZE];
	bool dirty;
	off_t size_before; /* when it was synced last; if dirty */
	struct sector *sectors[SECTOR_BUCKETS];
	struct file *next;
};

enum name_change { NAME_MADE, NAME_MOVED, NAME_REMOVED, NAME_DIRECTORY };

/* Something that happened to a name, and what it takes to undo it. */
struct change {
	enum name_change what;
	char path[PATH_SIZE]; /* that was made, moved, removed */
	char to[PATH_SIZE];   /* where it was moved to */
	bool had_content;
	unsigned char *content; /* of what is gone: the removed, or what was at `to` */
	size_t length;
	struct change *earlier;
};

/* Over everything here, and taken again by who has it; the power cut never gives it back. */
extern pthread_mutex_t disk_lock;
/* What this thread does is the disk's own doing, and none of the program's. */
extern _Thread_local bool disk_is_mine;

extern struct file *disk_files;
extern struct change *disk_changes; /* the latest first */

/* Whether `path`, made absolute in `whole`, is of the disk that forgets. */
bool disk_path(int directory, const char *path, char whole[static PATH_SIZE]);

/* Under the lock: that something is about to happen. */
void disk_note_made(enum name_change what, const char *path);
void disk_note_moved(const char *path, const char *to);
void disk_note_removed(const char *path);
void disk_directory_synced(const char *path);
void disk_forget(struct file *file);

/* -1 with errno set where the fault is asked for. */
int disk_fault(int64_t error);

#endif
