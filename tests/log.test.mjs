// A log that nobody reads stops nothing: lines are dropped, counted, and told of.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { constants, closeSync, existsSync, mkdtempSync, openSync, readFileSync, readSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { constants as system, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { inParallel, runSouk, startShop, waitFor } from './lib/shop.mjs';

const LINES = { SOUK_LOG_QUEUE_BYTES: '16384' };

const place = mkdtempSync(join(tmpdir(), 'souk-log-'));
after(() => rmSync(place, { recursive: true, force: true }));

async function metric(shop, name) {
  const { text } = await shop.api('GET', '/metrics', { expect: 200 });
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

// A pipe that is held open and read by nobody until drain(): what is in it, as text.
function pipe(name) {
  const path = join(place, name);
  execFileSync('mkfifo', [path]);
  const held = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  return {
    held,
    write: openSync(path, 'r+'),
    fill() {
      assert.throws(() => {
        for (;;) writeSync(held, Buffer.alloc(4096, 'x'));
      }, { code: 'EAGAIN' });
    },
    drain() {
      const chunks = [];
      const chunk = Buffer.alloc(65536);
      for (;;) {
        try {
          chunks.push(Buffer.from(chunk.subarray(0, readSync(held, chunk))));
        } catch (error) {
          assert.equal(error.code, 'EAGAIN');
          return Buffer.concat(chunks).toString();
        }
      }
    },
  };
}

// Requests until lines of the log are dropped.
async function logUntilDropped(shop) {
  await waitFor(async () => {
    await inParallel(Array(100).fill(0), 10, () => shop.api('GET', '/healthz', { expect: 200 }));
    return await metric(shop, 'souk_log_dropped_total') > 0;
  }, 'lines of the log are dropped');
}

test('a pipe that nobody reads stops neither requests nor health nor SIGTERM', async () => {
  const unread = pipe('unread');
  const shop = await startShop({ env: LINES, stderr: unread.write });
  await logUntilDropped(shop);
  await shop.customer();
  await shop.api('GET', '/readyz', { expect: 200 });
  assert.equal(await shop.sigterm(), 0);
});

test('once it is read, it says how many lines are missing, and every line is whole', async () => {
  const unread = pipe('late');
  const shop = await startShop({ env: LINES, stderr: unread.write });
  await logUntilDropped(shop);
  let text = '';
  const said = await waitFor(() => {
    text += unread.drain();
    return /"log.dropped","message":"(\d+) lines/.exec(text);
  }, 'the log says what it has lost');
  assert.ok(Number(said[1]) > 0);
  assert.ok(Number(said[1]) <= await metric(shop, 'souk_log_dropped_total'));
  const id = shop.unique('behind');
  await shop.api('GET', '/healthz', { headers: { 'x-request-id': id }, expect: 200 });
  await waitFor(() => {
    text += unread.drain();
    return text.includes(id);
  }, 'it goes on');
  // A sanitizer's own words begin with the process.
  for (const line of text.split('\n').slice(0, -1)) if (!/^==\d+==/.test(line)) JSON.parse(line);
});

test('a full disk stops nothing', async () => {
  const full = await startShop({ env: { ...LINES, SOUK_LOG: '/dev/full' } });
  await logUntilDropped(full);
  await full.customer();
  assert.equal(await full.sigterm(), 0);
});

test('a reader that has gone stops nothing', async () => {
  const path = join(place, 'gone');
  execFileSync('mkfifo', [path]);
  const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const write = openSync(path, 'w');
  const shop = await startShop({ env: LINES, stderr: write });
  closeSync(write);
  closeSync(read);
  await logUntilDropped(shop);
  await shop.api('GET', '/readyz', { expect: 200 });
  assert.equal(await shop.sigterm(), 0);
});

test('a shop that cannot start says so to nobody, and ends', async () => {
  const unread = pipe('start');
  const first = await startShop();
  unread.fill();
  await assert.rejects(startShop({ dataDir: first.dataDir, stderr: unread.write }), /"code":1/);
});

test('SIGHUP opens the file anew, for its owner alone; nothing is missing in between', async () => {
  const path = join(place, 'souk.log');
  const shop = await startShop({ env: { SOUK_LOG: path } });
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const ids = [];
  const request = async () => {
    ids.push(shop.unique('rotated'));
    await shop.api('GET', '/healthz', { headers: { 'x-request-id': ids.at(-1) }, expect: 200 });
  };
  const rotated = [path];
  for (let turn = 1; turn <= 3; turn++) {
    await inParallel(Array(20).fill(0), 5, request);
    rotated.push(`${path}.${turn}`);
    renameSync(path, rotated.at(-1));
    process.kill(shop.pid, 'SIGHUP');
    await waitFor(() => existsSync(path), 'a new file is there');
  }
  await request();
  assert.equal(await shop.sigterm(), 0);
  const lines = rotated.flatMap((file) => readFileSync(file, 'utf8').split('\n').slice(0, -1))
    .map((line) => JSON.parse(line));
  for (const id of ids) assert.equal(lines.filter((line) => line.requestId === id).length, 1, id);
  assert.ok(!shop.log().includes('{'), 'and standard error has none of it');
});

test('where the file cannot be opened anew the log goes where it went', async () => {
  const directory = mkdtempSync(join(place, 'moved-'));
  const path = join(directory, 'souk.log');
  const shop = await startShop({ env: { SOUK_LOG: path } });
  renameSync(directory, `${directory}.old`);
  process.kill(shop.pid, 'SIGHUP');
  await waitFor(() => readFileSync(join(`${directory}.old`, 'souk.log'), 'utf8').includes('log.reopen'), 'it says so');
  await shop.api('GET', '/healthz', { expect: 200 });
});

test('a file that cannot be opened is said at the start', async () => {
  const { code, stderr } = await runSouk(['serve', '--listen', '127.0.0.1:0', '--data', join(place, 'never'),
    '--log', join(place, 'no/such/directory/souk.log')]);
  assert.equal(code, 1);
  assert.match(stderr, /no\/such\/directory\/souk\.log: No such file/);
  assert.ok(!existsSync(join(place, 'never')));
});

test('a long address is not written whole, and its line is JSON', async () => {
  const shop = await startShop();
  for (const letter of ['x', '%C3%A9', '"']) {
    const id = shop.unique('long');
    await shop.api('GET', `/${letter.repeat(7000 / letter.length)}`, { headers: { 'x-request-id': id }, check: false });
    const line = await waitFor(() => shop.log().split('\n').slice(0, -1).find((one) => one.includes(id)), 'it is logged');
    assert.ok(line.length < 1200, `${line.length}`);
    assert.match(JSON.parse(line).path, /\.\.\.$/);
  }
});

test('signals that others send by mistake end nothing', async () => {
  const shop = await startShop();
  const names = ['SIGUSR1', 'SIGUSR2', 'SIGPIPE', 'SIGHUP', 'SIGXFSZ', 'SIGTTOU', 'SIGTTIN', 'SIGALRM', 'SIGPROF',
    'SIGPOLL', 'SIGPWR', 'SIGVTALRM', 'SIGSTKFLT'];
  const realTime = Array.from({ length: 31 }, (_, i) => 34 + i);
  for (const signal of [...names.map((name) => system.signals[name]), ...realTime]) {
    process.kill(shop.pid, signal);
    await shop.api('GET', '/healthz', { expect: 200 });
  }
  assert.equal(await shop.sigterm(), 0);
});
