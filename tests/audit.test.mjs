// souk audit: quiet on a shop that runs, was killed or stands still, however much is under way; and
// each rule finds its promise broken, and only its own, when stored data is broken on purpose.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { ADDRESS, inParallel, ROOT, runSouk, startShop, waitFor } from './lib/shop.mjs';

const HOUR_S = 3600;

async function audit(dataDir) {
  const { code, stdout, stderr } = await runSouk(['audit', '--data', dataDir, '--json']);
  assert.ok(code === 0 || code === 1, `exit code ${code}: ${stderr}`);
  const answer = JSON.parse(stdout);
  answer.found = answer.rules.filter(({ kept }) => !kept);
  assert.equal(answer.kept, answer.found.length === 0);
  assert.equal(code, answer.kept ? 0 : 1);
  return answer;
}

async function assertKept(dataDir) {
  const answer = await audit(dataDir);
  assert.deepEqual(answer.found, [], JSON.stringify(answer.found, null, 1));
  return answer;
}

// Runs statements on a database file, with constraints that Souk's own connections would hold off.
function sql(path, statements) {
  const program = 'import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\n' +
    'c.executescript(sys.argv[2])\nc.close()\n';
  execFileSync('/usr/bin/python3', ['-c', program, path, statements]);
}

// The table as it is, without its keys, indexes and checks.
const bare = (table) =>
  `CREATE TABLE bare AS SELECT * FROM ${table}; DROP TABLE ${table}; ALTER TABLE bare RENAME TO ${table};`;
const least = (table, where = '1 = 1', id = 'id') =>
  `${id} = (SELECT min(${id}) FROM ${table} WHERE ${where})`;
const unknown = (n) => `x'0198000000007000800000000000000${n}'`;
const order = (status) => `number = (SELECT min(number) FROM orders WHERE status = '${status}')`;
const charge = (id, of, status, next) => 'INSERT INTO transactions (id, order_id, number, kind, status, amount,' +
  ' currency, provider, provider_key, payment_method, attempts, next_try_at, created_at, updated_at)' +
  ` SELECT ${id}, order_id, 50, 'charge', '${status}', amount, currency, provider, 'another', 'tok_visa', 1,` +
  ` ${next}, created_at, updated_at FROM transactions WHERE ${of};`;
const SECOND_USER = 'INSERT INTO users SELECT ' + unknown(1) +
  ', email, email_key, vendor_key, name, mobile, password_hash, roles, 0, email_verified, 0, version,' +
  ' created_at, updated_at, 0 FROM users WHERE ';

