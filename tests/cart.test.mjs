// From a cart to a paid order: the cart stays until then, says what has changed since it was filled,
// and is ordered once at a time, as it was seen. What carts take and refuse is in order.test.mjs.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';

import { ADDRESS, runSouk, startShop, waitFor } from './lib/shop.mjs';

const euros = (amount) => ({ amount, currency: 'EUR' });
const slug = ({ json }) => json?.type?.replace('/problems/', '');
const content = ({ lines }) => lines.map(({ productId, quantity }) => [productId, quantity]);

let shop, admin, vendor, buyer, lamp, rug;

before(async () => {
  shop = await startShop();
  [admin, vendor, buyer] = await Promise.all([shop.admin(), shop.vendor(), shop.customer()]);
  [lamp, rug] = await Promise.all([
    shop.createProduct({ vendor, name: 'Lamp', price: 1000, stock: 100_000 }),
    shop.createProduct({ vendor, name: 'Rug', price: 2500, stock: 100_000 }),
  ]);
});

// What is asked of a shop by somebody: a token, or a guest's Cart-Secret, or both.
const as = (who, at = shop) => ({
  cart: async () => (await at.api('POST', '/carts', { ...who, expect: 201 })).json,
  look: async (id) => (await at.api('GET', `/carts/${id}`, { ...who, expect: 200 })).json,
  etag: async (id) => (await at.api('GET', `/carts/${id}`, { ...who, expect: 200 })).headers.etag,
  add: async (id, product, quantity = 1) => (await at.api('POST', `/carts/${id}/items`,
    { ...who, body: { productId: product.id, quantity }, expect: 201 })).json,
  set: (id, lineId, quantity) => at.api('PUT', `/carts/${id}/items/${lineId}`, { ...who, body: { quantity }, expect: 200 }),
  order: (cartId, { payment = 'tok_visa', headers = {}, key, expect, ...body } = {}) => at.api('POST', '/orders', {
    ...who, key, expect, headers: { ...who.headers, ...headers },
    body: { cartId, shippingAddress: ADDRESS, paymentMethod: payment, ...body },
  }),
});

async function filled(who, lines, at = shop) {
  const me = as(who, at);
  const { id } = await me.cart();
  for (const [product, quantity] of lines) await me.add(id, product, quantity);
  return id;
}

const cancel = (id, token, at = shop) =>
  at.api('PUT', `/orders/${id}/status`, { token, body: { status: 'cancelled' }, expect: 200 });
const price = (product, amount) => shop.api('PUT', `/products/${product.id}`,
  { token: vendor.token, body: { price: typeof amount === 'number' ? euros(amount) : amount }, expect: 200 });
const ordersOf = async (who) => (await shop.all(`/orders/user/${who.id}`, who.token)).length;

