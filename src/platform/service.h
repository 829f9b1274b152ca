/*
 * What a service is to the rest of the program, and what the platform does for its handlers.
 */
#ifndef PLATFORM_SERVICE_H
#define PLATFORM_SERVICE_H

#include "base/hash.h"
#include "events/event.h"
#include "http/request.h"
#include "http/router.h"
#include "store/sql.h"

/* A job is a service's own work beside requests: charging what is reserved, expiring, sending. It
 * runs as a fiber every `every_ms`, and at once when it is poked; never twice at the same time.
 * It looks into the store for what is due, so that a crash forgets nothing. */
struct job {
	const char *name;
	int64_t every_ms;
	void (*run)(void);
};

#define TIME_SLACK_MS (60 * INT64_C(1000))
#define MEND_ROWS_MAX 1000

#define GATHER_MS 25

struct service {
	const char *name;			  /* "order" */
	const struct route *routes;		  /* ends with a row without path */
	const struct subscription *subscriptions; /* ends with a row without type; or NULL */
	/* Least time between two transactions that handle events: GATHER_MS for a service that nobody
	 * waits for when it hears, so that a busy shop commits together what came meanwhile. */
	int64_t gather_ms;
	const struct migration *migrations; /* ends with version 0 */
	const struct job *jobs;		    /* ends with a row without name; or NULL */
	/* Called once, when the databases are open and before anything runs; in no fiber. */
	enum err (*start)(struct database *database);
	/* Where work waits in rows for a time: brings back what waits for longer than it ever does by
	 * itself and TIME_SLACK_MS more, which a clock that was ahead has set; at most
	 * MEND_ROWS_MAX of each kind. *ret_count grows by how many it were. Or NULL. */
	enum err (*mend_times)(struct sql *sql, int64_t *ret_count);
	/* Gives back what start() took; the workers have stopped. Or NULL. */
	void (*stop)(void);
};

/* --- the store, for handlers ---------------------------------------------------------------- */

/* The service's own database, wherever code of the service runs. */
struct database *service_database(const struct service *service);

/* Write for a request: sql_transaction on the running service's database, and what idempotency
 * needs in the same transaction. The first one of a request that commits is its effect. A body may
 * fill the reply (it is emptied before every run of the body): then the answer is stored with the
 * effect, in one commit. Otherwise the answer is stored when the handler has returned, and if the
 * program is killed in between, a repeated request is answered from what the reply's Location
 * names: so set `location` where the reply is not filled. */
enum err request_transaction(struct request *req, struct reply *reply, sql_body *body, void *arg)
	MUST_CHECK;

/* sql_read on the running service's database. */
enum err request_read(struct request *req, sql_body *body, void *arg) MUST_CHECK;

/* Work that takes long, by its kind. Each kind has threads and a queue of its own, and each address, admin or
 * client of an admin's a share of these: beyond it ERR_OVERLOADED. It is dropped where its client has gone
 * (ERR_ABANDONED). */
enum work_kind {
	WORK_SEARCH,
	WORK_LIST,
	WORK_REPORT,
	WORK_UPLOAD,
	WORK_PASSWORD, /* checking one */
	WORK_REGISTRATION,
	WORK_KINDS,
};

/* Runs `fn(arg)` on a thread of that kind, the fiber parked meanwhile. */
enum err request_work(const struct request *req, enum work_kind kind, void (*fn)(void *arg),
		      void *arg) MUST_CHECK;

/* request_read on such a thread. */
enum err request_read_long(const struct request *req, enum work_kind kind, sql_body *body,
			   void *arg) MUST_CHECK;

/* For a handler whose answer comes after its effect: where its result is found (a path), told
 * before request_transaction. `status` is what a repeated request answers with. */
void request_effect(struct request *req, int status, const char *location);

/* --- secrets --------------------------------------------------------------------------------- */

/* A fingerprint that nobody can make without the platform's secret; each service and purpose has its
 * own. */
struct hash service_fingerprint(const struct service *service, const char *purpose,
				const void *bytes, size_t length);

/* --- calls between services ------------------------------------------------------------------ */

struct call {
	const char *service; /* who is asked: "inventory" */
	enum http_method method;
	const char *path;	     /* with query */
	const struct out *body;	     /* or NULL */
	const char *idempotency_key; /* or NULL */
};

struct call_answer {
	int status;
	enum err err; /* OK for 2xx, else by the problem's slug */
	json_t *json; /* or NULL where there is no JSON */
	const char *body;
	const char *etag;
};

/* Asks another service, as the service that asks (role service): in the same process the dispatcher
 * is called, in the same fiber. `from` names the asker; `req` (or NULL) gives trace and request id,
 * `arena` holds the answer. OK where any answer came, also a refusal: look at ret_answer->err. An
 * error where none came. */
enum err service_call(struct arena *arena, const struct service *from, const struct request *req,
		      const struct call *call, struct call_answer *ret_answer) MUST_CHECK;

/* Sets json and err by the answer's status and its body of `length` bytes. */
void call_answer_read(struct arena *arena, size_t length, struct call_answer *answer);

/* --- jobs -------------------------------------------------------------------------------------- */

/* Has the job run soon; any thread. */
void job_poke(const struct job *job);

#endif
