/*
 * gauge_read.c - reads how much of a resource is in use.
 */
#include "gauge_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "queue.h"
#include "text.h"

#define MEMINFO "/proc/meminfo"
#define MEMINFO_MAX 8192

/* Of kilobytes of memory, and of the blocks of a volume: exact below this. */
#define SHARE_EXACT_MAX (ULLONG_MAX / 1000)

long long
gauge_share(unsigned long long part, unsigned long long whole)
{
	unsigned long long share;

	if (whole == 0 || part > whole)
		return -1;
	while (whole > SHARE_EXACT_MAX) {
		whole >>= 1;
		part >>= 1;
	}
	share = part * 1000 / whole;
	return (long long)share + (part * 1000 % whole != 0);
}

/* Behind "NAME:", "  NUMBER kB" and the end of the line. False: not so. */
static bool
read_kilobytes(unsigned long long *number, const char *s)
{
	*number = 0;
	while (text_is_blank(*s))
		s++;
	if (!text_is_digit(*s))
		return false;
	for (; text_is_digit(*s); s++) {
		if (*number > SHARE_EXACT_MAX / 10)
			return false;
		*number = *number * 10 + (unsigned long long)(*s - '0');
	}
	return strncmp(s, " kB\n", strlen(" kB\n")) == 0;
}

/* The number on the line that begins with name. */
static bool
find_kilobytes(unsigned long long *number, const char *text, const char *name)
{
	const size_t len = strlen(name);

	while (text != NULL && strncmp(text, name, len) != 0) {
		text = strchr(text, '\n');
		if (text != NULL)
			text++;
	}
	return text != NULL && read_kilobytes(number, text + len);
}

long long
gauge_memory(const char *meminfo)
{
	unsigned long long total, available;

	if (!find_kilobytes(&total, meminfo, "MemTotal:") ||
	    !find_kilobytes(&available, meminfo, "MemAvailable:") ||
	    available > total)
		return -1;
	return gauge_share(total - available, total);
}

/* The beginning of a file as text: 0, or -1 and errno. */
static int
read_file(const char *path, char *buf, size_t size)
{
	const int fd =
	    open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;
	int saved;

	if (fd == -1)
		return -1;
	do {
		n = read(fd, buf + len, size - 1 - len);
		if (n > 0)
			len += (size_t)n;
	} while ((n > 0 && len < size - 1) || (n == -1 && errno == EINTR));
	saved = errno;
	close(fd);
	errno = saved;
	buf[len] = '\0';
	return n == -1 ? -1 : 0;
}

static long long
measure_memory(const struct pressure_settings *settings UNUSED)
{
	char text[MEMINFO_MAX];
	long long share;

	if (read_file(MEMINFO, text, sizeof(text)) != 0)
		return -1;
	share = gauge_memory(text);
	if (share == -1)
		errno = ENODATA;
	return share;
}

/* False for what has no size to fill, such as /proc, or makes no sense. */
static bool
read_volume(struct statvfs *volume, const char *path)
{
	if (statvfs(path, volume) != 0)
		return false;
	if (volume->f_blocks > 0 && volume->f_blocks <= ULLONG_MAX / 2 &&
	    volume->f_bfree <= volume->f_blocks &&
	    volume->f_bavail <= volume->f_blocks)
		return true;
	errno = ENODATA;
	return false;
}

/* What root alone may use counts neither as used nor as free. */
static long long
measure_disk(const struct pressure_settings *settings)
{
	struct statvfs volume;
	unsigned long long used;

	if (!read_volume(&volume, settings->queue_directory))
		return -1;
	used = volume.f_blocks - volume.f_bfree;
	/* All that is free is root's: as full as can be. */
	if (used + volume.f_bavail == 0)
		return 1000;
	return gauge_share(used, used + volume.f_bavail);
}

static long long
measure_free_disk(const struct pressure_settings *settings)
{
	struct statvfs volume;
	unsigned long long bytes;

	if (!read_volume(&volume, settings->queue_directory))
		return -1;
	bytes = volume.f_bavail;
	if (volume.f_frsize != 0 && bytes > LLONG_MAX / volume.f_frsize)
		return LLONG_MAX;
	bytes *= volume.f_frsize;
	return (long long)bytes;
}

static long long
measure_queue(const struct pressure_settings *settings)
{
	return queue_length(settings->queue_directory,
	    settings->thresholds[RESOURCE_QUEUE_LENGTH].to_high);
}

long long
gauge_measure(const struct pressure_settings *settings, enum resource resource)
{
	static long long (*const measures[RESOURCE_COUNT])(
	    const struct pressure_settings *settings) = {
		[RESOURCE_DISK] = measure_disk,
		[RESOURCE_FREE_DISK] = measure_free_disk,
		[RESOURCE_MEMORY] = measure_memory,
		[RESOURCE_QUEUE_LENGTH] = measure_queue,
	};

	return measures[resource](settings);
}