describe('a cart stays until its order is paid', () => {
  for (const [payment, code] of [['tok_declined', 'card_declined'], ['tok_insufficient_funds', 'insufficient_funds'],
    ['tok_nobody_knows', 'invalid_payment_method']]) {
    test(`${payment}: it is there as before, and the order says why`, async () => {
      const me = await shop.customer();
      const id = await filled(me, [[lamp, 2], [rug, 1]]);
      const before = await as(me).look(id);
      const { json } = await as(me).order(id, { payment, expect: 201 });
      assert.equal(json.status, 'cancelled');
      assert.equal(json.payment.status, 'failed');
      assert.equal(json.payment.failure.code, code);
      assert.ok(json.payment.failure.message.length > 5);
      assert.equal(json.shortages, undefined);
      assert.deepEqual(await shop.get(`/orders/${json.id}`, admin), json);
      assert.deepEqual((await shop.get(`/orders/user/${me.id}`, me.token)).items, [json]);
      assert.equal((await shop.get(`/orders/${json.id}`, vendor.token)).payment.failure, undefined, 'no vendor\'s affair');
      const now = await as(me).look(id);
      assert.deepEqual(content(now), content(before));
      assert.deepEqual([now.id, now.subtotal, now.updatedAt, now.orderId],
        [before.id, before.subtotal, before.updatedAt, undefined]);
      assert.deepEqual(now.lines.map((line) => line.id), before.lines.map((line) => line.id));

      // And it can be ordered then.
      const again = await as(me).order(id, { expect: 201 });
      assert.equal(again.json.status, 'paid');
      assert.equal(again.json.payment.failure, undefined);
      assert.deepEqual((await as(me).look(id)).lines, []);
    });
  }

  test('of too little there is said of what, and how much there is', async () => {
    const me = await shop.customer();
    const [few, none] = await Promise.all([2, 0].map((stock) => shop.createProduct({ vendor, stock })));
    const otherVendor = await shop.vendor();
    const theirs = await shop.createProduct({ vendor: otherVendor, stock: 1 });
    const id = await filled(me, [[lamp, 1], [few, 3], [none, 1], [theirs, 4]]);
    const { json } = await as(me).order(id, { expect: 201 });
    assert.equal(json.history.at(-1).reason, 'out-of-stock');
    const sorted = ({ shortages }) => shortages.sort((a, b) => a.productId.localeCompare(b.productId));
    const short = { shortages: [[few, 3, 2], [none, 1, 0], [theirs, 4, 1]].map(([{ id: productId }, requested, available]) =>
      ({ productId, requested, available })) };
    assert.deepEqual(sorted(json), sorted(short));
    assert.equal(json.payment.failure, undefined);
    assert.deepEqual(sorted(await shop.get(`/orders/${json.id}`, me.token)), sorted(short));
    assert.deepEqual(sorted((await shop.get(`/orders/user/${me.id}`, me.token)).items[0]), sorted(short));
    assert.deepEqual((await shop.get(`/orders/${json.id}`, otherVendor.token)).shortages,
      [{ productId: theirs.id, requested: 4, available: 1 }], 'a vendor sees its own');
    const told = (await runSouk(['events', '--data', shop.dataDir])).stdout.split('\n').filter((line) => line.includes(json.id))
      .map((line) => JSON.parse(line)).find(({ type }) => type === 'StockRejected');
    assert.deepEqual(sorted({ shortages: told.data.items }), sorted(short));
    const now = await as(me).look(id);
    assert.deepEqual(content(now), [[lamp.id, 1], [few.id, 3], [none.id, 1], [theirs.id, 4]]);
    assert.deepEqual(now.lines.slice(1).map(({ available }) => available), [2, 0, 1]);
    for (const [i, quantity] of [[1, 2], [2, 0], [3, 1]]) await as(me).set(id, now.lines[i].id, quantity);
    assert.equal((await as(me).order(id, { expect: 201 })).json.status, 'paid');
  });

  test('a guest\'s cart, ordered with its secret, too', async () => {
    const { secret, id } = await as({}).cart();
    const who = { token: buyer.token, headers: { 'cart-secret': secret } };
    await as(who).add(id, lamp, 2);
    assert.equal((await as(who).order(id, { payment: 'tok_declined', expect: 201 })).json.status, 'cancelled');
    assert.deepEqual(content(await as({ headers: who.headers }).look(id)), [[lamp.id, 2]]);
    assert.equal((await as(who).order(id, { expect: 201 })).json.status, 'paid');
    assert.deepEqual(content(await as({ headers: who.headers }).look(id)), []);
  });

  test('what is put in or taken out while the order is under way stays so when it is paid', async () => {
    const id = await filled(buyer, [[lamp, 2], [rug, 1]]);
    const { json } = await as(buyer).order(id, { payment: 'tok_flaky', headers: { prefer: 'respond-async' }, expect: 202 });
    await as(buyer).add(id, lamp, 3);
    await shop.api('DELETE', `/carts/${id}/items/${(await as(buyer).look(id)).lines.find((line) => line.productId === rug.id)?.id}`,
      { token: buyer.token, expect: [204, 404] });
    assert.equal((await shop.settled(json.id, buyer.token)).status, 'paid');
    assert.deepEqual(content(await as(buyer).look(id)), [[lamp.id, 3]]);
    assert.equal((await as(buyer).look(id)).orderId, undefined);
  });

  test('a cart whose order is cancelled once it was paid stays empty', async () => {
    const id = await filled(buyer, [[lamp, 1]]);
    const { json } = await as(buyer).order(id, { expect: 201 });
    await cancel(json.id, buyer.token);
    assert.deepEqual((await as(buyer).look(id)).lines, []);
  });
});

