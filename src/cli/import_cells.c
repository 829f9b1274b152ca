/* Cells of a product export. */
#include "cli/import_cells.h"

#include <string.h>

#include "base/text.h"
#include "base/unicode.h"
#include "services/product/product.h"

/* --- text -------------------------------------------------------------------------------- */

/* How many bytes the control character at `at` has; 0 where there is none. */
static size_t control_length(const char *at)
{
	unsigned char c = (unsigned char)at[0];

	if (c < 0x20 || c == 0x7f)
		return 1;
	return c == 0xc2 && (unsigned char)at[1] >= 0x80 && (unsigned char)at[1] < 0xa0 ? 2 : 0;
}

char *cell_clean(struct arena *arena, const char *cell, bool lines)
{
	char *copy = arena_alloc(arena, strlen(cell) + 1), *to = copy;

	while (*cell) {
		size_t control = control_length(cell);
		bool space = control && strchr("\t\r\n", *cell);

		if (!control || (space && lines))
			*to++ = *cell;
		else if (space)
			*to++ = ' ';
		cell += control ? control : 1;
	}
	return lines ? copy : unicode_without_hidden(arena, copy);
}

char *cell_cut(struct arena *arena, const char *cell, size_t most)
{
	char *copy = cell_clean(arena, cell, false), *end = copy;
	size_t count = 0;

	for (; *end && count <= most; end++)
		if (((unsigned char)*end & 0xc0) != 0x80 && ++count > most)
			break;
	*end = '\0';
	return text_trim(arena, copy);
}

char *cell_filled(struct arena *arena, const char *cell, size_t most)
{
	return *cell ? cell_cut(arena, cell, most) : NULL;
}

const char *cell_without_apostrophe(const char *cell)
{
	return cell[0] == '\'' && cell[1] ? cell + 1 : cell;
}

bool cell_is_cut_number(const char *cell)
{
	size_t whole = strspn(cell, "0123456789"), length = whole + strspn(cell + whole, ".,");

	length += strspn(cell + length, "0123456789");
	return whole && (cell[length] == 'E' || cell[length] == 'e') && cell[length + 1] == '+' &&
	       cell[length + 2] && !cell[length + 2 + strspn(cell + length + 2, "0123456789")];
}

char *cell_category(struct arena *arena, const char *cell)
{
	const char *path = "";

	while (*cell) {
		size_t length = strcspn(cell, ">/");
		const char *slug = text_slug(arena, arena_copy_bytes(arena, cell, length),
					     PRODUCT_CATEGORY_MAX);

		if (*slug && text_length(path) + text_length(slug) + 1 <= PRODUCT_CATEGORY_MAX)
			path = arena_printf(arena, "%s%s%s", path, *path ? "/" : "", slug);
		cell += length;
		cell += *cell != '\0';
	}
	return *path ? arena_copy_text(arena, path) : NULL;
}

/* --- true and false ---------------------------------------------------------------------- */

/* Folded as unicode_fold folds. */
static const char *const truths[] = {
	"1",	    "true", "yes",     "wahr",	"ja",	      "vrai",	  "oui",    "verdadero",
	"si",	    "sí",   "vero",    "sì",	"verdadeiro", "sim",	  "waar",   "sant",
	"sand",	    "sann", "tosi",    "kyllä", "prawda",     "tak",	  "igaz",   "igen",
	"pravda",   "ano",  "áno",     "da",	"adevărat",   "adevarat", "doğru",  "evet",
	"истина",   "да",   "істина",  "так",	"вярно",      "αληθήσ",	  "αληθησ", "ναι",
	"teisinga", "taip", "patiess", "jā",	"tõene",      "jah",	  "真",	    "是",
	"はい",	    "예",   "נכון",    "כן",	"صحيح",	      "نعم",	  NULL,
};

static const char *const untruths[] = {
	"0",	     "false",	 "no",	   "falsch",  "nein",	"faux",	  "non",    "falso",
	"não",	     "nao",	 "onwaar", "nee",     "falskt", "nej",	  "falsk",  "usann",
	"nei",	     "epätosi",	 "ei",	   "fałsz",   "nie",	"hamis",  "nem",    "nepravda",
	"ne",	     "fals",	 "nu",	   "yanlış",  "yanliş", "hayır",  "hayir",  "ложь",
	"нет",	     "хибність", "ні",	   "невярно", "не",	"ψευδήσ", "ψευδησ", "όχι",
	"klaidinga", "aplams",	 "nē",	   "väär",    "假",	"否",	  "いいえ", "아니요",
	"לא נכון",   "לא",	 "خطأ",	   "لا",      NULL,
};

static bool is_among(const char *const *words, const char *folded)
{
	for (; *words; words++)
		if (strcmp(*words, folded) == 0)
			return true;
	return false;
}

enum cell_truth cell_truth(struct arena *arena, const char *cell)
{
	const char *folded;

