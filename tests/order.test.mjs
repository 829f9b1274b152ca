// Carts and orders from outside: what they take and refuse, who sees them, and how they move.
// Whole purchases are in purchase.test.mjs, buyers that race in race.test.mjs.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { before, describe, test } from 'node:test';

import { ADDRESS, startShop, waitFor } from './lib/shop.mjs';

const UNKNOWN = '01890a5d-ac96-774b-bcce-b302099a8057';
const euros = (amount) => ({ amount, currency: 'EUR' });

let shop, admin, buyer, other, vendor, otherVendor, lamp, rug, foreign;

before(async () => {
  shop = await startShop();
  [admin, buyer, other, vendor, otherVendor] = await Promise.all(
    [shop.admin(), shop.customer(), shop.customer(), shop.vendor(), shop.vendor()]);
  [lamp, rug, foreign] = await Promise.all([
    shop.createProduct({ vendor, name: 'Lamp', price: 1000, stock: 100_000 }),
    shop.createProduct({ vendor: otherVendor, name: 'Rug', price: 2500, stock: 100_000 }),
    shop.createProduct({ vendor, name: 'Import', price: { amount: 700, currency: 'USD' }, stock: 100 }),
  ]);
});

const draft = (over = {}) => ({
  items: [{ productId: lamp.id, quantity: 1 }], shippingAddress: ADDRESS, paymentMethod: 'tok_visa', ...over,
});
const order = (body, { token = buyer.token, ...options } = {}) =>
  shop.api('POST', '/orders', { token, body, ...options });
const move = (id, status, token, options = {}) =>
  shop.api('PUT', `/orders/${id}/status`, { token, body: { status }, ...options });
const slug = ({ json }) => json?.type?.replace('/problems/', '');
const pointers = ({ json }) => (json?.errors ?? []).map(({ pointer }) => pointer).sort();

