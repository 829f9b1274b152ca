// What goes wrong outside the program: it says so, harms nobody, loses nothing, and is well again
// when the world is, without a restart where that can be.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';

import { EIO, ENOSPC, EROFS, Faults } from './lib/faults.mjs';
import { ADDRESS, ADMIN_EMAIL, ADMIN_PASSWORD, PASSWORD, inParallel, runSouk, startShop, waitFor } from './lib/shop.mjs';

const EXIT_DATA_FAILED = 70;
const HOUR_MS = 3_600_000;

let faults, shop;

// A shop with a buyer and a product, whose world can be harmed.
async function harmable(env = {}, options = {}) {
  faults = new Faults();
  shop = await startShop({
    dataDir: faults.dataDir,
    env: { ...faults.env(options), SOUK_PROVIDER_TIMEOUT_MS: '1000', ...env },
  });
  const buyer = await shop.customer();
  const product = await shop.createProduct({ stock: 1_000_000 });
  return { buyer, product };
}

afterEach(async () => {
  faults?.reset();
  try {
    await shop?.stop();
  } finally {
    faults?.remove();
    faults = shop = undefined;
  }
});

// Any answer is an answer, unless `expect` says which.
const order = ({ buyer, product }, { payment = 'tok_visa', ...over } = {}) => shop.api('POST', '/orders', {
  token: buyer.token, key: shop.unique('order'),
  body: { items: [{ productId: product.id, quantity: 1 }], shippingAddress: ADDRESS, paymentMethod: payment },
  ...over,
});

async function assertWell(trade) {
  await waitFor(async () => (await shop.api('GET', '/readyz')).status === 200, 'it is ready');
  const { json } = await order(trade, { expect: 201 });
  assert.equal((await shop.settled(json.id, trade.buyer.token)).status, 'paid');
}

// All orders that were acknowledged are there, and settled; the data are sound.
async function assertNothingLost(ids, { buyer }) {
  await inParallel(ids, 8, (id) => shop.settled(id, buyer.token));
  await waitFor(async () => (await shop.all('/notifications', await shop.admin())).every(({ status }) => status === 'sent'),
    'every message is sent');
  assert.deepEqual((await shop.get('/events/parked', await shop.admin())).items, []);
  const audit = await runSouk(['audit', '--data', shop.dataDir]);
  assert.equal(audit.code, 0, audit.stdout + audit.stderr);
}

// What the orders before have set going is done: nothing has been committed for some polls.
async function quiet() {
  const admin = await shop.admin();
  let before, polls = 0;
  await waitFor(async () => {
    const { text } = await shop.api('GET', '/metrics', { token: admin });
    const commits = text.match(/^souk_database_commits_total.*$/gm).join();
    polls = commits === before ? polls + 1 : 0;
    before = commits;
    return polls >= 10;
  }, 'it is quiet');
}

// It has ended by itself, with this exit code (or signal).
async function ended() {
  const outcome = await shop.exited;
  shop.child = null;
  shop.agent.destroy();
  return outcome;
}

function isRefusal({ status, headers, json, text }, statuses) {
  assert.ok(statuses.includes(status), `${status}: ${text}`);
  assert.ok(json.type.startsWith('/problems/'), text);
  assert.ok(Number(headers['retry-after']) > 0, 'it says when to try again');
}

// ---- the disk

