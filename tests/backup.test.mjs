// souk backup and souk restore: one moment of a shop that goes on selling, whole or not at all; and
// files of different moments, which are no shop.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after_ms } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';

import { randomFrom } from './lib/faults.mjs';
import { ADDRESS, SOUK, inParallel, runSouk, startShop, waitFor } from './lib/shop.mjs';

const LANES = 12;
const KILLS = 12;
const METHODS = ['tok_visa', 'tok_visa', 'tok_timeout', 'tok_declined', 'tok_flaky'];

const scratch = mkdtempSync(join(tmpdir(), 'souk-backup-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

let count = 0;
const fresh = (name) => join(scratch, `${name}-${count++}`);

const backup = (dataDir, to) => runSouk(['backup', '--data', dataDir, '--to', to]);
const restore = (from, dataDir) => runSouk(['restore', from, '--data', dataDir]);

async function taken(dataDir, to = fresh('shop.tar')) {
  const { code, stderr } = await backup(dataDir, to);
  assert.equal(code, 0, stderr);
  return to;
}

async function broughtBack(from, dataDir = fresh('restored')) {
  const { code, stderr } = await restore(from, dataDir);
  assert.equal(code, 0, stderr);
  return dataDir;
}

async function assertAudit(dataDir) {
  const audit = await runSouk(['audit', '--data', dataDir]);
  assert.equal(audit.code, 0, audit.stdout + audit.stderr);
}

// Buys in all lanes until it is told to stop. `acknowledged`: what was answered, in that order.
function sell(shop, buyers, products) {
  const trade = { acknowledged: [], stopped: false };
  trade.over = inParallel(buyers, LANES, async (buyer, lane) => {
    for (let n = lane; !trade.stopped; n += LANES) {
      const { status, json } = await shop.api('POST', '/orders', {
        token: buyer.token,
        body: { items: [{ productId: products[n % products.length].id, quantity: 1 + (n % 2) }],
          shippingAddress: ADDRESS, paymentMethod: METHODS[n % METHODS.length] },
        headers: n % 3 ? {} : { prefer: 'respond-async' },
      }).catch((error) => { if (!trade.stopped) throw error; return {}; });
      if (status < 300) trade.acknowledged.push(json.id);
      else if (status) assert.equal(status, 409);
    }
  });
  trade.stop = () => { trade.stopped = true; return trade.over; };
  return trade;
}

async function makeShop(options = {}) {
  const shop = await startShop({ dataDir: fresh('shop'), ...options });
  const buyers = await inParallel(Array.from({ length: LANES }), LANES, () => shop.customer());
  const products = await inParallel([1, 2, 3, 4], 2, () => shop.createProduct({ stock: 100_000 }));
  return { shop, buyers, products };
}

// Something in every service's file.
async function touchAll({ shop, products }) {
  const buyer = await shop.customer();
  const admin = await shop.admin();
  await shop.buy({ buyer, items: [{ productId: products[0].id, quantity: 1 }] });
  await shop.api('POST', '/reviews', { token: buyer.token, body: { productId: products[0].id, rating: 5, comment: 'Warm light.' }, expect: 201 });
  await shop.api('POST', '/analytics/event', { token: buyer.token, body: { type: 'view' }, expect: 202 });
  await waitFor(async () => (await shop.all(`/notifications?userId=${buyer.id}`, admin)).some(({ status }) => status === 'sent'), 'it is told');
}

describe('a backup of a shop that sells', () => {
  let world, archive, known;

  before(async () => {
    world = await makeShop();
    const { shop, buyers, products } = world;
    const trade = sell(shop, buyers, products);
    await waitFor(() => trade.acknowledged.length >= 40, 'it sells');
    known = [...trade.acknowledged];
    archive = await taken(shop.dataDir);
    const sold = trade.acknowledged.length;
    await waitFor(() => trade.acknowledged.length >= sold + 20, 'it goes on selling');
    await trade.stop();
  });

  test('brought back it has what was answered before it began, and goes on', async () => {
    const { shop, buyers } = world;
    const restored = await broughtBack(archive);
    await assertAudit(restored);
    const again = await startShop({ dataDir: restored });
    const admin = await again.admin();
    const orders = new Map();
    for (const buyer of buyers) {
      const { accessToken } = await again.login(buyer.email, buyer.password);
      buyer.again = { ...buyer, token: accessToken };
      for (const { id } of await again.all(`/orders/user/${buyer.id}`, accessToken)) {
        orders.set(id, await again.settled(id, accessToken));
      }
    }
    for (const id of known) assert.ok(orders.has(id), `order ${id} was answered before`);
    await again.buy({ buyer: buyers[0].again, items: [{ productId: world.products[0].id, quantity: 1 }] });
    const trade = sell(again, buyers.map((buyer) => buyer.again), world.products);
    await waitFor(() => trade.acknowledged.length >= 30, 'it sells again');
    await trade.stop();
    const numbers = [];
    for (const { again: { id, token } } of buyers) numbers.push(...(await again.all(`/orders/user/${id}`, token)).map(({ number }) => number));
    assert.equal(new Set(numbers).size, numbers.length, 'no number is given twice');
    assert.ok(admin);
    await again.stop();
    await assertAudit(restored);
    await assertAudit(shop.dataDir);
  });

  test('is a tar for its owner alone, that ordinary tools can look into and check', () => {
    assert.equal(statSync(archive).mode & 0o777, 0o600);
    const names = execFileSync('tar', ['-tf', archive], { encoding: 'utf8' }).trim().split('\n');
    assert.equal(names[0], 'souk-backup.json');
    assert.equal(names.at(-1), 'souk-backup.sum');
    for (const name of ['order.db', 'payment.db', 'sandbox.db', 'souk.key']) assert.ok(names.includes(name), name);
    assert.ok(names.some((name) => name.startsWith('keys/')) && names.some((name) => /^outbox\/.*\.eml$/.test(name)), names.join(' '));
    const { bytes, sha256 } = JSON.parse(execFileSync('tar', ['-xOf', archive, 'souk-backup.sum'], { encoding: 'utf8' }));
    const sum = execFileSync('/bin/sh', ['-c', 'head -c "$1" "$2" | sha256sum', 'sh', String(bytes), archive], { encoding: 'utf8' });
    assert.equal(sum.split(' ')[0], sha256);
    const folder = fresh('looked-at');
    mkdirSync(folder);
    execFileSync('tar', ['-xf', archive, '-C', folder, 'order.db']);
    const rows = execFileSync('/usr/bin/python3', ['-c',
      'import sqlite3, sys\nprint(sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM orders").fetchone()[0])', join(folder, 'order.db')]);
    assert.ok(Number(rows) >= known.length);
  });

  test('leaves nothing beside it, and replaces no other file', async () => {
    const target = fresh('precious');
    writeFileSync(target, 'mine');
    const { code, stderr } = await backup(world.shop.dataDir, target);
    assert.equal(code, 1);
    assert.match(stderr, /is there already/);
    assert.equal(readFileSync(target, 'utf8'), 'mine');
    assert.deepEqual(readdirSync(scratch).filter((name) => /\.(part|copy|restoring)$/.test(name)), []);
  });

  for (const [how, signal] of [['stopped', 'SIGTERM'], ['killed', 'SIGKILL']]) {
    test(`and so is one of a shop that was ${how}`, async () => {
      const other = await makeShop();
      const order = await other.shop.buy({ buyer: other.buyers[0], items: [{ productId: other.products[0].id, quantity: 1 }] });
      await other.shop.end(signal);
      const restored = await broughtBack(await taken(other.shop.dataDir));
      await assertAudit(restored);
      const again = await startShop({ dataDir: restored });
      const { accessToken } = await again.login(other.buyers[0].email, other.buyers[0].password);
      assert.equal((await again.get(`/orders/${order.id}`, accessToken)).number, order.number);
      await again.stop();
    });
  }

  test('what others have put beside the messages and keys is left out, so that it can be brought back', async () => {
    const dataDir = await broughtBack(archive);
    mkdirSync(join(dataDir, 'outbox'), { recursive: true });
    const others = ['Mine_own.eml', `${'a'.repeat(150)}.eml`, 'link.eml', 'directory.eml'];
    writeFileSync(join(dataDir, 'outbox', others[0]), 'x');
    writeFileSync(join(dataDir, 'outbox', others[1]), 'x');
    symlinkSync('/etc/hostname', join(dataDir, 'outbox', others[2]));
    mkdirSync(join(dataDir, 'outbox', others[3]));
    const again = await broughtBack(await taken(dataDir));
    const kept = readdirSync(join(again, 'outbox'));
    assert.ok(kept.length > 0);
    for (const name of others) assert.ok(!kept.includes(name), name);
  });

  test('is not taken without souk.key, without which nothing could be brought back', async () => {
    const dataDir = await broughtBack(archive);
    rmSync(join(dataDir, 'souk.key'));
    const target = fresh('keyless.tar');
    const { code, stderr } = await backup(dataDir, target);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /souk\.key is missing/);
    assert.ok(!existsSync(target) && !existsSync(`${target}.part`));
  });

  test('what was asked wrongly is said', async () => {
    for (const [args, code, pattern] of [
      [['backup', '--data', world.shop.dataDir], 2, /--to/],
      [['backup', '--data', fresh('nowhere'), '--to', fresh('x.tar')], 1, /no data directory/],
      [['backup', '--data', world.shop.dataDir, '--to', join(scratch, 'no', 'such', 'x.tar')], 1, /No such file/],
      [['restore'], 2, /FILE/],
      [['restore', fresh('none.tar'), '--data', fresh('none')], 1, /No such file/],
    ]) {
      const answer = await runSouk(args);
      assert.equal(answer.code, code, answer.stderr);
      assert.match(answer.stderr, pattern);
    }
  });

  describe('is refused, and leaves nothing,', () => {
    const refused = async (bytes, pattern) => {
      const [file, dataDir] = [fresh('bad.tar'), fresh('never')];
      writeFileSync(file, bytes);
      const { code, stderr } = await restore(file, dataDir);
      assert.equal(code, 1, stderr);
      assert.match(stderr, pattern);
      assert.ok(!existsSync(dataDir) && !existsSync(`${dataDir}.restoring`));
      rmSync(file);
    };

    test('where it never ends', async () => {
      const dataDir = fresh('never');
      const { code, stderr } = await restore('/dev/zero', dataDir);
      assert.equal(code, 1, stderr);
      assert.ok(!existsSync(dataDir) && !existsSync(`${dataDir}.restoring`));
    });

    test('where it was cut off', async () => {
      const whole = readFileSync(archive);
      const random = randomFrom(7);
      const lengths = [0, 1, 511, 512, 513, 1024, whole.length - 1, whole.length - 512, whole.length - 1024, whole.length - 1536,
        ...Array.from({ length: 8 }, () => random.upTo(whole.length))];
      for (const length of lengths) await refused(whole.subarray(0, length), /nothing was restored/);
    });

    test('where a byte of it is another', async () => {
      const whole = readFileSync(archive);
      const random = randomFrom(8);
      for (let i = 0; i < 12; i++) {
        const bytes = Buffer.from(whole);
        bytes[random.upTo(whole.length - 1024)] ^= 1 << random.upTo(8);
        await refused(bytes, /nothing was restored/);
      }
    });

    test('where something follows it, or it is none', async () => {
      await refused(Buffer.concat([readFileSync(archive), Buffer.from('more')]), /goes on behind its end/);
      await refused(Buffer.alloc(100_000, 'x'), /no backup/);
      await refused(Buffer.alloc(10_240), /no backup/);
    });

    test('where it holds what leads elsewhere', async () => {
      for (const name of ['../outside', '/tmp/souk-outside', 'keys/../../outside', 'outbox/a/b', '.hidden', 'keys/.hidden', 'other/x', 'order.db']) {
        const file = fresh('crafted.tar');
        execFileSync('/usr/bin/python3', ['-c', `
import io, sys, tarfile, hashlib, json
out = io.BytesIO()
tar = tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT)
def add(name, data):
    info = tarfile.TarInfo(name); info.size = len(data); tar.addfile(info, io.BytesIO(data))
source = tarfile.open(sys.argv[1])
for member in source:
    if member.name != "souk-backup.sum":
        add(member.name, source.extractfile(member).read())
add(sys.argv[3], b"evil")
so_far = out.getvalue()
add("souk-backup.sum", json.dumps({"bytes": len(so_far), "sha256": hashlib.sha256(so_far).hexdigest()}).encode())
tar.close()
open(sys.argv[2], "wb").write(out.getvalue())`, archive, file, name]);
        const dataDir = fresh('never');
        const { code, stderr } = await restore(file, dataDir);
        assert.equal(code, 1, stderr);
        assert.match(stderr, /no shop's|twice/);
        assert.ok(!existsSync(dataDir) && !existsSync(join(scratch, 'outside')));
      }
    });
  });

  test('is not brought back over anything', async () => {
    const full = fresh('full');
    mkdirSync(full);
    writeFileSync(join(full, 'mine'), 'x');
    const answer = await restore(archive, full);
    assert.equal(answer.code, 1);
    assert.match(answer.stderr, /is not empty/);
    assert.deepEqual(readdirSync(full), ['mine']);
    const running = await restore(archive, world.shop.dataDir);
    assert.equal(running.code, 1);
    const empty = fresh('empty');
    mkdirSync(empty, 0o755);
    await broughtBack(archive, `${empty}/`);
    assert.equal(statSync(empty).mode & 0o777, 0o700);
    for (const entry of readdirSync(empty, { withFileTypes: true })) {
      assert.equal(statSync(join(empty, entry.name)).mode & 0o777, entry.isDirectory() ? 0o700 : 0o600, entry.name);
    }
  });

  describe('killed in the middle', () => {
    const killed = async (args, ms) => {
      const child = spawn(SOUK, args, { stdio: 'ignore' });
      const exit = new Promise((done) => { child.on('close', done); });
      await Promise.race([after_ms(ms), exit]);
      child.kill('SIGKILL');
      await exit;
    };

    test('a restore has brought back all, or nothing', async () => {
      const random = randomFrom(11);
      const dataDir = fresh('restore-killed');
      let whole = 0;
      for (let i = 0; i < KILLS; i++) {
        await killed(['restore', archive, '--data', dataDir], random.upTo(600));
        if (!existsSync(dataDir)) continue;
        whole += 1;
        await assertAudit(dataDir);
        rmSync(dataDir, { recursive: true });
      }
      await broughtBack(archive, dataDir);
      await assertAudit(dataDir);
      assert.ok(!existsSync(`${dataDir}.restoring`));
      assert.ok(whole < KILLS, 'some were killed in the middle');
    });

    test('a backup is whole, or not there; the shop goes on', async () => {
      const { shop, buyers, products } = world;
      const random = randomFrom(12);
      const trade = sell(shop, buyers, products);
      const target = fresh('backup-killed.tar');
      for (let i = 0; i < KILLS; i++) {
        await killed(['backup', '--data', shop.dataDir, '--to', target], random.upTo(500));
        if (!existsSync(target)) continue;
        await broughtBack(target);
        rmSync(target);
      }
      const sold = trade.acknowledged.length;
      await waitFor(() => trade.acknowledged.length >= sold + 20, 'it goes on selling');
      const known = [...trade.acknowledged];
      await taken(shop.dataDir, target);
      await trade.stop();
      assert.ok(known.length > 0);
      const restored = await broughtBack(target);
      await assertAudit(restored);
      assert.ok(!existsSync(`${target}.part`) && !existsSync(`${target}.copy`));
    });
  });
});

describe('files of different moments', () => {
  const NAMES = ['user', 'auth', 'product', 'order', 'payment', 'inventory', 'review', 'notification', 'analytics'];
  let world, older, newer;

  const refusesToStart = async (dataDir, name) => {
    const { code, stderr } = await runSouk(['serve', '--listen', '127.0.0.1:0', '--data', dataDir], { timeout: 20_000 });
    assert.equal(code, 1, `${name}: ${stderr}`);
    assert.match(stderr, /different moments/);
    assert.match(stderr, /souk restore/);
    assert.match(stderr, /souk backup/);
    return stderr;
  };
  const starts = async (dataDir) => (await startShop({ dataDir })).stop();
  const mixed = (name, from) => {
    const dataDir = fresh('mixed');
    cpSync(newer, dataDir, { recursive: true });
    rmSync(join(dataDir, `${name}.db`));
    if (from) copyFileSync(join(from, `${name}.db`), join(dataDir, `${name}.db`));
    return dataDir;
  };

  before(async () => {
    world = await makeShop();
    await touchAll(world);
    assert.equal(await world.shop.sigterm(), 0);
    older = fresh('older');
    cpSync(world.shop.dataDir, older, { recursive: true });
    await world.shop.start();
    world.shop.tokens = {};
    await touchAll(world);
    assert.equal(await world.shop.sigterm(), 0);
    newer = world.shop.dataDir;
  });

  for (const name of NAMES) {
    test(`an older ${name}.db is refused`, async () => {
      assert.match(await refusesToStart(mixed(name, older), name), new RegExp(`${name}\\.db is older`));
    });

    test(`a lost ${name}.db is not made anew`, async () => {
      const dataDir = mixed(name);
      assert.match(await refusesToStart(dataDir, name), new RegExp(`${name}\\.db is missing`));
    });
  }

  test('also by a process that runs some services alone, and by an import', async () => {
    const dataDir = mixed('user', older);
    const { code, stderr } = await runSouk(['serve', '--services', 'order,payment', '--listen', '127.0.0.1:0', '--data', dataDir], { timeout: 20_000 });
    assert.equal(code, 1, stderr);
    assert.match(stderr, /different moments/);
  });

  test('copies that were made while the shop was closed are accepted', async () => {
    for (const from of [older, newer]) {
      const dataDir = fresh('copy');
      cpSync(from, dataDir, { recursive: true });
      await starts(dataDir);
      await assertAudit(dataDir);
    }
  });

  test('copies of a shop that was killed while it sold are accepted', async () => {
    const other = await makeShop();
    for (let i = 0; i < 3; i++) {
      const trade = sell(other.shop, other.buyers, other.products);
      await waitFor(() => trade.acknowledged.length >= 15, 'it sells');
      trade.stopped = true;
      await other.shop.sigkill();
      await trade.over;
      const dataDir = fresh('copy');
      cpSync(other.shop.dataDir, dataDir, { recursive: true });
      await starts(dataDir);
      await assertAudit(dataDir);
      await other.shop.start();
      other.shop.tokens = {};
      for (const buyer of other.buyers) ({ accessToken: buyer.token } = await other.shop.login(buyer.email, buyer.password));
    }
  });

  for (const order of ['forth', 'back']) {
    test(`copies that were made one by one of an open shop are refused (${order})`, async () => {
      const other = await makeShop();
      const dataDir = fresh('one-by-one');
      mkdirSync(join(dataDir, 'keys'), { recursive: true });
      const trade = sell(other.shop, other.buyers, other.products);
      await waitFor(() => trade.acknowledged.length >= 15, 'it sells');
      const names = readdirSync(other.shop.dataDir, { recursive: true }).filter((name) => /\.(db|db-wal|key)$/.test(name)).sort();
      if (order === 'back') names.reverse();
      for (const name of names) {
        const sold = trade.acknowledged.length;
        if (name.endsWith('.db')) await waitFor(() => trade.acknowledged.length > sold + 3, 'it sells on');
        copyFileSync(join(other.shop.dataDir, name), join(dataDir, name));
      }
      await trade.stop();
      await refusesToStart(dataDir, order);
    });
  }
});
