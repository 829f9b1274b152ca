/*
 * Settings: each has a name for the command line (--listen), one for the environment
 * (SOUK_LISTEN), a default and a sentence; the command line wins. They are declared in config.c's
 * one table, read and checked before anything starts, and constant from then on.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/err.h"

/* Reads the environment and `--name value` or `--name=value` from the arguments; those that are
 * not options are left in `argv`, and their count in *ret_left. Where a setting is unknown, on the
 * command line or as a variable that begins with SOUK_, or its value is bad, a sentence goes to
 * *ret_why (valid until the next call), with the setting that was perhaps meant. An empty variable of the
 * environment counts as not given; behind `--` nothing is an option. */
enum err config_load(int argc, char **argv, int *ret_left, const char **ret_why) MUST_CHECK;

/* Options that the command takes out by itself before config_load (they end with NULL): meant too where
 * one is misspelt. */
void config_know_options(const char *const *names);

/* For tests: as if given on the command line. */
enum err config_set(const char *name, const char *value) MUST_CHECK;

/* By name ("listen"); asserts that it exists. Text is NULL where it has neither value nor default. */
const char *config_text(const char *name);
int64_t config_int(const char *name);
bool config_flag(const char *name); /* on, off */

/* What `souk help config` prints; to be freed. What was given of a secret is not in it. */
char *config_help(void);

#endif