function sql(shopOf, file, statements) {
  execFileSync('/usr/bin/python3', ['-c', 'import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\n' +
    'c.executescript(sys.argv[2])\nc.close()\n', join(shopOf.dataDir, `${file}.db`), statements]);
}

const NO_STOCK = 'user,auth,product,order,payment,review,notification,analytics';

// Nobody keeps stock in this shop: its orders are under way until they are cancelled.
describe('while an order of it is under way', () => {
  let slow, me, thing, other;

  before(async () => {
    slow = await startShop({ env: { SOUK_SERVICES: NO_STOCK, SOUK_PUBLIC_URL: 'http://127.0.0.1:8080' } });
    me = await slow.customer();
    const { token } = await slow.someVendor();
    [thing, other] = await Promise.all([1, 2].map(async (n) => (await slow.api('POST', '/products', {
      token, body: { name: `Thing ${n}`, category: 'home', status: 'active', price: euros(700) }, expect: 201 })).json));
  });

  const mine = () => as(me, slow);
  const async = { headers: { prefer: 'respond-async' } };

  test('it is not ordered again, until that order is cancelled', async () => {
    const id = await filled(me, [[thing, 2]], slow);
    const key = slow.unique('order');
    const { json: placed } = await mine().order(id, { ...async, key, expect: 202 });
    assert.equal(placed.status, 'pending');
    const cart = await mine().look(id);
    assert.equal(cart.orderId, placed.id);
    assert.deepEqual(content(cart), [[thing.id, 2]]);
    for (const payment of ['tok_visa', 'tok_declined']) {
      const refused = await mine().order(id, { payment, key: slow.unique('order'), expect: 409 });
      assert.equal(slug(refused), 'cart-being-ordered');
      assert.equal(refused.json.orderId, placed.id);
    }
    // Who repeats the request is given its order.
    assert.equal((await mine().order(id, { ...async, key, expect: 202 })).json.id, placed.id);
    assert.equal((await slow.all(`/orders/user/${me.id}`, me.token)).length, 1);

    for (let i = 0; i < 3; i++) {
      const { json: open } = await slow.api('GET', `/carts/${id}`, { token: me.token, expect: 200 });
      await cancel(open.orderId, me.token, slow);
      assert.equal((await mine().look(id)).orderId, undefined);
      assert.deepEqual(content(await mine().look(id)), [[thing.id, 2]]);
      await mine().order(id, { ...async, expect: 202 });
    }
  });

  test('of two at once one is placed', async () => {
    const id = await filled(me, [[thing, 1]], slow);
    const answers = await Promise.all(Array.from({ length: 8 }, () => mine().order(id, { ...async, expect: [202, 409] })));
    const placed = answers.filter(({ status }) => status === 202);
    assert.equal(placed.length, 1);
    for (const answer of answers.filter(({ status }) => status === 409)) assert.equal(slug(answer), 'cart-being-ordered');
    assert.equal((await mine().look(id)).orderId, placed[0].json.id);
  });

  test('a kill forgets neither the order nor the cart', async () => {
    const id = await filled(me, [[thing, 3]], slow);
    const { json: placed } = await mine().order(id, { ...async, expect: 202 });
    await slow.sigkill();
    await slow.start();
    assert.equal((await mine().look(id)).orderId, placed.id);
    assert.equal(slug(await mine().order(id, { expect: 409 })), 'cart-being-ordered');
    await cancel(placed.id, me.token, slow);
    assert.deepEqual([content(await mine().look(id)), (await mine().look(id)).orderId], [[[thing.id, 3]], undefined]);
  });

  test('it is merged into no other, which would keep what is bought', async () => {
    const { secret, id } = await as({}, slow).cart();
    const guest = { token: me.token, headers: { 'cart-secret': secret } };
    await as(guest, slow).add(id, thing, 1);
    const { json: placed } = await as(guest, slow).order(id, { ...async, expect: 202 });
    const own = await filled(me, [[other, 1]], slow);
    const claim = () => slow.api('POST', `/carts/${id}/claim`, guest);
    assert.equal(slug(await claim()), 'cart-being-ordered');
    assert.deepEqual(content(await mine().look(own)), [[other.id, 1]]);
    await cancel(placed.id, me.token, slow);
    assert.equal((await claim()).status, 200);
    assert.deepEqual(content(await mine().look(own)), [[other.id, 1], [thing.id, 1]]);
  });

  test('where stock is kept again the order goes its way, and the cart with it', async () => {
    const id = await filled(me, [[thing, 2]], slow);
    const { json: placed } = await mine().order(id, { ...async, expect: 202 });
    await slow.restart({ env: { SOUK_SERVICES: undefined } });
    assert.equal((await slow.settled(placed.id, me.token)).history.at(-1).reason, 'out-of-stock');
    assert.deepEqual([content(await mine().look(id)), (await mine().look(id)).orderId], [[[thing.id, 2]], undefined]);
    await slow.setStock(thing.id, 5, (await slow.someVendor()).token);
    assert.equal((await mine().order(id, { expect: 201 })).json.status, 'paid');
    assert.deepEqual((await mine().look(id)).lines, []);
  });
});

