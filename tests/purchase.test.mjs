// One purchase after the other through all nine services, as a client sees them; at the end the
// figures of Analytics, the stock and the audit must agree with what was bought.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { ADDRESS, runSouk, startShop, waitFor } from './lib/shop.mjs';

let shop, admin, vendor;

before(async () => {
  shop = await startShop();
  admin = await shop.admin();
  vendor = await shop.vendor();
});

// ---- what the tests ask again and again

const stockOf = (productId) => shop.get(`/inventory/${productId}`);
const paymentOf = (orderId) => shop.get(`/payments/${orderId}/status`, admin);
const move = (orderId, status, token, options = {}) =>
  shop.api('PUT', `/orders/${orderId}/status`, { token, body: { status, ...options.body }, ...options });

const charges = ({ transactions }, status = 'succeeded') =>
  transactions.filter((transaction) => transaction.kind === 'charge' && transaction.status === status);

function awaitStock(productId, wanted, what) {
  return waitFor(async () => {
    const stock = await stockOf(productId);
    return Object.entries(wanted).every(([name, value]) => stock[name] === value) && stock;
  }, `${what}: stock is ${JSON.stringify(wanted)}`);
}

function awaitPayment(orderId, status) {
  return waitFor(async () => {
    const payment = await paymentOf(orderId);
    return payment.status === status && payment;
  }, `the payment of ${orderId} is ${status}`);
}

// The files in the outbox of the notification provider, below its directory at any depth.
function outbox(directory = join(shop.dataDir, 'outbox')) {
  let names;
  try {
    names = readdirSync(directory);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const path = join(directory, name);
    return statSync(path).isDirectory() ? outbox(path) : [readFileSync(path, 'utf8')];
  });
}

const mailTo = (email, pattern) => waitFor(
  () => outbox().find((message) => message.includes(email) && pattern.test(message)),
  `the outbox has a message to ${email} with ${pattern}`);

const historyOf = (order) => order.history.map(({ status }) => status);
const lastReason = (order) => order.history.at(-1).reason;

// ---- the purchase

