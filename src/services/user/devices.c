/* A token is a random name and its keyed fingerprint with the account's id and password hash. */
#include "services/user/devices.h"

#include <string.h>

#include "base/env.h"
#include "base/text.h"

#define NAME_BYTES 16

struct device {
	uint8_t name[NAME_BYTES];
	struct hash proof;
};

static struct hash proof_of(const struct device *device, const struct user *user)
{
	struct {
		uint8_t name[NAME_BYTES];
		uint8_t user[sizeof(user->id.bytes)];
		struct hash password;
	} parts;

	memcpy(parts.name, device->name, sizeof(parts.name));
	memcpy(parts.user, user->id.bytes, sizeof(parts.user));
	parts.password = hash_of_text(user->password_hash);
	return service_fingerprint(&user_service, "device", &parts, sizeof(parts));
}

char *device_token_new(struct arena *arena, const struct user *user)
{
	struct device device;

	env_random(device.name, sizeof(device.name));
	device.proof = proof_of(&device, user);
	return base64url_encode(arena, &device, sizeof(device));
}

const char *device_of_token(struct arena *arena, const struct user *user, const char *token)
{
	struct device device;
	struct hash proof;
	uint8_t *bytes;
	size_t length;

	if (!token || !user->password_hash || !base64url_decode(arena, token, &bytes, &length) ||
	    length != sizeof(device))
		return NULL;
	memcpy(&device, bytes, sizeof(device));
	proof = proof_of(&device, user);
	return hash_equal(&proof, &device.proof)
		       ? hex_encode(arena, device.name, sizeof(device.name))
		       : NULL;
}
