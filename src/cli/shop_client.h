/*
 * A command's way to the shop of a data directory, whether or not a server runs on it: where one
 * does, over HTTP with a token signed by the shop's own key; else the shop is opened in this
 * process, without listening.
 */
#ifndef CLI_SHOP_CLIENT_H
#define CLI_SHOP_CLIENT_H

#include "platform/service.h"

/* Opens the shop of the setting `data`; the settings are loaded. `name` says who calls ("import").
 * *ret_why lives in `arena`. */
enum err shop_client_open(const char *name, struct arena *arena, const char **ret_why) MUST_CHECK;

/* As service_call, with role service; internal routes too. */
enum err shop_client_call(struct arena *arena, const struct call *call,
			  struct call_answer *ret_answer) MUST_CHECK;

/* Whether a server runs on the directory, and is what is spoken to. */
bool shop_client_is_remote(void);

/* Waits until all events are handled, where the shop runs in this process, and closes it. */
void shop_client_close(void);

#endif
