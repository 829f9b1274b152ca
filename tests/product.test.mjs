// The Product service: writing and reading products, variants, who sees what, lists with search,
// filters, facets, sorting and pages, quotes, and what comes by events.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { inParallel, startShop, waitFor } from './lib/shop.mjs';

const NOBODY = '00000000-0000-7000-8000-000000000000';
const eur = (amount) => ({ amount, currency: 'EUR' });

let shop, admin, vendor, other, customer;

before(async () => {
  shop = await startShop();
  admin = await shop.admin();
  [vendor, other, customer] = await Promise.all([shop.vendor(), shop.vendor(), shop.customer()]);
});

const post = (body, { token = vendor.token, ...options } = {}) =>
  shop.api('POST', '/products', { token, body, ...options });
const put = (id, body, { token = vendor.token, ...options } = {}) =>
  shop.api('PUT', `/products/${id}`, { token, body, ...options });
const made = async (body) => (await post({ name: 'Thing', price: eur(100), ...body }, { expect: 201 })).json;
const problem = (answer, status, slug) => {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json.type, `/problems/${slug}`, answer.text);
};
const pointers = (answer) => {
  problem(answer, 422, 'validation-failed');
  return answer.json.errors.map(({ pointer, parameter }) => pointer ?? `?${parameter}`).sort();
};

const SHIRT = {
  name: 'Linen shirt',
  price: eur(4900),
  options: [{ name: 'Size', values: ['S', 'M'] }, { name: 'Colour', values: ['Red'] }],
  variants: [
    { options: { Size: 'S', Colour: 'Red' }, stock: 3 },
    { options: { Size: 'M', Colour: 'Red' }, price: eur(5900), sku: 'shirt-m' },
  ],
};
let shirts = 0;
const shirt = (more = {}) => {
  shirts += 1;
  const variants = SHIRT.variants.map((variant) => (
    variant.sku ? { ...variant, sku: `${variant.sku}-${shirts}` } : variant));
  return made({ ...SHIRT, variants, ...more });
};

// ---- one product

