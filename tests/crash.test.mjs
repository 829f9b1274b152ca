// The program is killed while it sells, and started again on the same data: what it had
// acknowledged is there, settles, and adds up. And how it stops and starts otherwise.

import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';

import { assertAudit } from './lib/audit.mjs';
import { ADDRESS, inParallel, runSouk, startShop, waitFor } from './lib/shop.mjs';

const ROUNDS = 4;
const LANES = 24;           // buyers that buy one after the other, at once
const ACKNOWLEDGED = 30;    // orders that a round acknowledges before the kill
const STOCK = 60;           // of each product, over all rounds: some orders must be refused
const PRODUCTS = 4;
const METHODS = ['tok_visa', 'tok_visa', 'tok_visa', 'tok_timeout', 'tok_declined', 'tok_flaky'];

describe('killed in the middle of purchases', () => {
  let shop, admin, buyers, products;
  const attempts = []; // every request for an order: {key, body, buyer, id once it is known}

  const place = (attempt, over = {}) => shop.api('POST', '/orders',
    { token: attempt.buyer.token, key: attempt.key, body: attempt.body, ...over });

  function newAttempt(buyer) {
    const n = attempts.length;
    const items = [0, n % 3].filter((step, i) => i === 0 || step > 0).map((step, i) => ({
      productId: products[(n + step) % PRODUCTS].id, quantity: 1 + ((n + i) % 2),
    }));
    const attempt = {
      buyer, key: `crash-${n}`,
      body: { items, shippingAddress: ADDRESS, paymentMethod: METHODS[n % METHODS.length] },
      headers: n % 2 ? { prefer: 'respond-async' } : {},
    };
    attempts.push(attempt);
    return attempt;
  }

  // Buys in all lanes until the shop is killed, which happens when enough is acknowledged.
  async function sellUntilKilled() {
    let acknowledged = 0;
    let killed = null;
    await inParallel(buyers, LANES, async (buyer) => {
      while (!killed) {
        const attempt = newAttempt(buyer);
        try {
          const { status, json, text } = await place(attempt, { headers: attempt.headers });
          assert.ok(status < 300, text);
          attempt.id = json.id;
          acknowledged += 1;
        } catch (error) {
          if (!killed) throw error; // only the kill may cost an answer
        }
        if (acknowledged >= ACKNOWLEDGED) killed ??= shop.sigkill();
      }
    });
    await killed;
  }

  before(async () => {
    shop = await startShop();
    admin = await shop.admin();
    buyers = await inParallel(Array.from({ length: LANES }), 8, () => shop.customer());
    products = await inParallel(Array.from({ length: PRODUCTS }), PRODUCTS, (_, i) =>
      shop.createProduct({ name: `Sturdy ${i}`, stock: STOCK, price: 250 * (i + 1) }));
  });

  for (let round = 1; round <= ROUNDS; round++) {
    test(`round ${round}: every acknowledged order is there, settles, and a repeated key finds it`, async () => {
      const begin = attempts.length;
      await sellUntilKilled();
      await shop.start();

      const made = attempts.slice(begin);
      const lost = made.filter(({ id }) => !id);
      assert.ok(lost.length > 0, 'the kill came in the middle');
      await inParallel(made.filter(({ id }) => id), 16, async (attempt) => {
        const again = await place(attempt);
        assert.ok(again.status === 201 || again.status === 202, again.text);
        assert.equal(again.json.id, attempt.id, `${attempt.key} gives the order that it gave`);
        assert.equal(again.headers['idempotency-replayed'], 'true');
      });
      // A request whose answer was lost is sent again with its key, as clients do.
      await inParallel(lost, 16, async (attempt) => {
        const answer = await waitFor(async () => {
          const now = await place(attempt);
          return now.status !== 409 && now;
        }, `${attempt.key} is not running any more`);
        assert.ok(answer.status === 201 || answer.status === 202, answer.text);
        attempt.id = answer.json.id;
      });
      await inParallel(made, 16, async ({ id, buyer }) => {
        const { status } = await shop.settled(id, buyer.token);
        assert.ok(status === 'paid' || status === 'cancelled', status);
      });
    });

    test(`round ${round}: stock, charges and audit add up`, async () => {
      const orders = await inParallel(attempts, 16, ({ id, buyer }) => shop.get(`/orders/${id}`, buyer.token));
      assert.equal(new Set(orders.map(({ id }) => id)).size, attempts.length, 'a key has an order of its own');
      assert.equal((await shop.all('/orders', admin)).length, attempts.length, 'and no order is without one');

      for (const { id } of products) {
        const sold = orders.filter(({ status }) => status === 'paid').flatMap(({ lines }) => lines)
          .filter(({ productId }) => productId === id).reduce((sum, { quantity }) => sum + quantity, 0);
        await waitFor(async () => {
          const now = await shop.get(`/inventory/${id}`);
          return now.onHand === STOCK - sold && now.reserved === 0;
        }, `${id} has ${STOCK - sold} left, and none reserved`);
      }
      await inParallel(orders, 16, async ({ id, status, total }) => {
        const { transactions, paid, refunded } = await waitFor(async () => {
          const now = await shop.get(`/payments/${id}/status`, admin);
          return now.status !== 'processing' && now;
        }, `the payment of ${id} is done`);
        const charged = transactions.filter((one) => one.kind === 'charge' && one.status === 'succeeded');
        if (status === 'paid') {
          assert.equal(charged.length, 1, `${id} is charged once`);
          assert.deepEqual(paid, total);
        } else {
          assert.ok(charged.length <= 1);
          await waitFor(async () => {
            const now = await shop.get(`/payments/${id}/status`, admin);
            return (now.paid?.amount ?? 0) === (now.refunded?.amount ?? 0);
          }, `what ${id} was charged is given back (${JSON.stringify([paid, refunded])})`);
        }
      });
      await assertAudit(shop.dataDir);
    });
  }

  test('behind all rounds everybody was told once of every order, and all are counted once', async () => {
    const orders = await inParallel(attempts, 16, ({ id, buyer }) => shop.get(`/orders/${id}`, buyer.token));
    const told = ({ status, history }) => status === 'paid' ? 'receipt'
      : history.at(-1).reason === 'payment-declined' ? 'payment_declined' : 'order_cancelled';
    const templates = ['receipt', 'payment_declined', 'order_cancelled', 'order_paid'];
    const messages = await waitFor(async () => {
      const all = (await shop.all('/notifications', admin)).filter(({ template }) => templates.includes(template));
      return all.length >= orders.length && all.every(({ status }) => status === 'sent') && all;
    }, 'all messages are sent');
    for (const { number, ...order } of orders) {
      const about = messages.filter(({ subject, body }) => `${subject} ${body}`.includes(number));
      assert.deepEqual(about.map(({ template }) => template), [told(order)], number);
    }

    const paid = orders.filter(({ history }) => history.some(({ status }) => status === 'paid'));
    const wanted = {
      orders: paid.length,
      units: paid.flatMap(({ lines }) => lines).reduce((sum, { quantity }) => sum + quantity, 0),
      revenue: paid.reduce((sum, { total }) => sum + total.amount, 0),
    };
    const day = 86_400_000;
    const range = `from=${new Date(Date.now() - day).toISOString()}&to=${new Date(Date.now() + day).toISOString()}`;
    await waitFor(async () => {
      const { totals } = await shop.get(`/analytics/sales?${range}&interval=day&currency=EUR`, admin);
      return Object.entries(wanted).every(([name, value]) => totals[name] === value);
    }, `Analytics says ${JSON.stringify(wanted)}`);
  });

  test('behind all rounds nothing is parked, and the audit of the stopped shop finds nothing', async () => {
    assert.deepEqual((await shop.get('/events/parked', admin)).items, []);
    assert.equal(await shop.sigterm(), 0);
    await assertAudit(shop.dataDir);
    await shop.start();
  });
});