describe('a purchase from registration to return', () => {
  let buyer, lamp, order;

  test('whoever registers gets a welcome message', async () => {
    buyer = await shop.customer();
    assert.deepEqual(buyer.user.roles, ['customer']);
    const message = await mailTo(buyer.email, /welcome/i);
    assert.match(message, /^From: /m);
    assert.match(message, /^To: .*@/m);
    assert.match(message, /^Subject: /m);
    assert.match(message, /^Date: /m);
    assert.match(message, /^Message-ID: /mi);
  });

  test('a product that its vendor makes is listed, found by a word and in stock', async () => {
    lamp = await shop.createProduct({ vendor, name: 'Zellij lantern', price: 4550, stock: 10 });
    assert.equal(lamp.vendorId, vendor.id);
    assert.equal(lamp.stock.status, 'in_stock');
    assert.equal(lamp.stock.available, 10);
    const { json: found } = await shop.api('GET', '/products?q=zelli', { expect: 200 });
    assert.deepEqual(found.items.map(({ id }) => id), [lamp.id]);
    const bySlug = await shop.get(`/products/${lamp.slug}`);
    assert.equal(bySlug.id, lamp.id);
  });

  test('a cart shows the prices of the product, never the client\'s', async () => {
    const { json: cart, headers } = await shop.api('POST', '/carts', { token: buyer.token, expect: 201 });
    assert.equal(headers.location, `/carts/${cart.id}`);
    const refused = await shop.api('POST', `/carts/${cart.id}/items`,
      { token: buyer.token, body: { productId: lamp.id, quantity: 1, unitPrice: { amount: 1, currency: 'EUR' } } });
    assert.equal(refused.status, 422);
    const filled = await shop.api('POST', `/carts/${cart.id}/items`,
      { token: buyer.token, body: { productId: lamp.id, quantity: 3 } });
    assert.ok(filled.status === 200 || filled.status === 201, filled.text);
    const now = await shop.get(`/carts/${cart.id}`, buyer.token);
    assert.equal(now.lines.length, 1);
    assert.deepEqual(now.lines[0].unitPrice, { amount: 4550, currency: 'EUR' });
    assert.deepEqual(now.lines[0].lineTotal, { amount: 13650, currency: 'EUR' });
    assert.deepEqual(now.subtotal, { amount: 13650, currency: 'EUR' });

    const answer = await shop.buy({ buyer, cartId: cart.id, whole: true });
    order = answer.json;
    assert.equal(answer.headers.location, `/orders/${order.id}`);
    order = await shop.settled(order.id, buyer.token);
  });

  test('the order is paid, with the copy of what was bought and its way there', async () => {
    assert.equal(order.status, 'paid');
    assert.equal(order.userId, buyer.id);
    assert.deepEqual(order.total, { amount: 13650, currency: 'EUR' });
    assert.equal(order.shippingAddress.city, ADDRESS.city);
    assert.deepEqual(historyOf(order), ['pending', 'reserved', 'paid']);
    const [line] = order.lines;
    assert.equal(line.productId, lamp.id);
    assert.equal(line.quantity, 3);
    assert.equal(line.name, 'Zellij lantern');
    assert.equal(line.vendorId, vendor.id);
    const payment = await paymentOf(order.id);
    assert.equal(payment.status, 'paid');
    assert.deepEqual(payment.paid, { amount: 13650, currency: 'EUR' });
    assert.equal(charges(payment).length, 1);
    assert.equal(order.payment.status, 'paid');
    assert.equal(order.payment.transactionId, charges(payment)[0].id);
  });

  test('what was bought has left the stock, and Product shows it', async () => {
    await awaitStock(lamp.id, { onHand: 7, reserved: 0, available: 7 }, 'after the purchase');
    await waitFor(async () => (await shop.get(`/products/${lamp.id}`)).stock.available === 7,
      'the product shows 7 units');
  });

  test('the buyer is told of the payment once', async () => {
    await mailTo(buyer.email, new RegExp(order.number));
    const { json } = await shop.api('GET', `/notifications?userId=${buyer.id}`, { token: admin, expect: 200 });
    const templates = json.items.map(({ template }) => template).sort();
    assert.deepEqual(templates, [...new Set(templates)]);
    assert.equal(templates.length, 2, templates.join());
    const sent = await waitFor(async () => {
      const now = await shop.all(`/notifications?userId=${buyer.id}`, admin);
      return now.every(({ status }) => status === 'sent') && now;
    }, 'all messages are sent');
    assert.ok(sent.every(({ to, provider }) => to === buyer.email && provider === 'outbox'));
  });

  test('the vendor ships it, and the buyer is told', async () => {
    const { json: shipped } = await move(order.id, 'shipped', vendor.token, { expect: 200 });
    assert.equal(shipped.status, 'shipped');
    await mailTo(buyer.email, /shipped|on its way/i);
  });

  test('the vendor delivers it; the buyer reviews it as a verified purchase', async () => {
    await move(order.id, 'delivered', vendor.token, { expect: 200 });
    const { json: review } = await shop.api('POST', '/reviews', {
      token: buyer.token,
      body: { productId: lamp.id, rating: 4, title: 'Bright', comment: 'It lights the whole room.' },
      expect: 201,
    });
    assert.equal(review.status, 'published');
    await waitFor(async () => {
      const { items } = await shop.get(`/reviews/product/${lamp.id}`);
      return items.length === 1 && items[0].verifiedPurchase;
    }, 'the review is of a verified purchase');
    const again = await shop.api('POST', '/reviews', {
      token: buyer.token, body: { productId: lamp.id, rating: 1, comment: 'Once more.' },
    });
    assert.equal(again.status, 409);
    assert.equal(again.json.type, '/problems/already-reviewed');
  });

  test('the review of somebody who did not buy is not verified; the product has the average', async () => {
    const other = await shop.customer();
    const { json: review } = await shop.api('POST', '/reviews', {
      token: other.token, body: { productId: lamp.id, rating: 1, comment: 'Seen it at a friend\'s.' }, expect: 201,
    });
    assert.equal(review.verifiedPurchase, false);
    await waitFor(async () => {
      const { rating } = await shop.get(`/products/${lamp.id}`);
      return rating.count === 2 && rating.average === 2.5;
    }, 'the product has the average of two ratings');
    const { summary } = await shop.get(`/reviews/product/${lamp.id}`);
    assert.deepEqual(summary, { average: 2.5, count: 2, histogram: { 1: 1, 2: 0, 3: 0, 4: 1, 5: 0 } });
  });

  test('it comes back: the stock is restored and the money returned', async () => {
    await move(order.id, 'returned', vendor.token, { expect: 200 });
    await awaitStock(lamp.id, { onHand: 10, reserved: 0 }, 'after the return');
    const payment = await awaitPayment(order.id, 'refunded');
    assert.deepEqual(payment.refunded, { amount: 13650, currency: 'EUR' });
    await waitFor(async () => (await shop.get(`/orders/${order.id}`, buyer.token)).payment.status === 'refunded',
      'the order says that it is refunded');
    const now = await shop.get(`/orders/${order.id}`, buyer.token);
    assert.deepEqual(historyOf(now), ['pending', 'reserved', 'paid', 'shipped', 'delivered', 'returned']);
    assert.ok(now.history.every(({ at, by }, i, all) => by && (i === 0 || at >= all[i - 1].at)));
  });

  test('it is in the buyer\'s list, by status, and in the vendor\'s', async () => {
    const mine = await shop.get(`/orders/user/${buyer.id}`, buyer.token);
    assert.deepEqual(mine.items.map(({ id }) => id), [order.id]);
    const paid = await shop.get(`/orders/user/${buyer.id}?status=paid`, buyer.token);
    assert.deepEqual(paid.items, []);
    const returned = await shop.get(`/orders/user/${buyer.id}?status=returned`, buyer.token);
    assert.equal(returned.items.length, 1);
    const sold = await shop.get('/orders', vendor.token);
    assert.deepEqual(sold.items.map(({ id }) => id), [order.id]);
    const otherVendor = await shop.vendor();
    assert.deepEqual((await shop.get('/orders', otherVendor.token)).items, []);
  });
});