describe('POST /products', () => {
  test('a plain product has one variant, with its own id', async () => {
    const answer = await post({ name: 'Brass lamp', price: eur(1999) }, { expect: 201 });
    const product = answer.json;
    assert.equal(answer.headers.location, `/products/${product.id}`);
    assert.equal(answer.headers.etag, '"1.0"');
    assert.equal(product.slug, 'brass-lamp');
    assert.equal(product.status, 'active');
    assert.equal(product.vendorId, vendor.id);
    assert.equal(product.category, null);
    assert.equal(product.createdAt, product.updatedAt);
    assert.deepEqual(product.rating, { average: 0, count: 0 });
    assert.deepEqual(product.variants, [{
      id: product.id, sku: 'brass-lamp', options: {}, price: eur(1999),
      stock: { status: 'out_of_stock', available: 0 },
    }]);
    assert.deepEqual(await shop.get(`/products/${product.id}`), product);
    assert.deepEqual(await shop.get('/products/brass-lamp'), product);
  });

  test('variants have prices, SKUs and stock of their own', async () => {
    const product = await shirt();
    assert.deepEqual(product.price, eur(4900));
    assert.deepEqual(product.variants.map(({ price }) => price.amount), [4900, 5900]);
    assert.equal(product.variants[0].sku, `${product.slug}-s-red`);
    assert.notEqual(product.variants[0].id, product.id);
    assert.deepEqual(product.stock, { status: 'in_stock', available: 3 });
    // By a variant's id the product is found, too.
    assert.equal((await shop.get(`/products/${product.variants[1].id}`)).id, product.id);
  });

  test('the initial stock becomes Inventory\'s', async () => {
    const product = await shirt();
    const known = await waitFor(async () => {
      const answer = await shop.api('GET', `/inventory/${product.variants[0].id}`);
      return answer.status === 200 && answer.json;
    }, 'Inventory knows the variant');
    assert.equal(known.available, 3);
  });

  test('descriptions are made safe', async () => {
    const { description } = await made({
      description: '<p onclick="x()">Good <b>lamp</b><script>alert(1)</script>' +
        '<a href="javascript:x()">here</a></p><iframe src="https://a.example"></iframe>',
    });
    assert.match(description, /<b>lamp<\/b>/);
    assert.doesNotMatch(description, /script|onclick|iframe/);
  });

  test('slugs are made unique, and those that are asked for are refused when taken', async () => {
    const name = shop.unique('same');
    const slugs = [];
    for (let i = 0; i < 3; i++) slugs.push((await made({ name })).slug);
    assert.deepEqual(slugs, [name, `${name}-2`, `${name}-3`]);
    problem(await post({ name: 'x', slug: name, price: eur(1) }), 409, 'slug-taken');
    assert.match((await made({ name: '☕' })).slug, /^product(-\d+)?$/);
  });

  test('a SKU is a label: several products and variants may have the same', async () => {
    const sku = shop.unique('sku');
    const first = await made({ variants: [{ sku }] });
    const second = await made({ variants: ['S', 'M'].map((Size) => ({ sku, options: { Size } })) });
    assert.deepEqual(second.variants.map((variant) => variant.sku), [sku, sku]);
    const found = await shop.get(`/products?q=${sku}`);
    assert.deepEqual(found.items.map(({ id }) => id).sort(), [first.id, second.id].sort());
    // What they are called does not say which is meant: their options do.
    const { json } = await shop.api('PUT', `/products/${second.id}`, {
      token: vendor.token, expect: 200,
      body: { variants: [{ sku, options: { Size: 'M' }, price: eur(7) }, { sku, options: { Size: 'S' } }] },
    });
    assert.deepEqual(json.variants.map(({ id }) => id), second.variants.map(({ id }) => id).reverse());
    assert.deepEqual(pointers(await shop.api('PUT', `/products/${second.id}`,
      { token: vendor.token, body: { variants: [{ sku }] } })), ['/variants/0/options/Size']);
  });

  test('variants have a price to compare with, a barcode, a weight and an image', async () => {
    const details = {
      compareAtPrice: eur(6900), barcode: '4006381333931', weightGrams: 250, image: 'https://cdn.example/m.jpg',
    };
    const of = ({ compareAtPrice, barcode, weightGrams, image }) => ({ compareAtPrice, barcode, weightGrams, image });
    const none = of({});
    const product = await made({
      price: eur(5900), variants: [{ options: { Size: 'S' } }, { options: { Size: 'M' }, ...details }],
    });
    assert.deepEqual(product.variants.map(of), [none, details]);
    const put = (body, options) => shop.api('PUT', `/products/${product.id}`, { token: vendor.token, body, ...options });
    // Sent back they stay, left out they stay; null takes each away.
    assert.deepEqual((await put(await shop.get(`/products/${product.id}`), { expect: 200 })).json.variants.map(of), [none, details]);
    const [small, medium] = product.variants;
    const { json } = await put({ variants: [{ id: small.id, weightGrams: 200 }, { id: medium.id, barcode: null, weightGrams: 0 }] },
      { expect: 200 });
    assert.deepEqual(json.variants.map(of), [{ ...none, weightGrams: 200 },
      { ...details, barcode: undefined, weightGrams: undefined }]);
    assert.deepEqual((await shop.get(`/products/${product.id}`)).variants.map(of), json.variants.map(of));
    const cleared = await put({ variants: [{ id: small.id }, { id: medium.id, compareAtPrice: null, image: null }] }, { expect: 200 });
    assert.deepEqual(cleared.json.variants.map(of), [{ ...none, weightGrams: 200 }, none]);
    assert.deepEqual(pointers(await put({
      variants: [
        { id: small.id, compareAtPrice: { amount: 5, currency: 'USD' } },
        { id: medium.id, barcode: '', weightGrams: 0.5, image: 'javascript:x' },
      ],
    })), ['/variants/1/barcode', '/variants/1/image', '/variants/1/weightGrams']);
    assert.deepEqual(pointers(await put({
      variants: [{ id: small.id, compareAtPrice: { amount: 5, currency: 'USD' } }, { id: medium.id }],
    })), ['/variants/0/compareAtPrice/currency']);
    // Of another currency it would say nothing.
    await put({ variants: [{ id: small.id }, { id: medium.id, compareAtPrice: eur(9) }] }, { expect: 200 });
    const dollars = await put({ price: { amount: 900, currency: 'USD' } }, { expect: 200 });
    assert.deepEqual(dollars.json.variants.map(of), [{ ...none, weightGrams: 200 }, none]);
  });

  test('many at once get different slugs', async () => {
    const name = shop.unique('race');
    const all = await inParallel(Array.from({ length: 20 }), 20, () => made({ name }));
    assert.equal(new Set(all.map(({ slug }) => slug)).size, 20);
  });

  test('a repeated key stores one product', async () => {
    const key = shop.unique('key');
    const body = { name: shop.unique('once'), price: eur(5) };
    const first = await post(body, { key, expect: 201 });
    const second = await post(body, { key, expect: 201 });
    assert.deepEqual(second.json, first.json);
    assert.equal(second.headers['idempotency-replayed'], 'true');
    problem(await post({ ...body, name: 'y' }, { key }), 422, 'idempotency-key-reused');
  });

  test('every fault is named', async () => {
    assert.deepEqual(pointers(await post({
      name: '', slug: 'Not A Slug', category: 'Home/', status: 'sold', price: { amount: -1, currency: 'EUR' },
      tags: ['ok', ''], images: [{ url: 'ftp://a.example/b' }], colour: 'red',
    })), ['/category', '/colour', '/images/0/url', '/name', '/price/amount', '/slug', '/status', '/tags/1']);
    assert.deepEqual(pointers(await post({ name: 'x' })), ['/price']);
    assert.deepEqual(pointers(await post({
      name: 'x', price: eur(1), options: [{ name: 'Size', values: ['S', 'M'] }],
      variants: [
        { sku: 'a', options: { Size: 'S' } }, { sku: 'b', options: { Size: 'XL' } },
        { options: { Size: 'S' } }, { options: {} },
        { options: { Size: 'M', Shape: 'round' }, price: { amount: 1, currency: 'USD' } },
      ],
    })), ['/variants/1/options/Size', '/variants/2/options', '/variants/3/options/Size',
      '/variants/4/options/Shape', '/variants/4/price/currency']);
    assert.deepEqual(pointers(await post({ name: 'x', price: eur(1), slug: NOBODY })), ['/slug']);
  });

  test('vendors sell for themselves, an administrator says for whom', async () => {
    problem(await post({ name: 'x', price: eur(1), vendorId: other.id }), 403, 'forbidden');
    const { json } = await post({ name: 'x', price: eur(1), vendorId: other.id }, { token: admin, expect: 201 });
    assert.equal(json.vendorId, other.id);
    problem(await post({ name: 'x', price: eur(1) }, { token: customer.token }), 403, 'forbidden');
    problem(await post({ name: 'x', price: eur(1) }, { token: null }), 401, 'unauthenticated');
  });
});