describe('a disk that takes no more', () => {
  for (const [name, error, statuses] of [
    ['is full', ENOSPC, [507]],
    ['became read-only', EROFS, [503]],
    ['cannot be written', EIO, [503]],
  ]) {
    test(`${name}: writes are refused, reads go on, and all is well afterwards`, async () => {
      const trade = await harmable();
      const before = (await order(trade, { expect: 201 })).json.id;
      faults.set('writeError', error);
      for (let i = 0; i < 5; i++) isRefusal(await order(trade), statuses);
      isRefusal(await shop.api('POST', '/users/register',
        { body: { email: `${shop.unique('full')}@buyers.example`, password: PASSWORD } }), statuses);
      await shop.get(`/products/${trade.product.id}`);
      await shop.get(`/orders/${before}`, trade.buyer.token);
      assert.ok(faults.get('count') > 0);
      faults.set('writeError', 0);
      await assertWell(trade);
      await assertNothingLost([before], trade);
    });
  }

  test('fills up under a charge, which settles as soon as there is room', async () => {
    const trade = await harmable({ SOUK_PROVIDER_TIMEOUT_MS: '60000' });
    faults.set('holdSandbox', 1);
    const { json } = await order(trade, { expect: 202, headers: { prefer: 'respond-async' } });
    await waitFor(async () => (await shop.get(`/orders/${json.id}`, trade.buyer.token)).status === 'reserved',
      'the order waits for the provider');
    faults.set('writeError', ENOSPC);
    faults.set('holdSandbox', 0);
    // Every two seconds the files note each other's numbers, and meet it too.
    const told = (event) => shop.log().split(`"${event}"`).length - 1;
    await waitFor(() => told('store.full') > told('data.moments') + 2, 'the charge meets the full disk');
    faults.set('writeError', 0);
    // The order's lease is a minute and a half.
    await waitFor(async () => (await shop.get(`/orders/${json.id}`, trade.buyer.token)).status === 'paid', 'it is paid', 20_000);
    await assertNothingLost([json.id], trade);
  });

  test('fills up while it sells: what was acknowledged is there, whatever was refused', async () => {
    const trade = await harmable();
    const acknowledged = [];
    let on = true;
    const selling = inParallel(Array.from({ length: 8 }), 8, async () => {
      while (on) {
        const answer = await order(trade, { headers: { prefer: 'respond-async' } });
        if (answer.status < 300) acknowledged.push(answer.json.id);
        else isRefusal(answer, [507, 503]);
      }
    });
    for (let i = 0; i < 6; i++) {
      const enough = acknowledged.length + 20;
      await waitFor(() => acknowledged.length >= enough, 'it sells');
      const count = faults.get('count');
      faults.set('writeError', ENOSPC);
      await waitFor(() => faults.get('count') > count + 10, 'it meets the full disk');
      faults.set('writeError', 0);
    }
    on = false;
    await selling;
    await assertWell(trade);
    await assertNothingLost(acknowledged, trade);
  });

  test('a real one, of a few megabytes, fills up and is given room again', async (t) => {
    faults = new Faults();
    mkdirSync(faults.dataDir);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=0700', 'tmpfs', faults.dataDir], { stdio: 'ignore' });
    } catch {
      return t.skip('nobody may mount here');
    }
    try {
      shop = await startShop({ dataDir: faults.dataDir });
      const trade = { buyer: await shop.customer(), product: await shop.createProduct({ stock: 1000 }) };
      const ballast = openSync(join(faults.dataDir, 'ballast'), 'w');
      assert.throws(() => {
        for (;;) writeSync(ballast, Buffer.alloc(4096));
      }, /ENOSPC/);
      closeSync(ballast);
      const acknowledged = [];
      const refused = await waitFor(async () => {
        const answer = await order(trade, { headers: { prefer: 'respond-async' } });
        if (answer.status < 300) acknowledged.push(answer.json.id);
        return answer.status >= 300 && answer;
      }, 'an order is refused');
      isRefusal(refused, [507, 503]);
      await shop.get(`/products/${trade.product.id}`);
      rmSync(join(faults.dataDir, 'ballast'));
      await assertWell(trade);
      await assertNothingLost(acknowledged, trade);
      assert.equal(await shop.sigterm(), 0);
    } finally {
      if (shop?.child) await shop.sigkill();
      execFileSync('umount', [faults.dataDir]);
    }
    return undefined;
  });

  test('nothing starts on it, and the error names the file', async () => {
    for (const error of [ENOSPC, EROFS, EIO]) {
      faults = new Faults();
      mkdirSync(faults.dataDir);
      faults.set('writeError', error);
      const start = await runSouk(['serve', '--listen', '127.0.0.1:0', '--data', faults.dataDir], { env: faults.env() });
      assert.equal(start.code, 1, start.stderr);
      assert.ok(start.stderr.includes(faults.dataDir), start.stderr);
      faults.remove();
    }
    faults = undefined;
  });
});

