/* How an event becomes a message: by e-mail, one per event, user and template. */
#ifndef SERVICES_NOTIFICATION_TELL_H
#define SERVICES_NOTIFICATION_TELL_H

#include "services/notification/message.h"
#include "store/sql.h"

/* What a message tells of. */
struct news {
	struct arena *arena;
	struct id event;
	const char *traceparent;
	const json_t *data; /* what the template is filled with */
};

/* Queues the message that tells the user by the template; nothing where the user has been told.
 * ERR_INVALID where the data are not the template's. `hand_over`: the deliverer gets it at once,
 * where there is room: for the loop of the service's events alone (see handover.h). */
enum err tell(struct sql *sql, const struct news *news, const char *template_name,
	      const struct id *user, bool hand_over) MUST_CHECK;

#endif
