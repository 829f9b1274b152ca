// Messages: what may be asked for, what becomes of them, and that nobody is told twice.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';

import { startShop, waitFor } from './lib/shop.mjs';

const UNKNOWN = '01890a5d-ac96-774b-bcce-b302099a8057';
const EUR = (amount) => ({ amount, currency: 'EUR' });

let shop, admin, service;

before(async () => {
  shop = await startShop({ env: { SOUK_NOTIFICATION_ATTEMPTS: '2', SOUK_PROVIDER_TIMEOUT_MS: '1000' } });
  admin = await shop.admin();
  service = await shop.service();
});

const post = (channel, body, options = {}) =>
  shop.api('POST', `/notifications/${channel}`, { token: service, body, ...options });
const queued = async (channel, body) => (await post(channel, body, { expect: 202 })).json;
const get = (id) => shop.get(`/notifications/${id}`, admin);
const settled = (id) => waitFor(async () => {
  const message = await get(id);
  return message.status !== 'queued' && message;
}, `message ${id} is sent or has failed`);
const told = (user, template) => shop.all(`/notifications?userId=${user.id}`, admin)
  .then((items) => items.filter((message) => message.template === template));
const awaitTold = (user, template, count = 1) => waitFor(async () => {
  const messages = await told(user, template);
  return messages.length >= count && messages;
}, `${user.email} is told by ${template}`);

const outbox = () => join(shop.dataDir, 'outbox');
const file = (id, extension) => readFileSync(join(outbox(), `${id}.${extension}`), 'utf8');
const pointers = ({ json }) => json.errors.map(({ pointer, parameter }) => pointer ?? parameter).sort();

// An e-mail's headers, unfolded and by name, and its text; as a reader of mail decodes them.
function parseMail(text) {
  assert.ok(!/[^\r]\n|\r[^\n]/.test(text), 'lines end with CRLF');
  const end = text.indexOf('\r\n\r\n');
  const headers = text.slice(0, end).replace(/\r\n /g, ' ').split('\r\n')
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]);
  const bytes = (encoded) => encoded.replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  const utf8 = (binary) => Buffer.from(binary, 'latin1').toString('utf8');
  const words = (value) => utf8(value.replace(/\?= =\?/g, '?==?')
    .replace(/=\?utf-8\?Q\?([^?]*)\?=/g, (_, word) => bytes(word.replace(/_/g, ' '))));
  return {
    names: headers.map(([name]) => name),
    headers: Object.fromEntries(headers.map(([name, value]) => [name, words(value)])),
    lines: text.split('\r\n'),
    body: utf8(bytes(text.slice(end + 4).replace(/=\r\n/g, ''))),
  };
}