describe('what an order takes', () => {
  const rows = {
    'nothing': [{}, ['', '/paymentMethod', '/shippingAddress']],
    'both a cart and items': [() => draft({ cartId: UNKNOWN }), ['']],
    'no items': [() => draft({ items: [] }), ['/items']],
    'too many items': [() => draft({
      items: Array.from({ length: 101 }, () => ({ productId: lamp.id, quantity: 1 })),
    }), ['/items']],
    'quantities out of bounds': [() => draft({
      items: [0, -1, 1000, 1.5, '1', null].map((quantity) => ({ productId: lamp.id, quantity })),
    }), [0, 1, 2, 3, 4, 5].map((i) => `/items/${i}/quantity`)],
    'more than a line holds, in parts': [() => draft({
      items: [{ productId: lamp.id, quantity: 999 }, { productId: lamp.id, quantity: 1 }],
    }), ['/items/1/quantity']],
    'products that cannot be bought': [() => draft({
      items: [{ productId: lamp.id, quantity: 1 }, { productId: UNKNOWN, quantity: 1 }],
    }), ['/items/1/productId']],
    'two currencies': [() => draft({
      items: [{ productId: lamp.id, quantity: 1 }, { productId: foreign.id, quantity: 1 }],
    }), ['/items/1/productId']],
    'an address with every fault': [() => draft({
      shippingAddress: { name: '  ', line1: '', city: 'x'.repeat(101), postalCode: 7, country: 'de', phone: 'none', planet: 'Mars' },
    }), ['city', 'country', 'line1', 'name', 'phone', 'planet', 'postalCode'].map((name) => `/shippingAddress/${name}`)],
    'countries that are none': [() => draft({ shippingAddress: { ...ADDRESS, country: 'XX' } }), ['/shippingAddress/country']],
    'a payment method with spaces': [() => draft({ paymentMethod: 'tok visa' }), ['/paymentMethod']],
    'a price of the client\'s': [() => draft({ total: euros(1), items: [{ productId: lamp.id, quantity: 1, unitPrice: euros(1) }] }),
      ['/items/0/unitPrice', '/total']],
  };
  for (const [name, [body, wanted]] of Object.entries(rows)) {
    test(`refused, and every fault named: ${name}`, async () => {
      const answer = await order(typeof body === 'function' ? body() : body, { expect: 422 });
      assert.equal(slug(answer), 'validation-failed');
      assert.deepEqual(pointers(answer), wanted);
    });
  }

  test('a card number is refused however it is written, and is nowhere: not in the answer, the data or the log', async () => {
    const card = '4000056655665556';
    const groups = card.match(/\d{4}/g);
    const written = [card, ...['-', '_', '.', '/', ':', '--', '*', 'x', '%20', '&nbsp;', '<br>'].map((between) => groups.join(between)),
      card.split('').join('.'), `tok_${card}`, `card=${card}&cvc=123`, `${groups.join('-')}-12-28`, `visa${card}x`,
      '4000056655665557', '123456789012', `0000${card}`, `${card}1228123`];
    for (const paymentMethod of written) {
      const answer = await order(draft({ paymentMethod }), { expect: 422, key: shop.unique('card') });
      assert.deepEqual(pointers(answer), ['/paymentMethod'], paymentMethod);
      assert.doesNotMatch(answer.text, /556655|5566/);
      await shop.api('POST', '/payments/charge', { token: admin, expect: 422,
        body: { orderId: UNKNOWN, amount: euros(1), paymentMethod } }).then((charge) =>
        assert.ok(pointers(charge).includes('/paymentMethod'), paymentMethod));
    }
    // Where people type it by mistake, in other scripts and with other spaces too.
    const fullWidth = card.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));
    const arabic = card.replace(/\d/g, (digit) => String.fromCodePoint(0x660 + Number(digit)));
    const texts = [card, groups.join(' '), groups.join('\u00a0'), groups.join('\u2011'), groups.join('\u200b'), fullWidth,
      arabic, `card ${groups.join('_')}, thanks`];
    const { json: paid } = await order(draft(), { expect: 201 });
    for (const text of texts) {
      for (const name of ['name', 'line1', 'line2', 'city', 'region']) {
        const answer = await order(draft({ shippingAddress: { ...ADDRESS, [name]: text } }), { expect: 422 });
        assert.deepEqual(pointers(answer), [`/shippingAddress/${name}`], text);
      }
      for (const [method, path, body] of [['PUT', `/orders/${paid.id}/status`, { status: 'cancelled' }],
        ['POST', '/payments/refund', { orderId: paid.id }]]) {
        const answer = await shop.api(method, path, { token: admin, body: { ...body, reason: text }, expect: 422 });
        assert.deepEqual(pointers(answer), ['/reason'], text);
      }
    }
    for (const [name, text] of [['phone', groups.join(' ')], ['phone', '3782 822463 10005'], ['postalCode', card]]) {
      const answer = await order(draft({ shippingAddress: { ...ADDRESS, [name]: text } }), { expect: 422 });
      assert.deepEqual(pointers(answer), [`/shippingAddress/${name}`]);
    }
    const numbers = ['5665556', '5566.5556', '5566.\\+5556', fullWidth.slice(-7), arabic.slice(-7)];
    const found = execFileSync('sh', ['-c', `grep -rl ${numbers.map((text) => `-e '${text}'`).join(' ')} "$0" || true`, shop.dataDir]);
    assert.equal(found.toString(), '');
    assert.doesNotMatch(shop.log(), /5665556|5566.5556/);
  });

  test('what a provider could have given out is no card number', async () => {
    for (const paymentMethod of ['12345678901', 'pm_1MqLiJLkdIwHu7ixUEgbFdYX', '0f5d3b62-94e1-4c31-9c8a-5d1b7f0a1c2e', 'x'.repeat(200)]) {
      assert.equal((await order(draft({ paymentMethod }), { expect: 201 })).json.history.at(-1).reason, 'payment-declined');
    }
    // No longer one than Payment takes either.
    assert.deepEqual(pointers(await order(draft({ paymentMethod: 'x'.repeat(201) }), { expect: 422 })), ['/paymentMethod']);
    const { json } = await order(draft({ shippingAddress: { ...ADDRESS, phone: '+49 1512 3456789' } }), { expect: 201 });
    assert.equal(json.status, 'paid');
  });

  test('items of the same product are one line; names and prices are the shop\'s', async () => {
    const { json } = await order(draft({
      items: [{ productId: lamp.id, quantity: 2 }, { productId: rug.id, quantity: 1 }, { productId: lamp.id, quantity: 3 }],
    }), { expect: 201 });
    assert.deepEqual(json.lines.map(({ name, quantity, unitPrice, lineTotal, vendorId }) =>
      ({ name, quantity, unitPrice, lineTotal, vendorId })), [
      { name: 'Lamp', quantity: 5, unitPrice: euros(1000), lineTotal: euros(5000), vendorId: vendor.id },
      { name: 'Rug', quantity: 1, unitPrice: euros(2500), lineTotal: euros(2500), vendorId: otherVendor.id },
    ]);
    assert.deepEqual([json.subtotal, json.total], [euros(7500), euros(7500)]);
    assert.deepEqual(json.shippingAddress, ADDRESS);
    assert.equal(json.userId, buyer.id);
    assert.deepEqual(json.history.map(({ status, by }) => [status, by]),
      [['pending', 'customer'], ['reserved', 'system'], ['paid', 'system']]);
  });

  test('an order in another currency is one of its own', async () => {
    const { json } = await order(draft({ items: [{ productId: foreign.id, quantity: 2 }] }), { expect: 201 });
    assert.deepEqual(json.total, { amount: 1400, currency: 'USD' });
    assert.equal(json.status, 'paid');
  });

  test('a total beyond all bounds is refused', async () => {
    const dear = await shop.createProduct({ vendor, price: 900_000_000_000, stock: 10 });
    const items = [{ productId: dear.id, quantity: 2 }];
    assert.deepEqual(pointers(await order(draft({ items }), { expect: 422 })), ['/items/0/quantity']);
    const twin = await shop.createProduct({ vendor, price: 900_000_000_000, stock: 10 });
    const both = [dear, twin].map(({ id }) => ({ productId: id, quantity: 1 }));
    assert.deepEqual(pointers(await order(draft({ items: both }), { expect: 422 })), ['/items']);
  });

  test('what costs nothing is paid without a charge', async () => {
    const gift = await shop.createProduct({ vendor, price: 0, stock: 5 });
    const { json } = await order(draft({ items: [{ productId: gift.id, quantity: 1 }] }), { expect: 201 });
    assert.equal(json.status, 'paid');
    assert.deepEqual(json.payment, { status: 'none' });
    const { json: cancelled } = await move(json.id, 'cancelled', buyer.token, { expect: 200 });
    assert.deepEqual(cancelled.payment, { status: 'none' });
  });

  test('a service places no orders, an admin its own', async () => {
    await order(draft(), { token: await shop.service(), expect: 403 });
    await order(draft(), { token: undefined, expect: 401, headers: { authorization: undefined } });
    const { json } = await order(draft(), { token: admin, expect: 201 });
    assert.notEqual(json.userId, buyer.id);
  });
});

