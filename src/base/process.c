/* The process as the kernel sees it: proc(5), /proc/self/stat. */
#include "base/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define STAT_SIZE 2048
#define FIELD_STATE 3 /* the first behind the name, counted as in proc(5) */
#define FIELD_USER_TICKS 14
#define FIELD_SYSTEM_TICKS 15
#define FIELD_THREADS 20
#define FIELD_START_TICKS 22
#define FIELD_VIRTUAL_BYTES 23
#define FIELD_RESIDENT_PAGES 24
#define MILLIS INT64_C(1000)

static void write_head(struct out *out, const char *name, const char *type, const char *help)
{
	out_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s ", name, help, name, type, name);
}

static void write_gauge(struct out *out, const char *name, const char *help, int64_t value)
{
	write_head(out, name, "gauge", help);
	out_printf(out, "%" PRId64 "\n", value);
}

static void write_millis(struct out *out, const char *name, const char *type, const char *help,
			 int64_t millis)
{
	write_head(out, name, type, help);
	out_printf(out, "%" PRId64 ".%03" PRId64 "\n", millis / MILLIS, millis % MILLIS);
}

static bool read_text(const char *path, char text[static STAT_SIZE])
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (file < 0)
		return false;
	length = read(file, text, STAT_SIZE - 1);
	close(file);
	if (length <= 0)
		return false;
	text[length] = '\0';
	return true;
}

/* A field of /proc/self/stat as a number; -1 where it is not there. */
static int64_t stat_field(const char *stat, int field)
{
	const char *at = strrchr(stat, ')'); /* the name before it may hold anything */

	for (int i = FIELD_STATE; at && i <= field; i++) {
		at = strchr(at, ' ');
		at += at != NULL;
	}
	return at ? strtoll(at, NULL, 10) : -1;
}

/* When the system was started, in seconds; -1 where it does not tell. The line stands behind one for
 * each processor, so the file is read by lines. */
static int64_t boot_time_s(void)
{
	FILE *file = fopen("/proc/stat", "re");
	int64_t time_s = -1;
	char line[STAT_SIZE];

	while (file && time_s < 0 && fgets(line, sizeof(line), file))
		if (strncmp(line, "btime ", 6) == 0)
			time_s = strtoll(line + 6, NULL, 10);
	if (file)
		fclose(file);
	return time_s;
}

static int64_t open_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int64_t count = 0;

	if (!directory)
		return -1;
	while (readdir(directory))
		count++;
	closedir(directory);
	return count - 3; /* itself, and the names of this folder and the one above */
}

static void write_of_stat(struct out *out, const char *stat)
{
	int64_t ticks = sysconf(_SC_CLK_TCK), boot_s = boot_time_s();
	int64_t used = stat_field(stat, FIELD_USER_TICKS) + stat_field(stat, FIELD_SYSTEM_TICKS);

	write_millis(out, "process_cpu_seconds_total", "counter",
		     "Total user and system CPU time spent in seconds.", used * MILLIS / ticks);
	write_gauge(out, "process_resident_memory_bytes", "Resident memory size in bytes.",
		    stat_field(stat, FIELD_RESIDENT_PAGES) * sysconf(_SC_PAGESIZE));
	write_gauge(out, "process_virtual_memory_bytes", "Virtual memory size in bytes.",
		    stat_field(stat, FIELD_VIRTUAL_BYTES));
	write_gauge(out, "process_threads", "Number of OS threads in the process.",
		    stat_field(stat, FIELD_THREADS));
	if (boot_s >= 0)
		write_millis(out, "process_start_time_seconds", "gauge",
			     "Start time of the process since unix epoch in seconds.",
			     boot_s * MILLIS +
				     stat_field(stat, FIELD_START_TICKS) * MILLIS / ticks);
}

void process_metrics_write(struct out *out)
{
	int64_t descriptors = open_descriptors();
	struct rlimit limit;
	char stat[STAT_SIZE];

	if (read_text("/proc/self/stat", stat))
		write_of_stat(out, stat);
	if (descriptors >= 0)
		write_gauge(out, "process_open_fds", "Number of open file descriptors.",
			    descriptors);
	if (!getrlimit(RLIMIT_NOFILE, &limit))
		write_gauge(out, "process_max_fds", "Maximum number of open file descriptors.",
			    (int64_t)MIN(limit.rlim_cur, (rlim_t)INT64_MAX));
}
