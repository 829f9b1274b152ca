/* What single cells of a product export say, as people and spreadsheets write them. */
#ifndef CLI_IMPORT_CELLS_H
#define CLI_IMPORT_CELLS_H

#include "base/arena.h"

/* A copy without control characters, on one line unless `lines`. */
char *cell_clean(struct arena *arena, const char *cell, bool lines);

/* As cell_clean, of at most so many characters. */
char *cell_cut(struct arena *arena, const char *cell, size_t most);

/* The same; NULL where the cell is empty. */
char *cell_filled(struct arena *arena, const char *cell, size_t most);

/* Spreadsheets are kept from taking digits for a number by an apostrophe in front. */
const char *cell_without_apostrophe(const char *cell);

/* Whether a spreadsheet took a long number for a quantity, and cut it: 4.00638E+12. */
bool cell_is_cut_number(const char *cell);

/* "Apparel & Accessories > Shirts" is apparel-accessories/shirts; NULL where nothing is left. */
char *cell_category(struct arena *arena, const char *cell);

enum cell_truth { CELL_EMPTY, CELL_TRUE, CELL_FALSE, CELL_UNKNOWN };

/* TRUE and FALSE in the languages that spreadsheets have them in, yes and no in some, 1 and 0. */
enum cell_truth cell_truth(struct arena *arena, const char *cell);

enum cell_decimal { DECIMAL_GOOD, DECIMAL_NONE, DECIMAL_AMBIGUOUS };

/*
 * A number with its thousands in groups or not, and a point or a comma before its decimals, as digits
 * with a point: "1.299,00" is 1299.00. A comma alone is a decimal one only in a file of `commas`, where
 * others than commas stand between cells; there 1.299 and 1,299 may mean a thousand times each other
 * unless the value has no decimals (`digits` 0) or three.
 */
enum cell_decimal cell_decimal(struct arena *arena, const char *cell, bool commas, int digits,
			       char **ret_plain);

/* What such digits come to, rounded; something small to 1, and never to nothing. False where it is no
 * number or too large. */
bool cell_round(const char *plain, int64_t *ret_number) MUST_CHECK;

#endif