describe('GET /products/:id', () => {
  test('honours If-None-Match', async () => {
    const { id } = await made({ variants: [{ stock: 3 }] });
    // Once it shows what Inventory told last, it stays as it is.
    const withStock = async (onHand, headers) => {
      await shop.setStock(id, onHand, vendor.token);
      return waitFor(async () => {
        const answer = await shop.api('GET', `/products/${id}`, { headers, expect: [200, 304] });
        return answer.status === 200 && answer.json.stock.available === onHand && answer;
      }, `the product shows ${onHand} units`);
    };
    const { headers: { etag } } = await withStock(5);
    assert.match(etag, /^"1\.[1-9]\d*"$/);
    const same = await shop.api('GET', `/products/${id}`, { headers: { 'if-none-match': etag }, expect: 304 });
    assert.equal(same.text, '');
    const changed = await withStock(6, { 'if-none-match': etag });
    assert.notEqual(changed.headers.etag, etag);
  });

  test('knows no other paths', async () => {
    for (const id of [NOBODY, 'no-such-slug', '%F0%9F%8D%B5', "' OR 1=1 --"]) {
      problem(await shop.api('GET', `/products/${encodeURIComponent(id)}`), 404, 'not-found');
    }
  });

  test('drafts and archived products show to their owner and administrators only', async () => {
    for (const status of ['draft', 'archived']) {
      const { id, slug } = await made({ status });
      for (const token of [vendor.token, admin]) assert.equal((await shop.get(`/products/${id}`, token)).status, status);
      for (const token of [undefined, customer.token, other.token]) {
        problem(await shop.api('GET', `/products/${id}`, { token }), 404, 'not-found');
        problem(await shop.api('GET', `/products/${slug}`, { token }), 404, 'not-found');
      }
    }
  });
});