describe('an order asked for again', () => {
  test('the same key gives the same order, whichever way it is waited for', async () => {
    for (const [headers, status] of [[{}, 201], [{ prefer: 'respond-async' }, 202]]) {
      const key = shop.unique('again');
      const first = await order(draft(), { key, headers, expect: status });
      const second = await order(draft(), { key, headers, expect: status });
      assert.equal(second.json.id, first.json.id);
      assert.equal(second.headers['idempotency-replayed'], 'true');
      assert.equal(second.headers.location, `/orders/${first.json.id}`);
      const reused = await order(draft({ items: [{ productId: rug.id, quantity: 1 }] }), { key, headers, expect: 422 });
      assert.equal(slug(reused), 'idempotency-key-reused');
      // A key is its caller's.
      const theirs = await order(draft(), { key, headers, token: other.token, expect: status });
      assert.notEqual(theirs.json.id, first.json.id);
    }
  });

  test('a refused order leaves its key free', async () => {
    const key = shop.unique('free');
    await order(draft({ items: [{ productId: UNKNOWN, quantity: 1 }] }), { key, expect: 422 });
    await order(draft(), { key, expect: 201 });
  });

  test('many at once with one key are one order', async () => {
    const me = await shop.customer();
    const key = shop.unique('once');
    const answers = await Promise.all(Array.from({ length: 12 },
      () => order(draft(), { key, token: me.token, expect: [201, 409] })));
    const placed = new Set(answers.filter(({ status }) => status === 201).map(({ json }) => json.id));
    assert.equal(placed.size, 1);
    for (const answer of answers.filter(({ status }) => status === 409)) {
      assert.equal(slug(answer), 'idempotency-in-progress');
    }
    assert.equal((await shop.all(`/orders/user/${me.id}`, me.token)).length, 1);
  });

  test('numbers are unique and grow', async () => {
    const numbers = [];
    for (let i = 0; i < 5; i++) {
      numbers.push((await order(draft(), { headers: { prefer: 'respond-async' }, expect: 202 })).json.number);
    }
    assert.deepEqual([...new Set(numbers)].sort(), numbers);
    for (const number of numbers) assert.match(number, /^SO-\d{6,}$/);
  });
});

