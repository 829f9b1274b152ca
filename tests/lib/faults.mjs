// Faults of the disk, the clock and the memory, under a program that runs: what tests/faults/ does,
// asked for from a test.
//
//   const faults = new Faults();
//   const shop = await startShop({ dataDir: faults.dataDir, env: faults.env() });
//   faults.set('writeError', ENOSPC);
//   faults.cutPower(shop.pid, seed);       // loses what was not synced, and kills

import assert from 'node:assert/strict';
import { closeSync, existsSync, mkdtempSync, openSync, readSync, realpathSync, rmSync, writeSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { SOUK } from './shop.mjs';

export const { ENOSPC, EROFS, EIO } = constants.errno;

// The words of tests/faults/faults.h, in its order.
const WORDS = ['seed', 'writeError', 'syncError', 'syncFiles', 'readError', 'syncDelayUs', 'holdSandbox', 'clockMs',
  'memoryOneIn', 'count'];

export class Faults {
  constructor() {
    this.directory = realpathSync(mkdtempSync(join(tmpdir(), 'souk-faults-')));
    this.dataDir = join(this.directory, 'data');
    this.control = join(this.directory, 'control');
    this.file = openSync(this.control, 'w+');
    writeSync(this.file, Buffer.alloc(WORDS.length * 8));
  }

  // What a shop is started with, so that it can be harmed.
  env({ memory = false } = {}) {
    const library = join(dirname(SOUK), 'tests/faults', memory ? 'libfaults_memory.so' : 'libfaults.so');
    assert.ok(existsSync(library), `${library} is not built (meson option tests)`);
    return {
      LD_PRELOAD: library,
      FAULTS_CONTROL: this.control,
      FAULTS_DIRECTORY: this.dataDir,
      // A sanitizer wants to come first; that it does not is what the library is for.
      ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=0:verify_asan_link_order=0',
    };
  }

  // The same for a shop that is started on the same data without the library.
  static noEnv = { LD_PRELOAD: undefined, FAULTS_CONTROL: undefined, FAULTS_DIRECTORY: undefined };

  set(word, value) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    writeSync(this.file, bytes, 0, 8, this.offset(word));
  }

  get(word) {
    const bytes = Buffer.alloc(8);
    readSync(this.file, bytes, 0, 8, this.offset(word));
    return Number(bytes.readBigInt64LE());
  }

  offset(word) {
    assert.ok(WORDS.includes(word), word);
    return WORDS.indexOf(word) * 8;
  }

  reset() {
    for (const word of WORDS) this.set(word, 0);
  }

  cutPower(pid, seed) {
    this.set('seed', seed);
    process.kill(pid, 'SIGUSR1');
  }

  remove() {
    closeSync(this.file);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

// Numbers from a seed (mulberry32), so that a run can be repeated.
export function randomFrom(seed) {
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    upTo: (n) => Math.floor(random() * n),
    oneOf: (list) => list[Math.floor(random() * list.length)],
    chance: (p) => random() < p,
  };
}