describe('asking for a message', () => {
  const email = { to: 'someone@buyers.example', subject: 'Hello', body: 'World' };
  const template = { to: 'someone@buyers.example', template: 'order_shipped' };
  const faults = [
    ['email', 'nothing', {}, ['/body', '/subject', '/to']],
    ['email', 'two recipients', { ...email, userId: UNKNOWN }, ['/userId']],
    ['email', 'no address', { ...email, to: 'someone' }, ['/to']],
    ['email', 'a header in the address', { ...email, to: 'a@b.example\r\nBcc: c@d.example' }, ['/to']],
    ['email', 'a header in the subject', { ...email, subject: 'Hello\r\nBcc: c@d.example' }, ['/subject']],
    ['email', 'a control character', { ...email, body: 'a\u0007' }, ['/body']],
    ['email', 'no user', { subject: 'a', body: 'b', userId: 'leyla' }, ['/userId']],
    ['email', 'a template and words', { ...email, template: 'welcome' }, ['/body', '/subject']],
    ['email', 'an unknown template', { ...template, template: 'spam' }, ['/template']],
    ['email', 'data without a template', { ...email, data: {} }, ['/data']],
    ['email', 'a template without its data', { ...template }, ['/data/number']],
    ['email', 'data of another kind', { ...template, data: { number: 7, lines: [{}] } }, ['/data/lines', '/data/number']],
    ['email', 'data that no template knows', { ...template, data: { number: '1', x: 1 } }, ['/data']],
    ['email', 'unknown fields', { ...email, bcc: 'c@d.example' }, ['/bcc']],
    ['sms', 'an address', { to: 'a@b.example', body: 'Hello' }, ['/to']],
    ['sms', 'a subject', { to: '+4915112345678', subject: 'a', body: 'Hello' }, ['/subject']],
    ['sms', 'too long', { to: '+4915112345678', body: 'a'.repeat(1601) }, ['/body']],
    ['push', 'a token of two words', { to: 'a b', body: 'Hello' }, ['/to']],
  ];
  for (const [channel, name, body, wanted] of faults) {
    test(`422: ${channel} with ${name}`, async () => {
      const answer = await post(channel, body);
      assert.ok([400, 422].includes(answer.status), answer.text);
      if (answer.status === 422) assert.deepEqual(pointers(answer), wanted);
    });
  }

  test('a message is answered with Location and ETag, and sent; a key queues it once', async () => {
    const key = shop.unique('message');
    const { json, headers } = await post('email', email, { key, expect: 202 });
    assert.equal(headers.location, `/notifications/${json.id}`);
    assert.ok(headers.etag);
    assert.deepEqual({ ...json, id: 0, createdAt: 0 }, {
      id: 0, channel: 'email', to: email.to, subject: 'Hello', body: 'World', status: 'queued', attempts: 0,
      provider: 'outbox', createdAt: 0,
    });
    const again = await post('email', email, { key, expect: 202 });
    assert.equal(again.json.id, json.id);
    const sent = await settled(json.id);
    assert.equal(sent.status, 'sent');
    assert.equal(sent.attempts, 1);
    assert.ok(sent.sentAt >= sent.createdAt);
    const { headers: { etag } } = await shop.api('GET', headers.location, { token: admin, expect: 200 });
    assert.notEqual(etag, headers.etag);
  });

  test('unknown messages are 404, filters are checked', async () => {
    await shop.api('GET', `/notifications/${UNKNOWN}`, { token: admin, expect: 404 });
    await shop.api('GET', '/notifications?status=lost', { token: admin, expect: 422 });
    await shop.api('GET', '/notifications?userId=leyla', { token: admin, expect: 422 });
  });
});

