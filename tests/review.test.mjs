// Reviews as clients see them: who may write and see what, what waits, what it adds up to.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { startShop, waitFor } from './lib/shop.mjs';

const UNKNOWN = '01890a5d-ac96-774b-bcce-b302099a8057';

let shop, admin, product;

before(async () => {
  shop = await startShop();
  admin = await shop.admin();
  product = await shop.createProduct();
});

const review = (by, body, options = {}) => shop.api('POST', '/reviews', {
  token: by.token, body: { productId: product.id, rating: 4, comment: 'As described.', ...body }, ...options,
});
const written = async (by, body) => (await review(by, body, { expect: 201 })).json;
const judge = (id, body, options = {}) => shop.api('PUT', `/reviews/${id}/status`, { token: admin, body, ...options });
const listed = async (path, token) => (await shop.all(path, token)).map(({ id }) => id);
const summary = async (id) => (await shop.get(`/reviews/product/${id}`)).summary;

const pointers = ({ json }) => json.errors.map(({ pointer, parameter }) => pointer ?? parameter).sort();

describe('writing', () => {
  test('a review is answered whole, with Location and ETag, and is read back', async () => {
    const by = await shop.register({ name: 'Noor' });
    const { json, headers } = await review(by, { rating: 5, title: 'Bright', comment: 'Two lines,\nno more.' },
      { expect: 201 });
    assert.equal(headers.location, `/reviews/${json.id}`);
    assert.ok(headers.etag);
    assert.deepEqual({ ...json, id: 0, createdAt: 0 }, {
      id: 0, productId: product.id, userId: by.id, author: 'Noor', rating: 5, title: 'Bright',
      comment: 'Two lines,\nno more.', verifiedPurchase: false, status: 'published', createdAt: 0,
    });
    const { json: again, headers: { etag } } = await shop.api('GET', headers.location, { expect: 200 });
    assert.deepEqual(again, json);
    assert.equal(etag, headers.etag);
    await shop.api('GET', headers.location, { headers: { 'if-none-match': etag }, expect: 304 });
  });

  test('who has no name is "Customer"', async () => {
    const email = `${shop.unique('nameless')}@buyers.example`;
    const password = 'a-perfectly-fine-Passphrase-9';
    await shop.api('POST', '/users/register', { body: { email, password }, expect: 201 });
    const { accessToken: token } = await shop.login(email, password);
    const json = await written({ token });
    assert.equal(json.author, 'Customer');
    assert.ok(!JSON.stringify(json).includes(email));
  });

  const faults = [
    ['nothing', {}, ['/comment', '/productId', '/rating']],
    ['no stars', { rating: 0 }, ['/rating']],
    ['too many stars', { rating: 6 }, ['/rating']],
    ['half a star', { rating: 4.5 }, ['/rating']],
    ['a blank comment', { comment: ' \n ' }, ['/comment']],
    ['a long comment', { comment: 'a'.repeat(5001) }, ['/comment']],
    ['a long title', { title: 'a'.repeat(101) }, ['/title']],
    ['a title of two lines', { title: 'a\nb' }, ['/title']],
    ['a product that is none', { productId: UNKNOWN }, ['/productId']],
    ['no UUID', { productId: 'lamp' }, ['/productId']],
    ['a field that is not known, and a status of its own', { status: 'published', x: 1 }, ['/status', '/x']],
  ];
  for (const [name, body, wanted] of faults) {
    test(`422: ${name}`, async () => {
      const by = await shop.someVendor();
      const answer = name === 'nothing'
        ? await shop.api('POST', '/reviews', { token: by.token, body: {} })
        : await review(by, body);
      assert.equal(answer.status, 422, answer.text);
      assert.deepEqual(pointers(answer), wanted);
    });
  }

  test('a draft cannot be reviewed, nor a deleted product', async () => {
    const by = await shop.customer();
    const vendor = await shop.someVendor();
    const draft = await shop.createProduct({ status: 'draft', name: 'Secret' });
    const gone = await shop.createProduct({ name: 'Gone' });
    await shop.api('DELETE', `/products/${gone.id}`, { token: vendor.token, expect: 204 });
    for (const { id } of [draft, gone]) {
      const answer = await review(by, { productId: id }, { expect: 422 });
      assert.deepEqual(pointers(answer), ['/productId']);
    }
  });

  test('a variant\'s id means its product', async () => {
    const by = await shop.customer();
    const shirt = await shop.createProduct({
      name: 'Shirt', options: [{ name: 'Size', values: ['S', 'M'] }],
      variants: ['S', 'M'].map((Size) => ({ options: { Size }, sku: shop.unique('sku'), price: { amount: 500, currency: 'EUR' } })),
    });
    const json = await written(by, { productId: shirt.variants[1].id });
    assert.equal(json.productId, shirt.id);
    const again = await review(by, { productId: shirt.variants[0].id });
    assert.equal(again.status, 409);
  });

  test('one per user and product; a key answers again, and does not write again', async () => {
    const by = await shop.customer();
    const key = shop.unique('review');
    const { json } = await review(by, {}, { key, expect: 201 });
    const replayed = await review(by, {}, { key, expect: 201 });
    assert.equal(replayed.json.id, json.id);
    assert.equal(replayed.headers['idempotency-replayed'], 'true');
    const again = await review(by, { rating: 1 }, { expect: 409 });
    assert.equal(again.json.type, '/problems/already-reviewed');
    assert.deepEqual(await listed(`/reviews/user/${by.id}`), [json.id]);
  });
});