// ---- carts

test('a guest\'s cart needs its secret, and is merged into the cart of who claims it', async () => {
  const buyer = await shop.customer();
  const cup = await shop.createProduct({ vendor, name: 'Tea glass', price: 700, stock: 20 });
  const pot = await shop.createProduct({ vendor, name: 'Teapot', price: 3900, stock: 20 });

  const { json: guest } = await shop.api('POST', '/carts', { expect: 201 });
  assert.ok(guest.secret);
  const secret = { 'cart-secret': guest.secret };
  for (const [productId, quantity] of [[cup.id, 2], [pot.id, 1], [cup.id, 1]]) {
    const { status, text } = await shop.api('POST', `/carts/${guest.id}/items`,
      { headers: secret, body: { productId, quantity } });
    assert.ok(status === 200 || status === 201, text);
  }
  for (const headers of [{}, { 'cart-secret': 'wrong' }]) {
    await shop.api('GET', `/carts/${guest.id}`, { headers, expect: 404 });
  }
  const { json: full } = await shop.api('GET', `/carts/${guest.id}`, { headers: secret, expect: 200 });
  assert.equal(full.secret, undefined, 'the secret is told once');
  assert.deepEqual(full.lines.map(({ productId, quantity }) => [productId, quantity]).sort(),
    [[cup.id, 3], [pot.id, 1]].sort());

  const { json: own } = await shop.api('POST', '/carts', { token: buyer.token, expect: 201 });
  await shop.api('POST', `/carts/${own.id}/items`, { token: buyer.token, body: { productId: cup.id, quantity: 1 } });
  const { json: claimed } = await shop.api('POST', `/carts/${guest.id}/claim`,
    { token: buyer.token, headers: secret, expect: 200 });
  assert.equal(claimed.userId, buyer.id);
  assert.deepEqual(claimed.lines.map(({ productId, quantity }) => [productId, quantity]).sort(),
    [[cup.id, 4], [pot.id, 1]].sort());

  const line = claimed.lines.find(({ productId }) => productId === pot.id);
  const { json: without } = await shop.api('PUT', `/carts/${claimed.id}/items/${line.id}`,
    { token: buyer.token, body: { quantity: 0 }, expect: 200 });
  assert.deepEqual(without.lines.map(({ productId }) => productId), [cup.id]);
  const order = await shop.buy({ buyer, cartId: claimed.id });
  assert.equal(order.status, 'paid');
  assert.deepEqual(order.total, { amount: 2800, currency: 'EUR' });
  const empty = await shop.api('POST', '/orders', {
    token: buyer.token, body: { cartId: claimed.id, shippingAddress: ADDRESS, paymentMethod: 'tok_visa' },
  });
  assert.ok(empty.status === 409 || empty.status === 404, empty.text);
});

