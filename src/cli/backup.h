/*
 * What a backup is: a tar of plain files, mode 0600,
 *
 *	souk-backup.json   {"format": 1, "souk": "0.1.0", "takenAt": ..., "databases": ["order", ...]}
 *	order.db ...       each database, as all of them were at one moment
 *	souk.key, keys/... what seals and signs
 *	outbox/...         the messages that were written by then
 *	souk-backup.sum    {"bytes": n, "sha256": ...} of the archive up to here
 *
 * so that ordinary tools can look into it: tar -t, head -c n FILE | sha256sum, sqlite3.
 */
#ifndef CLI_BACKUP_H
#define CLI_BACKUP_H

#include <stdbool.h>

#define BACKUP_FORMAT 1
#define BACKUP_HEAD "souk-backup.json"
#define BACKUP_SUM "souk-backup.sum"
#define BACKUP_HEAD_MAX 4096	  /* bytes of either */
#define BACKUP_PIECE (256 * 1024) /* read and written at a time */

/* "order.db", "keys/1763817360000.key": nothing that leads elsewhere, or that no shop has. */
bool backup_holds_name(const char *name);

#endif
