// GET /metrics: what a Prometheus and its dashboards expect, by name, type and unit; and what the shop
// sells, counted once.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';

import { runSouk, startShop } from './lib/shop.mjs';

// ---- the text format, version 0.0.4

function parse(text) {
  const families = new Map();
  const samples = [];
  assert.ok(text.endsWith('\n'));
  for (const line of text.slice(0, -1).split('\n')) {
    const head = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line);
    if (head) {
      const [, word, name, rest] = head;
      const family = families.get(name) ?? {};
      assert.equal(family[word], undefined, `${word} of ${name} twice`);
      families.set(name, { ...family, [word]: rest });
      continue;
    }
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (-?\d+(?:\.\d+)?|\+Inf|NaN)$/.exec(line);
    assert.ok(sample, `no line of the format: ${line}`);
    const labels = {};
    let rest = sample[2] ?? '';
    while (rest) {
      const label = /^([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/.exec(rest);
      assert.ok(label, `no labels: ${line}`);
      assert.ok(!(label[1] in labels), `a label twice: ${line}`);
      labels[label[1]] = label[2];
      rest = rest.slice(label[0].length);
    }
    samples.push({ name: sample[1], labels, value: Number(sample[3]) });
  }
  return { families, samples };
}

const familyOf = (families, name) => families.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');

// What `promtool check metrics` complains of.
function lint({ families, samples }) {
  const faults = [];
  for (const [name, { HELP: help, TYPE: type }] of families) {
    const say = (what) => faults.push(`${name} ${what}`);
    if (!help) say('has no help text');
    if (!type) say('has no type');
    if (type === 'counter' && !name.endsWith('_total')) say('counter metrics should have "_total" suffix');
    if (type !== 'counter' && name.endsWith('_total')) say('non-counter metrics should not have "_total" suffix');
    if (type !== 'histogram' && /_(bucket)$/.test(name)) say('non-histogram metrics should not have "_bucket" suffix');
    if (!['histogram', 'summary'].includes(type) && /_(count|sum)$/.test(name)) say('should not have "_count" or "_sum" suffix');
    if (/[A-Z]|:/.test(name)) say('metric names should be written in snake_case, without colons');
    if (/_(counter|gauge|histogram|summary)(_|$)/.test(name)) say('metric name should not include the type');
    if (/_(ms|us|ns|sec|secs|kb|mb|gb|minutes?|hours?|days?|milliseconds?|microseconds?|nanoseconds?|percent|kilobytes|megabytes|bits)(_total)?$/.test(name)) {
      say('use base units without abbreviation');
    }
    if (/^(bytes|seconds|ratio)_/.test(name)) say('the unit stands at the end');
  }
  const seen = new Set();
  for (const { name, labels } of samples) {
    if (!families.has(familyOf(families, name))) faults.push(`${name} has neither HELP nor TYPE`);
    for (const label of Object.keys(labels)) {
      if (!/^[a-z][a-z0-9_]*$/.test(label)) faults.push(`${name} label names should be written in snake_case`);
    }
    const key = name + JSON.stringify(labels);
    if (seen.has(key)) faults.push(`${key} twice`);
    seen.add(key);
  }
  return faults;
}

let shop;
before(async () => {
  shop = await startShop();
});

const scrape = async (of = shop) => parse((await of.api('GET', '/metrics', { expect: 200 })).text);
const value = ({ samples }, name, labels = {}) => samples.find((sample) => sample.name === name &&
  Object.entries(labels).every(([label, text]) => sample.labels[label] === text))?.value;

test('every series has help, type and unit as is the custom', async () => {
  assert.deepEqual(lint(await scrape()), []);
  assert.ok(lint(parse('# HELP x_ms a\n# TYPE x_ms counter\nx_ms 1\ny 1\n')).length >= 3, 'the check finds faults');
});

test('the process, by the names that Prometheus\' own libraries give', async () => {
  const first = await scrape();
  const stat = readFileSync(`/proc/${shop.pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
  const status = readFileSync(`/proc/${shop.pid}/status`, 'utf8');
  const types = {
    process_cpu_seconds_total: 'counter', process_open_fds: 'gauge', process_max_fds: 'gauge', process_virtual_memory_bytes: 'gauge',
    process_resident_memory_bytes: 'gauge', process_start_time_seconds: 'gauge', process_threads: 'gauge',
  };
  for (const [name, type] of Object.entries(types)) {
    assert.equal(first.families.get(name)?.TYPE, type, name);
    assert.ok(value(first, name) > 0, name);
  }
  const ticks = (Number(stat[11]) + Number(stat[12])) / 100;
  assert.ok(Math.abs(value(first, 'process_cpu_seconds_total') - ticks) < 5);
  const resident = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)[1]) * 1024;
  assert.ok(Math.abs(value(first, 'process_resident_memory_bytes') / resident - 1) < 0.5);
  const started = value(first, 'process_start_time_seconds');
  assert.ok(started < Date.now() / 1000 + 5 && started > Date.now() / 1000 - 3600);
  const open = readdirSync(`/proc/${shop.pid}/fd`).length;
  assert.ok(Math.abs(value(first, 'process_open_fds') - open) < 20, `${open}`);
  assert.equal(value(first, 'process_max_fds'),
    Number(/^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${shop.pid}/limits`, 'utf8'))[1]));
  assert.equal(value(first, 'process_threads'), Number(/^Threads:\s+(\d+)/m.exec(status)[1]));
  const more = await scrape();
  assert.ok(value(more, 'process_cpu_seconds_total') >= value(first, 'process_cpu_seconds_total'));
  assert.equal(value(more, 'process_start_time_seconds'), started);
});

