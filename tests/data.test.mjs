// The data directory: what is in it stays there until all have made use of it, and what does not
// belong together is not taken for a shop.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

import { Faults } from './lib/faults.mjs';
import { PASSWORD, ROOT, SOUK, inParallel, runSouk, startShop, waitFor } from './lib/shop.mjs';

const DAY_MS = 24 * 60 * 60 * 1000;
const EXIT_DATA_FAILED = 70;

const scratch = mkdtempSync(join(tmpdir(), 'souk-data-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

// Waits until the program has ended by itself.
async function ended(shop) {
  const outcome = await shop.exited;
  shop.child = null;
  shop.agent.destroy();
  return outcome;
}

async function assertAudit(dataDir) {
  const audit = await runSouk(['audit', '--data', dataDir]);
  assert.equal(audit.code, 0, audit.stdout + audit.stderr);
}

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

  after(async () => {
    await shop.stop();
    faults.remove();
  });

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
});

// Every path under the directory, with its mode.
function modesOf(directory) {
  return readdirSync(directory, { withFileTypes: true, recursive: true }).map((entry) => {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    return { path, directory: entry.isDirectory(), mode: statSync(path).mode & 0o777 };
  });
}

function assertPrivate(directory) {
  assert.equal(statSync(directory).mode & 0o777, 0o700, directory);
  const modes = modesOf(directory);
  assert.ok(modes.length >= 15, JSON.stringify(modes));
  for (const { path, directory: isDirectory, mode } of modes) {
    assert.equal(mode, isDirectory ? 0o700 : 0o600, `${path} is ${mode.toString(8)}`);
  }
}

const withUmask = (umask) => ['/bin/sh', '-c', `umask ${umask}; exec "$@"`, 'sh'];

describe('files are readable by their owner alone', () => {
  const mails = (shop) => waitFor(() => readdirSync(join(shop.dataDir, 'outbox')).some((name) => name.endsWith('.eml')),
    'a mail is written');

  for (const umask of ['000', '777']) {
    test(`in a directory that was there before, whatever the umask (${umask})`, async () => {
      const dataDir = join(scratch, `mode-${umask}`);
      mkdirSync(dataDir);
      chmodSync(dataDir, 0o755);
      const shop = await startShop({ dataDir, wrapper: withUmask(umask) });
      await shop.buy({ buyer: await shop.customer(), items: [{ productId: (await shop.createProduct()).id, quantity: 1 }] });
      await mails(shop);
      assertPrivate(dataDir);
      await shop.stop();
      assertPrivate(dataDir);
    });
  }

  test('and those that an earlier program has left open are closed', async () => {
    const dataDir = join(scratch, 'left-open');
    const shop = await startShop({ dataDir });
    await shop.customer();
    await mails(shop);
    await shop.sigkill();
    for (const { path, directory } of modesOf(dataDir)) chmodSync(path, directory ? 0o755 : 0o644);
    chmodSync(dataDir, 0o755);
    await shop.start();
    assertPrivate(dataDir);
    await shop.stop();
  });

  test('what is not ours in the directory, and the directory with it, keeps its mode', async () => {
    const dataDir = join(scratch, 'shared');
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'notes.txt'), 'mine');
    chmodSync(dataDir, 0o755);
    chmodSync(join(dataDir, 'notes.txt'), 0o644);
    const shop = await startShop({ dataDir });
    assert.equal(statSync(dataDir).mode & 0o777, 0o755);
    assert.equal(statSync(join(dataDir, 'notes.txt')).mode & 0o777, 0o644);
    for (const { path, directory, mode } of modesOf(dataDir)) {
      if (!path.endsWith('notes.txt')) assert.equal(mode, directory ? 0o700 : 0o600, path);
    }
    await shop.stop();
  });

  test('and so is a report of an import', async () => {
    const report = join(scratch, 'report.csv');
    const file = join(ROOT, '../shared/data/import-faults/handles.csv');
    const child = spawn('/bin/sh', ['-c', 'umask 0; exec "$@"', 'sh', SOUK, 'import', 'products', file, '--report', report,
      '--data', join(scratch, 'imported')], { stdio: 'ignore' });
    await new Promise((done) => { child.on('close', done); });
    assert.equal(statSync(report).mode & 0o777, 0o600);
    assertPrivate(join(scratch, 'imported'));
  });
});