describe('a disk that does not confirm what was written', () => {
  for (const part of ['the order', 'the provider\'s books']) {
    test(`the program stops with ${EXIT_DATA_FAILED} (${part}), and its next start finds everything`, async () => {
      const trade = await harmable();
      const acknowledged = [(await order(trade, { expect: 201 })).json.id];
      if (part !== 'the order') {
        // Only what is on its way to the provider, when the books do not open to it any more.
        faults.set('holdSandbox', 1);
        acknowledged.push((await order(trade, { expect: 202, headers: { prefer: 'respond-async' } })).json.id);
        await waitFor(async () => (await shop.get(`/orders/${acknowledged[1]}`, trade.buyer.token)).status === 'reserved',
          'the order waits for the provider');
      }
      if (part === 'the order') await quiet(); // the next to write are these
      faults.set('syncError', EIO);
      const asked = part === 'the order' && Promise.allSettled(Array.from({ length: 4 }, () => order(trade)));
      faults.set('holdSandbox', 0);
      if (asked) {
        // Who is too late finds nobody listening.
        const answers = (await asked).filter(({ status }) => status === 'fulfilled');
        assert.ok(answers.length > 0);
        for (const { value } of answers) isRefusal(value, [503]);
      }
      assert.deepEqual(await ended(), { code: EXIT_DATA_FAILED, signal: null });
      assert.match(shop.log(), /"store\.sync-failed"/);
      faults.set('syncError', 0);
      await shop.start();
      await assertWell(trade);
      await assertNothingLost(acknowledged, trade);
    });
  }
});

test('a checkpoint that the disk does not confirm stops the program too, and costs nothing', async () => {
  const trade = await harmable();
  const acknowledged = [(await order(trade, { expect: 201 })).json.id];
  const admin = await shop.admin();
  faults.set('syncFiles', 1);
  faults.set('syncError', EIO);
  // Until a log is long enough to be copied: all of this is acknowledged, and stays.
  const drafts = [];
  let over = false;
  await inParallel(Array.from({ length: 8 }), 8, async () => {
    while (!over) {
      const { status, json } = await shop.api('POST', '/products', {
        token: admin,
        check: false,
        body: { name: shop.unique('Long'), price: { amount: 100, currency: 'EUR' }, description: 'long '.repeat(4000) },
      }).catch(() => ({}));
      if (status === 201 && drafts.length < 400) drafts.push(json.id);
      else over = true;
    }
  });
  assert.ok(drafts.length < 400, 'it has stopped before');
  assert.deepEqual(await ended(), { code: EXIT_DATA_FAILED, signal: null });
  assert.match(shop.log(), /"store\.sync-failed"/);
  const logs = readdirSync(faults.dataDir).filter((name) => name === 'product.db-wal');
  assert.deepEqual(logs, ['product.db-wal'], 'the log is left as it is');
  faults.reset();
  await shop.start();
  for (const id of drafts) await shop.get(`/products/${id}`, admin);
  await assertWell(trade);
  await assertNothingLost(acknowledged, trade);
});