describe('who sees an order, and who moves it', () => {
  let mixed, own;

  before(async () => {
    mixed = (await order(draft({ items: [{ productId: lamp.id, quantity: 2 }, { productId: rug.id, quantity: 1 }] }), { expect: 201 })).json;
    own = (await order(draft(), { expect: 201 })).json;
  });

  test('its customer and admins see all of it, its vendors their part, others nothing', async () => {
    for (const token of [buyer.token, admin]) {
      assert.deepEqual((await shop.get(`/orders/${mixed.id}`, token)).total, euros(4500));
    }
    const part = await shop.get(`/orders/${mixed.id}`, vendor.token);
    assert.deepEqual(part.lines.map(({ productId }) => productId), [lamp.id]);
    assert.deepEqual([part.subtotal, part.total], [euros(2000), euros(2000)]);
    const theirs = await shop.get(`/orders/${mixed.id}`, otherVendor.token);
    assert.deepEqual(theirs.lines.map(({ productId }) => productId), [rug.id]);
    const { headers } = await shop.api('GET', `/orders/${mixed.id}`, { token: buyer.token, expect: 200 });
    await shop.api('GET', `/orders/${mixed.id}`,
      { token: vendor.token, headers: { 'if-none-match': headers.etag }, expect: 200 });
    const stranger = await shop.vendor();
    for (const token of [other.token, stranger.token]) {
      await shop.api('GET', `/orders/${mixed.id}`, { token, expect: 404 });
      await move(mixed.id, 'cancelled', token, { expect: 404 });
    }
    await shop.api('GET', `/orders/${own.id}`, { token: otherVendor.token, expect: 404 });
    for (const id of [UNKNOWN, 'no-uuid']) await shop.api('GET', `/orders/${id}`, { token: admin, expect: 404 });
  });

  test('a vendor moves what is all its own; with others\' lines an admin does', async () => {
    const refused = await move(mixed.id, 'shipped', vendor.token, { expect: 403 });
    assert.match(refused.json.detail, /other vendors/);
    const { json } = await move(own.id, 'shipped', vendor.token, { expect: 200 });
    assert.deepEqual(json.history.at(-1), { ...json.history.at(-1), status: 'shipped', by: 'vendor' });
    const shipped = await move(mixed.id, 'shipped', admin, { expect: 200 });
    assert.equal(shipped.json.history.at(-1).by, 'admin');
  });

  test('a wrong move is refused, and names what this caller may do', async () => {
    for (const [status, token, allowed] of [
      ['cancelled', buyer.token, []], ['returned', vendor.token, ['delivered']], ['paid', admin, ['delivered']],
      ['shipped', admin, ['delivered']], ['pending', vendor.token, ['delivered']],
    ]) {
      const answer = await move(own.id, status, token, { expect: 409 });
      assert.equal(slug(answer), 'illegal-transition');
      assert.deepEqual(answer.json.allowed, allowed, status);
    }
    for (const [status, token] of [['delivered', buyer.token], ['returned', buyer.token], ['cancelled', vendor.token]]) {
      await move(own.id, status, token, { expect: 403 });
    }
    for (const body of [{}, { status: 'lost' }, { status: 'delivered', reason: '' }, { status: 'delivered', why: 'x' }]) {
      await shop.api('PUT', `/orders/${own.id}/status`, { token: admin, body, expect: 422 });
    }
    assert.equal((await shop.get(`/orders/${own.id}`, buyer.token)).status, 'shipped');
  });

  test('a move of an older version is refused; the order as it was shown can be sent back', async () => {
    const { headers, json } = await shop.api('GET', `/orders/${own.id}`, { token: vendor.token, expect: 200 });
    await shop.api('GET', `/orders/${own.id}`, { token: vendor.token, headers: { 'if-none-match': headers.etag }, expect: 304 });
    const body = { ...json, status: 'delivered' };
    const put = (etag) => shop.api('PUT', `/orders/${own.id}/status`, { token: vendor.token, body, headers: { 'if-match': etag } });
    assert.equal((await put('"1.0"')).status, 412);
    const moved = await put(headers.etag);
    assert.equal(moved.status, 200, moved.text);
    assert.notEqual(moved.headers.etag, headers.etag);
    assert.equal((await put(headers.etag)).status, 412);
  });

  test('a return has its reason, and is refunded', async () => {
    const { json } = await shop.api('PUT', `/orders/${own.id}/status`,
      { token: vendor.token, body: { status: 'returned', reason: 'Wrong colour' }, expect: 200 });
    assert.equal(json.history.at(-1).reason, 'Wrong colour');
    await waitFor(async () => (await shop.get(`/orders/${own.id}`, buyer.token)).payment.status === 'refunded', 'the refund');
    assert.deepEqual((await move(own.id, 'shipped', admin, { expect: 409 })).json.allowed, []);
  });

  test('an admin cancels too, and what is told has a reason always', async () => {
    const { json } = await order(draft(), { expect: 201 });
    const { json: cancelled } = await move(json.id, 'cancelled', admin, { expect: 200 });
    assert.deepEqual(cancelled.history.at(-1), { ...cancelled.history.at(-1), by: 'admin', reason: 'admin' });
  });
});