describe('standard streams that are closed', () => {
  const closed = (args) => spawn('/bin/sh', ['-c', 'exec "$@" <&- >&- 2>&-', 'sh', SOUK, ...args],
    { stdio: 'ignore', env: { ...process.env, SOUK_LOG_LEVEL: 'debug' } });

  test('get nothing written into the files that take their numbers', async () => {
    const dataDir = join(scratch, 'streams');
    const child = closed(['serve', '--listen', '127.0.0.1:0', '--data', dataDir]);
    const exit = new Promise((done) => { child.on('close', (code, signal) => done({ code, signal })); });
    const holder = () => JSON.parse(readFileSync(join(dataDir, 'souk.lock'), 'utf8'));
    const { address } = await waitFor(() => existsSync(join(dataDir, 'souk.lock')) && holder().address && holder(), 'it listens');
    for (let i = 0; i < 20; i++) await (await fetch(`${address}/products`)).text();
    await (await fetch(`${address}/nowhere`)).text();
    assert.equal(holder().pid, child.pid);
    child.kill('SIGTERM');
    assert.deepEqual(await exit, { code: 0, signal: null });
    assert.equal(readFileSync(join(dataDir, 'souk.lock'), 'utf8').split('\n').length, 2);
    await assertAudit(dataDir);
  });

  for (const command of [['audit'], ['keys', 'rotate'], ['events'], ['import', 'products', 'no-such.csv'], ['nonsense'], ['help']]) {
    test(`souk ${command.join(' ')} does not mind`, async () => {
      const dataDir = join(scratch, 'streams');
      const child = closed([...command, ...(command[0] === 'help' ? [] : ['--data', dataDir])]);
      const code = await new Promise((done) => { child.on('close', done); });
      assert.ok([0, 1, 2].includes(code), `${code}`);
      await assertAudit(dataDir);
    });
  }
});

describe('one program at a time', () => {
  test('also where souk.lock was removed, or another one made in its place', async () => {
    const shop = await startShop();
    const lock = join(shop.dataDir, 'souk.lock');
    const second = async (command) => {
      const { code, stderr } = await runSouk([...command, '--data', shop.dataDir]);
      assert.equal(code, 1, stderr);
      assert.match(stderr, /another souk|a souk runs/);
    };
    const all = async () => {
      await second(['serve', '--listen', '127.0.0.1:0']);
      await second(['import', 'products', join(ROOT, '../shared/data/import-faults/handles.csv')]);
      await second(['keys', 'replace-secret']);
    };
    rmSync(lock);
    await all();
    writeFileSync(lock, '');
    await all();
    await shop.customer();
    await shop.stop();
  });

  test('also by another name of the directory', async () => {
    const shop = await startShop({ dataDir: join(scratch, 'first-name') });
    symlinkSync(shop.dataDir, join(scratch, 'second-name'));
    const { code, stderr } = await runSouk(['serve', '--listen', '127.0.0.1:0', '--data', join(scratch, 'second-name')]);
    assert.equal(code, 1);
    assert.ok(stderr.includes(String(shop.pid)), stderr);
    await shop.stop();
  });
});