describe('data that cannot be read', () => {
  test('a read that fails is a 503, and the next one is well', async () => {
    const trade = await harmable();
    await shop.restart(); // nothing is in its memory
    faults.set('readError', EIO);
    isRefusal(await shop.api('GET', `/products/${trade.product.id}`), [503]);
    isRefusal(await shop.api('GET', '/readyz', { check: false }).then((answer) => ({
      ...answer, json: { type: '/problems/' }, headers: { 'retry-after': 1 },
    })), [503]);
    assert.equal((await shop.api('GET', '/healthz')).status, 200);
    faults.set('readError', 0);
    await shop.get(`/products/${trade.product.id}`);
    await assertWell(trade);
  });

  test('a file that is no database is named at the start, and left as it is', async () => {
    await harmable();
    assert.equal(await shop.sigterm(), 0);
    const path = join(faults.dataDir, 'order.db');
    const whole = readFileSync(path);
    const broken = Buffer.from(whole);
    broken.fill(0x5a, 0, 100);
    for (const bytes of [Buffer.from('not at all a database, and rather short'), broken]) {
      writeFileSync(path, bytes);
      const start = await runSouk(['serve', '--listen', '127.0.0.1:0', '--data', faults.dataDir]);
      assert.equal(start.code, 1, start.stderr);
      assert.match(start.stderr, /^souk: .*order\.db: file is not a database$/m);
      assert.deepEqual(readFileSync(path), bytes);
    }
    writeFileSync(path, whole);
    await shop.start();
  });

  test('pages that are broken are answered with 503, by a program that lives on', async () => {
    const trade = await harmable();
    const ids = await inParallel(Array.from({ length: 30 }), 6, async () => (await order(trade, { expect: 201 })).json.id);
    assert.equal(await shop.sigterm(), 0);
    const path = join(faults.dataDir, 'order.db');
    const pages = statSync(path).size / 4096;
    const whole = readFileSync(path);
    const file = openSync(path, 'r+');
    // All but the first, which has the schema, and those of the schema's own table behind it.
    for (let page = 4; page < pages; page++) writeSync(file, Buffer.alloc(4096, 0xa5), 0, 4096, page * 4096);
    closeSync(file);
    const start = await shop.start().then(() => true, (error) => error);
    if (start === true) {
      for (const id of ids.slice(0, 5)) isRefusal(await shop.api('GET', `/orders/${id}`, { token: trade.buyer.token }), [503]);
      isRefusal(await order(trade), [503]);
      await shop.get(`/products/${trade.product.id}`);
      await shop.sigkill();
    } else {
      assert.match(start.message, /order/);
    }
    const audit = await runSouk(['audit', '--data', faults.dataDir]);
    assert.notEqual(audit.code, 0);
    assert.match(audit.stdout + audit.stderr, /order/);
    // A backup is put back in its place.
    for (const name of readdirSync(faults.dataDir)) if (/^order\.db-/.test(name)) rmSync(join(faults.dataDir, name));
    writeFileSync(path, whole);
    await shop.start();
    await assertNothingLost(ids, trade);
  });
});

// ---- the machine

test('a second instance is refused, names the first, and disturbs nothing', async () => {
  const trade = await harmable();
  const seconds = await inParallel([1, 2, 3], 3, () =>
    runSouk(['serve', '--listen', '127.0.0.1:0', '--data', faults.dataDir]));
  for (const { code, stderr } of seconds) {
    assert.equal(code, 1);
    assert.ok(stderr.includes(String(shop.pid)) && stderr.includes(shop.url), stderr);
  }
  await assertWell(trade);
  // The lock dies with its holder, whatever it had written down.
  await shop.sigkill();
  await shop.start();
  await assertWell(trade);
});

// What is due at a time waits for that time; so what was queued while the clock was ahead is let
// out before it steps back.
test('a clock that steps back and forth mixes nothing up, and whoever comes is served', async () => {
  const trade = await harmable();
  const ids = [];
  const buys = async () => {
    const { accessToken } = await shop.login(trade.buyer.email, trade.buyer.password);
    const { json } = await order({ ...trade, buyer: { token: accessToken } }, { expect: 201, payment: 'tok_flaky' });
    ids.push(json.id);
    assert.equal((await shop.settled(json.id, accessToken)).status, 'paid');
    const admin = await shop.login(ADMIN_EMAIL, ADMIN_PASSWORD);
    await waitFor(async () => {
      const all = await shop.all('/notifications', admin.accessToken);
      return all.length > ids.length && all.every(({ status }) => status === 'sent');
    }, 'its message is sent');
    return accessToken;
  };
  for (const hours of [0, 1, -1, 2, 0, -24, 0]) {
    faults.set('clockMs', hours * HOUR_MS);
    trade.buyer.token = await buys();
  }
  await shop.api('GET', '/readyz', { expect: 200 });
  assert.equal(new Set(ids).size, ids.length);
  const listed = await shop.all(`/orders/user/${trade.buyer.id}`, trade.buyer.token, 3);
  assert.deepEqual(listed.map(({ id }) => id).sort(), [...ids].sort(), 'pages miss none, and repeat none');
  // A stop has its patience in time that does not step.
  const stopping = shop.sigterm();
  faults.set('clockMs', -HOUR_MS);
  assert.equal(await stopping, 0);
  faults.set('clockMs', 0);
  await shop.start();
  shop.tokens = {};
  await assertNothingLost(ids, { buyer: await shop.login(trade.buyer.email, trade.buyer.password).then(({ accessToken }) => ({ token: accessToken })) });
});

