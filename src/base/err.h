/*
 * What a function answers: OK, or why not. The list is contract/errors.def.
 *
 * A refusal is the caller's affair and becomes its answer; a fault is ours and is logged once,
 * where it becomes an answer; a bug is an assert, in production too.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/base.h"

enum err {
	OK = 0,
#define ERROR(name, status, slug, title, transient) ERR_##name,
#include "contract/errors.def"
#undef ERROR
	ERR_COUNT
};

struct err_info {
	const char *name;  /* "NOT_FOUND" */
	const char *slug;  /* "not-found" */
	const char *title; /* one sentence */
	int http_status;   /* 404 */
	bool transient;	   /* the same request may succeed later */
};

/* What is known of `err`, which is not OK. */
const struct err_info *err_info(enum err err);

/* The error with this slug, or OK where there is none. */
enum err err_from_slug(const char *slug);

/* Whether `err` is ours (5xx) rather than the caller's. */
bool err_is_fault(enum err err);

#endif
