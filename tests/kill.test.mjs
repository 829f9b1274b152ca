// Never lost: the program is killed at random moments of the whole saga, under load, again and
// again on the same data; half of the kills are power cuts that lose, or tear, what was not synced
// (tests/faults/). Whatever it had acknowledged is there afterwards, settles, and adds up.
//
//   CRASHES=1000    how many kills; 50 without it
//   SEED=7          to make the same choices again as a run before (it prints its seed)

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { Faults, randomFrom } from './lib/faults.mjs';
import { ADMIN_EMAIL, ADMIN_PASSWORD, runSouk, startShop } from './lib/shop.mjs';
import { Trade } from './lib/trade.mjs';

const CRASHES = Number(process.env.CRASHES ?? 50);
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);
const FIRST_STARTS = 4;
const BUYERS = 8;
const ROUNDS = Math.min(CRASHES, 10); // kills between two looks at everything
const LONGEST_MS = 900; // under load, before a kill
const START_UPS = 0.2; // of the kills come while it starts

// Everything that a first start makes is made again, or whole: keys, databases, the administrator.
test(`power cuts during a first start, seed ${SEED}`, async () => {
  const random = randomFrom(SEED);
  for (let i = 0; i < FIRST_STARTS; i++) {
    const faults = new Faults();
    const shop = await startShop({ dataDir: faults.dataDir, env: faults.env() });
    const customer = random.chance(0.5) && await shop.customer();
    faults.cutPower(shop.pid, SEED * 1000 + i);
    await shop.exited;
    shop.child = null;
    await shop.start();
    await shop.login(ADMIN_EMAIL, ADMIN_PASSWORD);
    if (customer) {
      await shop.get(`/users/${customer.id}`, customer.token);
      await shop.waitFor(async () => {
        const { items } = await shop.get('/notifications', await shop.admin());
        return items.length === 1 && items[0].status === 'sent' &&
          existsSync(join(faults.dataDir, 'outbox', `${items[0].id}.eml`));
      }, 'the message is there');
    }
    await shop.sigkill();
    faults.remove();
  }
});

describe(`${CRASHES} kills, seed ${SEED}`, () => {
  const random = randomFrom(SEED);
  const faults = new Faults();
  let shop, trade, kills = 0;

  async function assertAudit(when) {
    const audit = await runSouk(['audit', '--data', faults.dataDir]);
    assert.equal(audit.code, 0, `${when}, kill ${kills} of seed ${SEED}:\n${audit.stdout}${audit.stderr}`);
  }

  // Ends the program that runs, or starts, by one of both kinds of kill.
  function kill(cut) {
    kills += 1;
    if (!cut) return shop.child.kill('SIGKILL');
    return faults.cutPower(shop.pid, SEED * 1000 + kills);
  }

  // A start that is killed after a while; without `whileMs` one that is not.
  async function start(cut, whileMs) {
    Object.assign(shop.env, cut ? faults.env() : Faults.noEnv);
    faults.set('syncDelayUs', cut ? random.oneOf([0, 500, 5000]) : 0);
    const starting = shop.start();
    if (whileMs === undefined) return starting;
    const failed = assert.rejects(starting, /SIGKILL/).catch(() => {});
    await sleep(whileMs);
    if (shop.child) kill(cut);
    await failed;
    if (shop.child) await shop.exited;
    shop.child = null;
    return undefined;
  }

  async function crash() {
    const cut = random.chance(0.5);
    if (random.chance(START_UPS)) {
      await start(cut, random.upTo(600));
      return;
    }
    await start(cut);
    let ended = false;
    const working = trade.work(() => ended);
    // A promise that failed ends the round at once.
    await Promise.race([sleep(random.upTo(LONGEST_MS)), working]);
    ended = true;
    kill(cut);
    const { signal } = await shop.exited;
    assert.equal(signal, 'SIGKILL', shop.log().slice(-4000));
    shop.agent.destroy();
    shop.child = null;
    await working;
  }

  before(async () => {
    shop = await startShop({
      dataDir: faults.dataDir,
      // A lease that a kill leaves behind is over soon; tokens outlive the many ports it listens on.
      env: {
        SOUK_PUBLIC_URL: 'http://127.0.0.1:8080', SOUK_ACCESS_MINUTES: '1440', SOUK_REVIEW_FLOOD: '1000', SOUK_LOG_ACCESS: 'off', SOUK_PROVIDER_TIMEOUT_MS: '1000',
      },
    });
    trade = new Trade(shop, random);
    await trade.open(BUYERS);
    await shop.sigkill();
  });

  // The next kill finds it at work, and the data as they are.
  afterEach(() => shop.child && shop.sigkill());

  after(() => faults.remove());

  for (let done = 0; done < CRASHES; done += ROUNDS) {
    const until = Math.min(done + ROUNDS, CRASHES);
    test(`kills ${done + 1} to ${until}: what was acknowledged is there`, async (t) => {
      t.diagnostic(`seed ${SEED}`);
      while (kills < until) await crash();
      await assertAudit('as the kill left it');
      await start(random.chance(0.5));
      await trade.settle();
      await trade.check();
      await assertAudit('while it runs');
      t.diagnostic(`${trade.orders.length} orders, ${trade.refunds.length} refunds, ` +
        `${trade.accounts.length} registrations, ${trade.reviews.length} reviews`);
    });
  }

  test('it stops as it should, and the audit finds nothing', async () => {
    await start(false);
    assert.equal(await shop.sigterm(), 0);
    await assertAudit('stopped');
  });
});
