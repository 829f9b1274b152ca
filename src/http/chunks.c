/* See chunks.h. */
#include "http/chunks.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

static bool is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

/* What a trailer's name may hold, roughly: trailers are not kept. */
static bool is_of_name(char c)
{
	return (unsigned char)c > ' ' && (unsigned char)c < 0x7f;
}

static bool take_digit(struct chunks *chunks, char c)
{
	int value = hex_value(c);

	if (value < 0 || chunks->digits == CHUNK_SIZE_DIGITS_MAX)
		return false;
	chunks->left = chunks->left * 16 + (unsigned)value;
	chunks->digits++;
	chunks->state = CHUNK_SIZE_MORE;
	return true;
}

/* The states within a chunk's line. */
static bool take_of_size(struct chunks *chunks, char c)
{
	switch (chunks->state) {
	case CHUNK_SIZE_MORE:
		if (c != '\r' && c != ';')
			return take_digit(chunks, c);
		chunks->state = c == '\r' ? CHUNK_SIZE_LF : CHUNK_EXTENSION;
		return true;
	case CHUNK_EXTENSION:
		chunks->extra++;
		if (c == '\r')
			chunks->state = CHUNK_SIZE_LF;
		return c == '\r' || !is_control(c);
	case CHUNK_SIZE_LF:
		chunks->digits = 0;
		chunks->state = chunks->left > 0 ? CHUNK_DATA : CHUNK_TRAILER;
		return c == '\n';
	default:
		return take_digit(chunks, c);
	}
}

/* The states behind the last chunk; the last of them leaves the last line feed to its caller. */
static bool take_of_trailer(struct chunks *chunks, char c)
{
	chunks->extra++;
	switch (chunks->state) {
	case CHUNK_TRAILER:
		chunks->state = c == '\r' ? CHUNK_LAST_LF : CHUNK_TRAILER_NAME;
		return c == '\r' || (is_of_name(c) && c != ':');
	case CHUNK_TRAILER_NAME:
		if (c == ':')
			chunks->state = CHUNK_TRAILER_VALUE;
		return is_of_name(c);
	case CHUNK_TRAILER_VALUE:
		if (c == '\r')
			chunks->state = CHUNK_TRAILER_LF;
		return c == '\r' || !is_control(c);
	default:
		chunks->state = CHUNK_TRAILER;
		return c == '\n';
	}
}

static bool take(struct chunks *chunks, char c)
{
	if (chunks->state < CHUNK_DATA)
		return take_of_size(chunks, c);
	if (chunks->state >= CHUNK_TRAILER)
		return take_of_trailer(chunks, c);
	if (chunks->state == CHUNK_DATA_CR) {
		chunks->state = CHUNK_DATA_LF;
		return c == '\r';
	}
	chunks->state = CHUNK_SIZE;
	return c == '\n';
}

enum chunk_step chunks_next(struct chunks *chunks, const char **at, const char *end,
			    const char **ret_piece, size_t *ret_length)
{
	while (*at < end) {
		if (chunks->state == CHUNK_DATA) {
			size_t length = MIN((size_t)(end - *at), (size_t)chunks->left);

			*ret_piece = *at;
			*ret_length = length;
			*at += length;
			chunks->left -= length;
			if (chunks->left == 0)
				chunks->state = CHUNK_DATA_CR;
			return CHUNKS_DATA;
		}
		if (chunks->state == CHUNK_LAST_LF) {
			if (**at != '\n')
				return CHUNKS_MALFORMED;
			++*at;
			return CHUNKS_END;
		}
		if (!take(chunks, **at))
			return CHUNKS_MALFORMED;
		if (chunks->extra > CHUNK_EXTRA_BYTES_MAX)
			return CHUNKS_EXTRA;
		++*at;
	}
	return CHUNKS_MORE;
}