describe('what arrives', () => {
  test('e-mail is RFC 5322, whatever is in it', async () => {
    const subject = 'Grüße an =?utf-8?Q?alle?= – und noch viel mehr Wörter, als auf eine Zeile passen 💡💡💡';
    const body = `Straße = 5 €\n\ntrailing space \n${'sehr lang '.repeat(30)}\n.\nFrom here\ttab`;
    const { id, createdAt } = await queued('email', { to: "o'neil+x@buyers.example", subject, body });
    await settled(id);
    const { names, headers, lines, body: text } = parseMail(file(id, 'eml'));
    for (const name of ['Date', 'From', 'To', 'Subject', 'Message-ID', 'MIME-Version']) {
      assert.equal(names.filter((one) => one === name).length, 1, name);
    }
    assert.ok(lines.every((line) => line.length <= 78), 'no line is over 78 characters');
    assert.match(file(id, 'eml'), /^[\t\x20-\x7e\r\n]*$/);
    assert.equal(headers.Subject, subject);
    assert.equal(headers.To, "<o'neil+x@buyers.example>");
    assert.match(headers['Message-ID'], new RegExp(`^<${id}@[^>]+>$`));
    assert.equal(new Date(headers.Date).getTime(), Math.floor(Date.parse(createdAt) / 1000) * 1000);
    assert.match(headers['Content-Type'], /^text\/plain; charset=utf-8$/);
    assert.equal(text.replace(/\r\n/g, '\n'), `${body}\n`);
  });

  test('SMS and push are JSON', async () => {
    const sms = await queued('sms', { to: '+4915112345678', template: 'order_shipped', data: { number: 'A-1' } });
    const push = await queued('push', { to: 'device:1', subject: 'Hello', body: 'World' });
    assert.equal((await settled(sms.id)).status, 'sent');
    assert.equal((await settled(push.id)).status, 'sent');
    assert.deepEqual(JSON.parse(file(sms.id, 'sms.json')),
      { id: sms.id, to: '+4915112345678', body: 'Your order A-1 has been shipped.', createdAt: sms.createdAt });
    assert.deepEqual(JSON.parse(file(push.id, 'push.json')),
      { id: push.id, to: 'device:1', title: 'Hello', body: 'World', createdAt: push.createdAt });
  });

  test('every template takes its data; money and lines are written out', async () => {
    const lines = [{ name: 'Lamp', quantity: 2, lineTotal: EUR(4550) }];
    const all = {
      welcome: { name: 'Leyla' },
      order_paid: { number: 'A-1', total: EUR(4550), lines },
      receipt: { number: 'A-1', amount: EUR(4550) },
      payment_declined: { number: 'A-1', amount: { amount: 4550, currency: 'KWD' }, message: 'The card was declined.' },
      refund_failed: { orderId: UNKNOWN, transactionId: UNKNOWN, amount: EUR(4550) },
      order_cancelled: { number: 'A-1', total: EUR(4550), reason: 'out-of-stock' },
      order_shipped: { number: 'A-1', lines },
      order_delivered: { number: 'A-1' },
      order_returned: { number: 'A-1' },
      refund: { number: 'A-1', amount: { amount: 900, currency: 'JPY' } },
      low_stock: { name: 'Lamp', sku: 'L-1', available: 2, threshold: 5 },
    };
    const bodies = {};
    for (const [template, data] of Object.entries(all)) {
      const message = await queued('email', { to: 'someone@buyers.example', template, data });
      assert.equal(message.template, template);
      bodies[template] = message.body;
    }
    assert.match(bodies.order_paid, /45\.50 EUR/);
    assert.match(bodies.order_paid, /2 x Lamp: 45\.50 EUR/);
    assert.match(bodies.receipt, /45\.50 EUR/);
    assert.match(bodies.payment_declined, /4\.550 KWD.*The card was declined\./);
    assert.match(bodies.payment_declined, /cart is kept/);
    assert.match(bodies.refund_failed, /45\.50 EUR/);
    assert.match(bodies.order_cancelled, /in stock/);
    assert.match(bodies.refund, /900 JPY/);
  });

  test('a user\'s address is looked up when the message is sent', async () => {
    const { user, id, email, token } = await shop.customer();
    const message = await queued('email', { userId: id, subject: 'Hello', body: 'World' });
    assert.equal(message.to, undefined);
    assert.equal(message.userId, id);
    assert.equal((await settled(message.id)).to, email);
    const none = await settled((await queued('sms', { userId: id, body: 'Hello' })).id);
    assert.equal(none.status, 'failed');
    assert.match(none.lastError, /mobile/);
    await shop.api('PUT', `/users/${user.id}`, { token, body: { mobile: '+4915112345678' }, expect: 200 });
    const sms = await settled((await queued('sms', { userId: id, body: 'Hello' })).id);
    assert.equal(sms.to, '+4915112345678');
  });

  test('what can never be sent fails at once, and says why', async () => {
    const unknown = await settled((await queued('email', { userId: UNKNOWN, subject: 'a', body: 'b' })).id);
    assert.equal(unknown.status, 'failed');
    assert.match(unknown.lastError, /no such user/);
    const dead = await settled((await queued('email', { to: 'a@vendors.invalid', subject: 'a', body: 'b' })).id);
    assert.equal(dead.status, 'failed');
    assert.match(dead.lastError, /\.invalid/);
    assert.ok(!existsSync(join(outbox(), `${dead.id}.eml`)));
    const failed = await shop.all('/notifications?status=failed', admin);
    assert.ok([unknown, dead].every(({ id }) => failed.some((message) => message.id === id)));
  });
});