// ---- what does not end as paid

test('more than there is cancels the order as out of stock, and takes nothing', async () => {
  const buyer = await shop.customer();
  const product = await shop.createProduct({ vendor, stock: 2 });
  const plenty = await shop.createProduct({ vendor, stock: 50 });
  const order = await shop.buy({
    buyer, items: [{ productId: plenty.id, quantity: 1 }, { productId: product.id, quantity: 3 }],
  });
  assert.equal(order.status, 'cancelled');
  assert.equal(lastReason(order), 'out-of-stock');
  for (const [{ id }, onHand] of [[product, 2], [plenty, 50]]) {
    await awaitStock(id, { onHand, reserved: 0 }, 'after a refusal');
  }
  assert.equal((await paymentOf(order.id)).status, 'none');
});

for (const token of ['tok_declined', 'tok_insufficient_funds', 'tok_nobody_knows']) {
  test(`${token}: the order is cancelled as declined, the stock is free again`, async () => {
    const buyer = await shop.customer();
    const product = await shop.createProduct({ vendor, stock: 3 });
    const order = await shop.buy({ buyer, items: [{ productId: product.id, quantity: 3 }], payment: token });
    assert.equal(order.status, 'cancelled');
    assert.equal(lastReason(order), 'payment-declined');
    await awaitStock(product.id, { onHand: 3, reserved: 0 }, 'after a declined payment');
    const payment = await paymentOf(order.id);
    assert.equal(payment.status, 'failed');
    assert.equal(charges(payment).length, 0);
    assert.ok(charges(payment, 'failed')[0].failure.code);
    await mailTo(buyer.email, /cancel/i);
  });
}

for (const token of ['tok_timeout', 'tok_flaky']) {
  test(`${token}: the order is paid in the end, and charged once`, async () => {
    const buyer = await shop.customer();
    const product = await shop.createProduct({ vendor, stock: 3, price: 1234 });
    const order = await shop.buy({ buyer, items: [{ productId: product.id, quantity: 1 }], payment: token });
    assert.equal(order.status, 'paid');
    const payment = await paymentOf(order.id);
    assert.equal(payment.status, 'paid');
    assert.deepEqual(payment.paid, { amount: 1234, currency: 'EUR' });
    assert.equal(charges(payment).length, 1);
    await awaitStock(product.id, { onHand: 2, reserved: 0 }, 'after the purchase');
  });
}

test('a customer cancels a paid order: money and stock come back, once', async () => {
  const buyer = await shop.customer();
  const product = await shop.createProduct({ vendor, stock: 5 });
  const order = await shop.buy({ buyer, items: [{ productId: product.id, quantity: 2 }] });
  const { json: cancelled } = await move(order.id, 'cancelled', buyer.token, { expect: 200 });
  assert.equal(cancelled.status, 'cancelled');
  assert.equal(lastReason(cancelled), 'customer');
  const payment = await awaitPayment(order.id, 'refunded');
  assert.deepEqual(payment.refunded, order.total);
  await awaitStock(product.id, { onHand: 5, reserved: 0 }, 'after the cancellation');
  const again = await move(order.id, 'cancelled', buyer.token);
  assert.equal(again.status, 409);
  assert.equal(again.json.type, '/problems/illegal-transition');
});

