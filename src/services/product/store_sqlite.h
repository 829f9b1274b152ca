/* What the two halves of the SQLite store share. */
#ifndef SERVICES_PRODUCT_STORE_SQLITE_H
#define SERVICES_PRODUCT_STORE_SQLITE_H

#include "services/product/store.h"

#define HEAD_COLUMNS "p.number, p.id, p.vendor_id, p.status, p.version, p.revision"
#define HEAD_COLUMN_COUNT 6

/* Of a row that begins with these columns. */
struct product_head sqlite_read_head(struct sql_rows *rows);

#endif