describe('what happens reaches whom it concerns', () => {
  test('buyer and vendor are told of an order once each', async () => {
    const buyer = await shop.customer(), vendor = await shop.vendor();
    const product = await shop.createProduct({ vendor, name: 'Oil lamp', stock: 6, price: 1250 });
    await shop.api('PUT', `/inventory/${product.id}`,
      { token: vendor.token, body: { onHand: 6, lowStockThreshold: 5 }, expect: 200 });
    const order = await shop.buy({ buyer, items: [{ productId: product.id, quantity: 2 }] });
    for (const status of ['shipped', 'delivered', 'returned']) {
      await shop.api('PUT', `/orders/${order.id}/status`, { token: vendor.token, body: { status }, expect: 200 });
    }
    for (const template of ['welcome', 'receipt', 'order_shipped', 'order_delivered', 'order_returned', 'refund']) {
      const [message, more] = await awaitTold(buyer, template);
      assert.equal(more, undefined);
      assert.equal(message.channel, 'email');
      if (template !== 'welcome') assert.ok(message.subject.includes(order.number), message.subject);
    }
    const [low] = await awaitTold(vendor, 'low_stock');
    assert.match(low.body, /Oil lamp/);
    const [paid] = await told(buyer, 'receipt');
    assert.match(paid.body, /25\.00 EUR/);
    assert.equal((await settled(paid.id)).to, buyer.email);
    assert.equal((await told(buyer, 'order_paid')).length, 0, 'the receipt has said it');
    assert.equal((await shop.get('/events/parked', admin)).items.length, 0);
  });

  const allTold = async (user) =>
    (await shop.all(`/notifications?userId=${user.id}`, admin)).filter(({ template }) => template !== 'welcome');

  test('a cancelled order says why', async () => {
    const buyer = await shop.customer();
    const { id } = await shop.createProduct({ stock: 1 });
    await shop.buy({ buyer, items: [{ productId: id, quantity: 2 }] });
    const [{ body }] = await awaitTold(buyer, 'order_cancelled');
    assert.match(body, /stock/);
  });

  test('a declined charge is told once, with the sum, the reason and that the cart is kept', async () => {
    const buyer = await shop.customer();
    const { id } = await shop.createProduct({ stock: 1, price: { amount: 9999, currency: 'KWD' } });
    const declined = await shop.buy({ buyer, items: [{ productId: id, quantity: 1 }], payment: 'tok_declined' });
    assert.equal(declined.status, 'cancelled');
    // What is told of a later order comes behind all that is told of this one.
    await shop.buy({ buyer, items: [{ productId: id, quantity: 2 }] });
    await awaitTold(buyer, 'order_cancelled');
    const [message] = await awaitTold(buyer, 'payment_declined');
    assert.ok(message.subject.includes(declined.number));
    assert.match(message.body, /9\.999 KWD/);
    assert.match(message.body, /The card was declined\./);
    assert.match(message.body, /cart is kept/);
    const about = (await allTold(buyer)).filter(({ subject }) => subject.includes(declined.number));
    assert.deepEqual(about.map(({ template }) => template), ['payment_declined']);
  });

  test('who cancels with the words of a decline is told nevertheless', async () => {
    const buyer = await shop.customer();
    const { id } = await shop.createProduct({ stock: 1 });
    const order = await shop.buy({ buyer, items: [{ productId: id, quantity: 1 }] });
    await shop.api('PUT', `/orders/${order.id}/status`,
      { token: buyer.token, body: { status: 'cancelled', reason: 'payment-declined' }, expect: 200 });
    await awaitTold(buyer, 'order_cancelled');
  });

  test('what a release told whose payments named nobody is told once all the same', async () => {
    const own = await startShop({ env: { SOUK_SERVICES: 'user,auth,product,order,payment,inventory,review,analytics' } });
    const buyer = await own.customer();
    const { id } = await own.createProduct({ stock: 5 });
    for (const payment of ['tok_visa', 'tok_declined']) await own.buy({ buyer, items: [{ productId: id, quantity: 1 }], payment });
    assert.equal(await own.sigterm(), 0);
    execFileSync('/usr/bin/python3', ['-c', 'import sqlite3, sys\n' +
      'for name, paths in (("order", "\'$.by\'"), ("payment", "\'$.userId\', \'$.number\'")):\n' +
      '  c = sqlite3.connect(f"{sys.argv[1]}/{name}.db", isolation_level=None)\n' +
      '  c.execute(f"UPDATE outbox SET data = json_remove(data, {paths}) WHERE type <> \'OrderPlaced\'")', own.dataDir]);
    await own.restart({ env: { SOUK_SERVICES: 'all' } });
    const messages = await waitFor(async () => {
      const all = await own.all(`/notifications?userId=${buyer.id}`, await own.admin());
      return all.length >= 3 && all;
    }, 'the buyer is told');
    assert.deepEqual(messages.map(({ template }) => template).sort(), ['order_cancelled', 'order_paid', 'welcome']);
  });

  test('of what costs nothing there is no receipt: the order confirms it', async () => {
    const buyer = await shop.customer();
    const { id } = await shop.createProduct({ stock: 1, price: 0 });
    const order = await shop.buy({ buyer, items: [{ productId: id, quantity: 1 }] });
    assert.equal(order.status, 'paid');
    const [message] = await awaitTold(buyer, 'order_paid');
    assert.ok(message.subject.includes(order.number));
    assert.match(message.body, /0\.00 EUR/);
    assert.deepEqual((await allTold(buyer)).map(({ template }) => template), ['order_paid']);
  });

  test('lists go page by page, the newest first', async () => {
    const all = await shop.all('/notifications', admin, 7);
    const ids = all.map(({ id }) => id);
    assert.ok(ids.length > 14);
    assert.equal(new Set(ids).size, ids.length);
    assert.deepEqual(ids, [...ids].sort().reverse());
  });
});

