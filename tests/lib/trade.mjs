// Buyers, a vendor and an admin at work in a shop that may end at any moment, and the book that is
// kept of what it has acknowledged. A request whose answer is lost is sent again under its key, as
// clients do, until it is answered.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { ADDRESS, PASSWORD, inParallel, waitFor } from './shop.mjs';

const METHODS = ['tok_visa', 'tok_visa', 'tok_visa', 'tok_timeout', 'tok_declined', 'tok_flaky'];
const STOCK = 25; // of each product: some orders must be refused
const ON_SALE = 3; // the newest so many products are bought

// What an order may be at last, once it is known to have been so.
const AFTERWARDS = {
  shipped: ['shipped', 'delivered', 'returned'],
  delivered: ['delivered', 'returned'],
  returned: ['returned'],
  cancelled: ['cancelled'],
};
const NEXT = { paid: 'shipped', shipped: 'delivered', delivered: 'returned' };
const SOLD = ['paid', 'shipped', 'delivered'];

export class Trade {
  constructor(shop, random) {
    this.shop = shop;
    this.random = random;
    this.count = 0;
    this.unanswered = []; // requests with a key that may have had their effect, or not
    this.orders = [];     // {request, buyer, id, atLeast}
    this.products = [];   // {id}: the id is the variant's too
    this.accounts = [];   // {email, id}
    this.reviews = [];    // {buyer, productId, rating, id}
    this.refunds = [];    // {orderId, amount, id}
    this.unseen = [];     // acknowledged since it was looked for last: {path, token, check}
  }

  async open(buyers) {
    this.admin = await this.shop.admin();
    this.vendor = await this.shop.vendor();
    this.buyers = await inParallel(Array.from({ length: buyers }), 4, () => this.shop.customer());
    for (let i = 0; i < ON_SALE; i++) await this.send(this.newProduct());
  }

  // ---- requests with a key

  request(path, token, body, allowed, noted) {
    this.count += 1;
    return { path, token, body, key: `trade-${this.count}`, allowed, noted, headers: {} };
  }

  // Sends it, and notes what is acknowledged; throws where no answer came.
  async send(request) {
    this.unanswered.push(request);
    const { path, token, key, body, headers } = request;
    const answer = await this.shop.api('POST', path, { token, key, body, headers });
    if (answer.status === 409 && answer.json.type === '/problems/idempotency-in-progress') return;
    assert.ok(request.allowed.includes(answer.status), `${path} answers ${answer.status}: ${answer.text}`);
    this.unanswered.splice(this.unanswered.indexOf(request), 1);
    if (answer.status < 300) request.noted(answer.json);
  }

  see(path, token, check) {
    this.unseen.push({ path, token, check });
  }

  newProduct() {
    const body = {
      name: `Sturdy ${this.count}`, category: 'home/stools', status: 'active',
      price: { amount: 250 + this.random.upTo(2000), currency: 'EUR' }, variants: [{ stock: STOCK }],
    };
    return this.request('/products', this.vendor.token, body, [201], ({ id, variants }) => {
      this.products.push({ id, variantId: variants[0].id });
      this.see(`/products/${id}`, undefined, (product) => assert.equal(product.name, body.name));
    });
  }

  newOrder(buyer) {
    const some = this.products.slice(-ON_SALE);
    const items = some.slice(this.random.upTo(some.length)).slice(0, 2)
      .map(({ variantId }) => ({ productId: variantId, quantity: 1 + this.random.upTo(2) }));
    return this.orderOf(buyer, { items }, items.length, [201, 202]);
  }

  orderOf(buyer, what, lines, allowed) {
    const body = { ...what, shippingAddress: ADDRESS, paymentMethod: this.random.oneOf(METHODS) };
    const request = this.request('/orders', buyer.token, body, allowed, ({ id }) => {
      this.orders.push({ id, buyer, atLeast: null });
      this.see(`/orders/${id}`, buyer.token, (order) => assert.equal(order.lines.length, lines));
    });
    if (this.random.chance(0.6)) request.headers.prefer = 'respond-async';
    return request;
  }

