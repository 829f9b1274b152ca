// Idempotency keys: whose they are, which requests are the same, and how long they are kept.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Faults } from './lib/faults.mjs';
import { ADDRESS, PASSWORD, inParallel, startShop, waitFor } from './lib/shop.mjs';

const HOUR_MS = 60 * 60 * 1000;

const replayed = ({ headers }) => headers['idempotency-replayed'] === 'true';
const slug = ({ json }) => json.type.replace('/problems/', '');

describe('a request is the same by its JSON value', () => {
  let shop, buyer, product;

  before(async () => {
    shop = await startShop();
    buyer = await shop.customer();
    product = await shop.createProduct({ stock: 1000 });
  });

  const order = (raw, key) => shop.api('POST', '/orders', { token: buyer.token, key, raw });
  const address = JSON.stringify(ADDRESS);
  const text = () => `{"items":[{"productId":"${product.id}","quantity":2}],"shippingAddress":${address},"paymentMethod":"tok_visa"}`;

  const alike = {
    'members in another order': () => `{"paymentMethod":"tok_visa","shippingAddress":${
      JSON.stringify(Object.fromEntries(Object.entries(ADDRESS).reverse()))},"items":[{"quantity":2,"productId":"${product.id}"}]}`,
    'white space': () => `\n${JSON.stringify(JSON.parse(text()), null, '\t')}\r\n `,
    'escapes': () => text().replace('tok_visa', '\\u0074ok_vis\\u0061').replace('Berlin', 'Berl\\u0069n'),
    'a number in another form': () => text().replace('"quantity":2', '"quantity":2.0'),
    'a number with an exponent': () => text().replace('"quantity":2', '"quantity":0.2e1'),
  };
  for (const [what, other] of Object.entries(alike)) {
    test(`the same: ${what}`, async () => {
      const key = shop.unique('same');
      const first = await order(text(), key);
      assert.equal(first.status, 201, first.text);
      const second = await order(other(), key);
      assert.equal(second.status, 201, second.text);
      assert.ok(replayed(second));
      assert.deepEqual(second.json, first.json);
    });
  }

  const unlike = {
    'another number': () => text().replace('"quantity":2', '"quantity":3'),
    'a text in place of a number': () => text().replace('"quantity":2', '"quantity":"2"'),
    'a member more': () => text().replace('{"items"', '{"note":null,"items"'),
    'a member less': () => text().replace(/,"paymentMethod":"tok_visa"/, ''),
    'an element more': () => text().replace('}],"ship', `},{"productId":"${product.id}","quantity":2}],"ship`),
    'a text that looks like two members': () => text().replace('"Berlin"', '"Berlin\\",\\"x\\":\\"y"'),
    'another case': () => text().replace('tok_visa', 'tok_Visa'),
  };
  for (const [what, other] of Object.entries(unlike)) {
    test(`another: ${what}`, async () => {
      const key = shop.unique('other');
      assert.equal((await order(text(), key)).status, 201);
      const second = await order(other(), key);
      assert.equal(second.status, 422, second.text);
      assert.equal(slug(second), 'idempotency-key-reused');
    });
  }

  test('another: elements of a list in another order', async () => {
    const rug = await shop.createProduct({ stock: 1000 });
    const items = [{ productId: product.id, quantity: 1 }, { productId: rug.id, quantity: 1 }];
    const key = shop.unique('list');
    const body = (list) => JSON.stringify({ items: list, shippingAddress: ADDRESS, paymentMethod: 'tok_visa' });
    assert.equal((await order(body(items), key)).status, 201);
    assert.equal((await order(body([...items].reverse()), key)).status, 422);
  });

  test('the same at the same moment is done once', async () => {
    const key = shop.unique('race');
    const answers = await inParallel(Object.values(alike), 8, (other) => order(other(), key));
    const done = answers.filter(({ status }) => status === 201);
    assert.ok(done.length >= 1);
    for (const { status, json } of answers) {
      if (status === 201) assert.equal(json.id, done[0].json.id);
      else assert.equal(slug({ json }), 'idempotency-in-progress');
    }
  });
});