describe('moderation', () => {
  const waits = [
    ['a blocked word', { comment: 'Better than any CASINO!' }],
    ['a blocked phrase', { title: 'Free  money' }],
    ['a blocked word in wide letters', { comment: 'Better than any ｃａｓｉｎｏ' }],
    ['a blocked word with an accent', { comment: 'Better than any casíno' }],
    ['a blocked word around what nobody sees', { comment: 'Better than any ca\u200bsino' }],
    ['a link', { comment: 'See https://elsewhere.example/lamps' }],
    ['a host', { comment: 'Cheaper at lamps-cheap.com' }],
  ];
  for (const [name, body] of waits) {
    test(`${name} makes it wait; its author and admins see it, others do not`, async () => {
      const by = await shop.customer(), other = await shop.customer();
      const { count } = await summary(product.id);
      const json = await written(by, body);
      assert.equal(json.status, 'pending');
      assert.ok(json.reason);
      const path = `/reviews/${json.id}`;
      for (const token of [by.token, admin]) await shop.api('GET', path, { token, expect: 200 });
      for (const token of [undefined, other.token]) {
        await shop.api('GET', path, { token, expect: 404 });
        assert.ok(!(await listed(`/reviews/user/${by.id}`, token)).includes(json.id));
        assert.ok(!(await listed(`/reviews/product/${product.id}`, token)).includes(json.id));
      }
      for (const token of [by.token, admin]) {
        assert.ok((await listed(`/reviews/user/${by.id}`, token)).includes(json.id));
      }
      await shop.api('DELETE', path, { token: other.token, expect: 404 });
      assert.ok((await listed('/reviews?status=pending', admin)).includes(json.id));
      assert.ok(!(await listed('/reviews?status=published', admin)).includes(json.id));
      assert.equal((await summary(product.id)).count, count);
    });
  }

  test('a newcomer\'s flood waits behind the third', async () => {
    const by = await shop.customer();
    const statuses = [];
    for (let i = 0; i < 5; i++) {
      const { id } = await shop.createProduct({ name: `Flooded ${i}`, stock: 1 });
      statuses.push((await written(by, { productId: id })).status);
    }
    assert.deepEqual(statuses, ['published', 'published', 'published', 'pending', 'pending']);
  });

  describe('what was rejected before', () => {
    const WORDS = 'It fell apart on the very first day, as everything of this shop.';
    const rejected = async (by, body) => {
      const json = await written(by, body);
      await judge(json.id, { status: 'rejected', reason: 'Not about it.' }, { expect: 200 });
      return json;
    };
    const newProduct = async () => ({ productId: (await shop.createProduct({ name: 'Other', stock: 1 })).id });

    test('deleted and posted again, in the same words or others, waits', async () => {
      const by = await shop.customer();
      const { id } = await rejected(by, { comment: WORDS });
      for (const comment of [WORDS, 'Quite another thing.']) {
        for (const { id: mine } of await shop.all(`/reviews/user/${by.id}`, by.token)) {
          await shop.api('DELETE', `/reviews/${mine}`, { token: by.token, expect: 204 });
        }
        const again = await written(by, { comment });
        assert.equal(again.status, 'pending', comment);
        assert.notEqual(again.id, id);
        assert.ok(again.reason);
      }
      assert.equal((await listed(`/reviews/product/${product.id}`)).includes(id), false);
    });

    test('deleted by an admin it waits as well; and of another product', async () => {
      const by = await shop.customer();
      const { id } = await rejected(by, { comment: 'Nothing new here at all.' });
      await shop.api('DELETE', `/reviews/${id}`, { token: admin, expect: 204 });
      assert.equal((await written(by, { comment: 'And one more time.' })).status, 'pending');
      assert.equal((await written(by, { ...await newProduct(), comment: 'Of this one too.' })).status, 'pending');
    });

    test('what an admin deletes is turned down; what its author deletes is not', async () => {
      const by = await shop.customer();
      const { id } = await written(by, { comment: 'A second thought of mine.' });
      await shop.api('DELETE', `/reviews/${id}`, { token: by.token, expect: 204 });
      const second = await written(by, { comment: 'And this is my third one.' });
      assert.equal(second.status, 'published');
      await shop.api('DELETE', `/reviews/${second.id}`, { token: admin, expect: 204 });
      assert.equal((await written(by, { comment: 'I say it nevertheless.' })).status, 'pending');
    });

    test('the same words by another account, of whatever product, wait', async () => {
      const words = 'My cousin says that this is the worst of all lamps there are.';
      await rejected(await shop.customer(), { comment: words });
      const other = await shop.customer();
      const changed = `${words.toUpperCase().replaceAll(' ', '  ')}!!`;
      assert.equal((await written(other, { ...await newProduct(), comment: changed })).status, 'pending');
      assert.equal((await written(other, { ...await newProduct(), comment: 'In words of my own.' })).status, 'published');
    });

    test('what is published after all is forgiven', async () => {
      const by = await shop.customer();
      const { id } = await rejected(by, { comment: 'Rejected in error, as can happen.' });
      await judge(id, { status: 'published' }, { expect: 200 });
      assert.equal((await written(by, await newProduct())).status, 'published');
      await shop.api('DELETE', `/reviews/${id}`, { token: by.token, expect: 204 });
      assert.equal((await written(by, { comment: 'Rejected in error, as can happen.' })).status, 'published');
    });

    test('is remembered over a restart', async () => {
      const own = await startShop();
      const by = await own.register();
      const { id: productId } = await own.createProduct({ stock: 1 });
      const post = async () => (await own.api('POST', '/reviews',
        { token: by.token, body: { productId, rating: 1, comment: WORDS }, expect: 201 })).json;
      const { id } = await post();
      await own.api('PUT', `/reviews/${id}/status`, { token: await own.admin(), body: { status: 'rejected' }, expect: 200 });
      await own.api('DELETE', `/reviews/${id}`, { token: by.token, expect: 204 });
      await own.sigkill();
      await own.start();
      assert.equal((await post()).status, 'pending');
    });
  });

  test('a vendor\'s reviews of its own products wait, of others\' they do not', async () => {
    const vendor = await shop.vendor();
    const own = await shop.createProduct({
      vendor, options: [{ name: 'Size', values: ['S', 'M'] }], stock: 1,
      variants: ['S', 'M'].map((Size) => ({ options: { Size }, price: { amount: 500, currency: 'EUR' } })),
    });
    assert.equal((await written(vendor, { productId: own.variants[1].id })).status, 'pending');
    assert.equal((await written(vendor, {})).status, 'published');
    // Whoever published it for the vendor.
    const { json: given } = await shop.api('POST', '/products',
      { token: admin, body: { name: 'Given', vendorId: vendor.id, price: { amount: 1, currency: 'EUR' } }, expect: 201 });
    assert.equal((await written(vendor, { productId: given.id })).status, 'pending');
  });

  test('of an account that was made a minute ago it waits', async () => {
    const strict = await startShop({ env: { SOUK_REVIEW_ACCOUNT_MINUTES: undefined } });
    const by = await strict.customer();
    const { id: productId } = await strict.createProduct({ stock: 1 });
    const { json } = await strict.api('POST', '/reviews',
      { token: by.token, body: { productId, rating: 5, comment: 'The best there is.' }, expect: 201 });
    assert.equal(json.status, 'pending');
    assert.match(json.reason, /new/);
    assert.equal((await strict.get(`/reviews/product/${productId}`)).summary.count, 0);
    const waiting = await strict.get('/reviews?status=pending', await strict.admin());
    assert.deepEqual(waiting.items.map(({ id }) => id), [json.id]);
  });

  test('a flood is one, whatever of it was deleted', async () => {
    const by = await shop.customer();
    const statuses = [];
    for (let i = 0; i < 5; i++) {
      const { id: productId } = await shop.createProduct({ name: `Deleted ${i}`, stock: 1 });
      const { id, status } = await written(by, { productId });
      statuses.push(status);
      await shop.api('DELETE', `/reviews/${id}`, { token: by.token, expect: 204 });
    }
    assert.deepEqual(statuses, ['published', 'published', 'published', 'pending', 'pending']);
  });

  test('every verdict counts in or out, once; the product follows', async () => {
    const by = await shop.customer();
    const { id: productId } = await shop.createProduct({ name: 'Judged' });
    const { id } = await written(by, { productId, rating: 2, comment: 'www.spam.example' });
    const rated = (average, count) => waitFor(async () => {
      const { rating } = await shop.get(`/products/${productId}`);
      return rating.average === average && rating.count === count;
    }, `the product has ${count} reviews, ${average} on average`);
    for (const [status, count] of [
      ['published', 1], ['published', 1], ['rejected', 0], ['pending', 0], ['published', 1]]) {
      const { json } = await judge(id, { status, reason: 'As it is.' }, { expect: 200 });
      assert.equal(json.status, status);
      assert.equal(json.reason, 'As it is.');
      assert.equal((await summary(productId)).count, count);
      await rated(count ? 2 : 0, count);
    }
    await shop.api('DELETE', `/reviews/${id}`, { token: by.token, expect: 204 });
    await rated(0, 0);
  });

  test('faults, unknown reviews, and versions', async () => {
    const by = await shop.customer();
    const { json, headers } = await review(by, {}, { expect: 201 });
    assert.deepEqual(pointers(await judge(json.id, { status: 'fine', x: 1 }, { expect: 422 })), ['/status', '/x']);
    await judge(json.id, {}, { expect: 422 });
    await judge(UNKNOWN, { status: 'rejected' }, { expect: 404 });
    await judge('lamp', { status: 'rejected' }, { expect: 404 });
    // What a client has read it may send back.
    const { headers: changed } = await judge(json.id, { ...json, status: 'rejected' },
      { headers: { 'if-match': headers.etag }, expect: 200 });
    const stale = await judge(json.id, { status: 'published' }, { headers: { 'if-match': headers.etag }, expect: 412 });
    assert.equal(stale.json.type, '/problems/version-mismatch');
    await shop.api('DELETE', `/reviews/${json.id}`,
      { token: by.token, headers: { 'if-match': headers.etag }, expect: 412 });
    await shop.api('DELETE', `/reviews/${json.id}`,
      { token: by.token, headers: { 'if-match': changed.etag }, expect: 204 });
    await shop.api('DELETE', `/reviews/${json.id}`, { token: by.token, expect: 404 });
  });
});