describe('lists of orders', () => {
  let me, placed;

  before(async () => {
    me = await shop.customer();
    placed = [];
    for (let i = 0; i < 5; i++) {
      const items = [{ productId: (i % 2 ? rug : lamp).id, quantity: 1 }];
      placed.unshift((await order(draft({ items }), { token: me.token, expect: 201 })).json);
    }
    await move(placed[1].id, 'cancelled', me.token, { expect: 200 });
  });

  test('one\'s own, newest first, page by page, whole', async () => {
    const items = await shop.all(`/orders/user/${me.id}`, me.token, 2);
    assert.deepEqual(items.map(({ id }) => id), placed.map(({ id }) => id));
    assert.deepEqual(items[0], await shop.get(`/orders/${items[0].id}`, me.token));
    const { json, headers } = await shop.api('GET', `/orders/user/${me.id}?limit=2`, { token: me.token, expect: 200 });
    assert.match(headers.link, new RegExp(`^</orders/user/${me.id}\\?limit=2&cursor=.*>; rel="next"$`));
    assert.ok(json.nextCursor);
  });

  test('by status', async () => {
    const ids = async (status) => (await shop.all(`/orders/user/${me.id}?status=${status}`, me.token, 1)).map(({ id }) => id);
    assert.deepEqual(await ids('cancelled'), [placed[1].id]);
    assert.deepEqual(await ids('paid'), [0, 2, 3, 4].map((i) => placed[i].id));
    assert.deepEqual(await ids('returned'), []);
    const all = await shop.all('/orders?status=cancelled', admin);
    assert.ok(all.length && all.every(({ status }) => status === 'cancelled'));
    const answer = await shop.api('GET', `/orders/user/${me.id}?status=lost&limit=0&cursor=x`, { token: me.token, expect: 422 });
    assert.deepEqual(answer.json.errors.map(({ parameter }) => parameter).sort(), ['cursor', 'limit', 'status']);
  });

  test('a vendor\'s have its lines alone, each order once', async () => {
    const items = await shop.all('/orders', otherVendor.token, 3);
    assert.equal(new Set(items.map(({ id }) => id)).size, items.length);
    for (const { lines, total } of items) {
      assert.ok(lines.length && lines.every(({ vendorId }) => vendorId === otherVendor.id));
      assert.equal(total.amount, lines.reduce((sum, { lineTotal }) => sum + lineTotal.amount, 0));
    }
    assert.ok(items.some(({ id }) => id === placed[3].id) && !items.some(({ id }) => id === placed[0].id));
  });

  test('not for others', async () => {
    await shop.api('GET', '/orders', { token: buyer.token, expect: 403 });
    await shop.api('GET', `/orders/user/${me.id}`, { token: other.token, expect: 403 });
    await shop.api('GET', `/orders/user/${me.id}`, { token: vendor.token, expect: 403 });
    assert.equal((await shop.all(`/orders/user/${me.id}`, admin)).length, 5);
    await shop.api('GET', '/orders/user/nobody', { token: admin, expect: 404 });
  });
});

