// Figures: what may be sent in, and that every figure is what really happened, once.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { inParallel, startShop, waitFor } from './lib/shop.mjs';

const DAY = 86_400_000;
const UNKNOWN = '01890a5d-ac96-774b-bcce-b302099a8057';

let shop, admin, service;

before(async () => {
  shop = await startShop();
  admin = await shop.admin();
  service = await shop.service();
});

const send = (body, options = {}) => shop.api('POST', '/analytics/event', { body, ...options });
const query = (values) => new URLSearchParams(values).toString();
const sales = (values, token = admin) => shop.get(`/analytics/sales?${query(values)}`, token);
const activity = (values) => shop.get(`/analytics/user-activity?${query(values)}`, admin);
const pointers = ({ json }) => json.errors.map(({ pointer, parameter }) => pointer ?? parameter).sort();
const iso = (time) => new Date(time).toISOString();

// A table as a spreadsheet reads it: an object per record.
function parseCsv(text) {
  assert.ok(text.endsWith('\r\n'));
  const [names, ...records] = text.trimEnd().split('\r\n').map((line) =>
    [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
      quoted?.replace(/""/g, '"') ?? plain));
  return records.map((record) => Object.fromEntries(record.map((value, i) => [names[i], value])));
}

describe('taking events in', () => {
  const faults = [
    ['nothing', {}, ['/type']],
    ['no events', { events: [] }, ['/events']],
    ['too many', { events: Array.from({ length: 1001 }, () => ({ type: 'view' })) }, ['/events']],
    ['one beside many', { type: 'view', sessionId: 'a', events: [{ type: 'view' }] }, ['/sessionId', '/type']],
    ['a platform\'s type', { type: 'OrderPaid' }, ['/type']],
    ['a type of two words', { type: 'page view' }, ['/type']],
    ['a long type', { type: 'a'.repeat(65) }, ['/type']],
    ['the beginning of time', { type: 'view', at: '1970-01-01T00:00:00Z' }, ['/at']],
    ['no time', { type: 'view', at: 'now' }, ['/at']],
    ['the future', { type: 'view', at: iso(Date.now() + 10 * 60_000) }, ['/at']],
    ['long ago', { type: 'view', at: iso(Date.now() - 91 * DAY) }, ['/at']],
    ['properties that are none', { type: 'view', properties: [1] }, ['/properties']],
    ['too many properties', { type: 'view', properties: { a: 'b'.repeat(5000) } }, ['/properties']],
    ['unknown fields', { type: 'view', price: 1 }, ['/price']],
    ['somebody else\'s', { type: 'view', userId: UNKNOWN }, ['/userId']],
    ['every fault of a list', { events: [{ type: 'view' }, { at: 'x' }, { type: 'view', userId: UNKNOWN }] },
      ['/events/1/at', '/events/1/type']],
  ];
  for (const [name, body, wanted] of faults) {
    test(`422: ${name}`, async () => {
      const answer = await send(body, { expect: 422 });
      assert.deepEqual(pointers(answer), wanted);
    });
  }

  test('whose event it may be', async () => {
    const user = await shop.customer(), other = await shop.customer();
    const of = (userId, token) => send({ type: 'whose', userId }, { token }).then(({ status }) => status);
    assert.equal(await of(user.id, user.token), 202);
    assert.equal(await of(undefined, user.token), 202);
    assert.equal(await of(undefined, undefined), 202);
    assert.equal(await of(other.id, user.token), 422);
    assert.equal(await of(user.id, undefined), 422);
    assert.equal(await of(user.id, service), 202);
    assert.equal(await of(user.id, admin), 202);
  });

  test('a thousand at once, and a key that counts once', async () => {
    const body = { events: Array.from({ length: 1000 }, (_, i) => ({ type: 'bulk', properties: { i } })) };
    const key = shop.unique('bulk');
    const user = await shop.customer();
    for (const replayed of [undefined, 'true']) {
      const { json, headers } = await send(body, { token: user.token, key, expect: 202 });
      assert.deepEqual(json, { accepted: 1000 });
      assert.equal(headers['idempotency-replayed'], replayed);
    }
    const { byType } = await activity({});
    assert.deepEqual(byType.find(({ type }) => type === 'bulk'), { type: 'bulk', count: 1000 });
  });

  test('over a megabyte is refused', async () => {
    const big = { type: 'view', properties: { a: 'b'.repeat(2000) } };
    await send({ events: Array.from({ length: 600 }, () => big) }, { expect: 413 });
  });
});