test('an order that waits for its charge is cancelled by its customer, and nobody is charged', async () => {
  const buyer = await shop.customer();
  const product = await shop.createProduct({ vendor, stock: 5 });
  const order = await shop.buy({
    buyer, items: [{ productId: product.id, quantity: 2 }], payment: 'tok_flaky',
    headers: { prefer: 'respond-async' }, expect: 202, settled: false,
  });
  await waitFor(async () => (await shop.get(`/orders/${order.id}`, buyer.token)).status !== 'pending',
    'the order is reserved');
  const { status, json } = await move(order.id, 'cancelled', buyer.token);
  assert.equal(status, 200, JSON.stringify(json));
  await awaitStock(product.id, { onHand: 5, reserved: 0 }, 'after the cancellation');
  // The charge may have been on its way: what it took is given back.
  await waitFor(async () => {
    const { paid, refunded, status: now } = await paymentOf(order.id);
    return now !== 'processing' && now !== 'paid' && (paid?.amount ?? 0) === (refunded?.amount ?? 0);
  }, 'nothing is kept of the buyer\'s money');
  assert.equal((await shop.get(`/orders/${order.id}`, buyer.token)).status, 'cancelled');
});

test('an order cancelled at once, wherever it has got to, leaves no trace in stock or money', async () => {
  const buyer = await shop.customer();
  const product = await shop.createProduct({ vendor, stock: 9 });
  for (let i = 0; i < 6; i++) {
    const order = await shop.buy({
      buyer, items: [{ productId: product.id, quantity: 1 }],
      headers: { prefer: 'respond-async' }, expect: 202, settled: false,
    });
    await move(order.id, 'cancelled', buyer.token, { expect: 200 });
    await waitFor(async () => {
      const { paid, refunded, status } = await paymentOf(order.id);
      return !['processing', 'paid'].includes(status) && (paid?.amount ?? 0) === (refunded?.amount ?? 0);
    }, 'nothing is kept of the buyer\'s money');
  }
  await awaitStock(product.id, { onHand: 9, reserved: 0 }, 'after the cancellations');
});

test('behind paid a customer cannot cancel; the refusal names what is allowed', async () => {
  const buyer = await shop.customer();
  const product = await shop.createProduct({ vendor, stock: 5 });
  const order = await shop.buy({ buyer, items: [{ productId: product.id, quantity: 1 }] });
  await move(order.id, 'shipped', buyer.token, { expect: 403 });
  await move(order.id, 'delivered', admin, { expect: 409 });
  await move(order.id, 'shipped', admin, { expect: 200 });
  const refused = await move(order.id, 'cancelled', admin);
  assert.equal(refused.status, 409);
  assert.equal(refused.json.type, '/problems/illegal-transition');
  assert.match(refused.text, /delivered/);
  const late = await move(order.id, 'cancelled', buyer.token);
  assert.ok([403, 409].includes(late.status), late.text);
  await move(order.id, 'delivered', admin, { expect: 200 });
  await move(order.id, 'cancelled', admin, { expect: 409 });
});

// ---- money back