describe('carts', () => {
  const newCart = async (token) => (await shop.api('POST', '/carts', { token, expect: 201 })).json;
  const guestCart = async () => {
    const cart = await newCart();
    return { ...cart, headers: { 'cart-secret': cart.secret } };
  };
  const add = (id, body, who, options = {}) => shop.api('POST', `/carts/${id}/items`, { body, ...who, ...options });
  const content = ({ lines }) => lines.map(({ productId, quantity }) => [productId, quantity]);
  const one = (product, quantity = 1) => ({ productId: product.id, quantity });

  test('a guest\'s is opened by its secret alone, which is told once', async () => {
    const cart = await guestCart();
    assert.ok(cart.secret.length >= 32 && !cart.userId);
    const { json } = await shop.api('GET', `/carts/${cart.id}`, { headers: cart.headers, expect: 200 });
    assert.equal(json.secret, undefined);
    assert.deepEqual(json.subtotal, euros(0));
    const stranger = await guestCart();
    for (const who of [{}, { headers: stranger.headers }, { headers: { 'cart-secret': '' } }, { token: buyer.token }, { token: admin }]) {
      await shop.api('GET', `/carts/${cart.id}`, { ...who, expect: 404 });
      await add(cart.id, one(lamp), who, { expect: 404 });
      await shop.api('PUT', `/carts/${cart.id}/items/${UNKNOWN}`, { ...who, body: { quantity: 1 }, expect: 404 });
      await shop.api('DELETE', `/carts/${cart.id}/items/${UNKNOWN}`, { ...who, expect: 404 });
    }
    const secrets = execFileSync('sh', ['-c', `grep -rl -e "$1" "$0" || true`, shop.dataDir, cart.secret]);
    assert.equal(secrets.toString(), '');
  });

  test('a user\'s is the user\'s', async () => {
    const cart = await newCart(buyer.token);
    assert.equal(cart.userId, buyer.id);
    assert.equal(cart.secret, undefined);
    await shop.api('GET', `/carts/${cart.id}`, { token: buyer.token, expect: 200 });
    for (const token of [undefined, other.token, admin]) await shop.api('GET', `/carts/${cart.id}`, { token, expect: 404 });
  });

  test('what is put in adds up; prices and names are the shop\'s, at that moment', async () => {
    const cart = await guestCart();
    await add(cart.id, one(lamp, 2), cart, { expect: 201 });
    await add(cart.id, one(rug), cart, { expect: 201 });
    const { json, headers } = await add(cart.id, one(lamp, 3), cart, { expect: 201 });
    assert.equal(headers.location, `/carts/${cart.id}`);
    assert.deepEqual(content(json), [[lamp.id, 5], [rug.id, 1]]);
    const [line] = json.lines;
    assert.deepEqual([line.name, line.unitPrice, line.lineTotal], ['Lamp', euros(1000), euros(5000)]);
    assert.ok(line.available > 0);
    assert.deepEqual(json.subtotal, euros(7500));
  });

  test('a line is set, and taken out with 0 or DELETE', async () => {
    const cart = await guestCart();
    const [line] = (await add(cart.id, one(lamp, 2), cart, { expect: 201 })).json.lines;
    const { json, headers: { etag } } = await add(cart.id, one(rug, 2), cart, { expect: 201 });
    const at = (id) => `/carts/${cart.id}/items/${id}`;
    const put = (body, headers = {}) => shop.api('PUT', at(line.id), { body, headers: { ...cart.headers, ...headers } });
    const set = await put({ ...line, quantity: 7 }, { 'if-match': etag });
    assert.deepEqual(content(set.json), [[lamp.id, 7], [rug.id, 2]]);
    assert.equal((await put({ quantity: 8 }, { 'if-match': etag })).status, 412);
    for (const quantity of [-1, 1000, 'x']) assert.equal((await put({ quantity })).status, 422);
    assert.equal((await put({ quantity: 1, price: 1 })).status, 422);
    assert.deepEqual(content((await put({ quantity: 0 })).json), [[rug.id, 2]]);
    assert.equal((await put({ quantity: 1 })).status, 404);
    const last = at(json.lines[1].id);
    await shop.api('DELETE', last, { headers: { ...cart.headers, 'if-match': etag }, expect: 412 });
    await shop.api('DELETE', last, { headers: cart.headers, expect: 204 });
    await shop.api('DELETE', last, { headers: cart.headers, expect: 404 });
    assert.deepEqual((await shop.api('GET', `/carts/${cart.id}`, cart)).json.lines, []);
  });

  test('the same tag for the same view; another when a price has changed', async () => {
    const product = await shop.createProduct({ vendor, price: 500 });
    const cart = await guestCart();
    await add(cart.id, one(product), cart, { expect: 201 });
    const look = (headers = {}) => shop.api('GET', `/carts/${cart.id}`, { headers: { ...cart.headers, ...headers } });
    const { headers: { etag } } = await look();
    assert.equal((await look({ 'if-none-match': etag })).status, 304);
    await shop.api('PUT', `/products/${product.id}`, { token: vendor.token, body: { price: euros(600) }, expect: 200 });
    const { status, json } = await look({ 'if-none-match': etag });
    assert.equal(status, 200);
    assert.deepEqual(json.subtotal, euros(600));
  });

  const refused = {
    'nothing': [{}, ['/productId', '/quantity']],
    'no quantity that is one': [() => one(lamp, 0), ['/quantity']],
    'an unknown product': [() => one({ id: UNKNOWN }), ['/productId']],
    'a price': [() => ({ ...one(lamp), unitPrice: euros(1) }), ['/unitPrice']],
    'more than a line holds': [() => one(lamp, 999), ['/quantity']],
    'another currency': [() => one(foreign), ['/productId']],
  };
  for (const [name, [body, wanted]] of Object.entries(refused)) {
    test(`not put in: ${name}`, async () => {
      const cart = await guestCart();
      await add(cart.id, one(lamp), cart, { expect: 201 });
      const answer = await add(cart.id, typeof body === 'function' ? body() : body, cart, { expect: 422 });
      assert.deepEqual(pointers(answer), wanted);
      assert.deepEqual(content((await shop.api('GET', `/carts/${cart.id}`, cart)).json), [[lamp.id, 1]]);
    });
  }

  test('nothing but an empty object makes a cart', async () => {
    await shop.api('POST', '/carts', { body: {}, expect: 201 });
    await shop.api('POST', '/carts', { body: { userId: buyer.id }, expect: 422 });
    await shop.api('POST', '/carts', { body: [], expect: 422 });
  });

  test('added twice with one key is added once', async () => {
    const cart = await guestCart();
    const key = shop.unique('add');
    await add(cart.id, one(lamp, 2), cart, { key, expect: 201 });
    const again = await add(cart.id, one(lamp, 2), cart, { key, expect: 201 });
    assert.equal(again.headers['idempotency-replayed'], 'true');
    assert.deepEqual(content(again.json), [[lamp.id, 2]]);
  });

  test('added to by many at once it loses nothing', async () => {
    const cart = await guestCart();
    await Promise.all(Array.from({ length: 20 }, (_, i) => add(cart.id, one(i % 2 ? lamp : rug), cart, { expect: 201 })));
    const { json } = await shop.api('GET', `/carts/${cart.id}`, cart);
    assert.deepEqual(content(json).sort(), [[lamp.id, 10], [rug.id, 10]].sort());
  });

  test('claimed it is the user\'s, with what was there, and its secret opens nothing', async () => {
    const me = await shop.customer();
    const cart = await guestCart();
    await add(cart.id, one(lamp, 2), cart, { expect: 201 });
    const claim = (id, who) => shop.api('POST', `/carts/${id}/claim`, who);
    assert.equal((await claim(cart.id, { token: me.token })).status, 404);
    assert.equal((await claim(cart.id, { headers: cart.headers })).status, 401);
    const who = { token: me.token, headers: cart.headers };
    const first = await claim(cart.id, who);
    assert.equal(first.status, 200, first.text);
    assert.equal(first.json.userId, me.id);
    assert.deepEqual(content(first.json), [[lamp.id, 2]]);
    await shop.api('GET', `/carts/${cart.id}`, { headers: cart.headers, expect: 404 });

    const second = await guestCart();
    await add(second.id, one(lamp, 998), second, { expect: 201 });
    await add(second.id, one(rug, 4), second, { expect: 201 });
    const key = shop.unique('claim');
    const merge = { token: me.token, headers: second.headers, key };
    const merged = await claim(second.id, merge);
    assert.equal(merged.json.id, first.json.id);
    assert.deepEqual(content(merged.json), [[lamp.id, 999], [rug.id, 4]]);
    assert.deepEqual((await claim(second.id, merge)).json, merged.json);
    await shop.api('GET', `/carts/${second.id}`, { headers: second.headers, expect: 404 });
    assert.equal((await claim(second.id, { token: me.token, headers: second.headers })).status, 404);
  });

  test('ordered and paid it is empty; empty or foreign it is refused', async () => {
    const cart = await newCart(buyer.token);
    const body = { cartId: cart.id, shippingAddress: ADDRESS, paymentMethod: 'tok_visa' };
    assert.equal(slug(await order(body, { expect: 409 })), 'cart-empty');
    await add(cart.id, one(lamp, 3), { token: buyer.token }, { expect: 201 });
    await order(body, { token: other.token, expect: 404 });
    const key = shop.unique('cart');
    const placed = await order(body, { key, expect: 201 });
    assert.equal(placed.json.status, 'paid');
    assert.deepEqual(content(placed.json), [[lamp.id, 3]]);
    assert.deepEqual((await shop.get(`/carts/${cart.id}`, buyer.token)).lines, []);
    assert.equal((await order(body, { key, expect: 201 })).json.id, placed.json.id);
    assert.equal(slug(await order(body, { expect: 409 })), 'cart-empty');
  });

  test('ordered by many at once it is one order', async () => {
    const cart = await newCart(buyer.token);
    await add(cart.id, one(lamp), { token: buyer.token }, { expect: 201 });
    const body = { cartId: cart.id, shippingAddress: ADDRESS, paymentMethod: 'tok_visa' };
    const answers = await Promise.all(Array.from({ length: 8 }, () => order(body, { expect: [201, 409] })));
    assert.equal(answers.filter(({ status }) => status === 201).length, 1);
    for (const answer of answers.filter(({ status }) => status === 409)) {
      assert.ok(['cart-being-ordered', 'cart-empty', 'conflict'].includes(slug(answer)), answer.text);
    }
  });

  test('a guest who has logged in orders with the secret', async () => {
    const cart = await guestCart();
    await add(cart.id, one(rug), cart, { expect: 201 });
    const body = { cartId: cart.id, shippingAddress: ADDRESS, paymentMethod: 'tok_visa' };
    await order(body, { expect: 404 });
    const { json } = await order(body, { headers: cart.headers, expect: 201 });
    assert.equal(json.userId, buyer.id);
  });

  test('what is not for sale any more stays to be seen, and cannot be ordered', async () => {
    const gone = await shop.createProduct({ vendor });
    const cart = await guestCart();
    await add(cart.id, one(gone, 2), cart, { expect: 201 });
    await add(cart.id, one(lamp), cart, { expect: 201 });
    await shop.api('DELETE', `/products/${gone.id}`, { token: vendor.token, expect: 204 });
    const { json } = await shop.api('GET', `/carts/${cart.id}`, cart);
    const [line] = json.lines;
    assert.deepEqual(line, {
      id: line.id, productId: gone.id, quantity: 2, available: 0, addedPrice: euros(1999), changes: ['gone'],
    });
    assert.deepEqual(json.subtotal, euros(1000));
    const body = { cartId: cart.id, shippingAddress: ADDRESS, paymentMethod: 'tok_visa' };
    const answer = await order(body, { headers: cart.headers, expect: 409 });
    assert.equal(slug(answer), 'product-unavailable');
    assert.deepEqual(answer.json.products, [gone.id]);
    await shop.api('DELETE', `/carts/${cart.id}/items/${line.id}`, { headers: cart.headers, expect: 204 });
    await order(body, { headers: cart.headers, expect: 201 });
  });
});

