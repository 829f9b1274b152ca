// Vendors are approved: whoever registers as one may prepare, and sells once an admin has said so.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';

import { assertAudit } from './lib/audit.mjs';
import { euros } from './lib/requests.mjs';
import { inParallel, runSouk, startShop, waitFor } from './lib/shop.mjs';

let shop, admin;

before(async () => {
  shop = await startShop();
  admin = await shop.admin();
});

const slug = ({ json }) => json?.type?.replace('/problems/', '');
const fresh = (own = shop) => own.register({ role: 'vendor' });
const statusOf = async ({ id }, own = shop) => (await own.get(`/users/${id}`, await own.admin())).status;
const setStatus = async ({ id }, status, own = shop) =>
  own.api('PUT', `/users/${id}`, { token: await own.admin(), body: { status }, expect: 200 });
const body = (over = {}) => ({ name: 'Brass bowl', category: 'home/bowls', price: euros(1500), ...over });
const post = (by, over, options) => shop.api('POST', '/products', { token: by.token ?? by, body: body(over), ...options });
const put = (by, id, change, options) => shop.api('PUT', `/products/${id}`, { token: by.token ?? by, body: change, ...options });
const isShown = async (id, own = shop) => (await own.api('GET', `/products/${id}`)).status === 200;
const listed = async (vendor, own = shop) => (await own.all(`/products?vendorId=${vendor.id}`)).map(({ id }) => id);

describe('a vendor that has registered', () => {
  let vendor, draft;

  test('is pending, and is listed so', async () => {
    vendor = await fresh();
    assert.equal(vendor.user.status, 'pending');
    assert.deepEqual(vendor.user.roles, ['vendor']);
    const pending = await shop.all('/users?status=pending', admin);
    assert.ok(pending.some(({ id }) => id === vendor.id));
    assert.ok(pending.every(({ status }) => status === 'pending'));
    for (const status of ['active', 'suspended']) {
      assert.ok((await shop.all(`/users?status=${status}`, admin)).every((one) => one.id !== vendor.id), status);
    }
    assert.equal((await shop.customer()).user.status, 'active');
  });

  test('prepares drafts', async () => {
    ({ json: draft } = await post(vendor, { status: 'draft' }, { expect: 201 }));
    await put(vendor, draft.id, { description: 'Of brass.' }, { expect: 200 });
    await put(vendor, draft.id, { status: 'archived' }, { expect: 200 });
    await put(vendor, draft.id, { status: 'draft' }, { expect: 200 });
    assert.deepEqual(await listed(vendor), []);
  });

  test('publishes in no way, and nobody for it', async () => {
    const { json: whole } = await shop.api('GET', `/products/${draft.id}`, { token: vendor.token, expect: 200 });
    const other = await shop.vendor();
    const { json: theirs } = await post(other, { status: 'active' }, { expect: 201 });
    const ways = {
      'a new one': () => post(vendor, { status: 'active' }),
      'a new one, active by default': () => post(vendor, {}),
      'a new one with its own id': () => post(vendor, { vendorId: vendor.id, status: 'active' }),
      'a draft': () => put(vendor, draft.id, { status: 'active' }),
      'the whole draft': () => put(vendor, draft.id, { ...whole, status: 'active' }),
      'an admin, for it': () => post(admin, { vendorId: vendor.id, status: 'active' }),
      'an admin, its draft': () => put(admin, draft.id, { status: 'active' }),
      'an admin, what is active already': () => put(admin, theirs.id, { vendorId: vendor.id }),
    };
    for (const [way, publish] of Object.entries(ways)) {
      const answer = await publish();
      assert.equal(answer.status, 403, `${way}: ${answer.text}`);
      assert.equal(slug(answer), 'vendor-not-approved', way);
      assert.match(answer.json.detail, /approve/, way);
    }
    assert.deepEqual(await listed(vendor), []);
    assert.ok(await isShown(theirs.id));
    // Faults come first, as everywhere.
    assert.equal((await post(vendor, { status: 'active', price: null, x: 1 })).status, 422);
  });

  test('does not approve itself', async () => {
    await shop.api('PUT', `/users/${vendor.id}`, { token: vendor.token, body: { status: 'active' }, expect: 403 });
    await shop.api('PUT', `/users/${vendor.id}`, { token: vendor.token, body: { status: 'pending', name: 'V' }, expect: 200 });
    assert.equal(await statusOf(vendor), 'pending');
  });

  test('sells at once when an admin has set it active', async () => {
    await setStatus(vendor, 'active');
    await put(vendor, draft.id, { status: 'active' }, { expect: 200 });
    assert.ok(await isShown(draft.id));
    await post(vendor, {}, { expect: 201 });
    assert.equal((await listed(vendor)).length, 2);
  });
});