describe('PUT /products/:id', () => {
  test('changes what is given, and leaves the rest', async () => {
    const before = await made({ name: 'Old', description: '<p>d</p>', tags: ['a'], category: 'home' });
    const { json: after, headers } = await put(before.id, { name: 'New', category: null }, { expect: 200 });
    assert.deepEqual(after, { ...before, name: 'New', category: null, updatedAt: after.updatedAt });
    assert.ok(after.updatedAt >= before.updatedAt);
    assert.match(headers.etag, /^"2\.\d+"$/);
    assert.deepEqual(await shop.get(`/products/${before.id}`), after);
  });

  test('takes back what GET shows', async () => {
    for (const product of [await made({ images: [{ url: 'https://a.example/b.jpg' }] }), await shirt()]) {
      const now = await shop.get(`/products/${product.id}`, vendor.token);
      const { json } = await put(product.id, now, { expect: 200 });
      const told = ({ updatedAt, stock, variants, ...rest }) =>
        ({ ...rest, variants: variants.map((variant) => ({ ...variant, stock: 0 })) });
      assert.deepEqual(told(json), told(now));
    }
  });

  test('a stock that would not be taken is a fault, that of a new variant becomes Inventory\'s', async () => {
    const { id, variants, options } = await shirt();
    const refused = async (body, pointer, path = `/products/${id}`) => {
      const { json } = await shop.api(path === '/products' ? 'POST' : 'PUT', path, { token: vendor.token, body, expect: 422 });
      assert.deepEqual(json.errors.map((fault) => fault.pointer), [pointer]);
    };
    await refused({ variants: variants.map((variant, i) => ({ ...variant, stock: i === 1 ? 5 : variant.stock })) }, '/variants/1/stock');
    const plain = await made();
    await refused({ stock: 5 }, '/stock', `/products/${plain.id}`);
    await refused({ name: 'Two stocks', price: eur(1), options, variants: variants.map(({ options: of }) => ({ options: of })), stock: 5 },
      '/stock', '/products');
    for (const stock of [{}, { quantity: 5 }, { onHand: 5 }, { available: 5, reserved: 1 }, { available: '5' }, { available: 1.5 },
      { available: 5, status: 7 }, { available: 5, status: 'plenty' }, { available: null, tracked: 'no' }, { available: 5, backorder: true }, []]) {
      await refused({ name: 'Odd stock', price: eur(1), stock }, '/stock', '/products');
    }
    await refused({ ...plain, slug: undefined, stock: undefined, variants: undefined, rating: undefined, createdAt: undefined,
      updatedAt: undefined, vendorId: undefined }, '/id', '/products');
  });

  test('a new price is every variant\'s, or the one\'s that says it', async () => {
    const product = await shirt();
    const dearer = await put(product.id, { ...product, price: eur(6000) }, { expect: 200 });
    assert.deepEqual(dearer.json.variants.map(({ price }) => price.amount), [6000, 6000]);
    const [first, second] = dearer.json.variants;
    const cheaper = await put(product.id,
      { variants: [{ id: first.id }, { id: second.id, price: eur(10) }] }, { expect: 200 });
    assert.deepEqual(cheaper.json.variants.map(({ price }) => price.amount), [6000, 10]);
    assert.deepEqual(cheaper.json.price, eur(10));
  });

  test('variants keep their id by id, SKU or options; the others are new or gone', async () => {
    const product = await shirt();
    const [small, medium] = product.variants;
    const { json } = await put(product.id, {
      options: [{ name: 'Size', values: ['M', 'S', 'L'] }, { name: 'Colour', values: ['Red'] }],
      variants: [
        { options: { Size: 'L', Colour: 'Red' } },
        { sku: medium.sku, options: { Size: 'S', Colour: 'Red' } },
        { id: small.id, options: { Size: 'M', Colour: 'Red' } },
      ],
    }, { expect: 200 });
    assert.deepEqual(json.variants.slice(1).map(({ id }) => id), [medium.id, small.id]);
    assert.ok(![small.id, medium.id].includes(json.variants[0].id));
    const fewer = await put(product.id, { variants: [{ id: medium.id }] }, { expect: 200 });
    assert.deepEqual(fewer.json.variants.map(({ id }) => id), [medium.id]);
    assert.deepEqual(pointers(await put(product.id, { variants: [{ id: small.id }] })),
      ['/variants/0/id', '/variants/0/options/Colour', '/variants/0/options/Size']);
    assert.deepEqual(pointers(await put(product.id, { variants: [] })), ['/variants']);
  });

  test('honours If-Match', async () => {
    const { id } = await made({});
    await put(id, { name: 'a' }, { headers: { 'if-match': '"1.0"' }, expect: 200 });
    problem(await put(id, { name: 'b' }, { headers: { 'if-match': '"1.0"' } }), 412, 'version-mismatch');
    await put(id, { name: 'c' }, { headers: { 'if-match': '"2.7"' }, expect: 200 });
    assert.equal((await shop.get(`/products/${id}`)).name, 'c');
  });

  test('is the owner\'s and administrators\'', async () => {
    const { id } = await made({});
    const draft = await made({ status: 'draft' });
    problem(await put(id, { name: 'x' }, { token: other.token }), 403, 'forbidden');
    problem(await put(draft.id, { name: 'x' }, { token: other.token }), 404, 'not-found');
    problem(await put(id, { name: 'x' }, { token: customer.token }), 403, 'forbidden');
    problem(await put(id, { vendorId: other.id }), 403, 'forbidden');
    problem(await put(NOBODY, { name: 'x' }), 404, 'not-found');
    await put(id, { vendorId: other.id }, { token: admin, expect: 200 });
    await put(id, { name: 'mine now' }, { token: other.token, expect: 200 });
    problem(await put(id, { name: 'x' }), 403, 'forbidden');
  });

  test('a slug of another product is taken, a SKU is not', async () => {
    const [one, two] = [await made({}), await made({})];
    problem(await put(one.id, { slug: two.slug }), 409, 'slug-taken');
    await put(one.id, { variants: [{ sku: two.variants[0].sku }] }, { expect: 200 });
    await put(one.id, { slug: one.slug }, { expect: 200 });
  });
});