// These break the outbox, or stop the program: they come last.
describe('when the provider does not work', () => {
  // A file in the outbox's place: nothing can be written into it.
  const without = async (fn) => {
    renameSync(outbox(), `${outbox()}.away`);
    writeFileSync(outbox(), '');
    try {
      return await fn();
    } finally {
      rmSync(outbox());
      renameSync(`${outbox()}.away`, outbox());
    }
  };
  const email = { to: 'someone@buyers.example', subject: 'Hello', body: 'World' };

  test('a message is tried again, and sent when it works', async () => {
    const id = await without(async () => {
      const message = await queued('email', email);
      await waitFor(async () => (await get(message.id)).lastError, 'the first attempt fails');
      return message.id;
    });
    const sent = await settled(id);
    assert.equal(sent.status, 'sent');
    assert.equal(sent.attempts, 2);
    assert.equal(sent.lastError, undefined);
  });

  test('after the last attempt it has failed, and is kept', async () => {
    const failed = await without(async () => settled((await queued('email', email)).id));
    assert.equal(failed.status, 'failed');
    assert.equal(failed.attempts, 2);
    assert.match(failed.lastError, /cannot be written/);
    assert.ok(!existsSync(join(outbox(), `${failed.id}.eml`)));
  });

  test('what is queued survives a kill, and arrives once', async () => {
    const buyer = await shop.customer();
    const messages = await Promise.all(Array.from({ length: 100 }, (_, i) =>
      queued('email', { userId: buyer.id, subject: `Message ${i}`, body: 'Hello' })));
    await shop.sigkill();
    await shop.start();
    for (const { id } of messages) assert.equal((await settled(id)).status, 'sent');
    const names = readdirSync(outbox());
    assert.equal(names.filter((name) => messages.some(({ id }) => name.startsWith(id))).length, 100);
    assert.deepEqual(names.filter((name) => name.endsWith('.part')), []);
    assert.equal((await told(buyer, 'welcome')).length, 1);
  });
});
