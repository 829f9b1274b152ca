/* `souk import products FILE.csv`: the command, its summary and its report. */
#include "cli/import.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/charset.h"
#include "base/config.h"
#include "base/csv.h"
#include "base/text.h"
#include "cli/program.h"
#include "cli/shop_client.h"

const char cli_import_details[] =
	"Puts the products of FILE, an export in Shopify's format, into the shop of --data, whether or\n"
	"not it is open. Rows that are no good are skipped and listed, and columns that are not taken\n"
	"named. What FILE has no column for stays as it is. Run again, it changes nothing twice. The\n"
	"exit code is 1 where a product failed.\n"
	"\n"
	"  --report SKIPPED.csv    writes the rows that were skipped, and why\n"
	"  --currency EUR          the currency of the prices\n"
	"  --encoding Shift_JIS    the encoding of FILE, where it is taken for another\n"
	"  --stock N               how many there are of each variant that FILE does not count\n"
	"\n"
	"A variant without inventory tracker is always to be had. One that is tracked, and of which FILE\n"
	"says no quantity, has none; where its inventory policy is `continue` it can be ordered\n"
	"nevertheless. --stock counts both. The stock of variants that the shop has already stays, unless\n"
	"nobody has counted it.\n";

/* --- what is noted ----------------------------------------------------------------------- */

