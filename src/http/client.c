/*
 * The HTTP client, on libcurl's easy interface. Handles are kept with their connections for the
 * next exchange; a handle is used by one thread at a time.
 */
#include "http/client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/fiber.h"

#define HANDLES_KEPT 8
#define ANSWER_HEADERS_MAX 64
#define ANSWER_HEADER_BYTES_MAX (64 * 1024)
#define CONNECT_TIMEOUT_MS 5000L
#define BODY_FIRST_BYTES 4096

/* One exchange under way. What it gathers is copied to the arena at its end, on the caller's
 * side: the thread that carries it out does not touch the arena. */
struct job {
	const struct exchange *exchange;
	struct curl_slist *headers_out;
	char *body;
	size_t length, capacity;
	char *lines; /* the answer's headers, each ended by a NUL */
	size_t lines_length;
	size_t line_count;
	bool too_large;
	long status, bytes_sent;
	CURLcode code;
	char problem[CURL_ERROR_SIZE];
};

static pthread_mutex_t handles_lock = PTHREAD_MUTEX_INITIALIZER;
static CURL *handles[HANDLES_KEPT];
static size_t handle_count;

static void init_once(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static CURL *take_handle(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	CURL *handle = NULL;

	pthread_once(&once, init_once);
	pthread_mutex_lock(&handles_lock);
	if (handle_count > 0)
		handle = handles[--handle_count];
	pthread_mutex_unlock(&handles_lock);
	return handle ? handle : curl_easy_init();
}

static void give_handle(CURL *handle)
{
	curl_easy_reset(handle); /* its connections stay */
	pthread_mutex_lock(&handles_lock);
	if (handle_count < HANDLES_KEPT) {
		handles[handle_count++] = handle;
		handle = NULL;
	}
	pthread_mutex_unlock(&handles_lock);
	if (handle)
		curl_easy_cleanup(handle);
}

static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
	struct job *job = arg;
	size_t length = size * count;

	if (length > CLIENT_ANSWER_BYTES_MAX - job->length) {
		job->too_large = true;
		return 0;
	}
	if (job->length + length > job->capacity) {
		job->capacity =
			MAX(MAX(2 * job->capacity, job->length + length), (size_t)BODY_FIRST_BYTES);
		job->body = must_realloc(job->body, job->capacity);
	}
	memcpy(job->body + job->length, data, length);
	job->length += length;
	return length;
}

/* One header line, with its line break, or a status line, which begins anew (after a 100). */
static size_t take_header(char *data, size_t size, size_t count, void *arg)
{
	struct job *job = arg;
	size_t given = size * count;
	size_t length = given;

	while (length > 0 && strchr("\r\n", data[length - 1]))
		length--;
	if (length >= 5 && memcmp(data, "HTTP/", 5) == 0) {
		job->lines_length = job->line_count = 0;
		return given;
	}
	if (length == 0 || memchr(data, '\0', length) || !memchr(data, ':', length) ||
	    job->line_count == ANSWER_HEADERS_MAX)
		return given;
	if (job->lines_length + length + 1 > ANSWER_HEADER_BYTES_MAX) {
		job->too_large = true;
		return 0;
	}
	job->lines = must_realloc(job->lines, job->lines_length + length + 1);
	memcpy(job->lines + job->lines_length, data, length);
	job->lines[job->lines_length + length] = '\0';
	job->lines_length += length + 1;
	job->line_count++;
	return given;
}

static void set_method(CURL *handle, const struct exchange *exchange)
{
	if (exchange->method == HTTP_HEAD)
		curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
	else if (exchange->body || exchange->method == HTTP_POST) {
		curl_easy_setopt(handle, CURLOPT_POSTFIELDS, exchange->body ? exchange->body : "");
		curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)(exchange->body ? exchange->body_length : 0));
	}
	if (exchange->method != HTTP_HEAD)
		curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, http_method_text(exchange->method));
	/* On a kept connection that has died curl sends the request again, unasked. */
	if (exchange->method == HTTP_POST || exchange->method == HTTP_PATCH)
		curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
}

