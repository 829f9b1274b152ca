/*
 * JSON: what is taken can be written and read again as the same; what a table of fields reads lies
 * within the table's bounds.
 */
#include "base/json.h"

#include "base/text.h"
#include "fuzz.h"

struct line {
	struct id id;
	int64_t quantity;
	char *note;
};

struct draft {
	char *name, *secret;
	struct id id;
	int64_t count, when;
	bool flag, flag_given;
	struct money price;
	int choice;
	struct line *line;
	struct list lines, words;
	json_t *extra, *any;
};

static const char *const choices[] = {"red", "green", "blue", NULL};

static const struct field line_fields[] = {
	FIELD(struct line, id, "id", ID, .flags = REQUIRED),
	FIELD(struct line, quantity, "quantity", INT, .min = 1, .max = 99),
	FIELD(struct line, note, "note", TEXT, .flags = MULTILINE, .max = 20),
	FIELD_END,
};

static const struct field word = {.kind = FIELD_KIND_TEXT, .min = 1, .max = 5};

static const struct field draft_fields[] = {
	FIELD(struct draft, name, "name", TEXT, .flags = REQUIRED, .min = 1, .max = 10),
	FIELD(struct draft, secret, "secret", TEXT, .flags = SECRET, .min = 2, .max = 12),
	FIELD(struct draft, id, "id", ID),
	FIELD(struct draft, count, "count", INT, .min = -5, .max = 1000),
	FIELD(struct draft, when, "when", TIME),
	FIELD(struct draft, flag, "flag", BOOL, .flags = NULLABLE, GIVEN(struct draft, flag_given)),
	FIELD(struct draft, price, "price", MONEY, .min = 1, .max = 5000),
	FIELD(struct draft, choice, "choice", CHOICE, .choices = choices),
	FIELD(struct draft, line, "line", OBJECT, STRUCT_OF(line_fields, struct line)),
	FIELD(struct draft, lines, "lines", LIST, .min = 1, .max = 3,
	      STRUCT_OF(line_fields, struct line)),
	FIELD(struct draft, words, "words", LIST, .max = 4, LIST_OF(&word, char *)),
	FIELD(struct draft, extra, "extra", JSON, .max = 100),
	FIELD(struct draft, any, "any", ANY),
	FIELD_READ_ONLY("createdAt"),
	FIELD_END,
};

static void check_text(const char *text, size_t least, size_t most)
{
	assert(text_is_utf8(text, strlen(text)));
	assert(text_length(text) >= least && text_length(text) <= most);
	assert(!text_has_control(text));
}

static void check_line(const struct line *line)
{
	assert(line->quantity == 0 || (line->quantity >= 1 && line->quantity <= 99));
	if (line->note)
		check_text(line->note, 0, 20);
}

static void check_draft(const struct draft *draft)
{
	assert(draft->name);
	check_text(draft->name, 1, 10);
	if (draft->secret)
		check_text(draft->secret, 2, 12);
	assert(draft->count >= -5 && draft->count <= 1000);
	assert(!draft->flag || draft->flag_given);
	assert(draft->choice >= 0 && draft->choice < 3);
	if (draft->price.currency[0])
		assert(draft->price.amount >= 1 && draft->price.amount <= 5000 &&
		       currency_known(draft->price.currency));
	if (draft->line)
		check_line(draft->line);
	assert(draft->lines.count <= 3 && draft->words.count <= 4);
	for (size_t i = 0; i < draft->lines.count; i++)
		check_line((const struct line *)draft->lines.items + i);
	for (size_t i = 0; i < draft->words.count; i++)
		check_text(((char **)draft->words.items)[i], 1, 5);
	assert(!draft->extra || json_is_object(draft->extra));
}

static void read_fields(struct arena *arena, const json_t *value)
{
	struct faults faults = {.arena = arena};
	struct draft draft = {0};
	int told = 0;

	json_read_fields(value, draft_fields, "", &draft, &faults);
	for (const struct fault *fault = faults.first; fault; fault = fault->next) {
		assert(text_is_utf8(fault->pointer, strlen(fault->pointer)) && fault->detail[0]);
		told++;
	}
	assert(told <= JSON_FAULTS_MAX && told <= faults.count && (told > 0) == (faults.count > 0));
	if (!faults_err(&faults))
		check_draft(&draft);
}

/* How deep it is; and no text in it holds a control character. */
static size_t depth_of(const json_t *value)
{
	size_t deepest = 0, i;
	const char *name;
	json_t *item;

	if (json_is_array(value)) {
		json_array_foreach (value, i, item)
			deepest = MAX(deepest, depth_of(item));
	} else if (json_is_object(value)) {
		json_object_foreach ((json_t *)(uintptr_t)value, name, item) {
			assert(!text_has_control(name));
			deepest = MAX(deepest, depth_of(item));
		}
	} else {
		assert(!json_is_string(value) || !text_has_control(json_string_value(value)));
		return 0;
	}
	return deepest + 1;
}

void fuzz(struct arena *arena, const char *bytes, size_t length)
{
	const char *why = NULL;
	json_t *value, *again;
	char *text;

	if (json_parse(arena, bytes, length, &value, &why)) {
		assert(why && why[0]);
		return;
	}
	assert(text_is_utf8(bytes, length) && !memchr(bytes, '\0', length));
	assert(depth_of(value) <= JSON_DEPTH_MAX);
	text = json_text(arena, value);
	if (json_parse(arena, text, strlen(text), &again, &why))
		assert(!"what we write can be read");
	/* Fractions are written with as many digits as any of them keeps. */
	assert(strcmp(json_text(arena, again), text) == 0);
	read_fields(arena, value);
}
