/* What the files of the platform know of each other; for this folder alone. */
#ifndef PLATFORM_INTERNAL_H
#define PLATFORM_INTERNAL_H

#include "base/secret.h"
#include "platform/platform.h"

/* A service that runs in this process. */
struct running_service {
	const struct service *service;
	struct database *database;
};

/* --- idempotency ------------------------------------------------------------------------------ */

/* The claim of one request on its key. */
struct idempotency {
	const struct request *req;
	const char *caller;
	const char *key;
	struct hash fingerprint;
	struct database *database;
	int64_t number; /* of the row */
	bool effected;	/* the row is stored, with the effect */
	bool answered;	/* and the answer with it */
	int status;	/* from request_effect, 0 before */
	const char *location;
};

extern const struct migration_set platform_migration_set;

/* Looks at the Idempotency-Key. OK with req->idempotency set: run the request; OK with the reply
 * filled: it is the stored answer. Else a refusal. */
enum err idempotency_begin(struct request *req, struct reply *reply) MUST_CHECK;

/* In the effect's transaction, behind its body. */
enum err idempotency_store(struct sql *sql, struct idempotency *claim, const struct reply *reply)
	MUST_CHECK;

/* The request has been run and answered: stores the answer where the effect is there without it,
 * and gives the key free. */
void idempotency_end(struct request *req, const struct reply *reply);

/* A job's: forgets keys that are older than they are kept. */
void idempotency_expire(void);

/* --- the platform's secret -------------------------------------------------------------------- */

/* Reads it from the data directory, or makes it where `all` services have no data yet, or where it is
 * to be replaced. ERR_CONFLICT where it is lost. *ret_why lives in `arena`, here and below. */
enum err platform_secret_open(const char *data_directory, const struct service *const *all,
			      bool replace, struct arena *arena, const char **ret_why) MUST_CHECK;

/* ERR_CONFLICT where the database was sealed with another one, and that is not to be replaced. */
enum err platform_secret_check(struct database *database, const char *data_directory, bool replace,
			       struct arena *arena, const char **ret_why) MUST_CHECK;

const struct secret *platform_secret(void);

/* --- long work -------------------------------------------------------------------------------- */

/* Makes the pools of service.h's kinds of work, by the settings; gives them back. */
void work_open(void);
void work_close(void);

#define CALLER_NAME_SIZE 96

/* Who asks: a user, a client, or an address. False: the platform itself. */
bool caller_name(const struct request *req, char name[static CALLER_NAME_SIZE]);

/* --- moments ---------------------------------------------------------------------------------- */

#define MOMENTS_EVERY_MS 2000

/* All are open. */
void moments_begin(void);

/* A job's, and the last before all is closed: has the files know of each other how far they are. */
void moments_note(void);

/* --- jobs ------------------------------------------------------------------------------------- */

void jobs_start(const struct job *jobs);
void jobs_forget(void);

/* A job's: brings back what waits for times that are too far off. */
void times_mend(void);

/* Rows of the platform's own. */
extern const struct route parked_routes[];

size_t platform_service_count(void);
struct running_service *platform_service(size_t index);
struct running_service *platform_find(const char *name);

#endif
