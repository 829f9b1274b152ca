/* Sort keys. The collator's tables are read at its first use; it is never closed. */
#include <pthread.h>
#include <string.h>
#include <unicode/ucol.h>
#include <unicode/uversion.h>

#include "base/unicode_internal.h"

#define CODE_EDITION 2 /* grows when words or keys are made otherwise by the code here */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static UCollator *collator;

static void open_collator(void)
{
	UErrorCode code = U_ZERO_ERROR;

	collator = ucol_open("", &code);
	assert(U_SUCCESS(code));
}

const void *unicode_sort_key(struct arena *arena, const char *text, size_t *ret_length)
{
	struct wide wide = wide_from(arena, text);
	int32_t room = 4 * wide.length + 16, length;
	uint8_t *key;

	pthread_once(&once, open_collator);
	key = arena_alloc(arena, (size_t)room);
	length = ucol_getSortKey(collator, wide.units, wide.length, key, room);
	if (length > room) {
		key = arena_alloc(arena, (size_t)length);
		ucol_getSortKey(collator, wide.units, wide.length, key, length);
	}
	assert(length > 0);
	*ret_length = (size_t)length - 1; /* without the zero behind it */
	return key;
}

const char *unicode_edition(struct arena *arena)
{
	UVersionInfo version;

	u_getVersion(version);
	return arena_printf(arena, "icu %d.%d, souk %d", version[0], version[1], CODE_EDITION);
}