describe('the caller\'s own cart', () => {
  test('is made at first use, once, and is the same on every device', async () => {
    const me = await shop.customer();
    const answers = await Promise.all(Array.from({ length: 6 }, () => shop.api('GET', '/carts/current', { token: me.token, expect: 200 })));
    const [{ json: cart, headers }] = answers;
    assert.equal(new Set(answers.map(({ json }) => json.id)).size, 1);
    assert.equal(cart.userId, me.id);
    assert.deepEqual(cart.lines, []);
    assert.equal(headers['content-location'], `/carts/${cart.id}`);
    await as(me).add(cart.id, lamp, 2);
    const { accessToken } = await shop.login(me.email, me.password);
    assert.deepEqual(await shop.get('/carts/current', accessToken), await as(me).look(cart.id));
    const { headers: { etag } } = await shop.api('GET', '/carts/current', { token: me.token, expect: 200 });
    await shop.api('GET', '/carts/current', { token: me.token, headers: { 'if-none-match': etag }, expect: 304 });
    // Bought, it goes on.
    assert.equal((await as(me).order(cart.id, { expect: 201 })).json.status, 'paid');
    const now = await shop.get('/carts/current', me.token);
    assert.deepEqual([now.id, now.lines], [cart.id, []]);
  });

  test('is none of a guest\'s or a service\'s, and takes in what a guest had', async () => {
    await shop.api('GET', '/carts/current', { expect: 401 });
    await shop.api('GET', '/carts/current', { token: await shop.service(), expect: 403 });
    const me = await shop.customer();
    const { secret, id } = await as({}).cart();
    await as({ headers: { 'cart-secret': secret } }).add(id, rug, 1);
    const current = await shop.get('/carts/current', me.token);
    await shop.api('POST', `/carts/${id}/claim`, { token: me.token, headers: { 'cart-secret': secret }, expect: 200 });
    assert.deepEqual(content(await shop.get('/carts/current', me.token)), [[rug.id, 1]]);
    assert.equal((await shop.get('/carts/current', me.token)).id, current.id);
  });
});

