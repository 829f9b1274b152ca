// The audit of a shop's data, demanded to be silent.

import assert from 'node:assert/strict';

import { runSouk } from './shop.mjs';

export async function assertAudit(dataDir) {
  const audit = await runSouk(['audit', '--data', dataDir]);
  assert.equal(audit.code, 0, audit.stdout + audit.stderr);
}