describe('data that go from under the running program', () => {
  const register = (shop) => shop.api('POST', '/users/register',
    { body: { email: `${shop.unique('late')}@buyers.example`, password: PASSWORD } });

  const ways = {
    'the directory is removed': (dataDir) => rmSync(dataDir, { recursive: true }),
    'the directory is renamed': (dataDir) => renameSync(dataDir, `${dataDir}.away`),
    'a database is removed': (dataDir) => rmSync(join(dataDir, 'user.db')),
    'its log is removed': (dataDir) => rmSync(join(dataDir, 'user.db-wal')),
    'a copy is put in its place': (dataDir) => {
      copyFileSync(join(dataDir, 'user.db'), join(dataDir, 'copy'));
      renameSync(join(dataDir, 'copy'), join(dataDir, 'user.db'));
    },
  };
  for (const [way, harm] of Object.entries(ways)) {
    test(`${way}: nothing is answered as stored, and the program stops`, async () => {
      const shop = await startShop({ dataDir: join(scratch, way.replaceAll(' ', '-')) });
      await shop.customer();
      harm(shop.dataDir);
      const answers = (await inParallel([1, 2, 3], 3, () => register(shop).catch(() => null))).filter(Boolean);
      for (const { status, text } of answers) assert.equal(status, 503, text);
      assert.deepEqual(await ended(shop), { code: EXIT_DATA_FAILED, signal: null });
      assert.match(shop.log(), /"store\.files-gone"/);
    });
  }

  test('what was put in their place is left alone', async () => {
    const shop = await startShop({ dataDir: join(scratch, 'replaced') });
    const old = await startShop({ dataDir: join(scratch, 'replacement') });
    const { email, password } = await old.customer();
    await old.sigkill(); // its logs are not copied into its files
    renameSync(shop.dataDir, `${shop.dataDir}.away`);
    renameSync(old.dataDir, shop.dataDir);
    assert.equal((await register(shop)).status, 503);
    assert.deepEqual(await ended(shop), { code: EXIT_DATA_FAILED, signal: null });
    await shop.start();
    await shop.login(email, password);
    await shop.stop();
  });
});

describe('souk.key', () => {
  let shop;
  const path = () => join(shop.dataDir, 'souk.key');
  const refusesToStart = async (pattern) => {
    const { code, stderr } = await runSouk(['serve', '--listen', '127.0.0.1:0', '--data', shop.dataDir]);
    assert.equal(code, 1);
    assert.match(stderr, pattern);
    assert.match(stderr, /souk keys replace-secret/);
    assert.match(stderr, /souk restore/);
  };

  test('that is lost is not made anew beside data that it sealed', async () => {
    shop = await startShop({ dataDir: join(scratch, 'key') });
    const buyer = await shop.customer();
    const product = await shop.createProduct();
    const order = { token: buyer.token, key: 'once', body: { items: [{ productId: product.id, quantity: 1 }],
      shippingAddress: { name: 'L', line1: 'G 5', city: 'Berlin', postalCode: '10115', country: 'DE' }, paymentMethod: 'tok_visa' } };
    const first = await shop.api('POST', '/orders', { ...order, expect: 201 });
    assert.equal(await shop.sigterm(), 0);
    const key = readFileSync(path());
    rmSync(path());
    await refusesToStart(/souk\.key is missing/);
    assert.ok(!existsSync(path()));

    writeFileSync(path(), key.subarray(1));
    await refusesToStart(/souk\.key is damaged/);
    writeFileSync(path(), Buffer.alloc(32, 7));
    await refusesToStart(/souk\.key is not the one/);

    writeFileSync(path(), key);
    await shop.start();
    const again = await shop.api('POST', '/orders', { ...order, expect: 201 });
    assert.equal(again.json.id, first.json.id);

    assert.equal(await shop.sigterm(), 0);
    rmSync(path());
    const { code, stdout } = await runSouk(['keys', 'replace-secret', '--data', shop.dataDir]);
    assert.equal(code, 0);
    assert.match(stdout, /another one now/);
    await shop.start();
    await shop.api('POST', '/orders', { ...order, expect: 422 });
    await shop.stop();
  });

  test('is made where the data beside it are of others', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'souk-data-'));
    writeFileSync(join(dataDir, 'bookkeeping.db'), 'another program\'s');
    const shop = await startShop({ dataDir });
    assert.equal(statSync(join(dataDir, 'souk.key')).size, 32);
    await shop.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('is made where there are no data', async () => {
    const fresh = await startShop();
    assert.equal(statSync(join(fresh.dataDir, 'souk.key')).size, 32);
    await fresh.stop();
  });
});

test('signing keys that are lost are made anew, and the log says so', async () => {
  const shop = await startShop({ dataDir: join(scratch, 'signing') });
  const { email, password, token, id } = await shop.customer();
  assert.equal(await shop.sigterm(), 0);
  rmSync(join(shop.dataDir, 'keys'), { recursive: true });
  await shop.start();
  assert.match(shop.log(), /"auth\.keys-lost"/);
  await shop.api('GET', `/users/${id}`, { token, expect: 401 });
  await shop.login(email, password);
  await shop.stop();
});