// What is broken, and the rules that must find it: rule, steps of [file, statements], others that
// the same break concerns. `late`: the shop seems to have run for hours.
const BREAKS = [
  ['file-sound', [['notification', 'PRAGMA ignore_check_constraints = ON;' +
    ` UPDATE messages SET channel = 'fax' WHERE ${least('messages')};`]]],
  ['event-handled', [['analytics', 'INSERT INTO parked (id, source, type, subject, told_at, data, attempts,' +
    ` last_error, parked_at) VALUES (${unknown(1)}, 'order', 'OrderPaid', ${unknown(2)}, 0, '{}', 8, 'x', 0);`]]],
  ['event-heard', [['inventory', "UPDATE heard SET seq = 999999 WHERE source = 'order';"]]],
  ['event-not-lost', [['inventory', "UPDATE heard SET seq = 1 WHERE source = 'order';"],
    ['order', 'DELETE FROM outbox WHERE seq = 2;']]],
  ['idempotency-answer', [['order', `UPDATE idempotency SET status = 0 WHERE ${least('idempotency', '1 = 1', 'key')};`]]],
  ['idempotency-effect', [['order', "UPDATE idempotency SET location = '/orders/01980000-0000-7000-8000-000000000001'" +
    ` WHERE ${least('idempotency', "location LIKE '/orders/%'", 'key')};`]]],

  ['user-address-unique', [['user', bare('users') + SECOND_USER + least('users') + ';']]],
  ['user-brand-unique', [['user', bare('users') + "UPDATE users SET vendor_key = 'acme' WHERE roles & 2;" +
    "UPDATE users SET vendor_key = 'acme' WHERE " + least('users', 'roles & 1') + ';']]],
  ['user-roles', [['user', `UPDATE users SET roles = 8 WHERE ${least('users', 'roles & 2')};`]]],
  ['user-told', [['user', `UPDATE users SET sessions_due = 1, updated_at = 1 WHERE ${least('users')};`]], { late: true }],
  ['user-suspended', [['user', `UPDATE users SET suspended = 1 WHERE ${least('users', 'roles & 1')};`]]],
  ['session-account', [['user', `DELETE FROM users WHERE ${least('users', 'roles & 1 AND suspended = 0')};`]]],

  ['product-slug-unique', [['product', bare('products') + 'UPDATE products SET slug = (SELECT min(slug) FROM products);']]],
  ['product-variants', [['product', `UPDATE products SET available = available + 1 WHERE ${least('products')};`]]],
  ['product-prices', [['product', `UPDATE products SET price_ranges = price_ranges + 1 WHERE ${least('products')};` +
    ` UPDATE products SET price_max = price_max + 1 WHERE id = (SELECT max(id) FROM products);`]]],
  ['product-sorted', [['product', `UPDATE products SET name_key = NULL WHERE ${least('products')};`]]],
  ['product-searchable', [['product', `DELETE FROM documents WHERE ${least('documents', '1 = 1', 'number')};`]]],
  ['product-shelves', [['product', "UPDATE shelves SET category = category || '-' WHERE category LIKE '%/%';"]]],
  ['product-stocked', [['inventory', `UPDATE items SET removed = 1 WHERE ${least('items')};`]]],
  ['product-stock', [['product', 'UPDATE products SET available = available + 1; UPDATE variants SET available = available + 1;']]],
  ['product-rating', [['product', 'UPDATE products SET rating = 100 WHERE rating_count > 0;']]],

  ['cart-order', [['order', `INSERT INTO carts (id, user_id, version, created_at, updated_at, order_id) SELECT ${unknown(1)},` +
    ` user_id, 1, created_at, updated_at, id FROM orders WHERE ${order('paid')};`]]],
  ['order-unique', [['order', bare('orders') +
    `CREATE TEMP TABLE one AS SELECT * FROM orders WHERE ${order('paid')};` +
    'CREATE TEMP TABLE lines AS SELECT * FROM order_lines WHERE order_number = (SELECT number FROM one);' +
    'CREATE TEMP TABLE steps AS SELECT * FROM order_history WHERE order_number = (SELECT number FROM one);' +
    'UPDATE one SET number = number + 1000; UPDATE lines SET order_number = order_number + 1000;' +
    'UPDATE steps SET order_number = order_number + 1000; INSERT INTO orders SELECT * FROM one;' +
    'INSERT INTO order_lines SELECT * FROM lines; INSERT INTO order_history SELECT * FROM steps;']]],
  ['order-total', [['order', "UPDATE orders SET total = total + 1 WHERE payment_status = 'failed';"]]],
  ['order-history', [['order', "DELETE FROM order_history WHERE status = 'cancelled' AND order_number =" +
    " (SELECT number FROM orders WHERE payment_status = 'failed');"]]],
  ['order-moves', [['order', "UPDATE order_history SET moved_by = 'customer' WHERE status = 'shipped';"]]],
  ['order-overdue', [['order', "UPDATE orders SET due_at = 1 WHERE payment_status = 'failed';"]], { late: true }],
  ['order-charged', [['order', `UPDATE orders SET transaction_id = NULL WHERE ${order('paid')};`]]],
  ['charge-owed', [['payment', `INSERT INTO transactions (order_id, number, id, kind, status, amount, currency, provider,` +
    ` provider_key, provider_reference, payment_method, attempts, next_try_at, created_at, updated_at) VALUES (${unknown(1)},` +
    ` 1, ${unknown(2)}, 'charge', 'succeeded', 100, 'JPY', 'sandbox', 'k', 'ch_k', 'tok_visa', 1, 0, 0, 0);`],
    ['sandbox', "INSERT INTO charges VALUES ('k', '01980000-0000-7000-8000-000000000001', 'tok_visa', 100, 'JPY', 0," +
    " 'succeeded', NULL, 1, 0);"]]],
  ['charge-settles', [['order', `UPDATE order_history SET version = -1 WHERE status = 'paid' AND order_number =` +
    ` (SELECT number FROM orders WHERE ${order('paid')}); DELETE FROM order_history WHERE version = -1;` +
    `UPDATE orders SET status = 'reserved', version = version - 1, due_at = 9999999999999 WHERE ${order('paid')};`]],
  { others: ['sales-orders'] }],
  ['order-payment', [['order', `UPDATE orders SET payment_status = 'none' WHERE ${order('paid')};`]]],
  ['order-money-back', [
    ['payment', "DELETE FROM transactions WHERE kind = 'refund'; UPDATE transactions SET refunded = 0;"],
    ['sandbox', 'DELETE FROM refunds; UPDATE charges SET refunded = 0;'],
    ['analytics', 'DELETE FROM refund_lines; DELETE FROM refunds;'],
    ['order', "UPDATE orders SET payment_status = 'paid' WHERE payment_status = 'refunded';"]]],
  ['order-progress', [['order', 'INSERT INTO orders (number, id, user_id, status, total, currency, shipping_address,' +
    ' country, payment_method, payment_status, due_at, attempts, version, revision, created_at, updated_at)' +
    ` SELECT 1000, ${unknown(1)}, user_id, 'pending', 100, currency, shipping_address, country, payment_method, 'none',` +
    ` 9999999999999, 0, 1, 0, created_at, updated_at FROM orders WHERE ${order('paid')};` +
    'INSERT INTO order_lines (order_number, position, product_id, parent_id, vendor_id, name, quantity, unit_price,' +
    ` leads) VALUES (1000, 0, ${unknown(2)}, ${unknown(2)}, ${unknown(3)}, 'Ghost', 1, 100, 1);` +
    "INSERT INTO order_history (order_number, version, status, moved_at, moved_by) VALUES (1000, 1, 'pending', 0, 'customer');"]]],

  ['payment-one-charge', [['payment',
    charge(unknown(1), least('transactions', "kind = 'charge' AND status = 'succeeded'"), 'processing', '9999999999999')]]],
  ['payment-sums', [['payment', `UPDATE transactions SET refunding = 1 WHERE refunded = 0 AND status = 'succeeded' AND kind = 'charge';`]]],
  ['payment-overdue', [['payment', charge(unknown(1), "status = 'failed'", 'processing', '1')]], { late: true }],
  ['payment-at-provider', [['sandbox', `DELETE FROM charges WHERE ${least('charges', "refunded = 0 AND status = 'succeeded'", 'key')};`]]],
  ['provider-in-payment', [['sandbox', "INSERT INTO charges SELECT 'k', 'another', payment_method, amount, currency, 0," +
    ` 'succeeded', NULL, 1, 0 FROM charges WHERE ${least('charges', '1 = 1', 'key')};`]]],
  ['provider-one-charge', [['sandbox', "INSERT INTO charges SELECT 'k', order_id, payment_method, amount, currency, 0," +
    ` 'succeeded', NULL, 1, 0 FROM charges WHERE ${least('charges', "status = 'succeeded'", 'key')};`]],
  { others: ['provider-in-payment'] }],
  ['provider-refunds', [['sandbox', `UPDATE charges SET refunded = 1 WHERE ${least('charges', 'refunded = 0', 'key')};`]]],

  ['stock-covers', [['inventory', 'PRAGMA ignore_check_constraints = ON;' +
    ` UPDATE items SET reserved = on_hand + 1 WHERE ${least('items')};`]],
    { others: ['file-sound', 'product-stock', 'stock-reserved'] }],
  ['stock-sums', [['inventory', `UPDATE items SET spread = 1 WHERE ${least('items')};`]],
    { others: ['stock-journal'] }],
  ['stock-reserved', [['inventory',
    `INSERT INTO reservations VALUES (${unknown(1)}, ${unknown(2)}, 'active', 9999999999999, 0, 0);` +
    `INSERT INTO reservation_lines (order_id, product_id, warehouse, quantity) SELECT ${unknown(1)}, id, 'main', 1 FROM items LIMIT 1;`]]],
  ['stock-journal', [['inventory', `DELETE FROM movements WHERE ${least('movements', 'order_id IS NULL')};`]]],
  ['stock-sold', [['inventory', `UPDATE movements SET order_id = ${unknown(1)} WHERE ${least('movements', "kind = 'sale'")};`]]],
  ['reservation-overdue', [['inventory',
    `INSERT INTO reservations VALUES (${unknown(1)}, ${unknown(2)}, 'active', 1, 0, 0);`]], { late: true }],
  ['order-reservation', [['inventory', "UPDATE reservations SET status = 'released' WHERE status = 'restocked';"]]],
  ['reservation-lines', [['inventory', 'UPDATE reservation_lines SET quantity = quantity + 1 WHERE order_id =' +
    " (SELECT order_id FROM reservations WHERE status = 'released');"]]],

  ['review-once', [['review', bare('reviews') + `INSERT INTO reviews SELECT ${unknown(1)}, product_id, user_id, author,` +
    " rating, title, comment, verified, 'pending', reason, helpfulness, version, created_at FROM reviews LIMIT 1;"]]],
  ['review-rating', [['review', 'UPDATE ratings SET stars_5 = 0, stars_3 = 0, stars_4 = 2;']]],
  ['review-verified', [['review', `UPDATE reviews SET verified = 0 WHERE ${least('reviews', 'verified = 1')};`]]],
  ['review-purchases', [['review', 'DELETE FROM purchases WHERE user_id NOT IN (SELECT user_id FROM reviews);']]],

  ['sales-orders', [['analytics', 'DELETE FROM sale_lines WHERE order_id NOT IN (SELECT order_id FROM refunds);' +
    'DELETE FROM sales WHERE order_id NOT IN (SELECT order_id FROM refunds);']]],
  ['sales-lines', [['analytics', `DELETE FROM sale_lines WHERE ${least('sale_lines', 'line = 1', 'order_id')} AND line = 1;`]]],
  ['sales-lines-sold', [['analytics', `UPDATE sale_lines SET revenue = revenue + 1 - 2 * line WHERE ${least('sale_lines', 'line = 1', 'order_id')};`]]],
  ['sales-refunds', [['analytics', 'DELETE FROM refund_lines; DELETE FROM refunds;']]],
  ['sales-refund-lines', [['analytics', `UPDATE refund_lines SET amount = amount + 1 WHERE ${least('refund_lines', '1 = 1', 'refund_id')};`]]],
  ['activity-noted', [['analytics', "DELETE FROM activity WHERE type = 'OrderPlaced';"]]],

  ['message-once', [['notification', `CREATE TEMP TABLE one AS SELECT * FROM messages WHERE ${least('messages')};` +
    `UPDATE one SET id = ${unknown(1)}; INSERT INTO messages SELECT * FROM one;`]]],
  ['product-vendor', [['user', 'UPDATE users SET suspended = 1 WHERE (roles & 2) <> 0;']], { others: ['user-suspended'] }],
  ['message-told', [['notification', "DELETE FROM messages WHERE template = 'receipt';"]]],
  ['message-overdue', [['notification', `UPDATE messages SET status = 'queued', sent_at = NULL, due_at = 1 WHERE ${least('messages')};`]],
    { late: true }],
];

