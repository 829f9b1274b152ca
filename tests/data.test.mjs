// The data directory: what is in it stays there until all have made use of it, and what does not
// belong together is not taken for a shop.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import { Faults } from './lib/faults.mjs';
import { runSouk, startShop, waitFor } from './lib/shop.mjs';

const DAY_MS = 24 * 60 * 60 * 1000;

// Whether the job has run since the start.
const jobHasRun = (shop, job) => waitFor(async () => {
  const { text } = await shop.api('GET', '/metrics');
  return new RegExp(`^souk_job_seconds_count\\{job="${job}"\\} [1-9]`, 'm').test(text);
}, `the job ${job} has run`);

async function toldTypes(dataDir) {
  const { stdout } = await runSouk(['events', '--data', dataDir]);
  return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line).type);
}

describe('events are kept until all of the platform have heard them', () => {
  const faults = new Faults();
  const some = { SOUK_SERVICES: 'user,auth' };
  let shop;

  after(() => faults.remove());

  test('also where a process runs without their hearers, for longer than they are kept', async () => {
    shop = await startShop({ dataDir: faults.dataDir, env: { ...faults.env(), ...some } });
    const buyers = [await shop.customer(), await shop.customer(), await shop.customer()];
    faults.set('clockMs', 8 * DAY_MS);
    await shop.restart();
    await jobHasRun(shop, 'events-prune');
    assert.equal((await toldTypes(faults.dataDir)).filter((type) => type === 'UserRegistered').length, 3);

    await shop.restart({ env: { SOUK_SERVICES: 'all' } });
    for (const { id, email } of buyers) {
      await waitFor(async () => (await shop.all(`/notifications?userId=${id}`, await shop.admin()))
        .some((message) => message.to === email), `${email} is welcomed`);
    }
  });

  test('and not for longer', async () => {
    faults.set('clockMs', 16 * DAY_MS);
    await shop.restart();
    await jobHasRun(shop, 'events-prune');
    assert.equal((await toldTypes(faults.dataDir)).filter((type) => type === 'UserRegistered').length, 1,
      'the last one stays, so that numbers go on');
  });
});
