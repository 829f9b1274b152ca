// Cursors are opaque to clients, and so anything at all may come as one: each list answers with a
// page or with 422, whatever its cursor says.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { inParallel, startShop, waitFor } from './lib/shop.mjs';

const ID = '01980000-0000-7000-8000-000000000001';
const NUMBERS = ['-9223372036854775808', '-9223372036854775807', '9223372036854775807', '9223372036854775808',
  '-9223372036854775809', '-4611686018427387904', '4611686018427387903', '4611686018427387904', '-1', '0', '1',
  '4294967296', '-2147483649', '99999999999999999999', '1.5', '1e3', '0x10', ' 1', '', '-', '--1', '\u0663'];
const IDS = ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', ID, ID.toUpperCase(), '', 'x',
  `${ID}0`];
const TEXTS = ['-', '+', '', '+a', '+z', '+~', '+\u00ff', `+${'x'.repeat(2000)}`, '+%', "+'", '+\ta', '+a\nb', '-a', '*', '+\u{10ffff}'];

const encode = (lines) => Buffer.from(lines.join('\n')).toString('base64url');
const decode = (cursor) => {
  const [kind, number, id, ...rest] = Buffer.from(cursor, 'base64url').toString().split('\n');
  return { kind, number, id, rest: rest.join('\n') };
};

function* cursorsLike({ kind, number, id, rest }) {
  for (const other of NUMBERS) yield encode([kind, other, id, rest]);
  for (const other of IDS) yield encode([kind, number, other, rest]);
  for (const other of TEXTS) {
    yield encode([kind, number, id, other]);
    yield encode([kind, '-9223372036854775808', id, other]);
  }
  for (const other of ['', `${kind}x`, kind.toUpperCase(), 'products', '\0']) yield encode([other, number, id, rest]);
  const whole = encode([kind, number, id, rest]);
  for (let i = 0; i < whole.length; i += 7) yield whole.slice(0, i);
  yield* [`${whole}=`, `${whole}A`, '%', '*', 'A'.repeat(5000), encode([kind]), encode([kind, number]), encode([kind, number, id])];
}

describe('whatever a cursor says', () => {
  let shop, admin, world;

  before(async () => {
    shop = await startShop();
    admin = await shop.admin();
    const [buyer, other] = [await shop.customer(), await shop.customer()];
    const lamps = [await shop.createProduct({ name: 'Lamp one' }), await shop.createProduct({ name: 'Lamp two' })];
    for (const one of [buyer, other]) {
      for (const lamp of lamps) {
        await shop.buy({ buyer: one, items: [{ productId: lamp.id, quantity: 1 }] });
        await shop.api('POST', '/reviews', { token: one.token, expect: 201,
          body: { productId: lamp.id, rating: 4, comment: 'It gives a warm light.' } });
      }
    }
    await shop.service();
    await shop.api('POST', '/auth/clients', { token: admin, body: { name: shop.unique('client') }, expect: 201 });
    await waitFor(async () => (await shop.all('/notifications', admin)).length >= 4, 'messages were sent');
    world = { buyer, lamp: lamps[0] };
  });

  const LISTS = {
    users: () => ['/users', admin],
    clients: () => ['/auth/clients', admin],
    'orders of a user': () => [`/orders/user/${world.buyer.id}`, world.buyer.token],
    inventory: () => ['/inventory', admin],
    messages: () => ['/notifications', admin],
    'reviews of a user': () => [`/reviews/user/${world.buyer.id}`, world.buyer.token],
    ...Object.fromEntries(['newest', 'helpful', 'rating'].map((sort) =>
      [`reviews by ${sort}`, () => [`/reviews/product/${world.lamp.id}?sort=${sort}`]])),
    ...Object.fromEntries(['price', '-price', 'newest', 'rating', 'name'].map((sort) =>
      [`products by ${sort}`, () => [`/products?sort=${sort}`]])),
    'products that were searched': () => ['/products?q=lamp'],
    'products by relevance': () => ['/products?q=lamp&sort=relevance'],
    'products of a category': () => ['/products?category=home'],
    'parked events': () => ['/events/parked', admin, encode(['events/parked', '1', ID, '+a'])],
  };
  for (const [name, list] of Object.entries(LISTS)) {
    test(name, async () => {
      const [path, token, made] = list();
      const page = (cursor, limit) => shop.api('GET',
        `${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`, { token });
      const cursor = made ?? (await page(null, 1)).json.nextCursor;
      assert.ok(cursor, 'there is more than a page');
      assert.equal((await page(cursor, 1)).status, 200);
      await inParallel([...cursorsLike(decode(cursor))], 8, async (other) => {
        const { status, json, text } = await page(other, 2);
        assert.ok(status === 200 || status === 422, `${status}: ${text}`);
            if (status === 422) assert.deepEqual(json.errors.map(({ parameter }) => parameter), ['cursor']);
      });
    });
  }
});
