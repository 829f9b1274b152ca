/* What is asked of text that comes from outside. Text is UTF-8 and ends with a NUL. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/arena.h"

/* Whether `length` bytes are well-formed UTF-8 (RFC 3629): no overlong form, no surrogate. */
bool text_is_utf8(const char *bytes, size_t length);

/* Whether it holds a control character (C0 but for tab, line feed, carriage return; DEL; C1). */
bool text_has_control(const char *text);

/* The code point at *text, which is moved behind it; U+FFFD for a byte that is not UTF-8. */
uint32_t text_next(const char **text);

/* Unicode's White_Space, and the byte order mark, which nobody sees either. */
bool text_is_white_space(uint32_t code_point);

/* Code points in well-formed UTF-8. */
size_t text_length(const char *text);

/* Copies; letters A to Z become a to z, the rest stays. */
char *text_lower(struct arena *arena, const char *text);

/* A copy without white space at either end. */
char *text_trim(struct arena *arena, const char *text);

/* An address as the HTML standard's input type=email takes it, or one with letters of other scripts
 * (RFC 6531, IDNA), at most 254 bytes, also with its domain in ASCII. */
bool text_is_email(const char *text);

/* The address with its domain as the domain name system has it, in ASCII; and, for comparing, folded as
 * well. What is no address stays, or is folded. */
char *text_email_ascii_domain(struct arena *arena, const char *email);
char *text_email_key(struct arena *arena, const char *email);

/* E.164: a plus, then 7 to 15 digits, the first not 0. */
bool text_is_mobile(const char *text);

/* http or https, a host, no white space or control characters, at most 2048 bytes. */
bool text_is_web_address(const char *text);

/* Letters and digits of all scripts with the marks on them, in lower case, joined by single hyphens;
 * letters of the Latin script lose their marks; at most `most` characters; "" where nothing is
 * left. */
char *text_slug(struct arena *arena, const char *text, size_t most);

/* Whether text in normal form C is a slug. Latin letters may have their marks. */
bool text_is_slug(const char *text);

/* Undoes percent-encoding (RFC 3986, 2.1), in forms also plus for space; NULL where it is
 * malformed, gives a NUL or is not UTF-8. */
char *text_percent_decode(struct arena *arena, const char *text, size_t length, bool plus_is_space);

/* All but unreserved characters percent-encoded. */
char *text_percent_encode(struct arena *arena, const char *text);

/* Digits only, an optional minus, within int64_t. */
bool text_to_int(const char *text, int64_t *ret_number) MUST_CHECK;

bool text_starts_with(const char *text, const char *start);
bool text_equal_ignoring_case(const char *a, const char *b); /* ASCII */

/* base64url without padding (RFC 4648, section 5). Decoding is strict: no other characters, no
 * non-zero trailing bits. */
char *base64url_encode(struct arena *arena, const void *bytes, size_t length);
bool base64url_decode(struct arena *arena, const char *text, uint8_t **ret_bytes,
		      size_t *ret_length) MUST_CHECK;
char *hex_encode(struct arena *arena, const void *bytes, size_t length);

#endif