test('only the author and admins delete; the author may then write another one', async () => {
  const by = await shop.customer(), other = await shop.customer();
  const first = await written(by);
  await shop.api('DELETE', `/reviews/${first.id}`, { token: other.token, expect: 403 });
  await shop.api('DELETE', `/reviews/${first.id}`, { expect: 401 });
  await shop.api('DELETE', `/reviews/${first.id}`, { token: by.token, expect: 204 });
  const second = await written(by);
  await shop.api('DELETE', `/reviews/${second.id}`, { token: admin, expect: 204 });
});

test('lists: every order, page by page, and a summary that is exact', async () => {
  const { id: productId } = await shop.createProduct({ name: 'Much reviewed' });
  const ratings = [5, 1, 4, 4, 3, 5, 2];
  const all = [];
  for (const [i, rating] of ratings.entries()) {
    all.push(await written(await shop.customer(), { productId, rating, comment: 'a'.repeat(10 + (i * 37) % 50) }));
  }
  const order = async (sort) => {
    const items = await shop.all(`/reviews/product/${productId}?sort=${sort}`, undefined, 2);
    return items.map(({ id }) => all.findIndex((one) => one.id === id));
  };
  const sorted = (key) => all.map((_, i) => i).sort((a, b) => key(all[b]) - key(all[a]) || b - a);
  assert.deepEqual(await order('newest'), sorted(() => 0));
  assert.deepEqual(await order('rating'), sorted(({ rating }) => rating));
  assert.deepEqual(await order('helpful'), sorted(({ comment }) => comment.length));

  const sum = ratings.reduce((a, b) => a + b);
  assert.deepEqual(await summary(productId), {
    average: Math.round((sum * 100) / ratings.length) / 100, count: 7,
    histogram: { 1: 1, 2: 1, 3: 1, 4: 2, 5: 2 },
  });
  assert.deepEqual(await summary(UNKNOWN), { average: 0, count: 0, histogram: { 1: 0, 2: 0, 3: 0, 4: 0, 5: 0 } });
  await shop.api('GET', `/reviews/product/${productId}?sort=worst`, { expect: 422 });
  await shop.api('GET', `/reviews/product/${productId}?limit=0`, { expect: 422 });
  await shop.api('GET', '/reviews/product/lamp', { expect: 404 });
  await shop.api('GET', '/reviews?status=lost', { token: admin, expect: 422 });
});

test('a delivery verifies the review, be it older or newer, and lifts it among the helpful', async () => {
  const vendor = await shop.someVendor();
  const buyer = await shop.customer();
  const older = await shop.createProduct({ name: 'Reviewed before', stock: 3 });
  const newer = await shop.createProduct({ name: 'Reviewed behind', stock: 3 });
  const before = await written(buyer, { productId: older.id, comment: 'Short.' });
  const long = await written(await shop.customer(), { productId: older.id, comment: 'long '.repeat(100) });
  assert.equal(before.verifiedPurchase, false);

  const order = await shop.buy({ buyer, items: [older, newer].map(({ id }) => ({ productId: id, quantity: 1 })) });
  for (const status of ['shipped', 'delivered']) {
    await shop.api('PUT', `/orders/${order.id}/status`, { token: vendor.token, body: { status }, expect: 200 });
  }
  await waitFor(async () => (await shop.get(`/reviews/${before.id}`)).verifiedPurchase, 'the older one is verified');
  const behind = await written(buyer, { productId: newer.id });
  assert.equal(behind.verifiedPurchase, true);
  assert.deepEqual(await listed(`/reviews/product/${older.id}?sort=helpful`), [before.id, long.id]);
});