test('refunds in parts never exceed what was paid, and the order follows', async () => {
  const buyer = await shop.customer();
  const product = await shop.createProduct({ vendor, stock: 5, price: 1000 });
  const order = await shop.buy({ buyer, items: [{ productId: product.id, quantity: 1 }] });
  const refund = (amount) => shop.api('POST', '/payments/refund', {
    token: admin, key: shop.unique('refund'),
    body: { orderId: order.id, amount: { amount, currency: 'EUR' }, reason: 'a scratch' },
  });
  assert.equal((await refund(400)).status, 201);
  assert.equal((await paymentOf(order.id)).status, 'partially_refunded');
  await waitFor(async () =>
    (await shop.get(`/orders/${order.id}`, buyer.token)).payment.status === 'partially_refunded',
  'the order says that a part was refunded');
  const tooMuch = await refund(601);
  assert.equal(tooMuch.status, 409);
  assert.equal(tooMuch.json.type, '/problems/refund-exceeds-payment');
  assert.equal((await refund(600)).status, 201);
  const payment = await paymentOf(order.id);
  assert.equal(payment.status, 'refunded');
  assert.deepEqual(payment.refunded, { amount: 1000, currency: 'EUR' });
  assert.equal((await refund(1)).status, 409);
});

// ---- ways to place an order

test('Prefer: respond-async answers 202 at once with the order, which settles behind it', async () => {
  const buyer = await shop.customer();
  const product = await shop.createProduct({ vendor, stock: 5 });
  const answer = await shop.buy({
    buyer, items: [{ productId: product.id, quantity: 1 }], whole: true,
    headers: { prefer: 'respond-async' }, expect: 202,
  });
  assert.match(answer.headers['preference-applied'] ?? 'respond-async', /respond-async/);
  assert.equal(answer.headers.location, `/orders/${answer.json.id}`);
  assert.equal((await shop.settled(answer.json.id, buyer.token)).status, 'paid');
});

test('an order of variants takes each variant\'s price and stock', async () => {
  const buyer = await shop.customer();
  const shirt = await shop.createProduct({
    vendor, name: 'Linen shirt', stock: 4, price: 3000, category: 'clothing/shirts',
    options: [{ name: 'Size', values: ['S', 'M'] }],
    variants: ['S', 'M'].map((size, i) => ({
      sku: shop.unique(`SHIRT-${size}`), options: { Size: size },
      price: { amount: 3000 + 500 * i, currency: 'EUR' },
    })),
  });
  assert.equal(shirt.variants.length, 2);
  const medium = shirt.variants.find(({ options }) => options.Size === 'M');
  const order = await shop.buy({ buyer, items: [{ productId: medium.id, quantity: 3 }] });
  assert.equal(order.status, 'paid');
  assert.deepEqual(order.total, { amount: 10500, currency: 'EUR' });
  assert.equal(order.lines[0].sku, medium.sku);
  await awaitStock(medium.id, { onHand: 1, reserved: 0 }, 'the variant');
  await awaitStock(shirt.variants.find(({ id }) => id !== medium.id).id, { onHand: 4 }, 'the other one');
  await waitFor(async () => (await shop.get(`/products/${shirt.id}`)).stock.available === 5,
    'the product has the sum of its variants');
});

test('a draft, a deleted and an unknown product cannot be bought; old orders keep their copy', async () => {
  const buyer = await shop.customer();
  const draft = await shop.createProduct({ vendor, status: 'draft', stock: 5 });
  const gone = await shop.createProduct({ vendor, name: 'Last of its kind', stock: 5 });
  const order = await shop.buy({ buyer, items: [{ productId: gone.id, quantity: 1 }] });
  await shop.api('DELETE', `/products/${gone.id}`, { token: vendor.token, expect: 204 });
  const unknown = '01890a5d-ac96-774b-bcce-b302099a8057';
  for (const productId of [draft.id, gone.id, unknown]) {
    const answer = await shop.buy({ buyer, items: [{ productId, quantity: 1 }], whole: true, expect: [404, 409, 422] });
    assert.ok(answer.json.type.startsWith('/problems/'));
  }
  const kept = await shop.get(`/orders/${order.id}`, buyer.token);
  assert.equal(kept.lines[0].name, 'Last of its kind');
});

