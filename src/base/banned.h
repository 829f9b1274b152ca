/*
 * Functions that our code does not call: they overflow, hide errors, are not safe with threads, or
 * take a clock or chance past base/env.h. A call does not compile. Included in front of every
 * file by the build, so the system's headers that declare them come first.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <wchar.h>

/* No bound on what they write: snprintf, memcpy, or the arena's and strbuf's functions. */
#undef strcpy
#define strcpy(to, from) strcpy_is_banned
#undef stpcpy
#define stpcpy(to, from) stpcpy_is_banned
#undef strcat
#define strcat(to, from) strcat_is_banned
#undef sprintf
#define sprintf(...) sprintf_is_banned
#undef vsprintf
#define vsprintf(...) vsprintf_is_banned
#undef gets
#define gets(to) gets_is_banned

/* A bound, but no NUL at it, or one counted otherwise than one thinks. */
#undef strncpy
#define strncpy(to, from, size) strncpy_is_banned
#undef strncat
#define strncat(to, from, size) strncat_is_banned

/* No error for what is not a number: strtol and its like, checked. */
#undef atoi
#define atoi(text) atoi_is_banned
#undef atol
#define atol(text) atol_is_banned
#undef atoll
#define atoll(text) atoll_is_banned
#undef atof
#define atof(text) atof_is_banned

/* State shared by all threads: strtok_r, gmtime_r, localtime_r, strftime. */
#undef strtok
#define strtok(text, delimiters) strtok_is_banned
#undef gmtime
#define gmtime(time) gmtime_is_banned
#undef localtime
#define localtime(time) localtime_is_banned
#undef ctime
#define ctime(time) ctime_is_banned
#undef ctime_r
#define ctime_r(time, to) ctime_r_is_banned
#undef asctime
#define asctime(tm) asctime_is_banned
#undef asctime_r
#define asctime_r(tm, to) asctime_r_is_banned

/* Chance comes from base/env.h. */
#undef rand
#define rand() rand_is_banned
#undef srand
#define srand(seed) srand_is_banned

/* A fiber's stack is small. */
#undef alloca
#define alloca(size) alloca_is_banned

#endif