describe('an impatient shop', () => {
  test('answers with how far the order got, and the order goes on', async () => {
    const quick = await startShop({ env: { SOUK_ORDER_WAIT_MS: '0' } });
    const me = await quick.customer();
    const product = await quick.createProduct({ stock: 3 });
    const { json } = await quick.api('POST', '/orders', {
      token: me.token, expect: 201,
      body: { items: [{ productId: product.id, quantity: 1 }], shippingAddress: ADDRESS, paymentMethod: 'tok_timeout' },
    });
    assert.ok(['pending', 'reserved'].includes(json.status), json.status);
    assert.equal((await quick.settled(json.id, me.token)).status, 'paid');
  });

  test('an order whose charge was under way at the kill is charged after the start, once', async () => {
    const me = await shop.customer();
    const { json } = await order(draft({ paymentMethod: 'tok_flaky' }),
      { token: me.token, headers: { prefer: 'respond-async' }, expect: 202 });
    await waitFor(async () => (await shop.get(`/orders/${json.id}`, me.token)).status !== 'pending', 'it is reserved');
    await shop.sigkill();
    await shop.start();
    assert.equal((await shop.settled(json.id, me.token)).status, 'paid');
    const payment = await shop.get(`/payments/${json.id}/status`, me.token);
    assert.equal(payment.transactions.filter(({ status }) => status === 'succeeded').length, 1);
  });
});