static char *print_to(struct arena *arena, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

static char *print_to(struct arena *arena, const char *format, va_list arguments)
{
	char *text = NULL;
	int length = vasprintf(&text, format, arguments);
	char *copy;

	assert(length >= 0);
	copy = arena_copy_text(arena, text);
	free(text);
	return copy;
}

void import_skip(struct import *import, int64_t line, const char *handle, const char *format, ...)
{
	struct skip skip = {.line = line};
	va_list arguments;

	va_start(arguments, format);
	skip.reason = print_to(import->arena, format, arguments);
	va_end(arguments);
	skip.handle = arena_copy_text(import->arena, handle);
	list_append(import->arena, &import->skips, &skip, sizeof(skip));
}

void import_note(struct import *import, const char *format, ...)
{
	va_list arguments;
	char *note;

	if (import->notes.count == IMPORT_NOTES_MAX) {
		import->notes_dropped++;
		return;
	}
	va_start(arguments, format);
	note = print_to(import->arena, format, arguments);
	va_end(arguments);
	list_append(import->arena, &import->notes, &note, sizeof(note));
}

/* --- what is said ------------------------------------------------------------------------ */

static int by_line(const void *a, const void *b)
{
	const struct skip *one = a, *other = b;

	return (one->line > other->line) - (one->line < other->line);
}

/* "1 variant", "2 variants". */
static const char *counted(struct import *import, size_t count, const char *noun)
{
	return arena_printf(import->arena, "%zu %s%s", count, noun, count == 1 ? "" : "s");
}

/* What the file did not say of the stock of new variants, and what that means. */
static void note_unsaid(struct import *import)
{
	if (import->untracked)
		import_note(import,
			    "without inventory tracker: %s, always to be had;"
			    " --stock N says how many there are",
			    counted(import, import->untracked, "variant"));
	if (import->sold_out)
		import_note(import, "without a quantity: %s, sold out; --stock N says it",
			    counted(import, import->sold_out, "variant"));
	if (import->backorders)
		import_note(
			import,
			"without a quantity: %s, of which there are none, and which can be ordered"
			" nevertheless; --stock N says it",
			counted(import, import->backorders, "variant"));
}

/* What the file says of the stock of variants that the shop had already. */
static void note_old_stock(struct import *import)
{
	static const struct {
		enum column column;
		const char *name;
	} columns[] = {
		{COLUMN_QUANTITY, "quantities"},
		{COLUMN_TRACKER, "trackers"},
		{COLUMN_POLICY, "policies"},
	};
	struct out names = out_new(import->arena);

	for (size_t i = 0; i < ARRAY_LENGTH(columns); i++)
		if (import->known[columns[i].column])
			out_printf(&names, "%s%s", names.length ? ", " : "", columns[i].name);
	if (import->old_variants && names.length)
		import_note(import,
			    "not taken for %s that the shop had already: %s; their stock is"
			    " Inventory's",
			    counted(import, import->old_variants, "variant"), names.data);
}

static void note_stock(struct import *import)
{
	size_t all = import->untracked + import->sold_out + import->backorders;
	size_t old = import->updated + import->unchanged;

	if (import->assumed < 0)
		note_unsaid(import);
	else if (all)
		import_note(import, "not counted by the file: %s; of each there are %" PRId64,
			    counted(import, all, "variant"), import->assumed);
	if (import->negative)
		import_note(import, "with less than nothing in stock: %s; that counts as 0",
			    counted(import, import->negative, "variant"));
	note_old_stock(import);
	if (old && !import_is_whole(import))
		import_note(import,
			    "it has not all columns of an export: what it has no column for,"
			    " and each variant that it does not list, stays as it is");
	else if (old && import->strays)
		import_note(import,
			    "of %s nobody knows whose they are: each variant that the file does"
			    " not list stays",
			    counted(import, import->strays, "row"));
}

static void print_summary(const struct import *import)
{
	const struct skip *skips = import->skips.items;
	char *const *notes = import->notes.items;

	printf("%s: %" PRId64 " rows, %zu products: %zu created, %zu updated, %zu unchanged,"
	       " %zu failed; %zu rows skipped\n",
	       import->path, import->row_count, import->products.count, import->created,
	       import->updated, import->unchanged, import->failed, import->skips.count);
	for (size_t i = 0; i < import->notes.count; i++)
		printf("note: %s\n", notes[i]);
	if (import->notes_dropped)
		printf("note: there are %zu more\n", import->notes_dropped);
	for (size_t i = 0; i < import->skips.count; i++)
		printf("skipped line %" PRId64 "%s%s: %s\n", skips[i].line,
		       skips[i].handle ? " of " : "", skips[i].handle ? skips[i].handle : "",
		       skips[i].reason);
}

/* The same for a spreadsheet; false where it cannot be written. */
static bool write_report(struct import *import, const char *path)
{
	const struct skip *skips = import->skips.items;
	FILE *file = fopen(path, "w");
	bool good = file;

	if (good)
		fputs("Line,Handle,Reason\r\n", file);
	for (size_t i = 0; good && i < import->skips.count; i++)
		good = fprintf(file, "%" PRId64 ",%s,%s\r\n", skips[i].line,
			       csv_quote(import->arena, skips[i].handle ? skips[i].handle : ""),
			       csv_quote(import->arena, skips[i].reason)) > 0;
	if (file && fclose(file))
		good = false;
	if (!good)
		fprintf(stderr, "souk: %s: %s\n", path, strerror(errno));
	return good;
}

/* --- the command ------------------------------------------------------------------------- */

/* --stock N; false where it is no number of units. */
static bool read_assumed(const char *text, int64_t *ret_assumed)
{
	*ret_assumed = -1;
	return !text || (text_to_int(text, ret_assumed) && *ret_assumed >= 0 &&
			 *ret_assumed <= PRODUCT_STOCK_MAX);
}

/* Sends what was read, and says what came of it: the exit code. */
static int send_and_report(struct import *import, const char *report)
{
	const char *why = NULL;
	bool good;

	if (shop_client_open("import", import->arena, &why)) {
		fprintf(stderr, "souk: %s\n", why ? why : "the shop cannot be opened");
		return 1;
	}
	good = import_send(import, &why);
	shop_client_close();
	if (import->skips.count)
		qsort(import->skips.items, import->skips.count, sizeof(struct skip), by_line);
	note_stock(import);
	print_summary(import);
	if (!good)
		fprintf(stderr, "souk: the import was broken off: %s\n", why);
	if (report && !write_report(import, report))
		good = false;
	return good && !import->failed && import->created + import->updated + import->unchanged > 0
		       ? 0
		       : 1;
}

static int run(const char *path, const char *report, const char *encoding, int64_t assumed)
{
	struct import import = {
		.arena = arena_new(),
		.path = path,
		.currency = config_text("currency"),
		.encoding = encoding,
		.assumed = assumed,
	};
	const char *why = NULL;
	int code = 1;

	import.by_slug = map_new(IMPORT_PRODUCTS_MAX, false, NULL);
	if (import_read(&import, &why))
		code = send_and_report(&import, report);
	else
		fprintf(stderr, "souk: %s cannot be imported: %s\n", path, why);
	map_free(import.by_slug);
	arena_free(import.arena);
	return code;
}

int cli_import(int argc, char **argv)
{
	const char *report = NULL, *stock = NULL, *encoding = NULL;
	int64_t assumed;
	int left = 0;

	if (!program_take_option(&argc, argv, "--report", &report) ||
	    !program_take_option(&argc, argv, "--stock", &stock) ||
	    !program_take_option(&argc, argv, "--encoding", &encoding))
		return 2;
	if (encoding && !charset_is_known(encoding)) {
		fprintf(stderr, "souk: --encoding \"%s\" is not known\n", encoding);
		return 2;
	}
	if (!read_assumed(stock, &assumed)) {
		fprintf(stderr, "souk: --stock must be a whole number from 0 to %d\n",
			PRODUCT_STOCK_MAX);
		return 2;
	}
	if (!program_load_config(argc, argv, &left))
		return 2;
	if (left != 3 || strcmp(argv[1], "products") != 0) {
		fputs("usage: souk import products FILE [settings]; see souk help import\n",
		      stderr);
		return 2;
	}
	return run(argv[2], report, encoding, assumed);
}