test('user activity counts users, sessions and events, per stretch and in all', async () => {
  const [anna, bert] = [await shop.customer(), await shop.customer()];
  // A day of its own, that nothing else of these tests lies in.
  const day = Math.floor((Date.now() - 40 * DAY) / DAY) * DAY;
  const at = (hours) => iso(day + hours * 3_600_000);
  await send({
    events: [
      { type: 'view', at: at(0), userId: anna.id, sessionId: 'a' },
      { type: 'view', at: at(1), userId: anna.id, sessionId: 'b' },
      { type: 'cart', at: at(1), userId: anna.id, sessionId: 'b' },
      { type: 'view', at: at(23.99), userId: bert.id },
      { type: 'view', at: at(30), userId: bert.id, sessionId: 'c' },
      { type: 'view', at: at(30), sessionId: 'd' },
      { type: 'checkout', at: at(48), userId: anna.id },
    ],
  }, { token: service, expect: 202 });

  const range = { from: iso(day), to: iso(day + 2 * DAY) };
  const daily = await activity({ ...range, interval: 'day' });
  assert.deepEqual(daily, {
    totals: { activeUsers: 2, sessions: 4, events: 6 },
    series: [
      { from: iso(day), activeUsers: 2, events: 4 },
      { from: iso(day + DAY), activeUsers: 1, events: 2 },
    ],
    byType: [{ type: 'view', count: 5 }, { type: 'cart', count: 1 }],
    funnel: [
      { step: 'view', users: 2 }, { step: 'cart', users: 1 }, { step: 'checkout', users: 0 },
      { step: 'order', users: 0 }, { step: 'payment', users: 0 },
    ],
  });
  const hourly = await activity({ ...range, interval: 'hour' });
  assert.equal(hourly.series.length, 48);
  assert.deepEqual(hourly.totals, daily.totals);
  assert.deepEqual(hourly.series[1], { from: at(1), activeUsers: 1, events: 2 });
  assert.deepEqual(hourly.series[2], { from: at(2), activeUsers: 0, events: 0 });

  const csv = await shop.api('GET', `/analytics/user-activity?${query(range)}`,
    { token: admin, headers: { accept: 'text/csv' }, expect: 200 });
  const rows = parseCsv(csv.text);
  assert.deepEqual(rows[0], { section: 'totals', key: '', users: '2', sessions: '4', events: '6' });
  assert.deepEqual(rows.filter(({ section }) => section === 'series').map(({ key, users, events }) => [key, users, events]),
    daily.series.map(({ from, activeUsers, events }) => [from, String(activeUsers), String(events)]));
  assert.deepEqual(rows.filter(({ section }) => section === 'type').map(({ key, events }) => [key, events]),
    [['view', '5'], ['cart', '1']]);
  assert.equal(rows.filter(({ section }) => section === 'funnel').length, 5);
});

test('a purchase is activity, too', async () => {
  const buyer = await shop.customer();
  const { id } = await shop.createProduct();
  const before = await activity({});
  await shop.buy({ buyer, items: [{ productId: id, quantity: 1 }] });
  await waitFor(async () => {
    const { byType, funnel } = await activity({});
    const count = (type) => byType.find((one) => one.type === type)?.count ?? 0;
    const was = (step) => before.funnel.find((one) => one.step === step).users;
    return count('UserRegistered') > 0 && count('OrderPlaced') > 0 && count('OrderPaid') > 0 &&
      count('PaymentSucceeded') > 0 &&
      funnel.every(({ step, users }) => users === was(step) + (['order', 'payment'].includes(step) ? 1 : 0));
  }, 'the buyer is in the funnel');
});