static void set_options(CURL *handle, struct job *job)
{
	const struct exchange *exchange = job->exchange;

	curl_easy_setopt(handle, CURLOPT_URL, exchange->url);
	curl_easy_setopt(handle, CURLOPT_HTTPHEADER, job->headers_out);
	curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(handle, CURLOPT_PROXY, "");
	curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)MAX(exchange->timeout_ms, 1));
	curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
			 MIN((long)MAX(exchange->timeout_ms, 1), CONNECT_TIMEOUT_MS));
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(handle, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(handle, CURLOPT_WRITEDATA, job);
	curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(handle, CURLOPT_HEADERDATA, job);
	curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, job->problem);
	set_method(handle, exchange);
}

static void carry_out(void *arg)
{
	struct job *job = arg;
	CURL *handle = take_handle();

	if (!handle) {
		job->code = CURLE_OUT_OF_MEMORY;
		return;
	}
	set_options(handle, job);
	job->code = curl_easy_perform(handle);
	curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &job->status);
	curl_easy_getinfo(handle, CURLINFO_REQUEST_SIZE, &job->bytes_sent);
	give_handle(handle);
}

/* False where a header would break its line. */
static bool make_headers(struct arena *arena, struct job *job)
{
	const struct exchange *exchange = job->exchange;
	/* No waiting for a 100 before a body is sent. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	for (size_t i = 0; list && i < exchange->header_count; i++) {
		const struct header *header = &exchange->headers[i];
		struct curl_slist *longer;

		if (strpbrk(header->name, "\r\n") || strpbrk(header->value, "\r\n")) {
			curl_slist_free_all(list);
			return false;
		}
		/* A name with a semicolon is how curl is given an empty value. */
		longer = curl_slist_append(
			list, header->value[0]
				      ? arena_printf(arena, "%s: %s", header->name, header->value)
				      : arena_printf(arena, "%s;", header->name));
		if (!longer)
			curl_slist_free_all(list);
		list = longer;
	}
	job->headers_out = list;
	return list;
}

static struct answer make_answer(struct arena *arena, const struct job *job)
{
	struct answer answer = {.status = (int)job->status, .length = job->length};
	const char *line = job->lines;

	answer.headers = ARENA_ARRAY(arena, struct header, job->line_count);
	for (; answer.header_count < job->line_count; answer.header_count++) {
		size_t name_length = strcspn(line, ":");
		struct header *header = &answer.headers[answer.header_count];

		header->name = text_lower(arena, arena_copy_bytes(arena, line, name_length));
		header->value = text_trim(arena, line + name_length + 1);
		line += strlen(line) + 1;
	}
	answer.body = arena_copy_bytes(arena, job->body, job->length);
	return answer;
}

/* The error, and a sentence without what the other side must not read: addresses are ours. */
static enum err fail(struct arena *arena, const struct job *job, const char **ret_why)
{
	const char *problem = job->problem[0] ? job->problem : curl_easy_strerror(job->code);

	if (ret_why && job->too_large)
		*ret_why = "The answer is larger than the limit.";
	else if (ret_why)
		*ret_why = arena_printf(arena, "%s.", problem);
	return job->bytes_sent == 0 ? ERR_UNAVAILABLE : ERR_UPSTREAM;
}

enum err http_exchange(struct arena *arena, const struct exchange *exchange,
		       struct answer *ret_answer, const char **ret_why)
{
	struct job job = {.exchange = exchange};
	enum err err = OK;

	if (!make_headers(arena, &job)) {
		if (ret_why)
			*ret_why = "A header cannot be sent.";
		return ERR_UNAVAILABLE;
	}
	if (fiber_running())
		offload(carry_out, &job);
	else
		carry_out(&job);

	if (job.code == CURLE_OK && job.status > 0)
		*ret_answer = make_answer(arena, &job);
	else
		err = fail(arena, &job, ret_why);
	curl_slist_free_all(job.headers_out);
	free(job.body);
	free(job.lines);
	return err;
}