  // Orders the buyer's own cart, which is there as it was where its last order came to nothing. An
  // order of it may be under way, or have emptied it meanwhile: 409.
  async orderCart(buyer) {
    const { id, lines } = await this.shop.get('/carts/current', buyer.token);
    const { variantId } = this.random.oneOf(this.products.slice(-ON_SALE));
    if (lines.length === 0) {
      await this.shop.api('POST', `/carts/${id}/items`,
        { token: buyer.token, body: { productId: variantId, quantity: 1 + this.random.upTo(2) }, expect: 201 });
    }
    await this.send(this.orderOf(buyer, { cartId: id }, Math.max(lines.length, 1), [201, 202, 409]));
  }

  newAccount() {
    const email = this.shop.unique('crash') + '@buyers.example';
    return this.request('/users/register', undefined, { email, password: PASSWORD, name: 'Ada' }, [201], ({ id }) => {
      this.accounts.push({ id, email });
      this.see(`/users/${id}`, this.admin, (user) => assert.equal(user.email, email));
    });
  }

  newReview(buyer) {
    const { id: productId } = this.random.oneOf(this.products.slice(-ON_SALE));
    const rating = 1 + this.random.upTo(5);
    return this.request('/reviews', buyer.token, { productId, rating, comment: 'It is what it is.' }, [201, 409],
      ({ id }) => {
        this.reviews.push({ id, buyer, productId, rating });
        this.see(`/reviews/${id}`, buyer.token, (review) => assert.equal(review.rating, rating));
      });
  }

  newRefund() {
    const { id: orderId } = this.random.oneOf(this.orders.slice(-40));
    const amount = 1 + this.random.upTo(200);
    return this.request('/payments/refund', this.admin,
      { orderId, amount: { amount, currency: 'EUR' } }, [201, 404, 409], ({ id }) => {
        this.refunds.push({ id, orderId, amount });
        this.see(`/payments/${orderId}/status`, this.admin, ({ transactions }) =>
          assert.ok(transactions.some((one) => one.id === id && one.status === 'succeeded'), `refund ${id}`));
      });
  }

  // ---- moves, which have no key: one that is not answered may have happened, or not

  async move() {
    const order = this.random.oneOf(this.orders.slice(-40));
    if (!order) return;
    const { status } = await this.shop.get(`/orders/${order.id}`, order.buyer.token);
    const cancels = this.random.chance(0.4);
    if (!cancels && !NEXT[status]) return;
    const to = cancels ? 'cancelled' : NEXT[status];
    const answer = await this.shop.api('PUT', `/orders/${order.id}/status`,
      { token: cancels ? order.buyer.token : this.vendor.token, body: { status: to }, expect: [200, 409] });
    if (answer.status !== 200) return;
    order.atLeast = to;
    this.see(`/orders/${order.id}`, order.buyer.token, (now) =>
      assert.ok(AFTERWARDS[to].includes(now.status), `${order.id} was ${to}, and is ${now.status}`));
  }

  // ---- at work

  // All of them, until `ended()`; only then may answers be missing.
  async work(ended) {
    const lane = (fn) => async () => {
      while (!ended()) {
        try {
          await fn();
        } catch (error) {
          if (!ended() || error instanceof assert.AssertionError) throw error;
        }
      }
    };
    const again = this.unanswered.splice(0);
    const unseen = this.unseen.splice(0);
    const buying = this.buyers.map((buyer) => lane(async () => {
      const n = this.random.upTo(10);
      if (n < 4) await this.send(this.newOrder(buyer));
      else if (n < 6) await this.orderCart(buyer);
      else if (n < 8) await this.move();
      else if (n < 9) await this.send(this.newReview(buyer));
      else if (this.orders.length > 0) await this.send(this.newRefund());
    }));
    const repeating = lane(async () => {
      const request = again.shift();
      await (request ? this.send(request) : this.send(this.newAccount()));
    });
    const looking = lane(async () => {
      const item = unseen.shift();
      if (!item) return this.send(this.newProduct()).then(() => new Promise((done) => setTimeout(done, 200)));
      try {
        item.check(await this.shop.get(item.path, item.token));
      } catch (error) {
        if (!(error instanceof assert.AssertionError)) unseen.unshift(item);
        throw error;
      }
      return undefined;
    });
    await Promise.all([...buying.map((run) => run()), repeating(), looking()]);
    this.unanswered.push(...again);
    this.unseen.push(...unseen);
  }