// Orders that wait for a provider that hangs, and so for times in rows: leases, a reservation's end.
async function underWay(trade, count) {
  faults.set('holdSandbox', 1);
  const { accessToken } = await shop.login(trade.buyer.email, trade.buyer.password);
  const ids = await inParallel(Array.from({ length: count }), count, async () =>
    (await order({ ...trade, buyer: { token: accessToken } }, { expect: 202, headers: { prefer: 'respond-async' } })).json.id);
  await inParallel(ids, count, (id) => waitFor(async () =>
    (await shop.get(`/orders/${id}`, accessToken)).status === 'reserved', `order ${id} waits for the provider`));
  return ids;
}

// They have come to an end of either kind; what it was.
async function outcomes(trade, ids) {
  shop.tokens = {};
  const { accessToken } = await shop.login(trade.buyer.email, trade.buyer.password);
  trade.buyer.token = accessToken;
  await assertNothingLost(ids, trade);
  return inParallel(ids, 8, async (id) => (await shop.get(`/orders/${id}`, accessToken)).status);
}

test('what was begun by a clock that was ahead does not wait until it has caught up', async () => {
  const trade = await harmable();
  // Over a step, and over one that came while the program did not run.
  faults.set('clockMs', 24 * HOUR_MS);
  const first = await underWay(trade, 4);
  faults.set('clockMs', 0);
  faults.set('holdSandbox', 0);
  assert.deepEqual(await outcomes(trade, first), first.map(() => 'paid'));

  faults.set('clockMs', 24 * HOUR_MS);
  const second = await underWay(trade, 4);
  await shop.sigkill();
  faults.set('clockMs', 0);
  faults.set('holdSandbox', 0);
  await shop.start();
  assert.deepEqual(await outcomes(trade, second), second.map(() => 'paid'));
  assert.match(shop.log(), /"clock\.stepped-back"/);
  await assertWell(trade);
});

test('whose tokens were ended by a clock that was ahead is served when it has stepped back', async () => {
  const trade = await harmable();
  const buyer = await shop.customer();
  const moved = await shop.customer();
  const admin = () => shop.login(ADMIN_EMAIL, ADMIN_PASSWORD).then(({ accessToken }) => accessToken);
  const changed = 'another-fine-Passphrase-10';

  faults.set('clockMs', 24 * HOUR_MS);
  const ahead = await shop.login(buyer.email, buyer.password);
  await shop.api('PUT', `/users/${buyer.id}`,
    { token: ahead.accessToken, body: { currentPassword: buyer.password, password: changed }, expect: 200 });
  for (const status of ['suspended', 'active']) {
    await shop.api('PUT', `/users/${moved.id}`, { token: await admin(), body: { status }, expect: 200 });
  }
  await shop.sigkill();
  faults.set('clockMs', 0);
  await shop.start();
  shop.tokens = {};

  for (const { id, email, password } of [{ ...buyer, password: changed }, moved]) {
    const { accessToken, refreshToken } = await shop.login(email, password);
    await shop.get(`/users/${id}`, accessToken);
    const { json } = await shop.api('POST', '/auth/refresh', { body: { refreshToken }, expect: 200 });
    await shop.get(`/users/${id}`, json.accessToken);
  }
  // What was ended stays so, whenever it was made.
  await shop.api('GET', `/users/${moved.id}`, { token: moved.token, expect: 401 });
  for (const { refreshToken } of [ahead, buyer, moved]) {
    await shop.api('POST', '/auth/refresh', { body: { refreshToken }, expect: 401 });
  }
  await shop.restart();
  await shop.login(buyer.email, changed);
  trade.buyer.token = (await shop.login(trade.buyer.email, trade.buyer.password)).accessToken;
  await assertWell(trade);
});

