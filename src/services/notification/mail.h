/*
 * E-mail as RFC 5322 writes it: headers, and a body of plain text in UTF-8, quoted-printable (RFC
 * 2045, section 6.7). The same message gives the same bytes however often it is written.
 *
 * No value can add a header: addresses are checked here, texts are encoded where they hold anything
 * but printable ASCII.
 */
#ifndef SERVICES_NOTIFICATION_MAIL_H
#define SERVICES_NOTIFICATION_MAIL_H

#include "services/notification/message.h"

/* `from` and the message's `to` are addresses (text_is_email); asserted. */
struct out mail_write(struct arena *arena, const struct message *message, const char *from);

/* A header's text as it may stand there: itself, or encoded words (RFC 2047), folded. */
const char *mail_header_text(struct arena *arena, const char *text);

/* The text's lines, quoted-printable, each ended by CRLF. */
void mail_write_quoted(struct out *out, const char *text);

#endif
