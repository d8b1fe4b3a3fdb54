/*
 * today.c - asks the system for the local date.
 */
#include "today.h"

#include <time.h>

int
today(void)
{
	const time_t now = time(NULL);
	struct tm tm = { .tm_mday = 1 };

	localtime_r(&now, &tm);
	return (tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday;
}