describe('callers without an account, behind one address, with one key', () => {
  let shop, product;

  before(async () => {
    shop = await startShop();
    product = await shop.createProduct({ stock: 1000 });
  });

  const cart = (key) => shop.api('POST', '/carts', { body: {}, key, expect: 201 });
  const add = ({ json: { id, secret } }, key, quantity = 1, expect = 201) => shop.api('POST', `/carts/${id}/items`,
    { body: { productId: product.id, quantity }, key, headers: { 'cart-secret': secret }, expect });

  test('get a cart each, and never the secret of another one', async () => {
    const key = shop.unique('cart');
    const carts = [await cart(key), await cart(key), await cart(key)];
    assert.equal(new Set(carts.map(({ json }) => json.id)).size, 3);
    assert.equal(new Set(carts.map(({ json }) => json.secret)).size, 3);
    for (const answer of carts) assert.ok(!replayed(answer));
    const many = await inParallel(Array.from({ length: 8 }), 8, () => cart(key));
    assert.equal(new Set(many.map(({ json }) => json.id)).size, 8);
  });

  test('put something in, each into his own, and each once', async () => {
    const key = shop.unique('add');
    const [one, other] = [await cart(), await cart()];
    await add(one, key);
    const strange = await add(other, key, 3);
    assert.equal(strange.json.id, other.json.id);
    assert.ok(replayed(await add(one, key)));
    assert.ok(replayed(await add(other, key, 3)));
    assert.equal(slug(await add(other, key, 4, 422)), 'idempotency-key-reused');
    // Who has not the secret is not given what the one who has it was given.
    await shop.api('POST', `/carts/${one.json.id}/items`, { body: { productId: product.id, quantity: 1 }, key, expect: 404 });
    await add({ json: { id: one.json.id, secret: other.json.secret } }, key, 1, 422);
  });

  test('register, each himself, and each once', async () => {
    const key = shop.unique('register');
    const register = (email, expect, over = {}) => shop.api('POST', '/users/register',
      { body: { email, password: PASSWORD, ...over }, key, expect });
    const [anna, bert] = [`${shop.unique('anna')}@buyers.example`, `${shop.unique('bert')}@buyers.example`];
    const first = await register(anna, 201);
    const second = await register(bert, 201);
    assert.notEqual(first.json.id, second.json.id);
    const again = await register(anna, 201);
    assert.ok(replayed(again));
    assert.equal(again.json.id, first.json.id);
    assert.equal(slug(await register(anna, 422, { password: `${PASSWORD}-another` })), 'idempotency-key-reused');
  });

  test('send events, each his own', async () => {
    const key = shop.unique('events');
    const send = (page) => shop.api('POST', '/analytics/event', { body: { type: 'view', properties: { page } }, key, expect: 202 });
    assert.ok(!replayed(await send('/a')));
    assert.ok(!replayed(await send('/b')));
    assert.ok(replayed(await send('/a')));
  });
});

describe('keys are forgotten after their time', () => {
  const faults = new Faults();
  let shop, buyer;

  before(async () => {
    shop = await startShop({ dataDir: faults.dataDir, env: { ...faults.env(), SOUK_IDEMPOTENCY_HOURS: '2' } });
    buyer = await shop.customer();
  });

  after(async () => {
    await shop.stop();
    faults.remove();
  });

  const use = (keys) => inParallel(keys, 16, (key) => shop.api('POST', '/analytics/event',
    { token: buyer.token, key, body: { type: 'view' }, expect: 202 }));
  const named = (name, count) => Array.from({ length: count }, (_, i) => `${name}-${i}`);
  const kept = () => execFileSync('/usr/bin/python3', ['-c',
    'import sqlite3, sys\nfor key, in sqlite3.connect(sys.argv[1]).execute("SELECT key FROM idempotency"): print(key)',
    join(faults.dataDir, 'analytics.db')], { encoding: 'utf8' }).split('\n').filter(Boolean);
  const count = (name) => kept().filter((key) => key.startsWith(name)).length;
  // The job that forgets runs at the start, and every hour.
  const at = async (hours, { restart = true } = {}) => {
    faults.set('clockMs', hours * HOUR_MS);
    if (restart) await shop.restart();
    ({ accessToken: buyer.token } = await shop.login(buyer.email, buyer.password));
  };

  test('also behind a thousand that are used again and again', async () => {
    await use(named('again', 1100));
    await use(named('once', 20));
    await at(3, { restart: false });
    await use(named('again', 1100));
    await at(4);
    await waitFor(() => count('once') === 0, 'what was used once, three hours ago, is forgotten');
    assert.equal(count('again'), 1100);
    assert.ok((await use(['again-7'])).every(replayed));
    await at(8);
    await waitFor(() => count('again') === 0, 'and so are the others, in their time');
  });

  test('also behind those of a clock that was ahead', async () => {
    await at(1000);
    await use(named('ahead', 1100));
    await at(8);
    await use(named('behind', 20));
    assert.ok((await use(['ahead-7'])).every(replayed), 'they count as long as ever');
    // The first look is the start's: what is ahead counts as stored then.
    await at(9);
    await at(12);
    await waitFor(() => count('ahead') + count('behind') === 0, 'all are forgotten');
  });
});
