/* Storing a changed account, with what others have to hear of it. */
#ifndef SERVICES_USER_CHANGE_H
#define SERVICES_USER_CHANGE_H

#include "http/request.h"
#include "services/user/user.h"
#include "store/sql.h"

/* Stores what the account has become, and publishes UserStatusChanged where its status is another.
 * Version and time are set. ERR_EMAIL_TAKEN. */
enum err user_store_change(struct sql *sql, const struct request *req, const struct user *before,
			   struct user *after) MUST_CHECK;

/* At the start: publishes what an older release has not told of. */
enum err user_tell_untold(struct database *database) MUST_CHECK;

#endif
