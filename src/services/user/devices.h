/*
 * Devices on which an account logged in before: a log-in answers a token that says so, and that the
 * device sends along the next time. It opens nothing: it is for attempts.h, which counts whose
 * attempts it was. Nothing is stored; another password ends all of an account's.
 */
#ifndef SERVICES_USER_DEVICES_H
#define SERVICES_USER_DEVICES_H

#include "services/user/user.h"

#define DEVICE_TOKEN_MAX 128

char *device_token_new(struct arena *arena, const struct user *user);

/* What names the device; NULL where the token is none of this account's. `token` may be NULL. */
const char *device_of_token(struct arena *arena, const struct user *user, const char *token);

#endif
