/* The Product service, for whoever wires the program together. */
#ifndef SERVICES_PRODUCT_SERVICE_H
#define SERVICES_PRODUCT_SERVICE_H

#include "platform/service.h"

extern const struct service product_service;

#endif