describe('a shop with every kind of order', { concurrency: 4 }, () => {
  const scratch = mkdtempSync(join(tmpdir(), 'souk-audit-'));
  let shop;

  before(async () => {
    shop = await startShop();
    const admin = await shop.admin();
    const buyers = await inParallel([0, 1, 2, 3, 4], 5, () => shop.customer());
    const lamp = await shop.createProduct({ name: 'Brass lamp', stock: 50, price: 1999 });
    const rug = await shop.createProduct({ name: 'Wool rug', stock: 50, price: 9900 });
    const both = [{ productId: lamp.id, quantity: 2 }, { productId: rug.id, quantity: 1 }];
    const move = (id, status) => shop.api('PUT', `/orders/${id}/status`, { token: admin, body: { status }, expect: 200 });
    const buy = (n, items, payment) => shop.buy({ buyer: buyers[n], items, payment });

    await buy(0, both);
    for (const [n, ...ways] of [[1, 'shipped', 'delivered'], [2, 'shipped', 'delivered'],
      [3, 'shipped', 'delivered', 'returned'], [4, 'cancelled']]) {
      const { id } = await buy(n, [{ productId: lamp.id, quantity: 1 }]);
      for (const status of ways) await move(id, status);
    }
    assert.equal((await buy(4, both, 'tok_declined')).status, 'cancelled');
    for (const [n, rating] of [[1, 5], [2, 3]]) {
      await waitFor(async () => {
        const review = { productId: lamp.id, rating, comment: 'It gives a warm light.' };
        const { status, json } = await shop.api('POST', '/reviews', { token: buyers[n].token, body: review });
        return status === 409 || (status === 201 && json.verifiedPurchase) ||
          !(await shop.api('DELETE', `/reviews/${json.id}`, { token: buyers[n].token, expect: 204 }));
      }, 'the review is that of a verified purchase');
    }
    const { id } = await shop.customer();
    await shop.api('PUT', `/users/${id}`, { token: admin, body: { status: 'suspended' }, expect: 200 });
    await waitFor(async () => (await assertKept(shop.dataDir)).underWay === 0, 'nothing is under way');
    await waitFor(async () => {
      const { items } = await shop.get('/notifications?status=queued', admin);
      return items.length === 0;
    }, 'all messages are sent');
    assert.equal(await shop.sigterm(), 0);
  });

  after(() => rmSync(scratch, { recursive: true, force: true }));

  function broken(name, steps, late) {
    const directory = join(scratch, name);
    cpSync(shop.dataDir, directory, { recursive: true });
    for (const [file, statements] of steps) sql(join(directory, `${file}.db`), statements);
    if (late) utimesSync(join(directory, 'souk.lock'), 0, Date.now() / 1000 - 3 * HOUR_S);
    return directory;
  }

  test('keeps all promises when it stands still, and is not written to', async () => {
    const sums = () => Object.fromEntries(readdirSync(shop.dataDir).filter((name) => name.endsWith('.db')).sort()
      .map((name) => [name, createHash('sha256').update(readFileSync(join(shop.dataDir, name))).digest('hex')]));
    const before = sums();
    const { underWay } = await assertKept(shop.dataDir);
    assert.equal(underWay, 0);
    assert.deepEqual(sums(), before);
    await assertKept(broken("the baker's shop", []));
  });

  for (const [rule, steps, { others = [], late = false } = {}] of BREAKS) {
    test(`${rule} finds what is broken`, async () => {
      const { found } = await audit(broken(rule, steps, late));
      assert.deepEqual(found.map(({ name }) => name).sort(), [rule, ...others].sort(), JSON.stringify(found, null, 1));
      for (const { violations, violationCount } of found) {
        assert.ok(violationCount >= violations.length && violations.length > 0);
        for (const { id, detail } of violations) {
          assert.ok(id && detail);
          assert.doesNotMatch(detail, /cannot be checked/);
        }
      }
    });
  }

  test('a charge of another sum than its order\'s is found, until it is given back', async () => {
    const sum = (amount, refunded) => [['payment', `UPDATE transactions SET amount = ${amount}, refunded = ${refunded},` +
      ` currency = 'JPY' WHERE order_id = (SELECT min(order_id) FROM transactions WHERE status = 'succeeded'` +
      " AND refunded = 0) AND kind = 'charge';"], ['sandbox', 'SELECT 1;']];
    const names = async (steps, name) => (await audit(broken(name, steps))).found.map((rule) => rule.name);
    const charged = await audit(broken('another sum', sum(1, 0)));
    const { violations: [{ detail }] } = charged.found.find(({ name }) => name === 'charge-owed');
    assert.match(detail, /^charged are 1 JPY, given back 0 JPY; it comes to \d+\.\d\d EUR$/);
    assert.ok(!(await names(sum(1, 1), 'given back')).includes('charge-owed'));
  });

  // A definition that is not what the index was made with: its entries are another index's.
  const redefined = (index, from, to) => 'PRAGMA writable_schema = ON;' +
    ` UPDATE sqlite_schema SET sql = replace(sql, '${from}', '${to}') WHERE name = '${index}';`;
  for (const [what, steps, detail] of [
    ['an index that lacks rows', [['order', redefined('orders_by_due', 'IS NOT NULL', 'IS NULL')]], /missing from index orders_by_due/],
    ['an index of other values', [['order', redefined('orders_by_user', 'user_id', 'created_at')]], /orders_by_user/],
    ['a reference to nothing', [['analytics', `DELETE FROM sales WHERE ${least('sales', '1 = 1', 'order_id')};`]],
      /a row of sale_lines refers to no row of sales/],
  ]) {
    test(`file-sound finds ${what}`, async () => {
      const { found } = await audit(broken(what, steps));
      const sound = found.find(({ name }) => name === 'file-sound');
      assert.ok(sound?.violations.some((violation) => detail.test(violation.detail)), JSON.stringify(found, null, 1));
    });
  }

  test('--timings says how long each rule took', async () => {
    const { code, stdout } = await runSouk(['audit', '--data', shop.dataDir, '--timings']);
    assert.equal(code, 0);
    assert.match(stdout, /^ok +order-total: an order's total is the sum of its lines \(\d+\.\d\d s\)$/m);
  });

  test('who has just begun to hear has lost nothing of what went before', async () => {
    const directory = broken('new', [['analytics', 'DELETE FROM heard;'],
      ['order', 'DELETE FROM outbox WHERE seq <= 2;']]);
    const { found } = await audit(directory);
    assert.ok(!found.some(({ name }) => name === 'event-not-lost'), JSON.stringify(found, null, 1));
  });

  test('every rule is broken once here, and explained in docs/audit.md', async () => {
    const { rules } = await audit(shop.dataDir);
    const text = readFileSync(join(ROOT, 'docs/audit.md'), 'utf8');
    const tried = BREAKS.map(([rule]) => rule);
    for (const { name } of rules) {
      assert.ok(tried.includes(name), `${name} is tried`);
      assert.ok(text.includes(`\`${name}\``), `${name} is explained`);
    }
    assert.equal(new Set(tried).size, rules.length);
  });

  test('what somebody has yet to hear of is left out', async () => {
    const stock = BREAKS.find(([rule]) => rule === 'product-stock')[1];
    const directory = broken('unheard', [...stock, ['product', "UPDATE heard SET seq = 0 WHERE source = 'inventory';"]]);
    await assertKept(directory);
  });

  test('what is long overdue in a shop that stood still is not broken', async () => {
    const overdue = BREAKS.filter(([, , options]) => options?.late).flatMap(([, steps]) => steps);
    await assertKept(broken('late', overdue.filter(([file]) => file !== 'inventory')));
  });

  test('as text it has a line per rule, what breaks it, and a summary', async () => {
    const kept = await runSouk(['audit', '--data', shop.dataDir]);
    assert.equal(kept.code, 0);
    assert.match(kept.stdout, /^ok +order-total: an order's total is the sum of its lines$/m);
    assert.match(kept.stdout, new RegExp(`^all ${BREAKS.length} promises are kept; orders under way: 0\\n$`, 'm'));
    const directory = broken('text', BREAKS.find(([rule]) => rule === 'order-total')[1]);
    const found = await runSouk(['audit', '--data', directory]);
    assert.equal(found.code, 1);
    assert.match(found.stdout, /^BROKEN order-total: .*\n +[0-9a-f-]{36}: its lines come to 138\.98 EUR, its total is 138\.99 EUR$/m);
    assert.match(found.stdout, /^1 of \d+ promises are broken; orders under way: 0\n$/m);
  });

  test('of many things that are broken twenty are named', async () => {
    const many = 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)';
    const directory = broken('many', [['auth', `${many} INSERT INTO sessions SELECT CAST(printf('%016d', i) AS BLOB),` +
      ` ${unknown(1)}, x'00', x'00', NULL, 0, 0, 9999999999999 FROM n;`]]);
    const { found } = await audit(directory);
    assert.deepEqual(found.map(({ name, violationCount, violations }) => [name, violationCount, violations.length]),
      [['session-account', 50, 20]]);
    const { stdout } = await runSouk(['audit', '--data', directory]);
    assert.match(stdout, /^ +and 30 more$/m);
  });

  test('what is no data directory, and what is asked wrongly, is said', async () => {
    const empty = join(scratch, 'empty');
    mkdirSync(empty);
    const partial = broken('partial', []);
    rmSync(join(partial, 'review.db'));
    const older = broken('older', [['review', "UPDATE schema_version SET version = 0 WHERE name = 'review';"]]);
    for (const args of [['--data', empty], ['--data', join(scratch, 'nowhere')], ['--data', partial],
      ['--data', older], ['--data', shop.dataDir, 'orders'], ['--no-such-setting', '1']]) {
      const { code, stdout, stderr } = await runSouk(['audit', ...args]);
      assert.equal(code, 2, args.join(' '));
      assert.equal(stdout, '');
      assert.match(stderr, /^souk: /m);
    }
    assert.deepEqual(readdirSync(empty), []);
  });

  test('a file that cannot be read is broken, not believed', async () => {
    const directory = broken('garbage', []);
    const path = join(directory, 'inventory.db');
    execFileSync('/usr/bin/python3', ['-c', 'import sys\nwith open(sys.argv[1], "r+b") as f:\n f.write(b"x" * 4096)', path]);
    const { found, rules } = await audit(directory);
    assert.equal(found.length, rules.length);
    assert.deepEqual(found[0].violations, [{ id: 'inventory', detail: 'it cannot be read' }]);
  });

  test('a page that is broken is named by its file, whatever cannot be checked for it', async () => {
    const directory = broken('page', []);
    const path = join(directory, 'product.db');
    execFileSync('/usr/bin/python3', ['-c', `import sqlite3, sys
root, = sqlite3.connect(sys.argv[1]).execute("SELECT rootpage FROM sqlite_schema WHERE name = 'heard'").fetchone()
with open(sys.argv[1], "r+b") as f:
    f.seek((root - 1) * 4096)
    f.write(b"x" * 64)`, path]);
    const { found } = await audit(directory);
    assert.equal(found[0].name, 'file-sound');
    assert.deepEqual([...new Set(found[0].violations.map(({ id }) => id))], ['product']);
  });
});

test('a shop that sells, and one that was just killed, keep all promises', async () => {
  const shop = await startShop();
  const buyers = await inParallel(Array.from({ length: 16 }), 8, () => shop.customer());
  const products = await inParallel([1, 2, 3], 3, (i) => shop.createProduct({ name: `Busy ${i}`, stock: 150, price: 100 * i }));
  const admin = await shop.admin();
  const methods = ['tok_visa', 'tok_visa', 'tok_flaky', 'tok_declined', 'tok_timeout', 'tok_visa'];
  let ends = false;
  let placed = 0;
  const selling = inParallel(buyers, buyers.length, async (buyer, lane) => {
    while (!ends) {
      const n = placed++;
      try {
        const { json } = await shop.api('POST', '/orders', {
          token: buyer.token,
          key: `busy-${n}`,
          headers: n % 3 ? {} : { prefer: 'respond-async' },
          body: { items: [{ productId: products[n % 3].id, quantity: 1 + (n % 2) }], shippingAddress: ADDRESS,
            paymentMethod: methods[n % methods.length] },
        });
        if (json.status === 'paid' && n % 4 === 0) {
          const path = `/orders/${json.id}/status`;
          await shop.api('PUT', path, { token: admin, body: { status: lane % 2 ? 'cancelled' : 'shipped' } });
        }
      } catch (error) {
        if (!ends) throw error;
      }
    }
  });
  let underWay = 0;
  for (let i = 0; i < 12; i++) underWay += (await assertKept(shop.dataDir)).underWay;
  assert.ok(underWay > 0, 'orders are under way while it sells');
  ends = true;
  await shop.sigkill();
  await selling;
  await assertKept(shop.dataDir);
  await shop.start();
  await waitFor(async () => (await assertKept(shop.dataDir)).underWay === 0, 'all is settled after the restart');
});