	if (!*cell)
		return CELL_EMPTY;
	folded = unicode_fold(arena, cell);
	if (is_among(truths, folded))
		return CELL_TRUE;
	return is_among(untruths, folded) ? CELL_FALSE : CELL_UNKNOWN;
}

/* --- numbers ----------------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Length of what some put between groups of digits: spaces of all kinds, apostrophes; 0: none. */
static size_t spacer_length(const char *at)
{
	static const char *const spacers[] = {" ", "'", "\u00a0", "\u202f", "\u2009", "\u2019"};

	for (size_t i = 0; i < ARRAY_LENGTH(spacers); i++)
		if (text_starts_with(at, spacers[i]))
			return strlen(spacers[i]);
	return 0;
}

/* The cell without spacers between digits. */
static char *without_spacers(struct arena *arena, const char *cell)
{
	char *copy = arena_alloc(arena, strlen(cell) + 1), *to = copy;

	while (*cell) {
		size_t length = spacer_length(cell);
		bool between = length && to > copy && is_digit(to[-1]) && is_digit(cell[length]);

		if (between)
			cell += length;
		else
			*to++ = *cell++;
	}
	return copy;
}

/* Whether the digits up to `end` stand in groups with `mark` between them: the last of three, those
 * before it of two or three (1,29,900), the first of one to three. */
static bool is_grouped(const char *text, const char *end, char mark)
{
	const char *at = text + strspn(text, "0123456789");

	if (at == text || at - text > 3)
		return false;
	while (at < end) {
		size_t length = strspn(at + 1, "0123456789");

		if (*at != mark || length < 2 || length > 3)
			return false;
		at += 1 + length;
		if (at >= end && length != 3)
			return false;
	}
	return at == end;
}

/* The digits up to `end`, and then those behind it, with a point between them. */
static char *join(struct arena *arena, const char *text, const char *end, const char *decimals)
{
	char *plain = arena_alloc(arena, strlen(text) + 2), *to = plain;

	for (const char *at = text; at < end; at++)
		if (is_digit(*at))
			*to++ = *at;
	if (*decimals) {
		*to++ = '.';
		memcpy(to, decimals, strlen(decimals) + 1);
	}
	return plain;
}

/* One mark, once: a decimal point or comma, or one between groups. */
static enum cell_decimal single_mark(struct arena *arena, const char *text, const char *mark,
				     bool commas, int digits, char **ret_plain)
{
	const char *end = text + strlen(text);
	bool groups = is_grouped(text, end, *mark) && *text != '0';
	bool decimal = *mark == (commas ? ',' : '.');

	if (groups && digits == 0 && (commas || *mark == ',')) {
		*ret_plain = join(arena, text, end, "");
		return DECIMAL_GOOD;
	}
	/* In a file of commas for decimals a point may be one as well: 12.99. */
	if (groups && commas && digits != 3)
		return DECIMAL_AMBIGUOUS;
	if (!decimal && !(commas && *mark == '.'))
		return DECIMAL_NONE;
	if (mark == text || !is_digit(mark[1]))
		return DECIMAL_NONE;
	*ret_plain = join(arena, text, mark, mark + 1);
	return DECIMAL_GOOD;
}

enum cell_decimal cell_decimal(struct arena *arena, const char *cell, bool commas, int digits,
			       char **ret_plain)
{
	char *text = without_spacers(arena, cell);
	const char *point = strrchr(text, '.'), *comma = strrchr(text, ',');
	const char *last = point > comma ? point : comma, *end = text + strlen(text);

	if (!is_digit(*text) || strspn(text, "0123456789.,") != strlen(text))
		return DECIMAL_NONE;
	if (!last) {
		*ret_plain = text;
		return DECIMAL_GOOD;
	}
	if (point && comma) {
		char mark = *last == '.' ? ',' : '.';

		if (!is_digit(last[1]) || !is_grouped(text, last, mark))
			return DECIMAL_NONE;
		*ret_plain = join(arena, text, last, last + 1);
		return DECIMAL_GOOD;
	}
	if (strchr(text, *last) == last)
		return single_mark(arena, text, last, commas, digits, ret_plain);
	if (!is_grouped(text, end, *last))
		return DECIMAL_NONE;
	*ret_plain = join(arena, text, end, "");
	return DECIMAL_GOOD;
}

bool cell_round(const char *plain, int64_t *ret_number)
{
	size_t whole = strcspn(plain, ".");
	char digits[20];
	int64_t number;

	if (!whole || whole >= sizeof(digits))
		return false;
	memcpy(digits, plain, whole);
	digits[whole] = '\0';
	if (!text_to_int(digits, &number) || number == INT64_MAX)
		return false;
	if (plain[whole] && plain[whole + 1] >= '5')
		number++;
	if (!number && plain[whole + strspn(plain + whole, ".0")])
		number = 1;
	*ret_number = number;
	return true;
}