test('the vendor is told when the stock falls to its threshold', async () => {
  const buyer = await shop.customer();
  const product = await shop.createProduct({ vendor, name: 'Rare carpet', stock: 10 });
  await shop.api('PUT', `/inventory/${product.id}`,
    { token: vendor.token, body: { onHand: 10, lowStockThreshold: 4 }, expect: 200 });
  await shop.buy({ buyer, items: [{ productId: product.id, quantity: 7 }] });
  await awaitStock(product.id, { onHand: 3, status: 'low_stock' }, 'after the purchase');
  await mailTo(vendor.email, /Rare carpet/);
  const { items } = await shop.get('/inventory?status=low_stock', vendor.token);
  assert.ok(items.some(({ productId }) => productId === product.id));
});

// ---- at the end, all figures agree

describe('the figures behind all of it', () => {
  let orders;
  const range = () => {
    const day = 86_400_000;
    return `from=${new Date(Date.now() - day).toISOString()}&to=${new Date(Date.now() + day).toISOString()}`;
  };

  before(async () => {
    orders = await shop.all('/orders', admin);
    orders = await Promise.all(orders.map(({ id }) => shop.get(`/orders/${id}`, admin)));
  });

  test('Analytics counts what was paid and refunded, to the cent', async () => {
    const paid = orders.filter((order) => historyOf(order).includes('paid'));
    const payments = await Promise.all(orders.map(({ id }) => paymentOf(id)));
    const wanted = {
      orders: paid.length,
      units: paid.flatMap(({ lines }) => lines).reduce((sum, { quantity }) => sum + quantity, 0),
      revenue: paid.reduce((sum, { total }) => sum + total.amount, 0),
      refunds: payments
        .filter(({ orderId }) => paid.some(({ id }) => id === orderId))
        .reduce((sum, { refunded }) => sum + (refunded?.amount ?? 0), 0),
    };
    assert.ok(wanted.orders >= 8 && wanted.refunds > 0, JSON.stringify(wanted));
    const sales = await waitFor(async () => {
      const now = await shop.get(`/analytics/sales?${range()}&interval=day&groupBy=vendor&currency=EUR`, admin);
      return Object.entries(wanted).every(([name, value]) => now.totals[name] === value) && now;
    }, `Analytics says ${JSON.stringify(wanted)}`).catch(async (error) => {
      const now = await shop.get(`/analytics/sales?${range()}&interval=day&currency=EUR`, admin);
      throw new Error(`${error.message}; it says ${JSON.stringify(now.totals)}`);
    });
    assert.equal(sales.currency, 'EUR');
    for (const name of ['orders', 'units', 'revenue', 'refunds']) {
      assert.equal(sales.series.reduce((sum, point) => sum + point[name], 0), wanted[name], name);
    }
    assert.equal(sales.totals.averageOrder, Math.round(wanted.revenue / wanted.orders));
    assert.deepEqual(sales.groups.map(({ key }) => key), [vendor.id]);
    assert.equal(sales.groups[0].revenue, wanted.revenue);
    const own = await shop.get(`/analytics/sales?${range()}&interval=day&currency=EUR`, vendor.token);
    assert.equal(own.totals.revenue, wanted.revenue);
    const csv = await shop.api('GET', `/analytics/sales?${range()}&interval=day&currency=EUR`,
      { token: admin, headers: { accept: 'text/csv' }, expect: 200 });
    assert.match(csv.headers['content-type'], /^text\/csv/);
    assert.match(csv.text, new RegExp(`\\b${wanted.revenue}\\b`));
  });

  test('every order was charged at most once', async () => {
    for (const { id } of orders) {
      assert.ok(charges(await paymentOf(id)).length <= 1, id);
    }
  });

  test('no event is parked', async () => {
    const { items } = await shop.get('/events/parked', admin);
    assert.deepEqual(items, []);
  });

  test('the audit finds nothing, while the shop runs', async () => {
    const audit = await runSouk(['audit', '--data', shop.dataDir]);
    assert.equal(audit.code, 0, audit.stdout + audit.stderr);
  });

  after(() => {
    const broken = shop.logLines().filter(({ level }) => level === 'error');
    assert.deepEqual(broken, []);
  });
});