  // ---- the end: everything is answered, settled, and adds up

  async settle() {
    while (this.unanswered.length > 0) {
      const again = this.unanswered.splice(0);
      await inParallel(again, 8, (request) => this.send(request));
    }
    await inParallel(this.unseen.splice(0), 8, async ({ path, token, check }) =>
      check(await this.shop.get(path, token)));
    const listed = await this.shop.all('/orders', this.admin);
    await inParallel(listed.filter(({ status }) => ['pending', 'reserved'].includes(status)), 8,
      ({ id }) => this.shop.settled(id, this.admin));
  }

  async check() {
    const { shop, admin } = this;
    const orders = new Map((await shop.all('/orders', admin)).map((order) => [order.id, order]));
    assert.equal(orders.size, this.orders.length, 'every order was acknowledged to somebody');
    for (const { id, atLeast } of this.orders) {
      const { status } = orders.get(id) ?? assert.fail(`the order ${id} is lost`);
      assert.ok(!['pending', 'reserved'].includes(status), `${id} is still ${status}`);
      if (atLeast) assert.ok(AFTERWARDS[atLeast].includes(status), `${id} was ${atLeast}, and is ${status}`);
    }
    const payments = new Map();
    await inParallel([...orders.values()], 8, async (order) =>
      payments.set(order.id, await this.checkPayment(order)));
    for (const { token } of this.buyers) {
      assert.equal((await shop.get('/carts/current', token)).orderId, undefined, 'no cart waits for an order that is settled');
    }
    await this.checkStock(orders);
    await this.checkSales(orders, payments);
    await this.checkMessages(orders, payments);
    assert.deepEqual((await shop.get('/events/parked', admin)).items, []);
  }

  // One charge per paid order; what was charged for one that is not to be is given back.
  async checkPayment({ id, status, total, history }) {
    const was = (one) => history.some((move) => move.status === one);
    const gone = ['cancelled', 'returned'].includes(status);
    const payment = await waitFor(async () => {
      const { status: code, json } = await this.shop.api('GET', `/payments/${id}/status`,
        { token: this.admin, expect: [200, 404] });
      if (code === 404) return !was('paid') && { transactions: [] };
      return json.transactions.every((one) => one.status !== 'processing') &&
        (!gone || json.paid.amount === json.refunded.amount) && json;
    }, `the payment of ${id} (${status}) is done`);
    const succeeded = (kind) => payment.transactions.filter((one) => one.kind === kind && one.status === 'succeeded');
    const charges = succeeded('charge');
    assert.ok(charges.length <= 1, `${id} is charged ${charges.length} times`);
    if (was('paid')) {
      assert.equal(charges.length, 1, `${id} was paid, and not charged`);
      assert.deepEqual(charges[0].amount, total);
    }
    const refunds = succeeded('refund');
    assert.equal(refunds.reduce((sum, { amount }) => sum + amount.amount, 0), payment.refunded?.amount ?? 0);
    for (const refund of this.refunds.filter(({ orderId }) => orderId === id)) {
      const found = refunds.find((one) => one.id === refund.id);
      assert.equal(found?.amount.amount, refund.amount, `the refund ${refund.id} of ${id}`);
    }
    const failed = payment.transactions.some(({ kind, status: one }) => kind === 'charge' && one === 'failed');
    return { charges, refunds, failed };
  }

  async checkStock(orders) {
    await inParallel(this.products, 8, async ({ id, variantId }) => {
      const sold = [...orders.values()].filter(({ status }) => SOLD.includes(status)).flatMap(({ lines }) => lines)
        .filter(({ productId }) => productId === variantId).reduce((sum, { quantity }) => sum + quantity, 0);
      const stock = await waitFor(async () => {
        const now = await this.shop.get(`/inventory/${variantId}`);
        return now.reserved === 0 && now.onHand === STOCK - sold && now;
      }, `${variantId} has ${STOCK - sold} left, and none reserved`);
      await waitFor(async () => (await this.shop.get(`/products/${id}`)).stock.available === stock.onHand,
        `the product ${id} shows its stock`);
    });
    await inParallel(this.reviews, 8, async ({ id, buyer, rating }) =>
      assert.equal((await this.shop.get(`/reviews/${id}`, buyer.token)).rating, rating));
    await inParallel(this.accounts, 8, async ({ id, email }) =>
      assert.equal((await this.shop.get(`/users/${id}`, this.admin)).email, email));
  }