describe('DELETE /products/:id', () => {
  const remove = (id, options = {}) => shop.api('DELETE', `/products/${id}`, { token: vendor.token, ...options });

  test('takes the product out of the shop, and frees its slug', async () => {
    const product = await shirt({ name: shop.unique('gone') });
    await remove(product.id, { expect: 204 });
    for (const token of [undefined, vendor.token, admin]) {
      problem(await shop.api('GET', `/products/${product.id}`, { token }), 404, 'not-found');
    }
    problem(await shop.api('GET', `/products/${product.variants[0].id}`), 404, 'not-found');
    problem(await remove(product.id), 404, 'not-found');
    assert.deepEqual((await shop.get(`/products?q=${product.slug}`)).items, []);
    const again = await made({ slug: product.slug, variants: [{ sku: product.variants[1].sku }] });
    assert.notEqual(again.id, product.id);
  });

  test('is the owner\'s, honours If-Match, and takes no variant\'s id', async () => {
    const product = await shirt();
    problem(await remove(product.id, { token: other.token }), 403, 'forbidden');
    problem(await remove(product.id, { headers: { 'if-match': '"9.0"' } }), 412, 'version-mismatch');
    problem(await remove(product.variants[0].id), 404, 'not-found');
    await remove(product.id, { headers: { 'if-match': '"1.0"' }, expect: 204 });
  });
});

// ---- what comes by events

describe('stock and ratings', () => {
  test('what is kept of a product is never old, whoever asks and however', async () => {
    const product = await shirt();
    const ways = [`/products/${product.id}`, `/products/${product.slug}`, `/products/${product.variants[0].id}`,
      `/products?ids=${product.id}`, `/products?vendorId=${vendor.id}&limit=1`];
    const all = (token) => Promise.all(ways.map(async (path) => {
      const json = await shop.get(path, token);
      return json.items ? json.items[0] : json;
    }));
    const alike = async (check) => {
      // Twice: as it was loaded, and as it was kept then.
      for (const token of [undefined, admin, undefined])
        for (const shown of await all(token)) {
          assert.deepEqual(shown, await shop.get(`/products/${product.id}`));
          check(shown);
        }
    };
    // Once it shows what Inventory told last, it stays as it is.
    const stocked = async (...counts) => {
      for (const [i, count] of counts.entries()) await shop.setStock(product.variants[i].id, count, vendor.token);
      await waitFor(async () => (await shop.get(ways[4])).items[0].variants
        .every(({ stock }, i) => stock.available === counts[i]), 'the list knows of the stock');
    };
    await stocked(7, 8);
    await alike(({ name }) => assert.equal(name, product.name));
    for (const name of ['once', 'twice']) {
      await put(product.id, { name }, { expect: 200 });
      await alike((shown) => assert.equal(shown.name, name));
    }
    await stocked(7, 9);
    await alike(({ variants }) => assert.equal(variants[1].stock.available, 9));
    await put(product.id, { status: 'draft' }, { expect: 200 });
    problem(await shop.api('GET', ways[0]), 404, 'not-found');
    assert.deepEqual((await shop.get(ways[3])).items, []);
    assert.equal((await shop.get(ways[0], vendor.token)).status, 'draft');
    await shop.api('DELETE', `/products/${product.id}`, { token: vendor.token, expect: 204 });
    problem(await shop.api('GET', ways[0], { token: admin }), 404, 'not-found');
  });

  test('stock follows Inventory, and raises the revision', async () => {
    const product = await shirt();
    await shop.setStock(product.variants[1].id, 20, vendor.token);
    const now = await waitFor(async () => {
      const { json, headers } = await shop.api('GET', `/products/${product.id}`);
      return json.stock.available === 23 && { ...json, etag: headers.etag };
    }, 'the product knows of its stock');
    assert.deepEqual(now.variants.map(({ stock }) => stock.available), [3, 20]);
    assert.match(now.etag, /^"1\.[1-9]\d*"$/);
    // Such a revision is no change of the vendor's.
    await put(product.id, { name: 'x' }, { headers: { 'if-match': '"1.0"' }, expect: 200 });
    await shop.setStock(product.variants[0].id, 0, vendor.token);
    await shop.setStock(product.variants[1].id, 0, vendor.token);
    await waitFor(async () => (await shop.get(`/products/${product.id}`)).stock.status === 'out_of_stock',
      'the product is out of stock');
  });

  test('the rating follows Review', async () => {
    const { id } = await made({ name: shop.unique('rated') });
    await shop.api('POST', '/reviews', {
      token: customer.token, body: { productId: id, rating: 4, comment: 'Good, and it lasts.' }, expect: 201,
    });
    const now = await waitFor(async () => {
      const product = await shop.get(`/products/${id}`);
      return product.rating.count === 1 && product;
    }, 'the product has a rating');
    assert.deepEqual(now.rating, { average: 4, count: 1 });
    const { items } = await shop.get(`/products?minRating=3.5&vendorId=${vendor.id}`);
    assert.ok(items.some((item) => item.id === id));
    assert.ok(items.every(({ rating }) => rating.average >= 3.5));
  });
});