describe('a vendor that is suspended, or pending again', () => {
  for (const status of ['suspended', 'pending']) {
    test(`${status}: its products leave the shop, and come back with it`, async () => {
      const vendor = await shop.vendor(), buyer = await shop.customer();
      const product = await shop.createProduct({ vendor, stock: 10 });
      const archived = await shop.createProduct({ vendor, stock: 1, status: 'archived' });
      const draft = await shop.createProduct({ vendor, stock: 1, status: 'draft' });
      await inParallel(Array.from({ length: 60 }), 8, () => post(vendor, {}, { expect: 201 }));
      assert.equal((await listed(vendor)).length, 61);

      await setStatus(vendor, status);
      await waitFor(async () => (await listed(vendor)).length === 0, 'they leave');
      assert.ok(!await isShown(product.id));
      const refused = await shop.buy({ buyer, items: [{ productId: product.id, quantity: 1 }], whole: true, expect: [409, 422] });
      assert.ok(refused.json.type);
      const answer = await put(admin, product.id, { status: 'active' }, { expect: 403 });
      assert.equal(slug(answer), 'vendor-not-approved');
      // What an admin does with them meanwhile stands.
      const [other] = (await shop.all(`/products?vendorId=${vendor.id}`, admin)).filter(({ id }) => id !== product.id);
      assert.equal(other, undefined, 'lists show what is active');
      await put(admin, archived.id, { description: 'Old.' }, { expect: 200 });

      await setStatus(vendor, 'active');
      await waitFor(async () => (await listed(vendor)).length === 61, 'they are back');
      await shop.buy({ buyer, items: [{ productId: product.id, quantity: 1 }] });
      const stood = async ({ id }) => (await shop.get(`/products/${id}`, admin)).status;
      assert.deepEqual([await stood(archived), await stood(draft)], ['archived', 'draft']);
      assert.deepEqual((await shop.get('/events/parked', admin)).items, []);
    });
  }

  test('what was archived meanwhile stays so', async () => {
    const vendor = await shop.vendor();
    const { json: product } = await post(vendor, {}, { expect: 201 });
    await setStatus(vendor, 'suspended');
    await waitFor(async () => !await isShown(product.id), 'it leaves');
    await put(admin, product.id, { status: 'archived' }, { expect: 200 });
    await setStatus(vendor, 'active');
    const { json: marker } = await put(admin, product.id, { description: 'Gone.' }, { expect: 200 });
    assert.equal(marker.status, 'archived');
    const { accessToken: token } = await shop.login(vendor.email, vendor.password);
    await put(token, product.id, { status: 'active' }, { expect: 200 });
  });

  test('whatever is published beside it, nothing of it is sold behind', async () => {
    const vendors = await Promise.all(Array.from({ length: 4 }, () => shop.vendor()));
    await inParallel(vendors, 4, async (vendor) => {
      const publishing = inParallel(Array.from({ length: 12 }), 4, () => post(vendor, {}));
      await setStatus(vendor, 'pending');
      const statuses = (await publishing).map(({ status }) => status);
      assert.ok(statuses.every((status) => [201, 403].includes(status)), statuses.join());
    });
    for (const vendor of vendors) {
      await waitFor(async () => (await listed(vendor)).length === 0, 'nothing is left');
      assert.equal((await post(vendor, {})).status, 403);
    }
  });

  test('of an older release it leaves at the next start', async () => {
    const own = await startShop();
    const vendor = await own.vendor();
    const { json: { id } } = await own.api('POST', '/products', { token: vendor.token, body: body(), expect: 201 });
    assert.equal(await own.sigterm(), 0);
    // As it was suspended where nobody was told of it, and as the migration notes it.
    execFileSync('/usr/bin/python3', ['-c', 'import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\n' +
      'c.execute("UPDATE users SET suspended = 1 WHERE (roles & 2) <> 0")\n' +
      'c.execute("INSERT INTO untold_status SELECT id FROM users WHERE suspended = 1")', join(own.dataDir, 'user.db')]);
    await own.start();
    await waitFor(async () => !await isShown(id, own), 'it leaves');
  });

  test('survives a kill in the middle', async () => {
    const own = await startShop();
    const vendor = await own.vendor();
    await inParallel(Array.from({ length: 120 }), 8, () =>
      own.api('POST', '/products', { token: vendor.token, body: body(), expect: 201 }));
    for (const [status, count] of [['pending', 0], ['active', 120]]) {
      await setStatus(vendor, status, own);
      await own.sigkill();
      await own.start();
      await waitFor(async () => (await listed(vendor, own)).length === count, `${count} are in the shop`);
    }
    await assertAudit(own.dataDir);
  });
});