  async checkSales(orders, payments) {
    const paid = [...orders.values()].filter(({ history }) => history.some(({ status }) => status === 'paid'));
    const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
    const wanted = {
      orders: paid.length,
      units: sum(paid.flatMap(({ lines }) => lines.map(({ quantity }) => quantity))),
      revenue: sum(paid.map(({ total }) => total.amount)),
      refunds: sum(paid.flatMap(({ id }) => payments.get(id).refunds.map(({ amount }) => amount.amount))),
    };
    const range = `from=${new Date(Date.now() - 86_400_000).toISOString()}&to=${new Date(Date.now() + 3_600_000).toISOString()}`;
    let seen;
    await waitFor(async () => {
      const { totals } = await this.shop.get(`/analytics/sales?${range}&currency=EUR`, this.admin);
      seen = Object.fromEntries(Object.keys(wanted).map((name) => [name, totals[name]]));
      return JSON.stringify(seen) === JSON.stringify(wanted);
    }, 'the sales figures are those of the orders').catch((error) => {
      assert.deepEqual(seen, wanted, error.message);
    });
  }

  // One message per event and recipient, and one whole file per message.
  async checkMessages(orders, payments) {
    const messages = await waitFor(async () => {
      const all = await this.shop.all('/notifications', this.admin);
      return all.every(({ status }) => status === 'sent') && all;
    }, 'every message is sent');
    const seen = new Map();
    for (const { template, userId, subject } of messages) {
      const number = template !== 'welcome' && template !== 'low_stock' ? / order (\S+)/.exec(subject)[1].replace(/\.$/, '') : '';
      const key = `${template} ${number || userId}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    for (const { id, number, history } of orders.values()) {
      const declined = history.some(({ by, reason }) => by === 'system' && reason === 'payment-declined');
      const had = (status) => history.some((one) => one.status === status);
      for (const [template, wanted] of Object.entries({
        // The buyer may have cancelled it while the provider was asked.
        order_paid: false, payment_declined: payments.get(id).failed, order_cancelled: had('cancelled') && !declined,
        order_shipped: had('shipped'), order_delivered: had('delivered'),
      })) {
        assert.equal(seen.get(`${template} ${number}`) ?? 0, wanted ? 1 : 0, `messages of ${number}: ${template}`);
      }
      // Money that came too late has a receipt, and goes back.
      const { charges } = payments.get(id);
      assert.equal(seen.get(`receipt ${number}`) ?? 0, charges.length, `receipts of ${number}`);
      assert.equal(seen.get(`refund ${number}`) ?? 0, payments.get(id).refunds.length, `messages of refunds of ${number}`);
    }
    for (const { id } of [...this.accounts, ...this.buyers]) {
      assert.equal(seen.get(`welcome ${id}`), 1, `${id} is welcome once`);
    }
    this.checkOutbox(messages);
  }

  checkOutbox(messages) {
    const outbox = join(this.shop.dataDir, 'outbox');
    const names = readdirSync(outbox).filter((name) => !name.endsWith('.part'));
    assert.deepEqual(names.sort(), messages.map(({ id }) => `${id}.eml`).sort());
    for (const { id, to } of messages) {
      const whole = readFileSync(join(outbox, `${id}.eml`), 'latin1');
      const [head] = whole.split('\r\n\r\n');
      const body = whole.slice(head.length + 4);
      const headers = Object.fromEntries(head.replace(/\r\n[ \t]/g, ' ').split('\r\n')
        .map((line) => /^([\w-]+): (.*)$/.exec(line)?.slice(1) ?? assert.fail(`${id}: ${line}`)));
      assert.equal(headers.To, `<${to}>`);
      assert.ok(headers['Message-ID'].startsWith(`<${id}@`));
      assert.ok(headers.Subject && headers.Date && headers.From);
      assert.match(body, /\r\n$/, `${id} ends in the middle`);
      for (const line of body.split('\r\n')) assert.match(line, /^([ -<>-~\t]|=[0-9A-F]{2})*=?$/, `${id} is not quoted-printable`);
    }
  }
}