test('a clock that steps forth ends reservations, and nobody pays for what he does not get', async () => {
  const trade = await harmable();
  const ids = await underWay(trade, 8);
  faults.set('clockMs', 24 * HOUR_MS);
  await waitFor(async () => (await shop.get(`/inventory/${trade.product.id}`)).reserved === 0, 'the reservations end');
  faults.set('holdSandbox', 0);
  // There is enough for all: it is taken anew. The audit compares what was charged and what is left.
  assert.deepEqual(await outcomes(trade, ids), ids.map(() => 'paid'));

  // And where another has bought it meanwhile, the money goes back.
  const rare = { ...trade, product: await shop.createProduct({ stock: 2 }) };
  const late = await underWay(rare, 2);
  faults.set('clockMs', 48 * HOUR_MS);
  await shop.waitFor(async () => (await shop.get(`/inventory/${rare.product.id}`)).reserved === 0, 'the reservations end');
  await shop.setStock(rare.product.id, 0, (await shop.login(ADMIN_EMAIL, ADMIN_PASSWORD)).accessToken);
  faults.set('holdSandbox', 0);
  assert.deepEqual(await outcomes(rare, late), late.map(() => 'cancelled'));
  await inParallel(late, 2, (id) => waitFor(async () =>
    (await shop.get(`/orders/${id}`, rare.buyer.token)).payment.status === 'refunded', `order ${id} is refunded`));
  await assertNothingLost([...ids, ...late], rare);
});

test('allocations that fail may end the program, and cost nothing that was acknowledged', async () => {
  const trade = await harmable();
  const acknowledged = [];
  for (const oneIn of [20_000, 5_000, 1_000]) {
    await shop.sigterm();
    Object.assign(shop.env, faults.env({ memory: true }));
    await shop.start();
    faults.set('seed', oneIn);
    faults.set('memoryOneIn', oneIn);
    const over = () => shop.child.exitCode !== null || shop.child.signalCode !== null || faults.get('count') >= 20;
    await inParallel(Array.from({ length: 4 }), 4, async () => {
      while (!over()) {
        try {
          const answer = await order(trade, { check: false });
          if (answer.status < 300) acknowledged.push(answer.json.id);
          else assert.ok(answer.status >= 500, `${answer.status} ${answer.text}`);
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error; // else it is gone
          await new Promise((done) => setTimeout(done, 10));
        }
      }
    });
    faults.set('memoryOneIn', 0);
    if (shop.child.exitCode === null && shop.child.signalCode === null) await shop.sigkill();
    else assert.equal((await ended()).signal, 'SIGABRT');
    faults.reset();
    Object.assign(shop.env, faults.env());
    await shop.start();
    await assertWell(trade);
  }
  await assertNothingLost(acknowledged, trade);
});

test('a provider that hangs holds up its own orders alone, and they settle when it answers', async () => {
  const trade = await harmable({ SOUK_ORDER_WAIT_MS: '300' });
  faults.set('holdSandbox', 1);
  const ids = await inParallel(Array.from({ length: 100 }), 20, async () => {
    const { status, json } = await order(trade);
    assert.ok(status === 201 || status === 202);
    assert.ok(['pending', 'reserved'].includes(json.status), json.status);
    return json.id;
  });
  // Everybody else is served.
  await shop.get(`/products/${trade.product.id}`);
  await shop.register();
  await shop.api('GET', '/readyz', { expect: 200 });
  const metrics = (await shop.api('GET', '/metrics', { token: await shop.admin() })).text;
  const running = Number(/souk_limiter_running\{limiter="charge"\} (\d+)/.exec(metrics)?.[1]);
  assert.ok(running <= 64, `${running} charges run`);
  faults.set('holdSandbox', 0);
  const settled = await inParallel(ids, 8, (id) => shop.settled(id, trade.buyer.token));
  assert.ok(settled.every(({ status }) => status === 'paid'));
  await assertNothingLost(ids, trade);
});