describe('what is asked of reports', () => {
  const bad = [
    [{ from: 'yesterday' }, ['from']],
    [{ from: '2026-01-02', to: '2026-01-02' }, ['to']],
    [{ from: '2026-01-02', to: '2026-01-01' }, ['to']],
    [{ from: '1999-12-31' }, ['from']],
    [{ from: '0000-01-01', to: '0000-01-02', interval: 'week' }, ['from']],
    [{ interval: 'year' }, ['interval']],
    [{ from: '2026-01-01', to: '2026-03-01', interval: 'hour' }, ['interval']],
    [{ from: '2000-01-01', to: '9999-12-31', interval: 'month' }, ['interval']],
    [{ interval: 'year', to: 'x' }, ['interval', 'to']],
  ];
  for (const [values, wanted] of bad) {
    test(`422: ${query(values)}`, async () => {
      for (const report of ['sales', 'user-activity']) {
        const answer = await shop.api('GET', `/analytics/${report}?${query(values)}`, { token: admin, expect: 422 });
        assert.deepEqual(pointers(answer).map((name) => name.replace(/^\W/, '')), wanted);
      }
    });
  }
  for (const values of [{ groupBy: 'colour' }, { currency: 'XXY' }, { currency: 'eur' }, { timezone: 'Berlin' },
    { timezone: 'GMT+3' }, { timezone: 'europe/berlin' }, { timezone: '+02:00' }, { timezone: '' }]) {
    test(`422: ${query(values)}`, () =>
      shop.api('GET', `/analytics/sales?${query(values)}`, { token: admin, expect: 422 }));
  }

  test('the last thirty days by day, if nothing is said; weeks and months by the calendar', async () => {
    const usual = await sales({});
    assert.equal(usual.currency, 'EUR');
    assert.equal(usual.groups, undefined);
    assert.equal(usual.series.length, 31);
    assert.ok(usual.series.every(({ from }) => from.endsWith('T00:00:00.000Z')));

    const weeks = await sales({ from: '2025-12-30', to: '2026-01-13', interval: 'week' });
    assert.deepEqual(weeks.series.map(({ from }) => from.slice(0, 10)), ['2025-12-29', '2026-01-05', '2026-01-12']);
    const months = await sales({ from: '2023-12-15', to: '2024-03-01', interval: 'month' });
    assert.deepEqual(months.series.map(({ from }) => from.slice(0, 10)), ['2023-12-01', '2024-01-01', '2024-02-01']);
    assert.deepEqual(months.totals, { orders: 0, units: 0, revenue: 0, refunds: 0, averageOrder: 0 });
  });

  test('days, weeks, months and hours by the clocks of a time zone', async () => {
    const starts = async (values) => (await sales(values)).series.map(({ from }) => from.replace(':00.000Z', ''));
    const timezone = 'Europe/Berlin';
    // 23 hours, and 25.
    assert.deepEqual(await starts({ timezone, from: '2026-03-28', to: '2026-03-31' }),
      ['2026-03-27T23:00', '2026-03-28T23:00', '2026-03-29T22:00']);
    assert.deepEqual(await starts({ timezone, from: '2026-10-25T10:00:00Z', to: '2026-10-27' }),
      ['2026-10-24T22:00', '2026-10-25T23:00']);
    assert.equal((await starts({ timezone, from: '2026-03-29', to: '2026-03-30', interval: 'hour' })).length, 23);
    assert.equal((await starts({ timezone, from: '2026-10-25', to: '2026-10-26', interval: 'hour' })).length, 25);
    assert.deepEqual(await starts({ timezone, from: '2026-03-23', to: '2026-04-06', interval: 'week' }),
      ['2026-03-22T23:00', '2026-03-29T22:00']);
    // By what the system knows of the clocks today: Egypt puts them on again since 2023, Mexico no more.
    assert.deepEqual(await starts({ timezone: 'Africa/Cairo', from: '2026-04-24', to: '2026-04-26' }),
      ['2026-04-23T22:00', '2026-04-24T21:00']);
    assert.deepEqual(await starts({ timezone: 'America/Mexico_City', from: '2026-07-01', to: '2026-07-02' }), ['2026-07-01T06:00']);
    assert.deepEqual(await starts({ timezone: 'Asia/Tokyo', from: '2000-01-01', to: '2000-01-02' }), ['1999-12-31T15:00']);
    for (const older of ['Asia/Calcutta', 'US/Pacific', 'GB']) await starts({ timezone: older, from: '2026-01-01', to: '2026-01-02' });
    assert.deepEqual(await starts({ timezone: 'Asia/Kolkata', from: '2026-01-01', to: '2026-03-01', interval: 'month' }),
      ['2025-12-31T18:30', '2026-01-31T18:30']);
    assert.deepEqual(await starts({ timezone: 'Asia/Kolkata', from: '2026-01-01', to: '2026-01-01T02:00:00+05:30', interval: 'hour' }),
      ['2025-12-31T18:30', '2025-12-31T19:30']);
    // A day that begins an hour late, and one that there was not.
    assert.deepEqual(await starts({ timezone: 'Asia/Beirut', from: '2026-03-29', to: '2026-03-31' }),
      ['2026-03-28T22:00', '2026-03-29T21:00']);
    assert.deepEqual(await starts({ timezone: 'Pacific/Apia', from: '2011-12-29', to: '2012-01-01' }),
      ['2011-12-29T10:00', '2011-12-30T10:00']);
    assert.deepEqual(await starts({ timezone: 'UTC', from: '2026-03-29', to: '2026-03-30' }), ['2026-03-29T00:00']);
  });

  test('the Accept header chooses', async () => {
    const type = async (accept) => {
      const { status, headers } = await shop.api('GET', '/analytics/sales', { token: admin, headers: { accept } });
      return status === 200 ? headers['content-type'].split(';')[0] : status;
    };
    assert.equal(await type(undefined), 'application/json');
    assert.equal(await type('*/*'), 'application/json');
    assert.equal(await type('text/csv'), 'text/csv');
    assert.equal(await type('text/csv;q=0.5, application/json;q=0.4'), 'text/csv');
    assert.equal(await type('text/html'), 406);
    assert.equal(await type('text/html, */*;q=0.1'), 'application/json');
  });
});

