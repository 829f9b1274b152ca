/* Who asks, as a name: for limits and shares. */
#include <stdio.h>
#include <string.h>

#include "platform/internal.h"

bool caller_name(const struct request *req, char name[static CALLER_NAME_SIZE])
{
	const struct caller *caller = &req->caller;
	char user[ID_TEXT_SIZE];

	if (!caller->roles) {
		snprintf(name, CALLER_NAME_SIZE, "address %s", req->client_network);
	} else if (id_is_zero(&caller->user)) {
		/* A part of the platform that asks for itself. */
		if (strcmp(req->client_address, "internal") == 0)
			return false;
		snprintf(name, CALLER_NAME_SIZE, "client %s", caller->client);
	} else {
		id_format(&caller->user, user);
		snprintf(name, CALLER_NAME_SIZE, "user %s", user);
	}
	return true;
}