describe('what was shown is what is paid', () => {
  test('another total than the expected one is refused, with what it is now, and nothing is stored', async () => {
    const me = await shop.customer();
    const product = await shop.createProduct({ vendor, name: 'Vase', price: 1000, stock: 10 });
    const id = await filled(me, [[product, 2], [lamp, 1]]);
    await price(product, 999_900);
    const key = shop.unique('order');
    const items = [{ productId: product.id, quantity: 2 }, { productId: lamp.id, quantity: 1 }];
    for (const from of [{}, { cartId: undefined, items }]) {
      for (const expectedTotal of [euros(3000), euros(2_000_801), { amount: 2_000_800, currency: 'USD' }, euros(0)]) {
        const refused = await as(me).order(id, { ...from, key, expectedTotal, expect: 409 });
        assert.equal(slug(refused), 'price-changed');
        assert.deepEqual(refused.json.total, euros(2_000_800));
        assert.deepEqual(refused.json.lines.map(({ productId, name, quantity, unitPrice, lineTotal }) =>
          ({ productId, name, quantity, unitPrice, lineTotal })), [
          { productId: product.id, name: 'Vase', quantity: 2, unitPrice: euros(999_900), lineTotal: euros(1_999_800) },
          { productId: lamp.id, name: 'Lamp', quantity: 1, unitPrice: euros(1000), lineTotal: euros(1000) },
        ]);
      }
    }
    assert.equal(await ordersOf(me), 0);
    assert.deepEqual([content(await as(me).look(id)), (await as(me).look(id)).orderId],
      [[[product.id, 2], [lamp.id, 1]], undefined]);
    const placed = await as(me).order(id, { key, expectedTotal: euros(2_000_800), expect: 201 });
    assert.deepEqual([placed.json.status, placed.json.total], ['paid', euros(2_000_800)]);
    // A repeated request is answered as before, whatever it costs now.
    await price(product, 1);
    const again = await as(me).order(id, { key, expectedTotal: euros(2_000_800), expect: 201 });
    assert.equal(again.json.id, placed.json.id);
    const rows = [[euros(-1), '/expectedTotal/amount'], [{ amount: 1 }, '/expectedTotal/currency'], [3000, '/expectedTotal'],
      [{ amount: 1, currency: 'XXZ' }, '/expectedTotal/currency'], [{ amount: 1.5, currency: 'EUR' }, '/expectedTotal/amount']];
    for (const [expectedTotal, pointer] of rows) {
      const { json } = await as(me).order(id, { cartId: undefined, items, expectedTotal, expect: 422 });
      assert.deepEqual(json.errors.map((fault) => fault.pointer), [pointer]);
    }
  });

  test('what costs nothing may be expected', async () => {
    const gift = await shop.createProduct({ vendor, price: 0, stock: 5 });
    const id = await filled(buyer, [[gift, 1]]);
    assert.equal((await as(buyer).order(id, { expectedTotal: euros(0), expect: 201 })).json.status, 'paid');
  });

  test('a cart says what has changed of its lines since they were put in', async () => {
    const me = await shop.customer();
    const names = ['same', 'dearer', 'abroad', 'fewer', 'gone', 'back'];
    const made = {};
    for (const name of names) made[name] = await shop.createProduct({ vendor, name, price: 1000, stock: name === 'back' ? 1 : 10 });
    const id = await filled(me, names.map((name) => [made[name], 2]));
    const changes = async () => Object.fromEntries((await as(me).look(id)).lines.map((line) =>
      [names.find((name) => made[name].id === line.productId), line.changes]));
    assert.deepEqual(await changes(), Object.fromEntries(names.map((name) => [name, []])));
    await price(made.dearer, 999_900);
    await price(made.abroad, { amount: 1000, currency: 'USD' });
    await shop.setStock(made.fewer.id, 1, vendor.token);
    await shop.setStock(made.back.id, 2, vendor.token);
    await shop.setStock(made.same.id, 3, vendor.token);
    await shop.api('DELETE', `/products/${made.gone.id}`, { token: vendor.token, expect: 204 });
    const expected = {
      same: [], dearer: ['price'], abroad: ['price', 'currency'], fewer: ['availability'], gone: ['gone'], back: ['availability'],
    };
    await waitFor(async () => JSON.stringify(await changes()) === JSON.stringify(expected), 'the cart knows of the changes');
    const { lines } = await as(me).look(id);
    const dearer = lines.find(({ productId }) => productId === made.dearer.id);
    assert.deepEqual([dearer.addedPrice, dearer.unitPrice], [euros(1000), euros(999_900)]);
    // Put in once more it was seen at that price; what a guest had seen it keeps.
    await shop.api('DELETE', `/carts/${id}/items/${lines.find(({ productId }) => productId === made.abroad.id).id}`,
      { token: me.token, expect: 204 });
    await as(me).add(id, made.dearer, 1);
    assert.deepEqual((await changes()).dearer, []);
    const { secret, id: guests } = await as({}).cart();
    await as({ headers: { 'cart-secret': secret } }).add(guests, rug, 1);
    await price(rug, 2600);
    const { json } = await shop.api('POST', `/carts/${guests}/claim`,
      { token: me.token, headers: { 'cart-secret': secret }, expect: 200 });
    assert.deepEqual(json.lines.find(({ productId }) => productId === rug.id).changes, ['price']);
    await price(rug, 2500);
  });

  test('the cart\'s entity tag counts: another cart or another price is 412, another stock is not', async () => {
    const me = await shop.customer();
    const product = await shop.createProduct({ vendor, price: 1000, stock: 10 });
    const id = await filled(me, [[product, 2]]);
    const seen = await as(me).etag(id);
    const refused = async (etag) => {
      const answer = await as(me).order(id, { headers: { 'if-match': etag }, expect: 412 });
      assert.equal(slug(answer), 'version-mismatch');
      assert.equal(await ordersOf(me), 0);
      assert.equal((await as(me).look(id)).orderId, undefined);
    };
    // Neither who sets prices nor anybody else can tell from another cart what this one's would be.
    await refused(await as(me).etag(await filled(me, [[product, 2]])));
    await as(me).add(id, product, 1);
    await refused(seen);
    const second = await as(me).etag(id);
    await price(product, 1001);
    await refused(second);
    await price(product, { amount: 1000, currency: 'USD' });
    await refused(second);
    for (const etag of ['"1.0"', '"x"', `W/${second}`, '""']) await refused(etag);
    await price(product, 1000);
    await shop.setStock(product.id, 9, vendor.token);
    await waitFor(async () => (await as(me).look(id)).lines[0].available === 9, 'the cart shows the new stock');
    assert.notEqual(await as(me).etag(id), second);
    const { json } = await as(me).order(id, { headers: { 'if-match': `"9.9", ${second}` }, expect: 201 });
    assert.equal(json.status, 'paid');
    await as(me).add(id, product, 1);
    assert.equal((await as(me).order(id, { headers: { 'if-match': '*' }, expect: 201 })).json.status, 'paid');
    // There is no cart to match.
    await as(me).order(id, { cartId: undefined, items: [{ productId: product.id, quantity: 1 }], headers: { 'if-match': seen }, expect: 412 });
  });

  test('an order of a cart that changes at that moment is of what it was, or refused', async () => {
    const me = await shop.customer();
    const id = await filled(me, [[lamp, 1]]);
    for (let i = 0; i < 6; i++) {
      const etag = await as(me).etag(id);
      const { lines: [line] } = await as(me).look(id);
      const [answer] = await Promise.all([
        as(me).order(id, { headers: { 'if-match': etag }, expect: [201, 412] }),
        // Where it is paid already, there is no such line any more.
        shop.api('PUT', `/carts/${id}/items/${line.id}`,
          { token: me.token, body: { quantity: line.quantity + 1 }, expect: [200, 404] }),
      ]);
      if (answer.status === 201) assert.deepEqual(content(answer.json), [[lamp.id, line.quantity]]);
      const { lines } = await as(me).look(id);
      if (lines.length === 0) await as(me).add(id, lamp, 1);
    }
  });
});

