/* Writing e-mail. */
#include "services/notification/mail.h"

#include <string.h>

#include "base/text.h"
#include "base/time.h"

#define LINE_LENGTH_MAX 76	   /* RFC 2045, section 6.7: without the CRLF */
#define PLAIN_HEADER_LENGTH_MAX 60 /* so that a line with its name stays below 78 */
#define WORD_TEXT_MAX 54 /* RFC 2047, section 2: a line with an encoded word has at most 76 */
#define WORD_START "=?utf-8?Q?"
#define WORD_END "?="

static const char hex_digits[] = "0123456789ABCDEF";

/* --- headers ---------------------------------------------------------------------------------- */

static bool is_plain_header(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			return false;
	/* What looks like an encoded word would be decoded. */
	return strlen(text) <= PLAIN_HEADER_LENGTH_MAX && !strstr(text, "=?");
}

/* What may stand for itself in every place that encoded words may. */
static bool is_word_safe(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static size_t encode_byte(char byte, char code[static 3])
{
	if (is_word_safe(byte) || byte == ' ') {
		code[0] = byte == ' ' ? '_' : byte;
		return 1;
	}
	code[0] = '=';
	code[1] = hex_digits[(unsigned char)byte >> 4];
	code[2] = hex_digits[(unsigned char)byte & 15];
	return 3;
}

/* The bytes of the character at `text`. */
static size_t character_length(const char *text)
{
	size_t length = 1;

	while (((unsigned char)text[length] & 0xc0) == 0x80)
		length++;
	return length;
}

/* A character is never split between two words (RFC 2047, section 5). */
const char *mail_header_text(struct arena *arena, const char *text)
{
	struct out out = out_new(arena);
	size_t used = 0;

	if (is_plain_header(text))
		return text;
	out_printf(&out, "%s", WORD_START);
	while (*text) {
		size_t length = character_length(text), code_length = 0;
		char code[4 * 3];

		assert(length <= 4);
		for (size_t i = 0; i < length; i++)
			code_length += encode_byte(text[i], code + code_length);
		if (used + code_length > WORD_TEXT_MAX) {
			out_printf(&out, "%s", WORD_END "\r\n " WORD_START);
			used = 0;
		}
		out_bytes(&out, code, code_length);
		used += code_length;
		text += length;
	}
	out_printf(&out, "%s", WORD_END);
	return out.data;
}

/* RFC 5322, section 3.4.1: a local part whose dots do not stand between atoms is quoted. */
static const char *address_text(struct arena *arena, const char *address)
{
	const char *at = strrchr(address, '@');
	int local = (int)(at - address);

	if (address[0] == '.' || at[-1] == '.' || strstr(address, ".."))
		return arena_printf(arena, "\"%.*s\"%s", local, address, at);
	return address;
}

/* RFC 5322, section 3.3. */
static const char *date_text(struct arena *arena, int64_t time_ms)
{
	static const char days[][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct civil_time time = time_to_civil(time_ms);

	return arena_printf(arena, "%s, %d %s %04d %02d:%02d:%02d +0000", days[time.weekday],
			    time.day, months[time.month - 1], time.year, time.hour, time.minute,
			    time.second);
}

/* --- the body --------------------------------------------------------------------------------- */

static bool is_line_end(char c)
{
	return c == '\0' || c == '\n' || c == '\r';
}

/* Whether the byte stands for itself; white space does but at a line's end. */
static bool is_quoted_safe(const char *at)
{
	if (*at == ' ' || *at == '\t')
		return !is_line_end(at[1]);
	return *at > ' ' && *at <= '~' && *at != '=';
}

static void write_quoted_line(struct out *out, const char *line, const char *end)
{
	size_t used = 0;

	for (; line < end; line++) {
		char code[] = {'=', hex_digits[(unsigned char)*line >> 4],
			       hex_digits[(unsigned char)*line & 15]};
		bool safe = is_quoted_safe(line);
		size_t length = safe ? 1 : sizeof(code);

		/* Room for the equals sign of a soft line break. */
		if (used + length > LINE_LENGTH_MAX - 1) {
			out_bytes(out, "=\r\n", 3);
			used = 0;
		}
		out_bytes(out, safe ? line : code, length);
		used += length;
	}
	out_bytes(out, "\r\n", 2);
}

void mail_write_quoted(struct out *out, const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\r\n");

		write_quoted_line(out, text, text + length);
		text += length;
		if (text[0] == '\r' && text[1] == '\n')
			text++;
		if (*text)
			text++;
	}
}

/* --- the whole -------------------------------------------------------------------------------- */

struct out mail_write(struct arena *arena, const struct message *message, const char *from)
{
	struct out out = out_new(arena);
	char id[ID_TEXT_SIZE];

	assert(text_is_email(from) && text_is_email(message->to));
	/* What stands before the @ in another script stays so (RFC 6532); domains need not. */
	from = text_email_ascii_domain(arena, from);
	id_format(&message->id, id);
	out_printf(&out, "Date: %s\r\n", date_text(arena, message->created_ms));
	out_printf(&out, "From: Souk <%s>\r\n", address_text(arena, from));
	out_printf(&out, "To: <%s>\r\n",
		   address_text(arena, text_email_ascii_domain(arena, message->to)));
	out_printf(&out, "Subject: %s\r\n", mail_header_text(arena, message->subject));
	out_printf(&out, "Message-ID: <%s%s>\r\n", id, strrchr(from, '@'));
	out_printf(&out, "Auto-Submitted: auto-generated\r\n");
	out_printf(&out, "MIME-Version: 1.0\r\n");
	out_printf(&out, "Content-Type: text/plain; charset=utf-8\r\n");
	out_printf(&out, "Content-Transfer-Encoding: quoted-printable\r\n");
	out_bytes(&out, "\r\n", 2);
	mail_write_quoted(&out, message->body);
	return out;
}