// ---- lists

describe('GET /products', () => {
  let seller, shelf;
  const names = async (query, token) =>
    (await shop.get(`/products?vendorId=${seller.id}${query}`, token)).items.map(({ name }) => name);

  before(async () => {
    seller = await shop.vendor();
    shelf = {};
    for (const [name, amount, category, tags, more] of [
      ['Amber lamp', 3000, 'rooms', ['New', 'red'], {}],
      ['Bélier lamp', 1000, 'rooms/lamps', ['new'], { stock: 5 }],
      ['Copper desk lamp', 2000, 'rooms/lamps/desk', [], { description: '<p>Of the old <b>zanzibar</b> kind</p>' }],
      ['Dune rug', 1000, 'roomsware', ['zanzibar'], { stock: 1 }],
      ['Easel', 500, 'rooms', [], { status: 'draft' }],
    ]) {
      shelf[name[0]] = (await post({ name, price: eur(amount), category, tags, ...more },
        { token: seller.token, expect: 201 })).json;
    }
  });

  const A = 'Amber lamp', B = 'Bélier lamp', C = 'Copper desk lamp', D = 'Dune rug', E = 'Easel';

  test('sorts, also page by page', async () => {
    for (const [sort, wanted] of [
      ['newest', [D, C, B, A]], ['price', [B, D, C, A]], ['-price', [A, C, D, B]],
      ['name', [A, B, C, D]], ['relevance', [D, C, B, A]], ['rating', [D, C, B, A]],
    ]) {
      assert.deepEqual(await names(`&sort=${sort}`), wanted, sort);
      const paged = await shop.all(`/products?vendorId=${seller.id}&sort=${sort}`, undefined, 1);
      assert.deepEqual(paged.map(({ name }) => name), wanted, `${sort}, page by page`);
    }
  });

  test('a page names the next one, whose cursor is of this list only', async () => {
    const first = await shop.api('GET', `/products?vendorId=${seller.id}&sort=price&limit=2`, { expect: 200 });
    const [, next] = /^<([^>]+)>; rel="next"$/.exec(first.headers.link);
    const second = await shop.get(next);
    assert.deepEqual([...first.json.items, ...second.items].map(({ name }) => name), [B, D, C, A]);
    assert.equal(second.nextCursor, null);
    assert.deepEqual(pointers(await shop.api('GET', `/products?sort=name&cursor=${first.json.nextCursor}`)), ['?cursor']);
  });

  test('a walk meets every product once, while others come', async () => {
    const seen = [];
    let cursor = null;
    do {
      const page = await shop.get(`/products?vendorId=${seller.id}&sort=newest&limit=1${cursor ? `&cursor=${cursor}` : ''}`);
      seen.push(...page.items.map(({ name }) => name));
      cursor = page.nextCursor;
      await post({ name: 'Fleeting', price: eur(1), status: 'draft' }, { token: seller.token, expect: 201 });
    } while (cursor);
    assert.deepEqual(seen, [D, C, B, A]);
  });

  test('filters, all of which must hold', async () => {
    for (const [query, wanted] of [
      ['&category=rooms', [C, B, A]],
      ['&category=rooms/lamps', [C, B]],
      ['&category=room', []],
      ['&tag=NEW', [B, A]],
      ['&tag=new&category=rooms/lamps', [B]],
      ['&minPrice=1000&maxPrice=2000', [D, C, B]],
      ['&minPrice=2001', [A]],
      ['&inStock=true', [D, B]],
      ['&inStock=false', [C, A]],
      ['&inStock=true&maxPrice=1000&tag=zanzibar', [D]],
      ['&minRating=1', []],
    ]) assert.deepEqual(await names(query), wanted, query);
  });

  test('searches: every word, as the beginning of one, without regard to case and accents', async () => {
    for (const [q, wanted] of [
      ['lamp', [B, A, C]], ['LAMP co', [C]], ['belier', [B]], ['bel lam', [B]], ['zanzi', [D, C]],
      ['lamp rug', []], ['desk-lamp', [C]], ['lamp-desk', []], ['amp', []],
      ['"', []], ['name:lamp', []], ['lamp OR rug', []], ['lamp*', [B, A, C]], ["lamp' --", [B, A, C]], ['-', []],
    ]) {
      const found = await names(`&q=${encodeURIComponent(q)}`);
      assert.deepEqual([...found].sort(), [...wanted].sort(), q);
    }
    // A name weighs more than a description.
    assert.deepEqual(await names('&q=zanzibar'), [D, C]);
    assert.deepEqual(await names(`&q=lamp&sort=price`), [B, C, A]);
    assert.deepEqual((await shop.all(`/products?vendorId=${seller.id}&q=lamp`, undefined, 1)).length, 3);
    assert.deepEqual(await names('&q='), [D, C, B, A]);
    assert.deepEqual(await names(`&q=${shelf.C.variants[0].sku}`), [C]);
  });

  test('counts facets over all that is found', async () => {
    const facets = async (query) =>
      (await shop.get(`/products?vendorId=${seller.id}&limit=1&facets=category,tag,price${query}`)).facets;
    assert.deepEqual(await facets(''), {
      category: [
        { value: 'rooms', count: 3 }, { value: 'rooms/lamps', count: 2 },
        { value: 'rooms/lamps/desk', count: 1 }, { value: 'roomsware', count: 1 },
      ],
      tag: [{ value: 'New', count: 2 }, { value: 'red', count: 1 }, { value: 'zanzibar', count: 1 }],
      price: [{ value: '1000-1999', count: 2 }, { value: '2000-4999', count: 2 }],
    });
    assert.deepEqual((await facets('&q=rug')).price, [{ value: '1000-1999', count: 1 }]);
    assert.deepEqual((await facets(`&ids=${shelf.A.id},${shelf.D.id}`)).category.map(({ value }) => value), ['rooms', 'roomsware']);
    assert.ok(!('facets' in await shop.get('/products?limit=1')));
    // Every value finds what it counts.
    for (const { value, count } of (await facets('')).category) {
      assert.equal((await names(`&category=${value}`)).length, count, value);
    }
    for (const { value, count } of (await facets('')).price) {
      const [min, max] = value.split('-');
      assert.equal((await names(`&minPrice=${min}&maxPrice=${max}`)).length, count, value);
    }
  });

  test('gives the ids that are asked for, in their order', async () => {
    const ids = [shelf.C.id, NOBODY, shelf.A.id, shelf.E.id, shelf.C.id];
    const page = await shop.get(`/products?ids=${ids}&limit=1`);
    assert.deepEqual(page.items.map(({ name }) => name), [C, A]);
    assert.equal(page.nextCursor, null);
    assert.deepEqual((await shop.get('/products?ids=')).items, []);
    const many = Array.from({ length: 101 }, () => NOBODY);
    assert.deepEqual(pointers(await shop.api('GET', `/products?ids=${many}`)), ['?ids']);
  });

  test('drafts are listed for their owner and administrators', async () => {
    assert.ok((await names('&status=draft', seller.token)).includes(E));
    assert.ok((await names('&status=draft', admin)).includes(E));
    for (const token of [undefined, customer.token, other.token]) {
      assert.deepEqual(await names('&status=draft', token), []);
    }
    assert.ok(!(await names('', seller.token)).includes(E));
    const drafts = await shop.get('/products?status=draft', other.token);
    assert.ok(drafts.items.every(({ vendorId }) => vendorId === other.id));
  });

  describe('prices, stock and currencies', () => {
    let owner;
    const listed = async (query) => (await shop.get(`/products?vendorId=${owner.id}&limit=100${query}`)).items
      .map(({ name }) => name);
    before(async () => {
      owner = await shop.vendor();
      const sizes = (small, large) => ({
        options: [{ name: 'Size', values: ['S', 'L'] }],
        variants: [{ options: { Size: 'S' }, ...small }, { options: { Size: 'L' }, ...large }],
      });
      const money = (amount, currency = 'EUR') => ({ price: { amount, currency } });
      for (const body of [
        { name: 'both', ...sizes({ ...money(100), stock: 0 }, { ...money(200), stock: 3 }) },
        { name: 'plain', ...money(150), stock: 1 },
        { name: 'gone', ...money(150), stock: 0 },
        { name: 'yen', ...money(1500, 'JPY'), stock: 1 },
        { name: 'cents', ...money(900, 'USD'), stock: 1 },
        { name: 'dollars', ...sizes({ ...money(100, 'USD'), stock: 1 }, { ...money(700, 'USD'), stock: 1 }) },
      ]) await post(body, { token: owner.token, expect: 201 });
    });

    for (const [query, ...found] of [
      ['&minPrice=160', 'both'], ['&minPrice=150', 'both', 'gone', 'plain'], ['&maxPrice=100', 'both'],
      ['&minPrice=110&maxPrice=190', 'gone', 'plain'], ['&minPrice=100&maxPrice=100', 'both'], ['&minPrice=201'],
      ['&inStock=true&maxPrice=160', 'plain'], ['&inStock=true&minPrice=160', 'both'],
      ['&inStock=true&currency=EUR', 'both', 'plain'], ['&inStock=false', 'both', 'gone'],
      ['&inStock=false&minPrice=160'], ['&inStock=false&maxPrice=120', 'both'],
      ['&currency=JPY', 'yen'], ['&currency=USD&minPrice=800', 'cents'], ['&currency=USD&minPrice=150&maxPrice=650'],
      ['&minPrice=700', ], ['&currency=USD&inStock=true&minPrice=700&maxPrice=700', 'dollars'],
      ['&currency=CHF'], ['', 'both', 'cents', 'dollars', 'gone', 'plain', 'yen'],
    ]) {
      test(`${query || 'nothing asked'}: ${found.join(', ') || 'none'}`, async () => {
        assert.deepEqual((await listed(query)).sort(), found);
        for (const sort of ['name', 'rating']) assert.deepEqual((await listed(`${query}&sort=${sort}`)).sort(), found, sort);
      });
    }

    test('are never compared across currencies', async () => {
      assert.deepEqual(await listed('&sort=price&currency=USD'), ['dollars', 'cents']);
      assert.deepEqual(await listed('&sort=-price&currency=USD'), ['cents', 'dollars']);
      assert.deepEqual(await listed('&sort=price'), ['both', 'plain', 'gone']);
      const paged = await shop.all(`/products?vendorId=${owner.id}&sort=price&currency=USD`, undefined, 1);
      assert.deepEqual(paged.map(({ name }) => name), ['dollars', 'cents']);
      assert.deepEqual(pointers(await shop.api('GET', '/products?currency=Euro')), ['?currency']);
      assert.deepEqual(pointers(await shop.api('GET', '/products?currency=ZZZ')), ['?currency']);
    });

    test('the facet counts products with a variant in the range, in one currency', async () => {
      const prices = async (query) => (await shop.get(`/products?vendorId=${owner.id}&facets=price&limit=1${query}`))
        .facets.price.map(({ value, count }) => [value, count]);
      assert.deepEqual(await prices('&currency=USD'), [['0-499', 1], ['500-999', 2]]);
      assert.deepEqual(await prices(''), [['0-499', 3]]);
      assert.deepEqual(await prices('&currency=JPY'), [['1000-1999', 1]]);
      for (const [value, count] of await prices('&currency=USD')) {
        const [min, max] = value.split('-');
        assert.equal((await listed(`&currency=USD&minPrice=${min}&maxPrice=${max}`)).length, count, value);
      }
    });
  });

  test('names every fault of the query', async () => {
    assert.deepEqual(pointers(await shop.api('GET',
      '/products?limit=0&cursor=x&minPrice=-1&maxPrice=a&inStock=yes&minRating=6&vendorId=1&ids=1&sort=up&facets=size&status=x')),
    ['?cursor', '?facets', '?ids', '?inStock', '?limit', '?maxPrice', '?minPrice', '?minRating', '?sort', '?status', '?vendorId']);
    assert.deepEqual(pointers(await shop.api('GET', `/products?q=${'x'.repeat(201)}`)), ['?q']);
  });
});

// ---- between services

test('routes of the platform\'s own are not for clients', async () => {
  for (const path of ['/products/quote', '/products/batch']) {
    for (const token of [undefined, admin, await shop.service()]) {
      const answer = await shop.api('POST', path, { token, body: { items: [], products: [] }, check: false });
      problem(answer, 404, 'not-found');
    }
  }
});