describe('the setting and the import', () => {
  const HEAD = 'Handle,Title,Vendor,Published,Status,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Inventory Qty';
  const file = (own, name, rows) => {
    const path = join(own.dataDir, name);
    writeFileSync(path, `${[HEAD, ...rows].join('\n')}\n`);
    return path;
  };

  test('SOUK_VENDOR_APPROVAL=off: who registers sells at once, and so does who waits', async () => {
    const own = await startShop();
    const waiting = await fresh(own);
    const publish = (by) => own.api('POST', '/products', { token: by.token, body: body() });
    assert.equal((await publish(waiting)).status, 403);
    await own.restart({ env: { SOUK_VENDOR_APPROVAL: 'off' } });
    const vendor = await fresh(own);
    assert.equal(vendor.user.status, 'active');
    assert.equal((await publish(vendor)).status, 201);
    const { json: early } = await publish(waiting);
    assert.equal(early.status, 'active');
    await own.restart({ env: { SOUK_VENDOR_APPROVAL: 'on' } });
    assert.equal((await publish(vendor)).status, 201);
    await waitFor(async () => !await isShown(early.id, own), 'what who waits has published leaves the shop');
    await setStatus(waiting, 'active', own);
    await waitFor(() => isShown(early.id, own), 'and comes back');
  });

  test('brands of an import sell; one that may not sell is named as the reason, and comes with nothing', async () => {
    const own = await startShop();
    const one = file(own, 'one.csv', ['bowl,Bowl,Kiln,true,active,Title,Default Title,b-1,10.00,5']);
    const imported = await runSouk(['import', 'products', one, '--data', own.dataDir]);
    assert.equal(imported.code, 0, imported.stdout + imported.stderr);
    const { items: [bowl] } = await own.get('/products?q=bowl');
    const brand = { id: bowl.vendorId };
    assert.equal(await statusOf(brand, own), 'active');
    await setStatus(brand, 'suspended', own);
    await waitFor(async () => !await isShown(bowl.id, own), 'the bowl leaves the shop');
    const two = file(own, 'two.csv', ['bowl,Bowl,Kiln,true,active,Title,Default Title,b-1,11.00,5',
      'cup,Cup,Kiln,true,active,Title,Default Title,c-1,4.00,5', 'saucer,Saucer,Kiln,false,draft,Title,Default Title,s-1,3.00,5']);
    const again = await runSouk(['import', 'products', two, '--data', own.dataDir]);
    assert.equal(again.code, 1);
    assert.match(again.stdout + again.stderr, /may not sell/);
    assert.deepEqual(await listed(brand, own), []);
    assert.equal((await own.api('GET', '/products/saucer', { token: await own.admin() })).status, 200);
  });
});