test('the build, as labels of a series that is 1', async () => {
  const { stdout } = await runSouk(['version']);
  assert.equal(value(await scrape(), 'souk_build_info', { version: stdout.trim().split(' ')[1] }), 1);
});

test('orders by status, payments by outcome, money by currency: each once', async () => {
  const own = await startShop();
  const [buyer, admin] = [await own.customer(), await own.admin()];
  const zero = await scrape(own);
  for (const status of ['pending', 'reserved', 'paid', 'shipped', 'delivered', 'returned', 'cancelled']) {
    assert.equal(value(zero, 'souk_orders_total', { status }), 0, status);
  }
  for (const outcome of ['succeeded', 'failed']) {
    assert.equal(value(zero, 'souk_payments_total', { outcome }), 0);
    assert.equal(value(zero, 'souk_refunds_total', { outcome }), 0);
  }
  assert.equal(value(zero, 'souk_revenue_minor_units_total', { currency: 'EUR' }), 0);
  const lamp = await own.createProduct({ price: 1999 });
  const tea = await own.createProduct({ price: { amount: 500, currency: 'JPY' } });
  const buy = (product, quantity, payment) => own.buy({ buyer, items: [{ productId: product.id, quantity }], payment });
  const kept = await buy(lamp, 2);
  const given = await buy(lamp, 1);
  await buy(tea, 3);
  assert.equal((await buy(lamp, 1, 'tok_declined')).status, 'cancelled');
  await own.api('POST', '/payments/refund',
    { token: admin, body: { orderId: given.id, amount: { amount: 500, currency: 'EUR' } }, key: own.unique('refund'), expect: 201 });
  await own.api('PUT', `/orders/${kept.id}/status`, { token: admin, body: { status: 'shipped' }, expect: 200 });
  const now = await scrape(own);
  const orders = (status) => value(now, 'souk_orders_total', { status });
  assert.deepEqual([orders('pending'), orders('reserved'), orders('paid'), orders('cancelled'), orders('shipped')], [4, 4, 3, 1, 1]);
  assert.equal(value(now, 'souk_payments_total', { outcome: 'succeeded' }), 3);
  assert.equal(value(now, 'souk_payments_total', { outcome: 'failed' }), 1);
  assert.equal(value(now, 'souk_refunds_total', { outcome: 'succeeded' }), 1);
  assert.equal(value(now, 'souk_revenue_minor_units_total', { currency: 'EUR' }), 3 * 1999);
  assert.equal(value(now, 'souk_revenue_minor_units_total', { currency: 'JPY' }), 1500);
  assert.equal(value(now, 'souk_refunded_minor_units_total', { currency: 'EUR' }), 500);
  assert.deepEqual(lint(now), []);
});

describe('with a listener of their own', () => {
  let own, elsewhere;
  before(async () => {
    own = await startShop({ env: { SOUK_METRICS_LISTEN: '127.0.0.1:0' } });
    const { message } = own.logLines().find(({ event }) => event === 'server.metrics');
    [, elsewhere] = / (http:\S+)\/metrics$/.exec(message);
  });

  test('they are there, and not where everybody asks', async () => {
    assert.notEqual(elsewhere, own.url);
    const answer = await fetch(`${elsewhere}/metrics`);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
    const metrics = parse(await answer.text());
    assert.deepEqual(lint(metrics), []);
    assert.ok(value(metrics, 'process_open_fds') > 0);
    assert.equal((await own.api('GET', '/metrics')).status, 404);
    assert.equal((await fetch(`${elsewhere}/metrics`, { method: 'HEAD' })).status, 200);
  });

  test('nothing else is', async () => {
    for (const path of ['/', '/products', '/healthz', '/users/login', '/metrics/', '/openapi.json']) {
      assert.equal((await fetch(`${elsewhere}${path}`)).status, 404, path);
    }
    const posted = await fetch(`${elsewhere}/metrics`, { method: 'POST', body: 'x' });
    assert.equal(posted.status, 405);
    assert.equal(posted.headers.get('allow'), 'GET, HEAD');
    assert.match((await posted.json()).type, /method-not-allowed/);
  });

  test('an address that is taken, or is none, is refused before the shop opens', async () => {
    for (const [listen, code] of [[new URL(own.url).host, 1], ['nowhere', 2]]) {
      const refused = await runSouk(['serve', '--listen', '127.0.0.1:0', '--metrics-listen', listen, '--data', `${own.dataDir}/other`]);
      assert.equal(refused.code, code, refused.stderr);
      assert.ok(refused.stderr.includes(listen), refused.stderr);
    }
  });
});