describe('a shop that was stopped', () => {
  let old, me, lantern;

  before(async () => {
    // Tokens outlive the many ports it listens on.
    old = await startShop({ env: { SOUK_PUBLIC_URL: 'http://127.0.0.1:8080' } });
    me = await old.customer();
    lantern = await old.createProduct({ price: 700, stock: 10 });
  });

  // Its files as that release left them: without what has come since.
  const toLastRelease = () => {
    sql(old, 'order', 'DROP TABLE stray_charges;' +
      ['carts order_id', 'cart_lines added_price', 'cart_lines added_currency', 'cart_lines added_available', 'orders cart_id',
        'orders shortages', 'orders failure_code', 'orders failure_message']
        .map((column) => `ALTER TABLE ${column.replace(' ', ' DROP COLUMN ')};`).join('') +
      "UPDATE schema_version SET version = 1 WHERE name = 'order';");
    for (const [file, name, version] of [['payment', 'payment', 2], ['sandbox', 'sandbox', 1]]) {
      sql(old, file, `UPDATE schema_version SET version = ${version} WHERE name = '${name}';`);
    }
  };

  test('opens as the last release left it: its carts are what they were, and are ordered', async () => {
    const id = await filled(me, [[lantern, 2]], old);
    assert.equal(await old.sigterm(), 0);
    toLastRelease();
    await old.start();
    const cart = await as(me, old).look(id);
    assert.deepEqual(content(cart), [[lantern.id, 2]]);
    assert.deepEqual([cart.lines[0].addedPrice, cart.lines[0].changes], [undefined, []]);
    await as(me, old).add(id, lantern, 1);
    assert.deepEqual((await as(me, old).look(id)).lines[0].addedPrice, euros(700));
    assert.equal((await as(me, old).order(id, { expect: 201 })).json.status, 'paid');
  });

  test('forgets card numbers that it took for tokens, and its orders are not stuck with them', async () => {
    const card = '4111_1111_1111_1111';
    await old.restart({ env: { SOUK_SERVICES: NO_STOCK } });
    const id = await filled(me, [[lantern, 1]], old);
    const { json: placed } = await as(me, old).order(id, { headers: { prefer: 'respond-async' }, expect: 202 });
    assert.equal(await old.sigterm(), 0);
    sql(old, 'order', `UPDATE orders SET payment_method = '${card}';`);
    sql(old, 'payment', `UPDATE transactions SET payment_method = '${card}' WHERE kind = 'charge';`);
    sql(old, 'sandbox', `UPDATE charges SET payment_method = '${card}';`);
    toLastRelease();
    delete old.env.SOUK_SERVICES;
    await old.start();
    const order = await old.settled(placed.id, me.token);
    assert.deepEqual([order.history.at(-1).reason, order.payment.failure.code], ['payment-declined', 'invalid_payment_method']);
    assert.deepEqual(content(await as(me, old).look(id)), [[lantern.id, 1]]);
    assert.equal(await old.sigterm(), 0);
    for (const [file, table] of [['order', 'orders'], ['payment', 'transactions'], ['sandbox', 'charges']]) {
      const found = execFileSync('/usr/bin/python3', ['-c', 'import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\n' +
        "print(c.execute('SELECT count(*) FROM ' + sys.argv[2] + ' WHERE payment_method = ?', (sys.argv[3],)).fetchone()[0])",
      join(old.dataDir, `${file}.db`), table, card]);
      assert.equal(found.toString().trim(), '0', file);
    }
    await old.start();
  });

  test('cancels at once what was declined before, by hand, and is not told of again', async () => {
    await old.restart({ env: { SOUK_SERVICES: NO_STOCK } });
    const id = await filled(me, [[lantern, 1]], old);
    const { json: placed } = await as(me, old).order(id, { payment: 'tok_declined', headers: { prefer: 'respond-async' }, expect: 202 });
    await old.api('POST', '/payments/charge', {
      token: await old.admin(), body: { orderId: placed.id, amount: placed.total, paymentMethod: 'tok_declined' }, expect: 402,
    });
    await old.restart({ env: { SOUK_SERVICES: undefined } });
    const order = await old.settled(placed.id, me.token);
    assert.deepEqual([order.history.at(-1).reason, order.payment.failure.code], ['payment-declined', 'card_declined']);
    assert.deepEqual(content(await as(me, old).look(id)), [[lantern.id, 1]]);
  });

  test('cancels at once what Payment does not take, and holds nobody\'s stock for it', async () => {
    await old.restart({ env: { SOUK_SERVICES: NO_STOCK } });
    const id = await filled(me, [[lantern, 1]], old);
    const { json: placed } = await as(me, old).order(id, { headers: { prefer: 'respond-async' }, expect: 202 });
    assert.equal(await old.sigterm(), 0);
    sql(old, 'order', `UPDATE orders SET payment_method = 'tok visa' WHERE status = 'pending';`);
    delete old.env.SOUK_SERVICES;
    await old.start();
    const order = await old.settled(placed.id, me.token);
    assert.deepEqual([order.history.at(-1).reason, order.payment.failure.code], ['payment-declined', 'refused']);
    await waitFor(async () => (await old.get(`/inventory/${lantern.id}`)).reserved === 0, 'the stock is free');
    assert.deepEqual(content(await as(me, old).look(id)), [[lantern.id, 1]]);
  });
});
