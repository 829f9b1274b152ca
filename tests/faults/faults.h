/*
 * The faults that a test can ask for, while the program runs: words of a file that it writes and
 * that the preloaded library has mapped. lib/faults.mjs has the same table.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdint.h>

enum fault_word {
	FAULT_SEED,	     /* of what the power cut loses */
	FAULT_WRITE_ERROR,   /* errno of every writing, naming and making of files; 0: none */
	FAULT_SYNC_ERROR,    /* errno of fsync and fdatasync */
	FAULT_SYNC_FILES,    /* not 0: syncs of databases' logs do not fail; of the files they do */
	FAULT_READ_ERROR,    /* errno of reading databases and their logs */
	FAULT_SYNC_DELAY_US, /* each sync takes up to so long */
	FAULT_HOLD_SANDBOX,  /* while not 0, nothing of sandbox.db can be synced: it hangs */
	FAULT_CLOCK_MS,	     /* added to the wall clock */
	FAULT_MEMORY_ONE_IN, /* so many allocations, of which one fails; 0: none does */
	FAULT_COUNT,	     /* how many faults there were: for the test to read */
	FAULT_WORDS,
};

/* NULL where nothing is asked for (FAULTS_CONTROL). */
extern volatile int64_t *fault_words;

int64_t fault_word(enum fault_word word);
void fault_happened(void);

/* Numbers that one seed gives again and again. */
uint64_t fault_random(uint64_t *state);

#endif