describe('stopping and starting', () => {
  let shop, buyer, product;

  before(async () => {
    shop = await startShop();
    buyer = await shop.customer();
    product = await shop.createProduct({ stock: 100 });
  });

  test('SIGTERM finishes the requests that run', async () => {
    const count = 12;
    const running = Array.from({ length: count }, () => shop.buy({
      buyer, items: [{ productId: product.id, quantity: 1 }], payment: 'tok_flaky',
      whole: true, settled: false, expect: 201,
    }));
    await waitFor(async () => (await shop.all(`/orders/user/${buyer.id}`, buyer.token)).length === count,
      'all requests are being handled');
    const stopped = shop.sigterm();
    const answers = await Promise.all(running);
    assert.equal(await stopped, 0);
    assert.ok(answers.every(({ json }) => json.id));
    await shop.start();
    for (const { json } of answers) {
      assert.equal((await shop.settled(json.id, buyer.token)).status, 'paid');
    }
  });

  test('what was stored before is there after a restart: accounts, tokens, carts, keys', async () => {
    const { json: cart } = await shop.api('POST', '/carts', { token: buyer.token, expect: 201 });
    await shop.api('POST', `/carts/${cart.id}/items`,
      { token: buyer.token, body: { productId: product.id, quantity: 2 }, expect: [200, 201] });
    const key = shop.unique('kept');
    const order = await shop.buy({ buyer, key, items: [{ productId: product.id, quantity: 1 }] });
    await shop.restart();
    assert.equal((await shop.get(`/users/${buyer.id}`, buyer.token)).email, buyer.email);
    assert.equal((await shop.get(`/carts/${cart.id}`, buyer.token)).lines[0].quantity, 2);
    await shop.login(buyer.email, buyer.password);
    const again = await shop.buy({ buyer, key, items: [{ productId: product.id, quantity: 1 }], whole: true });
    assert.equal(again.json.id, order.id);
    assert.equal(again.headers['idempotency-replayed'], 'true');
  });

  test('a second start on the same data is refused, and does not disturb the first', async () => {
    const second = await runSouk(['serve', '--listen', '127.0.0.1:0', '--data', shop.dataDir]);
    assert.ok(second.code > 0, `exit code ${second.code}`);
    assert.match(second.stderr, /already|another|in use|running/i);
    assert.ok(second.stderr.includes(String(shop.pid)), `it names the one that runs: ${second.stderr}`);
    await shop.api('GET', '/readyz', { expect: 200 });
    const order = await shop.buy({ buyer, items: [{ productId: product.id, quantity: 1 }] });
    assert.equal(order.status, 'paid');
  });

  test('keys and databases are for their owner only', () => {
    const walk = (directory) => readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
      const path = join(directory, entry.name);
      return entry.isDirectory() ? walk(path) : [path];
    });
    const files = walk(shop.dataDir);
    assert.ok(files.some((path) => path.includes('/keys/')));
    for (const path of files.filter((name) => name.includes('/keys/'))) {
      assert.equal(statSync(path).mode & 0o777, 0o600, path);
    }
    assert.equal(statSync(join(shop.dataDir, 'keys')).mode & 0o077, 0);
  });

  test('an address that is taken, or no address at all, is refused with a clear error', async () => {
    for (const listen of [new URL(shop.url).host, 'nowhere', '127.0.0.1:99999']) {
      const answer = await runSouk(['serve', '--listen', listen, '--data', `${shop.dataDir}/elsewhere`]);
      assert.ok(answer.code > 0, listen);
      assert.ok(answer.stderr.length > 0);
      assert.doesNotMatch(answer.stderr, /Assertion|core dumped/);
    }
  });
});
