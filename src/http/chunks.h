/*
 * The chunked transfer coding (RFC 9112, section 7.1), taken apart strictly and byte by byte,
 * however it comes. Private to http/.
 */
#ifndef HTTP_CHUNKS_H
#define HTTP_CHUNKS_H

#include "base/base.h"

#define CHUNK_SIZE_DIGITS_MAX 15
#define CHUNK_EXTRA_BYTES_MAX (16 * 1024) /* extensions and trailers of one body, together */

enum chunk_state {
	CHUNK_SIZE, /* before the first digit */
	CHUNK_SIZE_MORE,
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER, /* before its name, or the last line */
	CHUNK_TRAILER_NAME,
	CHUNK_TRAILER_VALUE,
	CHUNK_TRAILER_LF,
	CHUNK_LAST_LF,
};

/* Zeroed, it stands before the first chunk. */
struct chunks {
	enum chunk_state state;
	uint64_t left; /* of the chunk's data */
	unsigned digits;
	size_t extra;
};

enum chunk_step {
	CHUNKS_MORE, /* all bytes were taken */
	CHUNKS_DATA, /* a piece of the body */
	CHUNKS_END,  /* the body's */
	CHUNKS_MALFORMED,
	CHUNKS_EXTRA, /* too many extensions or trailers */
};

/* Takes bytes from *at on, at most to `end`, and moves *at; a piece lies within them. */
enum chunk_step chunks_next(struct chunks *chunks, const char **at, const char *end,
			    const char **ret_piece, size_t *ret_length) MUST_CHECK;

#endif