describe('sales', () => {
  let anna, bert, lamp, rug, orders;
  const today = () => ({ from: iso(Date.now() - DAY), to: iso(Date.now() + DAY), currency: 'GBP' });
  const GBP = (amount) => ({ amount, currency: 'GBP' });
  const totals = (wanted, token) => waitFor(async () => {
    const now = await sales(today(), token);
    return Object.entries(wanted).every(([name, value]) => now.totals[name] === value) && now;
  }, `sales are ${JSON.stringify(wanted)}`).catch(async (error) => {
    throw new Error(`${error.message}; it says ${JSON.stringify((await sales(today(), token)).totals)}`);
  });

  // Ten orders of two lamps (3.33 each, Anna's) and a rug (10.01, Bert's), in a currency of their own.
  before(async () => {
    [anna, bert] = [await shop.vendor(), await shop.vendor()];
    lamp = await shop.createProduct({ vendor: anna, name: 'Lamp, "brass"', price: GBP(333), category: 'home/lamps' });
    rug = await shop.createProduct({ vendor: bert, name: '=Rug', price: GBP(1001), category: 'home/rugs' });
    const buyers = [await shop.customer(), await shop.customer()];
    orders = await inParallel(Array.from({ length: 10 }), 5, (_, i) => shop.buy({
      buyer: buyers[i % 2],
      items: [{ productId: lamp.id, quantity: 2 }, { productId: rug.id, quantity: 1 }],
    }));
  });

  test('orders, units and revenue are exact; a vendor sees its lines', async () => {
    assert.ok(orders.every(({ status }) => status === 'paid'));
    const all = await totals({ orders: 10, units: 30, revenue: 16670, refunds: 0, averageOrder: 1667 });
    assert.equal(all.series.reduce((sum, { revenue }) => sum + revenue, 0), 16670);
    await totals({ orders: 10, units: 20, revenue: 6660, refunds: 0, averageOrder: 666 }, anna.token);
    await totals({ orders: 10, units: 10, revenue: 10010, averageOrder: 1001 }, bert.token);
    await totals({ orders: 0, revenue: 0 }, (await shop.vendor()).token);
    assert.equal((await sales({ ...today(), currency: 'SEK' })).totals.orders, 0);
  });

  test('groups', async () => {
    const groups = async (groupBy, token) => (await sales({ ...today(), groupBy }, token)).groups;
    const lamps = { orders: 10, units: 20, revenue: 6660 }, rugs = { orders: 10, units: 10, revenue: 10010 };
    assert.deepEqual(await groups('product'),
      [{ key: rug.id, name: '=Rug', ...rugs }, { key: lamp.id, name: 'Lamp, "brass"', ...lamps }]);
    assert.deepEqual(await groups('category'), [{ key: 'home/rugs', ...rugs }, { key: 'home/lamps', ...lamps }]);
    assert.deepEqual(await groups('vendor'), [{ key: bert.id, ...rugs }, { key: anna.id, ...lamps }]);
    assert.deepEqual(await groups('country'), [{ key: 'DE', orders: 10, units: 30, revenue: 16670 }]);
    assert.deepEqual(await groups('vendor', anna.token), [{ key: anna.id, ...lamps }]);
  });

  test('refunds are shared among the lines, to the cent', async () => {
    // 1.00 of 16.67: lamps 6.66 have 39.95, rugs 10.01 have 60.05: 40 and 60.
    await shop.api('POST', '/payments/refund',
      { token: admin, body: { orderId: orders[0].id, amount: GBP(100) }, expect: 201 });
    await totals({ orders: 10, revenue: 16670, refunds: 100 });
    await totals({ revenue: 6660, refunds: 40 }, anna.token);
    await totals({ revenue: 10010, refunds: 60 }, bert.token);
    await shop.api('PUT', `/orders/${orders[1].id}/status`, { token: admin, body: { status: 'cancelled' }, expect: 200 });
    await totals({ orders: 10, revenue: 16670, refunds: 1767 });
    await totals({ refunds: 40 + 666 }, anna.token);
    await totals({ refunds: 60 + 1001 }, bert.token);
  });

  test('CSV says the same, and no cell is a formula', async () => {
    const json = await sales({ ...today(), groupBy: 'product' });
    const csv = await shop.api('GET', `/analytics/sales?${query({ ...today(), groupBy: 'product' })}`,
      { token: admin, headers: { accept: 'text/csv' }, expect: 200 });
    assert.match(csv.headers['content-disposition'], /attachment; filename="sales\.csv"/);
    const rows = parseCsv(csv.text);
    const { orders: count, units, revenue, refunds, averageOrder } = json.totals;
    assert.deepEqual(rows[0], {
      section: 'totals', key: '', name: '', orders: `${count}`, units: `${units}`, revenue: `${revenue}`,
      refunds: `${refunds}`, averageOrder: `${averageOrder}`, currency: 'GBP',
    });
    assert.deepEqual(rows.filter(({ section }) => section === 'series').map((row) => [row.key, Number(row.revenue)]),
      json.series.map(({ from, revenue: sum }) => [from, sum]));
    assert.deepEqual(rows.filter(({ section }) => section === 'group').map((row) => [row.key, row.name, Number(row.units)]),
      [[rug.id, "'=Rug", 10], [lamp.id, 'Lamp, "brass"', 20]]);
  });

  test('what is told again after a kill is counted once', async () => {
    const wanted = (await sales(today())).totals;
    await shop.sigkill();
    await shop.start();
    await totals(wanted);
    assert.equal((await shop.get('/events/parked', admin)).items.length, 0);
  });
});