// ---- searching

describe('GET /orders by what an admin is told on the telephone', () => {
  let world;
  before(async () => {
    const [one, other, vendor, rival, admin] = await Promise.all(
      [shop.customer(), shop.customer(), shop.vendor(), shop.vendor(), shop.admin()]);
    const [lamp, rug] = [await shop.createProduct({ vendor }), await shop.createProduct({ vendor: rival })];
    const buy = (buyer, product) => shop.buy({ buyer, items: [{ productId: product.id, quantity: 1 }] });
    world = { one, other, vendor, admin, orders: [await buy(one, lamp), await buy(other, lamp), await buy(one, rug)] };
  });

  const found = async (query, token = world.admin) => (await shop.all(`/orders?${query}`, token, 2)).map(({ id }) => id);
  const ids = (...at) => at.map((i) => world.orders[i].id);

  test('by number, however it is written', async () => {
    const { number } = world.orders[1];
    for (const text of [number, number.toLowerCase(), number.replace('SO-', ''), String(Number(number.slice(3)))]) {
      assert.deepEqual(await found(`number=${text}`), ids(1), text);
    }
    assert.deepEqual(await found('number=SO-999999999'), []);
    assert.deepEqual(await found(`number=${number}&status=shipped`), []);
    for (const text of ['SO-', 'SO-0', '0', '-1', 'x', '1e3', '99999999999999999999']) {
      const { json } = await shop.api('GET', `/orders?number=${text}`, { token: world.admin, expect: 422 });
      assert.deepEqual(json.errors.map(({ parameter }) => parameter), ['number'], text);
    }
  });

  test('by the address of who placed it', async () => {
    assert.deepEqual(await found(`email=${encodeURIComponent(world.one.email)}`), ids(2, 0));
    assert.deepEqual(await found(`email=${encodeURIComponent(world.other.email.toUpperCase())}`), ids(1));
    assert.deepEqual(await found('email=nobody@buyers.example'), []);
    assert.deepEqual(await found(`email=${encodeURIComponent(world.one.email)}&status=paid&number=${world.orders[0].number}`), ids(0));
  });

  test('by when it was placed', async () => {
    const [first, second, third] = world.orders.map(({ createdAt }) => createdAt);
    const mine = async (query) => (await found(query)).filter((id) => ids(0, 1, 2).includes(id));
    assert.deepEqual(await mine(`from=${first}`), ids(2, 1, 0));
    assert.deepEqual(await mine(`from=${second}&to=${third}`), ids(1));
    assert.deepEqual(await mine(`to=${first}`), []);
    const { json } = await shop.api('GET', '/orders?from=yesterday&to=x', { token: world.admin, expect: 422 });
    assert.deepEqual(json.errors.map(({ parameter }) => parameter).sort(), ['from', 'to']);
  });

  test('a vendor finds those with lines of its own', async () => {
    assert.deepEqual(await found(`email=${encodeURIComponent(world.one.email)}`, world.vendor.token), ids(0));
    assert.deepEqual(await found(`number=${world.orders[2].number}`, world.vendor.token), []);
    assert.deepEqual(await found(`number=${world.orders[1].number}`, world.vendor.token), ids(1));
  });

  test('a user\'s own list knows the status alone', async () => {
    const { json } = await shop.api('GET', `/orders/user/${world.one.id}?email=x&from=y&status=paid`, { token: world.one.token, expect: 422 });
    assert.deepEqual(json.errors.map(({ parameter }) => parameter), ['email', 'from']);
  });
});
