// `souk import products`: exports in Shopify's format, good and bad, with and without a running shop.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { ROOT, runSouk, startShop, waitFor } from './lib/shop.mjs';

const SHARED = join(ROOT, '../shared/data/shopify');
const COLUMNS = [
  'Handle', 'Title', 'Body (HTML)', 'Vendor', 'Type', 'Tags', 'Published', 'Option1 Name', 'Option1 Value',
  'Option2 Name', 'Option2 Value', 'Variant SKU', 'Variant Grams', 'Variant Inventory Qty', 'Variant Price',
  'Variant Compare At Price', 'Variant Barcode', 'Image Src', 'Image Alt Text', 'SEO Title', 'Status',
];

const folder = mkdtempSync(join(tmpdir(), 'souk-import-'));
let shop, files = 0;

before(async () => {
  shop = await startShop();
});
after(() => rmSync(folder, { recursive: true, force: true }));

// Rows are objects by column; `columns` says which are written, and in which order.
const cell = (value) => (/[",\n;]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
const csv = (rows, { columns = COLUMNS, separator = ',', newline = '\n' } = {}) =>
  [columns, ...rows.map((row) => columns.map((name) => cell(String(row[name] ?? ''))))]
    .map((cells) => cells.join(separator) + newline).join('');
const write = (content) => {
  files += 1;
  const path = join(folder, `${files}.csv`);
  writeFileSync(path, content);
  return path;
};
const run = (path, { data = shop.dataDir, args = [], ...options } = {}) =>
  runSouk(['import', 'products', path, '--data', data, ...args], options);
// Imports, and demands the counts of the summary and the lines that are said to be skipped.
async function imports(content, counts, skipped = [], options = {}) {
  const { code, stdout, stderr } = await run(write(content), options);
  const summary = /: (\d+) created, (\d+) updated, (\d+) unchanged, (\d+) failed; (\d+) rows skipped/.exec(stdout);
  assert.ok(summary, `${stdout}\n${stderr}`);
  assert.deepEqual(summary.slice(1, 5).map(Number),
    ['created', 'updated', 'unchanged', 'failed'].map((name) => counts[name] ?? 0), stdout);
  const told = [...stdout.matchAll(/^skipped line (\d+)[^:]*: (.*)$/gm)];
  assert.deepEqual(told.map((match) => Number(match[1])), skipped.map(([line]) => line), stdout);
  told.forEach((match, i) => assert.match(match[2], skipped[i][1]));
  assert.equal(Number(summary[5]), skipped.length);
  assert.equal(code, counts.code ?? 0, stdout + stderr);
  return stdout;
}
const product = (slug, token) => shop.get(`/products/${slug}`, token);

const plain = (handle, more = {}) => ({
  'Handle': handle, 'Title': `The ${handle}`, 'Vendor': 'Olive & Sons', 'Type': 'Kitchen', 'Published': 'true',
  'Option1 Name': 'Title', 'Option1 Value': 'Default Title', 'Variant Price': '19.90', 'Variant Inventory Qty': 7,
  ...more,
});
const sizes = (handle, names, more = {}) => names.map((name, i) => ({
  ...(i === 0 ? { ...plain(handle), 'Option1 Name': 'Size' } : { 'Handle': handle }),
  'Option1 Value': name, 'Variant SKU': `${handle}-${name}`, 'Variant Price': `${10 + i}.00`,
  'Variant Inventory Qty': i + 1, ...more,
}));

describe('a good file', () => {
  test('a plain product, with all that a row can say', async () => {
    await imports(csv([plain('bowl', {
      'Body (HTML)': '<p onclick="x()">Of "olive" wood,\nturned</p><script>x()</script>', 'Tags': 'wood, kitchen,wood',
      'Variant SKU': 'BOWL-1', 'Variant Grams': 350, 'Variant Compare At Price': '25', 'Variant Barcode': "'0401234",
      'Image Src': 'https://cdn.example/bowl.jpg?v=1', 'Image Alt Text': 'A bowl', 'SEO Title': 'Bowl, of wood',
    })]), { created: 1 });
    const bowl = await waitFor(async () => {
      const now = await product('bowl');
      return now.stock.available === 7 && now;
    }, 'the stock has come');
    assert.equal(bowl.name, 'The bowl');
    assert.match(bowl.description, /^<p>Of (&quot;|")olive(&quot;|") wood,\nturned<\/p>$/);
    assert.equal(bowl.category, 'kitchen');
    assert.equal(bowl.status, 'active');
    assert.deepEqual(bowl.tags, ['wood', 'kitchen']);
    assert.deepEqual(bowl.images, [{ url: 'https://cdn.example/bowl.jpg?v=1', alt: 'A bowl' }]);
    assert.deepEqual(bowl.price, { amount: 1990, currency: 'EUR' });
    assert.deepEqual(bowl.options, []);
    assert.equal(bowl.variants[0].id, bowl.id);
    assert.equal(bowl.variants[0].sku, 'BOWL-1');
    assert.deepEqual(bowl.attributes, { brand: 'Olive & Sons', seoTitle: 'Bowl, of wood' });
    const { compareAtPrice, barcode, weightGrams } = bowl.variants[0];
    assert.deepEqual({ compareAtPrice, barcode, weightGrams },
      { compareAtPrice: { amount: 2500, currency: 'EUR' }, barcode: '0401234', weightGrams: 350 });
    // The brand is a vendor, who is the same for all its products.
    const { name, roles } = await shop.get(`/users/${bowl.vendorId}`, await shop.admin());
    assert.equal(name, 'Olive & Sons');
    assert.ok(roles.includes('vendor'));
  });

  test('rows that share a handle are one product, wherever they stand', async () => {
    const rows = sizes('apron', ['S', 'M', 'L']);
    await imports(csv([
      rows[0], plain('between'),
      { 'Handle': 'apron', 'Image Src': 'https://cdn.example/apron.jpg' }, ...rows.slice(1),
    ]), { created: 2 });
    const apron = await product('apron');
    assert.deepEqual(apron.options, [{ name: 'Size', values: ['S', 'M', 'L'] }]);
    assert.deepEqual(apron.variants.map(({ sku, price }) => [sku, price.amount]),
      [['apron-S', 1000], ['apron-M', 1100], ['apron-L', 1200]]);
    assert.equal(apron.images.length, 1);
    assert.equal((await product('between')).vendorId, apron.vendorId);
  });

  test('status and category come from the columns there are', async () => {
    await imports(csv([
      plain('hidden', { 'Published': 'false' }), plain('old', { 'Status': 'archived' }),
      plain('draft', { 'Status': 'draft' }), plain('deep', { 'Type': 'Home & Garden > Lamps / Desk' }),
      plain('typeless', { 'Type': '', 'Published': '' }),
    ]), { created: 5 });
    const admin = await shop.admin();
    assert.equal((await product('hidden', admin)).status, 'draft');
    assert.equal((await product('old', admin)).status, 'archived');
    assert.equal((await product('draft', admin)).status, 'draft');
    assert.equal((await product('deep')).category, 'home-garden/lamps/desk');
    assert.equal((await product('typeless')).category, null);
  });

  test('columns in another order, under their newer names, between semicolons and with CRLF', async () => {
    const columns = ['Price', 'Title', 'Description', 'URL handle', 'Vendor', 'Product category', 'Google Shopping / Gender',
      'SKU', 'Option1 name', 'Option1 value', 'Inventory quantity', 'Published on online store', 'Product image URL'];
    const row = {
      'Price': '5.50', 'Title': 'Newer', 'Description': 'a;b', 'URL handle': 'newer', 'Vendor': 'N',
      'Product category': 'Apparel > Hats', 'SKU': 'newer-1', 'Option1 name': 'Colour', 'Option1 value': 'Blue',
      'Inventory quantity': '4', 'Published on online store': 'TRUE', 'Product image URL': 'https://cdn.example/n.png',
    };
    await imports(`\ufeff${csv([row], { columns, separator: ';', newline: '\r\n' })}\r\n`, { created: 1 });
    const newer = await product('newer');
    assert.equal(newer.category, 'apparel/hats');
    assert.deepEqual(newer.variants.map(({ sku, options }) => [sku, options]), [['newer-1', { Colour: 'Blue' }]]);
    assert.equal(newer.images.length, 1);
    assert.equal(newer.description, 'a;b');
  });

  test('a file in Windows-1252 is read, and said to be', async () => {
    const text = csv([plain('cafe-au-lait', { 'Title': 'Café “au lait”' })]);
    const bytes = Buffer.from(text.replace('“', '\x93').replace('”', '\x94'), 'latin1');
    assert.match(await imports(bytes, { created: 1 }), /note: .*Windows-1252/);
    assert.equal((await product('cafe-au-lait')).name, 'Café “au lait”');
  });

  test('prices are of the currency that is asked for', async () => {
    await imports(csv([plain('yen', { 'Variant Price': '1200.00' })]), { created: 1 }, [], { args: ['--currency', 'JPY'] });
    assert.deepEqual((await product('yen')).price, { amount: 1200, currency: 'JPY' });
  });
});

describe('a file again', () => {
  const version = async (slug) => (await shop.api('GET', `/products/${slug}`)).headers.etag.split('.')[0];

  test('changes nothing, and takes nothing back', async () => {
    const content = csv([...sizes('again', ['S', 'M']), plain('again-too')]);
    await imports(content, { created: 2 });
    const first = await product('again');
    await imports(content, { unchanged: 2 });
    assert.equal(await version('again'), '"1');
    await shop.api('PUT', `/products/${first.id}`,
      { token: await shop.admin(), body: { name: 'Renamed' }, expect: 200 });
    await imports(content, { unchanged: 2 });
    assert.equal((await product('again')).name, 'Renamed');
  });

  test('other stock is no change: Inventory counts once a product is there', async () => {
    await imports(csv([plain('stocked')]), { created: 1 });
    await imports(csv([plain('stocked', { 'Variant Inventory Qty': 99 })]), { unchanged: 1 });
    await waitFor(async () => (await product('stocked')).stock.available === 7, 'the first stock stays');
  });

  test('what it says of the stock of old variants is named, and of new ones taken', async () => {
    const columns = [...COLUMNS, 'Variant Inventory Tracker', 'Variant Inventory Policy'];
    const tracked = { 'Variant Inventory Tracker': 'shopify', 'Variant Inventory Policy': 'deny' };
    const rows = sizes('policy', ['S', 'M'], tracked);
    await imports(csv(rows, { columns }), { created: 1 });
    rows[1]['Variant Inventory Policy'] = 'continue';
    assert.match(await imports(csv(rows, { columns }), { unchanged: 1 }),
      /note: not taken for 2 variants that the shop had already: quantities, trackers, policies; their stock is Inventory's/);
    const few = columns.filter((name) => !/Qty/.test(name));
    const more = sizes('policy', ['S', 'M', 'L'], tracked);
    const stdout = await imports(csv(more, { columns: few }), { updated: 1 });
    assert.match(stdout, /note: not taken for 2 variants that the shop had already: trackers, policies;/);
    assert.match(stdout, /note: without a quantity: 1 variant, sold out/);
    assert.doesNotMatch(await imports(csv(more, { columns: ['Handle', 'Title', 'Option1 Value'] }), { updated: 1 }), /not taken for/);
  });

  test('what changed is updated, and keeps its ids', async () => {
    await imports(csv(sizes('changing', ['S', 'M'])), { created: 1 });
    const before = await product('changing');
    const rows = sizes('changing', ['S', 'M', 'L']);
    rows[1]['Variant Price'] = '99.00';
    await imports(csv(rows), { updated: 1 });
    const now = await product('changing');
    assert.deepEqual(now.variants.slice(0, 2).map(({ id }) => id), before.variants.map(({ id }) => id));
    assert.deepEqual(now.variants.map(({ price }) => price.amount), [1000, 9900, 1200]);
    assert.equal(now.id, before.id);
  });

  test('variants without SKU are known by their options', async () => {
    const rows = (price) => sizes('nosku', ['S', 'M'], { 'Variant SKU': '', 'Variant Price': price });
    await imports(csv(rows('1')), { created: 1 });
    const before = await product('nosku');
    assert.deepEqual(before.variants.map(({ sku }) => sku), ['nosku-s', 'nosku-m']);
    await imports(csv(rows('2').reverse().map((row, i) => (i === 0 ? { ...rows('2')[0], ...row, 'Title': 'The nosku', 'Option1 Name': 'Size' } : { ...row, 'Title': '' }))), { updated: 1 });
    const now = await product('nosku');
    assert.deepEqual(now.variants.map(({ id }) => id), before.variants.map(({ id }) => id).reverse());
  });

  test('a SKU is a label: variants and products may share it, and options tell variants apart', async () => {
    const shared = { 'Variant SKU': 'SHARED' };
    const content = csv([...sizes('label', ['S', 'M', 'L'], shared), plain('label-too', shared)]);
    await imports(content, { created: 2 });
    const before = await product('label');
    assert.deepEqual(before.variants.map(({ sku }) => sku), ['SHARED', 'SHARED', 'SHARED']);
    assert.equal((await product('label-too')).variants[0].sku, 'SHARED');
    await imports(content, { unchanged: 2 });
    // Other labels, in another order: the same variants.
    const rows = sizes('label', ['M', 'S', 'L'], shared);
    rows[0]['Variant SKU'] = 'NEW';
    await imports(csv([...rows, plain('label-too', shared)]), { updated: 1, unchanged: 1 });
    const now = await product('label');
    assert.deepEqual(now.variants.map(({ id, sku }) => [id, sku]),
      [[before.variants[1].id, 'NEW'], [before.variants[0].id, 'SHARED'], [before.variants[2].id, 'SHARED']]);
  });

  test('a row that went bad costs the shop no variant', async () => {
    const rows = sizes('careful', ['S', 'M']);
    await imports(csv(rows), { created: 1 });
    rows[1]['Variant Price'] = 'soon';
    rows[0]['Variant Price'] = '50.00';
    await imports(csv(rows), { updated: 1 }, [[3, /price "soon"/]]);
    assert.deepEqual((await product('careful')).variants.map(({ price }) => price.amount), [5000, 1100]);
    // A file that is whole again and does not list it takes it away.
    await imports(csv(rows.slice(0, 1)), { updated: 1 });
    assert.equal((await product('careful')).variants.length, 1);
  });
});

describe('an update: what the file has no column for stays as it is', () => {
  const PRICES = ['Handle', 'Title', 'Option1 Name', 'Option1 Value', 'Variant SKU', 'Variant Price'];
  let admin;
  before(async () => { admin = await shop.admin(); });

  // A draft in two sizes with all that a file can say, and what only the shop's people say.
  async function made(handle) {
    const [first, ...rest] = sizes(handle, ['S', 'M', 'L']);
    await imports(csv([{
      ...first, 'Body (HTML)': '<p>Nice</p>', 'Tags': 'cotton, summer', 'Vendor': `Brand of ${handle}`, 'Status': 'draft',
      'Image Src': 'https://cdn.example/a.jpg', 'Image Alt Text': 'Folded', 'SEO Title': 'A shirt',
    }, ...rest]), { created: 1 });
    const { id } = await product(handle, admin);
    await shop.api('PUT', `/products/${id}`, {
      token: admin, expect: 200, body: { attributes: { brand: `Brand of ${handle}`, seoTitle: 'A shirt', washAt: 30 } },
    });
    return waitFor(async () => {
      const now = await product(handle, admin);
      return now.variants.every(({ stock }) => stock.status === 'low_stock') && now;
    }, 'the stock has come');
  }
  const without = ({ price: _, updatedAt: __, variants, ...rest }) =>
    ({ ...rest, variants: variants.map(({ price: ___, ...variant }) => variant) });
  // Imports, and demands that prices alone changed.
  async function changes(handle, content, prices, counts = { updated: 1 }) {
    const was = await product(handle, admin);
    const stdout = await imports(content, counts);
    const now = await product(handle, admin);
    assert.deepEqual(without(now), without(was));
    assert.deepEqual(now.variants.map(({ price }) => price.amount), prices);
    return stdout;
  }
  const rowsOf = (handle, prices) => Object.entries(prices).map(([name, price], i) => ({
    'Handle': handle, 'Title': i ? '' : `The ${handle}`, 'Option1 Name': i ? '' : 'Size', 'Option1 Value': name,
    'Variant SKU': `${handle}-${name}`, 'Variant Price': price,
  }));

  test('prices alone', async () => {
    await made('kept');
    const vendors = (await shop.get('/users?role=vendor&limit=100', admin)).items.length;
    const content = csv(rowsOf('kept', { S: '11.00', M: '12.00', L: '13.00' }), { columns: PRICES });
    assert.match(await changes('kept', content, [1100, 1200, 1300]), /note: .*stays as it is/);
    await changes('kept', content, [1100, 1200, 1300], { unchanged: 1 });
    assert.equal((await shop.get('/users?role=vendor&limit=100', admin)).items.length, vendors);
  });

  test('some variants alone: the others stay, and so does their order', async () => {
    await made('some');
    await changes('some', csv(rowsOf('some', { L: '9.00' }), { columns: PRICES }), [1000, 1100, 900]);
    await changes('some', csv(rowsOf('some', { M: '8.00', S: '7.00' }), { columns: PRICES }), [700, 800, 900]);
    await imports(csv(rowsOf('some', { XS: '5.00', S: '6.00' }), { columns: PRICES }), { updated: 1 });
    const now = await product('some', admin);
    assert.deepEqual(now.options, [{ name: 'Size', values: ['S', 'M', 'L', 'XS'] }]);
    assert.deepEqual(now.variants.map(({ price }) => price.amount), [600, 800, 900, 500]);
  });

  test('a file without names of options, without options, without titles', async () => {
    await made('bare');
    const columns = (...names) => ({ columns: ['Handle', ...names] });
    const rows = (prices) => rowsOf('bare', prices);
    await changes('bare', csv(rows({ M: '1.00', S: '2.00' }), columns('Option1 Value', 'Variant Price')), [200, 100, 1200]);
    await changes('bare', csv(rows({ M: '3.00', L: '4.00' }), columns('Variant SKU', 'Variant Price')), [200, 300, 400]);
    await imports(csv(rows({ Q: '3.00' }), columns('Variant SKU', 'Variant Price')), { failed: 1, code: 1 }, [[2, /Size/]]);
    await imports(csv([plain('one-only')]), { created: 1 });
    await imports(csv([plain('one-only', { 'Variant Price': '2.50' })], columns('Variant Price')), { updated: 1 });
    const one = await product('one-only');
    assert.equal(one.price.amount, 250);
    assert.equal(one.name, 'The one-only');
    assert.equal(one.category, 'kitchen');
  });

  test('fewer options than the product has: nothing is changed, and it is said', async () => {
    const rows = ['S', 'M'].flatMap((size) => ['Red', 'Blue'].map((colour, i) => ({
      ...(size === 'S' && !i ? plain('two-options') : { 'Handle': 'two-options' }),
      'Option1 Name': 'Size', 'Option1 Value': size, 'Option2 Name': 'Colour', 'Option2 Value': colour, 'Variant Price': '5.00',
    })));
    await imports(csv(rows), { created: 1 });
    const was = await product('two-options');
    const few = { columns: ['Handle', 'Option1 Value', 'Variant Price'] };
    for (const [row, options] of [[{ 'Option1 Value': 'S' }, few], [{ 'Option1 Value': 'Default Title' }, few],
      [{ 'Option1 Name': 'Size', 'Option1 Value': 'XL' }, { columns: ['Handle', 'Option1 Name', ...few.columns.slice(1)] }]]) {
      await imports(csv([{ 'Handle': 'two-options', 'Variant Price': '1.00', ...row }], options), { failed: 1, code: 1 }, [[2, /must be all that the product has, of which there are 2/]]);
    }
    // Three, of which those that are not listed would have no value of the third.
    const third = { 'Handle': 'two-options', 'Option1 Name': 'Size', 'Option1 Value': 'S', 'Option2 Name': 'Colour', 'Option2 Value': 'Red',
      'Option3 Name': 'Fit', 'Option3 Value': 'Slim', 'Variant Price': '1.00' };
    await imports(csv([third], { columns: Object.keys(third) }), { failed: 1, code: 1 }, [[2, /must list the variant "S \/ Red"/]]);
    const { options, variants } = await product('two-options');
    assert.deepEqual([options, variants.map(({ id, price }) => [id, price.amount])],
      [was.options, was.variants.map(({ id }) => [id, 500])]);
  });

  test('tags alone, images alone; an empty cell says that there is none', async () => {
    const was = await made('tagged');
    await imports(csv([{ 'Handle': 'tagged', 'Tags': 'wool' }], { columns: ['Handle', 'Tags'] }), { updated: 1 });
    const { tags: tagsThen, updatedAt: _, ...rest } = was;
    const { tags, updatedAt: __, ...now } = await product('tagged', admin);
    assert.deepEqual([tagsThen, tags], [['cotton', 'summer'], ['wool']]);
    assert.deepEqual(now, rest);
    const images = ['https://cdn.example/new.jpg', 'https://cdn.example/a.jpg'].map((url) => ({ 'Handle': 'tagged', 'Image Src': url }));
    await imports(csv(images, { columns: ['Handle', 'Image Src'] }), { updated: 1 });
    assert.deepEqual((await product('tagged', admin)).images,
      [{ url: 'https://cdn.example/new.jpg', alt: '' }, { url: 'https://cdn.example/a.jpg', alt: 'Folded' }]);
    await imports(csv([{ 'Handle': 'tagged', 'Tags': '', 'Title': '' }], { columns: ['Handle', 'Title', 'Tags'] }), { updated: 1 });
    const last = await product('tagged', admin);
    assert.deepEqual(last.tags, []);
    assert.equal(last.name, was.name);
  });

  test('a new product needs a title and a price; one without vendor is the unbranded vendor\'s', async () => {
    const rows = [
      { 'Handle': 'new-one', 'Title': 'New', 'Variant Price': '2.00' }, { 'Handle': 'new-two', 'Variant Price': '2.00' },
    ];
    await imports(csv(rows, { columns: ['Handle', 'Title', 'Variant Price'] }), { created: 1, failed: 1, code: 1 }, [[3, /no title/]]);
    const { vendorId } = await product('new-one');
    assert.equal((await shop.get(`/users/${vendorId}`, admin)).name, 'Unbranded');
    await imports(csv([{ 'Handle': 'priceless', 'Title': 'P' }], { columns: ['Handle', 'Title'] }), { failed: 1, code: 1 }, [[2, /price/]]);
  });

  test('a whole file sets what it has columns for, and keeps what no file has', async () => {
    await made('whole');
    const [first, ...rest] = sizes('whole', ['S', 'M', 'L']);
    await imports(csv([{ ...first, 'Vendor': '', 'SEO Title': '' }, ...rest]), { updated: 1 });
    const now = await product('whole', admin);
    assert.deepEqual([now.description, now.tags, now.images], ['', [], []]);
    assert.deepEqual(now.attributes, { washAt: 30 });
    assert.equal((await shop.get(`/users/${now.vendorId}`, admin)).name, 'Brand of whole');
    // Its options under another name are the same options.
    const renamed = sizes('whole', ['S', 'M'], { 'Variant SKU': '' });
    renamed[0]['Option1 Name'] = 'Größe';
    await imports(csv(renamed), { updated: 1 });
    const last = await product('whole', admin);
    assert.deepEqual(last.options, [{ name: 'Größe', values: ['S', 'M'] }]);
    assert.deepEqual(last.variants.map(({ id }) => id), now.variants.slice(0, 2).map(({ id }) => id));
  });

  test('what stands in a later row of a product counts as well', async () => {
    const [first, second] = sizes('sorted', ['S', 'M']);
    const { 'Handle': handle, 'Option1 Value': value, 'Variant SKU': sku, 'Variant Price': price, ...about } = first;
    await imports(csv([
      { 'Handle': handle, 'Image Src': 'https://cdn.example/s.jpg' }, { ...second, 'Option1 Name': '' },
      { 'Handle': handle, 'Option1 Value': value, 'Variant SKU': sku, 'Variant Price': price },
      { 'Handle': handle, ...about, 'Option1 Value': 'L', 'Variant Price': '3.00' },
    ]), { created: 1 });
    const sorted = await product('sorted');
    assert.equal(sorted.name, 'The sorted');
    assert.equal(sorted.category, 'kitchen');
    assert.deepEqual(sorted.options, [{ name: 'Size', values: ['M', 'S', 'L'] }]);
    assert.equal(sorted.images.length, 1);
  });
});

describe('what spreadsheets make of a file', () => {
  const priceOf = async (slug) => (await product(slug)).price.amount;
  const notes = (stdout) => stdout.split('\n').filter((line) => line.startsWith('note:')).join('\n');

  test('decimal commas, and thousands in groups, in files of semicolons', async () => {
    const prices = {
      'c-1': ['12,99', 1299], 'c-2': ['1.299,00', 129900], 'c-3': ['1 299,5', 129950], 'c-4': ['12.99', 1299],
      'c-5': ['1.299.000', 129900000], 'c-6': ['7', 700], 'c-7': ["1'299.00", 129900], 'c-8': ['0,999', null],
      'c-9': ['1.299', null], 'c-10': ['1,299', null], 'c-11': ['12,99,9', null], 'c-12': ['1.29,00', null], 'c-13': [',50', null],
    };
    const rows = Object.entries(prices).map(([handle, [price]]) => plain(handle, { 'Variant Price': price }));
    for (const separator of [';', '\t']) {
      const stdout = await imports(csv(rows, { separator }), { [separator === ';' ? 'created' : 'unchanged']: 7, failed: 6, code: 1 },
        [[9, /0,999/], [10, /two ways/], [11, /two ways/], [12, /12,99,9/], [13, /1.29,00/], [14, /no amount/]]);
      assert.doesNotMatch(stdout, /left out/);
    }
    for (const [slug, [, amount]] of Object.entries(prices)) if (amount) assert.equal(await priceOf(slug), amount, slug);
    // Between commas a comma is no decimal one, unless a point says so; yen have no decimals.
    await imports(csv([plain('c-14', { 'Variant Price': '1,299.00' }), plain('c-15', { 'Variant Price': '12,99' })]),
      { created: 1, failed: 1, code: 1 }, [[3, /12,99/]]);
    assert.equal(await priceOf('c-14'), 129900);
    await imports(csv([plain('c-16', { 'Variant Price': '1.299' })], { separator: ';' }), { created: 1 }, [], { args: ['--currency', 'JPY'] });
    assert.equal(await priceOf('c-16'), 1299);
  });

  test('rows without their last empty cells, and with more of them', async () => {
    const columns = ['Handle', 'Title', 'Variant Price', 'Option1 Name', 'Option1 Value', 'Image Src'];
    await imports(`${columns.join(',')}\nshort,Short,1.00,Size,S\nshort,,2.00,,M\nlong,Long,3.00,,,,,,\nlonger,Longer,3.00,,,,,x\n`,
      { created: 2, failed: 1, code: 1 }, [[5, /8 columns, and the header 6/]]);
    assert.deepEqual((await product('short')).variants.map(({ price }) => price.amount), [100, 200]);
    assert.equal(await priceOf('long'), 300);
  });

  test('a first line that tells the separator', async () => {
    await imports(`sep=;\r\n${csv([plain('sep-1', { 'Variant Price': 'x' }), plain('sep-2', { 'Title': 'a, b, c, d' })], { separator: ';', newline: '\r\n' })}`,
      { created: 1, failed: 1, code: 1 }, [[3, /price/]]);
    await imports(`\ufeff"SEP=|"\n${csv([plain('sep-3')], { separator: '|' })}`, { created: 1 });
    assert.equal((await product('sep-2')).name, 'a, b, c, d');
  });

  test('other scripts in the encodings that their spreadsheets write', async () => {
    let scripts = 0;
    const file = (bytes) => Buffer.from(csv([plain(`script-${scripts}`, { 'Title': bytes })]), 'latin1');
    const named = async (bytes, said, ...args) => {
      scripts += 1;
      assert.match(await imports(file(bytes), { created: 1 }, [], { args }), said);
      return (await product(`script-${scripts}`)).name;
    };
    const sjis = '\x96\x95\x92\x83\x93\xfc\x82\xe8\x8c\xba\x95\xc4\x92\x83 \x83R\x83b\x83g\x83\x93T\x83V\x83\x83\x83c \x82\xa9\x82\xed\x82\xa2\x82\xa2';
    assert.equal(await named(sjis, /read as Shift_JIS; --encoding NAME/), '抹茶入り玄米茶 コットンTシャツ かわいい');
    assert.equal(await named('\xf7\xe0\xe9 \xf7\xb8\xf0\xed\xfb\xe9', /read as windows-1251\n/, '--encoding', 'windows-1251'), 'чай чёрный');
    assert.equal(await named('Thé', /was read as latin1\n/, '--encoding', 'latin1'), 'Thé');
    // Too little to know it by, and nothing that may be published as it looks.
    scripts += 1;
    const refused = await run(write(file('\xf7\xe0\xe9 \xf7\xb8\xf0\xed\xfb\xe9')));
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /its encoding is not known: --encoding NAME says it/);
    const unknown = await run(write(file('x')), { args: ['--encoding', 'klingon'] });
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /"klingon" is not known/);
  });

  test('Windows-1252, UTF-16 with and without a mark, lines that end as on an old Macintosh', async () => {
    const text = (handle) => csv([plain(handle, { 'Title': 'Thé – 5 €' })]);
    const swapped = (buffer) => Buffer.from(buffer).swap16();
    const files = {
      'enc-1': Buffer.from(text('enc-1').replace('–', '\x96').replace('€', '\x80'), 'latin1'),
      'enc-2': Buffer.from(`\ufeff${text('enc-2')}`, 'utf16le'),
      'enc-3': swapped(Buffer.from(`\ufeff${text('enc-3')}`, 'utf16le')),
      'enc-4': Buffer.from(text('enc-4'), 'utf16le'),
      'enc-5': Buffer.from(csv([plain('enc-5', { 'Title': 'Thé – 5 €' })], { separator: '\t', newline: '\r' })),
    };
    for (const [handle, bytes] of Object.entries(files)) {
      const stdout = await imports(bytes, { created: 1 });
      assert.equal((await product(handle)).name, 'Thé – 5 €', handle);
      assert.equal(/note: .*(Windows-1252|UTF-16)/.test(stdout), handle !== 'enc-5');
    }
  });

  test('what is published is so in any language; a word that is not known never publishes', async () => {
    const words = {
      'TRUE': 'active', ' true ': 'active', 'WAHR': 'active', 'Vrai': 'active', 'ИСТИНА': 'active', 'ΑΛΗΘΗΣ': 'active', '1': 'active', 'sí': 'active', '': 'active',
      'FALSE': 'draft', 'FALSCH': 'draft', 'faux': 'draft', '0': 'draft', 'no': 'draft', 'ЛОЖЬ': 'draft', 'HAYIR': 'draft', 'いいえ': 'draft', 'ΨΕΥΔΗΣ': 'draft',
      'perhaps': 'draft', '2': 'draft',
    };
    const rows = Object.keys(words).map((word, i) => plain(`said-${i}`, { 'Published': word }));
    const stdout = await imports(csv(rows), { created: rows.length });
    const admin = await shop.admin();
    for (const [i, [word, status]] of Object.entries(words).entries()) {
      assert.equal((await product(`said-${i}`, admin)).status, status, word);
    }
    assert.deepEqual([...notes(stdout).matchAll(/line (\d+): Published is "(.*?)"/g)].map(([, line, word]) => [line, word]),
      [['2', '2'], ['21', 'perhaps']].sort((a, b) => a[0] - b[0]).map(([, word]) => [String(Object.keys(words).indexOf(word) + 2), word]));
    assert.match(await imports(csv([plain('said-so', { 'Status': 'aktiv' })]), { created: 1 }), /note: line 2: Status is "aktiv"/);
    assert.equal((await product('said-so', admin)).status, 'draft');
  });

  test('each variant keeps its price to compare with, barcode, weight and image', async () => {
    const image = (name) => `https://cdn.example/${name}.jpg`;
    const columns = [...COLUMNS, 'Variant Image'];
    const rows = sizes('detailed', ['S', 'M', 'L']);
    Object.assign(rows[0], { 'Variant Compare At Price': '1.020,50', 'Variant Barcode': '4006381333931', 'Variant Grams': '93893,983', 'Variant Image': image('s') });
    Object.assign(rows[1], { 'Variant Grams': '250,0', 'Variant Barcode': '4,00638E+12', 'Variant Image': 'none' });
    Object.assign(rows[2], { 'Variant Grams': '0,2', 'Variant Compare At Price': 'much' });
    const stdout = await imports(csv(rows, { columns, separator: ';' }), { created: 1 });
    for (const said of [/line 3: the barcode "4,00638E\+12"/, /line 3: an image/, /line 4: the price to compare with/]) assert.match(stdout, said);
    const of = ({ compareAtPrice, barcode, weightGrams, image: address }) =>
      [compareAtPrice?.amount, barcode, weightGrams, address];
    const detailed = await product('detailed');
    assert.deepEqual(detailed.variants.map(of),
      [[102050, '4006381333931', 93894, image('s')], [undefined, undefined, 250, undefined], [undefined, undefined, 1, undefined]]);
    assert.deepEqual(detailed.images.map(({ url }) => url), [image('s')]);
    assert.deepEqual(detailed.attributes, { brand: 'Olive & Sons' });
    // Without their columns they stay; an empty cell takes them away.
    await imports(csv(rows, { columns: ['Handle', 'Option1 Value', 'Variant Grams'], separator: ';' }), { updated: 1 });
    assert.deepEqual((await product('detailed')).variants.map(of), detailed.variants.map(of));
    rows[0]['Variant Barcode'] = rows[0]['Variant Grams'] = '';
    await imports(csv(rows, { columns: ['Handle', 'Option1 Value', 'Variant Barcode', 'Variant Grams'], separator: ';' }), { updated: 1 });
    assert.deepEqual((await product('detailed')).variants.map(of)[0], [102050, undefined, undefined, image('s')]);
  });

  test('what is too long, no number, or stands beside what is taken is named', async () => {
    const columns = [...COLUMNS, 'Product Category'];
    const long = 'x'.repeat(1500);
    const stdout = await imports(csv([plain('too-much', {
      'Title': long, 'Vendor': long, 'Tags': `a,${long}`, 'Variant Barcode': long, 'SEO Title': long, 'Product Category': 'Home > Mugs',
      'Option1 Name': long, 'Option1 Value': long, 'Image Src': 'https://cdn.example/x.jpg', 'Image Alt Text': long,
      'Variant Inventory Qty': 'many',
    })], { columns }), { created: 1 }, [], { args: ['--stock', '4'] });
    for (const what of ['title', 'vendor', 'tag', 'SEO title', "option's name", "option's value", "image's text"])
      assert.match(stdout, new RegExp(`note: line 2: its ${what} was cut to \\d+ characters`));
    for (const said of [/barcode was left out/, /1 of the column Product Category was not taken/, /not counted by the file: 1 variant; of each there are 4/])
      assert.match(stdout, said);
    const made = await waitFor(async () => (await product('too-much')).stock.available === 4 && product('too-much'), 'the stock has come');
    assert.equal(made.variants[0].barcode, undefined);
    assert.equal(made.category, 'kitchen');
  });

  test('gift cards are no goods, and what is not taken is named', async () => {
    const columns = [...COLUMNS, 'Gift Card', 'Variant Tax Code', 'Option4 Name', 'Google Shopping / Gender'];
    const stdout = await imports(csv([
      plain('a-gift', { 'Gift Card': 'TRUE', 'Status': 'active', 'Google Shopping / Gender': 'unisex' }),
      plain('no-gift', { 'Gift Card': 'false', 'Variant Tax Code': 'P1' }),
    ], { columns }), { created: 2 });
    assert.match(stdout, /note: 1 gift card is not sold as goods.*: a-gift/);
    assert.match(stdout, /note: 2 columns were not taken: "Variant Tax Code", "Google Shopping \/ Gender"/);
    assert.equal((await product('a-gift', await shop.admin())).status, 'draft');
    assert.equal((await product('no-gift')).status, 'active');
  });
});

describe('what a file does not count', () => {
  const stockOf = async (slug) => {
    const { id } = await product(slug, await shop.admin());
    return waitFor(async () => {
      const { json, status } = await shop.api('GET', `/inventory/${id}`);
      return status === 200 && json;
    }, `Inventory knows ${slug}`);
  };
  const states = ({ tracked, backorder, onHand, available, status }) => [tracked, backorder, onHand, available, status];
  const columns = [...COLUMNS, 'Variant Inventory Tracker', 'Variant Inventory Policy'];
  const some = (names) => columns.filter((name) => names.includes(name));
  const row = (handle, tracker, quantity, policy) => plain(handle, {
    'Variant Inventory Tracker': tracker, 'Variant Inventory Qty': quantity, 'Variant Inventory Policy': policy,
  });

  test('trackers and policies mean what they mean at Shopify', async () => {
    const cases = {
      'st-1': [['', '0', 'deny'], [false, 'deny', 0, null, 'in_stock']],
      'st-2': [['', '7', ''], [false, 'deny', 0, null, 'in_stock']],
      'st-3': [['shopify', '7', 'deny'], [true, 'deny', 7, 7, 'in_stock']],
      'st-4': [['shopify', '0', 'deny'], [true, 'deny', 0, 0, 'out_of_stock']],
      'st-5': [['shopify', '0', 'continue'], [true, 'allow', 0, 0, 'backorder']],
      'st-6': [['shopify', '', 'CONTINUE'], [true, 'allow', 0, 0, 'backorder']],
      'st-7': [['shopify', '', ''], [true, 'deny', 0, 0, 'out_of_stock']],
      'st-8': [['amazon', '-3', 'continue'], [true, 'allow', 0, 0, 'backorder']],
      'st-9': [['shopify', '2.0', 'maybe'], [true, 'deny', 2, 2, 'low_stock']],
    };
    const stdout = await imports(csv(Object.entries(cases).map(([handle, [cells]]) => row(handle, ...cells)), { columns }), { created: 9 });
    for (const [handle, [, expected]] of Object.entries(cases)) assert.deepEqual(states(await stockOf(handle)), expected, handle);
    for (const said of [/note: without inventory tracker: 2 variants, always to be had; --stock N/, /quantity: 1 variant, sold out; --stock N/,
      /quantity: 1 variant, of which there are none, and which can be ordered nevertheless/, /less than nothing in stock: 1 variant;/,
      /policy is "maybe"/]) assert.match(stdout, said);
    const found = await shop.all('/products?inStock=true&category=kitchen');
    assert.deepEqual(found.map(({ slug }) => slug).filter((slug) => slug.startsWith('st-')).sort(),
      ['st-1', 'st-2', 'st-3', 'st-5', 'st-6', 'st-8', 'st-9']);
  });

  test('without the columns: nobody counts, or nobody said', async () => {
    const few = some(['Handle', 'Title', 'Variant Price']);
    assert.match(await imports(csv([plain('nc-1')], { columns: few }), { created: 1 }), /without inventory tracker: 1 variant,/);
    assert.deepEqual(states(await stockOf('nc-1')), [false, 'deny', 0, null, 'in_stock']);
    await imports(csv([row('nc-2', 'shopify', 9, 'continue')], { columns: [...few, 'Variant Inventory Tracker', 'Variant Inventory Policy'] }), { created: 1 });
    assert.deepEqual(states(await stockOf('nc-2')), [true, 'allow', 0, 0, 'backorder']);
    await imports(csv([row('nc-3', '', 9, 'continue')], { columns: [...few, 'Variant Inventory Qty'] }), { created: 1 });
    assert.deepEqual(states(await stockOf('nc-3')), [true, 'deny', 9, 9, 'in_stock']);
  });

  test('--stock says how many there are of what the file does not count', async () => {
    const rows = [row('as-1', '', '', ''), row('as-2', 'shopify', '', 'continue'), row('as-3', 'shopify', 4, 'deny'), row('as-4', '', 5, '')];
    const args = ['--stock', '12'];
    const stdout = await imports(csv(rows, { columns }), { created: 4 }, [], { args });
    assert.match(stdout, /note: not counted by the file: 3 variants; of each there are 12/);
    const expected = [[true, 'deny', 12, 12, 'in_stock'], [true, 'allow', 12, 12, 'in_stock'], [true, 'deny', 4, 4, 'low_stock'], [true, 'deny', 12, 12, 'in_stock']];
    for (const [i, { Handle: handle }] of rows.entries()) assert.deepEqual(states(await stockOf(handle)), expected[i], handle);
    await imports(csv(rows, { columns }), { unchanged: 4 }, [], { args });
    for (const value of ['-1', 'many', '1e3', '']) {
      const { code, stderr } = await run(write(''), { args: [`--stock=${value}`] });
      assert.equal(code, 2);
      assert.match(stderr, /--stock/);
    }
  });

  test('--stock of a second import counts what nobody has counted since the first', async () => {
    const rows = ['again-1', 'again-2', 'again-3', 'again-4'].map((handle, i) => row(handle, i ? 'shopify' : '', i === 3 ? 6 : '', ''));
    await imports(csv(rows, { columns }), { created: 4 });
    const { productId } = await stockOf('again-3');
    await shop.api('PUT', `/inventory/${productId}`, { token: await shop.admin(), body: { onHand: 0 }, expect: 200 });
    await imports(csv(rows, { columns }), { updated: 3, unchanged: 1 }, [], { args: ['--stock', '8'] });
    await waitFor(async () => (await stockOf('again-2')).onHand === 8 && (await stockOf('again-1')).onHand === 8, 'it is counted');
    assert.deepEqual(states(await stockOf('again-1')), [true, 'deny', 8, 8, 'in_stock']);
    // One was counted by its vendor, one by its file.
    assert.deepEqual(states(await stockOf('again-3')), [true, 'deny', 0, 0, 'out_of_stock']);
    assert.deepEqual(states(await stockOf('again-4')), [true, 'deny', 6, 6, 'in_stock']);
  });
});

describe('a bad file', () => {
  test('bad rows are told of, line by line, and the good ones are kept', async () => {
    const header = `${COLUMNS.join(',')}\n`;
    const rows = (list) => csv(list).slice(header.length);
    const content = Buffer.concat([
      header,
      rows([
        plain('', { 'Title': 'No handle' }),                                        // 2
        { 'Handle': 'titleless', 'Variant Price': '1.00' },                         // 3
        plain('cheap', { 'Variant Price': '1,99' }),                                // 4
        plain('free', { 'Variant Price': '' }),                                     // 5
        ...sizes('good', ['S', 'M', 'S']),                                          // 6, 7, 8: S again
        { 'Handle': 'good', 'Option1 Value': 'S', 'Variant Price': '1' },           // 9: S again
        { 'Handle': 'good', 'Option1 Value': '', 'Variant Price': '1' },            // 10
        { 'Handle': 'good', 'Option1 Value': 'X', 'Option2 Value': 'Y', 'Variant Price': '1' }, // 11
        plain('multi\nline', { 'Handle': 'multi', 'Body (HTML)': 'a\nb\nc' }),      // 12 to 14
      ]),
      'too,few\n',                                                                  // 15 (below)
      rows([plain('bytes')]).replace('Kitchen', 'Kit\xffchen'),
      'stray " quote in a line\n',
      '\n',
      rows([plain('last', { 'Title': 'Zuletzt – größer' })]),
    ].map((part) => Buffer.from(part, part.includes('\xff') ? 'latin1' : 'utf8')));
    await imports(content, { created: 3, failed: 7, code: 1 }, [
      [2, /no handle/], [3, /no title/], [4, /price "1,99" is no amount of EUR/], [5, /no price/],
      [8, /same variant as the one on line 6/], [9, /same variant as the one on line 6/], [10, /no value for the option "Size"/],
      [11, /no option 2/], [16, /no price/], [17, /not UTF-8/], [18, /quote/],
    ]);
    assert.deepEqual((await product('good')).variants.map(({ sku }) => sku), ['good-S', 'good-M']);
    assert.equal((await product('last')).name, 'Zuletzt – größer');
    assert.equal((await product('multi')).description, 'a\nb\nc');
    for (const slug of ['cheap', 'free', 'bytes', 'titleless', 'too']) {
      assert.equal((await shop.api('GET', `/products/${slug}`)).status, 404, slug);
    }
  });

  test('a handle that cannot be one, or is too much like another, is a product that failed', async () => {
    const rows = [
      plain('Alike Tee'), plain('alike--tee'), { 'Handle': 'alike--tee', 'Image Src': 'https://cdn.example/x.jpg' }, plain('***'),
    ];
    await imports(csv(rows), { created: 1, failed: 2, code: 1 }, [[3, /too much like/], [4, /too much like/], [5, /neither letters nor digits/]]);
  });

  test('a row of which nobody knows whose it is: a product has failed, and the shop loses no variant', async () => {
    const rows = sizes('stray', ['S', 'M', 'L', 'XL'], { 'Title': 'Größer' });
    const lines = csv(rows).split('\n');
    await imports(csv(rows), { created: 1 });
    const all = ['stray-S', 'stray-M', 'stray-L', 'stray-XL'];
    const skus = async () => (await product('stray')).variants.map(({ sku }) => sku);
    const broken = (line) => Buffer.from(lines.toSpliced(3, 1, line).join('\n').replaceAll('Größer', 'Gr\xc3\xb6\xc3\x9fer'), 'latin1');
    for (const [i, [line, reason]] of [
      [lines[3].replace('stray', ''), /no handle/], [lines[3].replace('L,', 'L",'), /quote/],
      [`\xff${lines[3]}`, /not UTF-8/],
    ].entries()) {
      const stdout = await imports(broken(line), { [i ? 'unchanged' : 'updated']: 1, failed: 1, code: 1 }, [[4, reason]]);
      assert.match(stdout, /note: of 1 row nobody knows whose they are: each variant that the file does not list stays/);
      assert.deepEqual(await skus(), all);
    }
    // Where the row says whose it is, that product alone lacks something.
    for (const [line, reason] of [[`${lines[3]},,x`, /columns/], [lines[3].replace(',L,', ',\xff,'), /not UTF-8/]]) {
      await imports(broken(line), { unchanged: 1 }, [[4, reason]]);
      assert.deepEqual(await skus(), all);
    }
    const other = Buffer.from(csv([plain('lone', { 'Type': '#' }), plain('beside', { 'Title': 'Größe' })]));
    other[other.indexOf('#')] = 0xff;
    await imports(other, { created: 1, failed: 1, code: 1 }, [[2, /not UTF-8/]]);
  });

  test('--report writes the skipped rows as CSV', async () => {
    const report = join(folder, 'report.csv');
    await imports(csv([plain('fine'), plain('=cmd()', { 'Variant Price': 'x' })]),
      { created: 1, failed: 1, code: 1 }, [[3, /price/]], { args: ['--report', report] });
    const lines = readFileSync(report, 'utf8').trim().split('\r\n');
    assert.equal(lines[0], 'Line,Handle,Reason');
    assert.match(lines[1], /^3,"'=cmd\(\)",/);
    assert.equal(lines.length, 2);
  });

  test('a row that the shop refuses is told of with its reason', async () => {
    const long = plain('wordy', { 'Body (HTML)': 'x'.repeat(100_001) });
    await imports(csv([long, plain('terse')]), { created: 1, failed: 1, code: 1 }, [[2, /description/]]);
  });

  test('nothing to read, or nothing good, is an error', async () => {
    for (const [content, reason] of [
      ['', /empty/], ['a,b\n1,2\n', /no column Handle/], ['\xff\xfeH\0', /no column Handle/], ['Handle\nx\n', /no column but/],
      // More of it is UTF-8 than not, so it is nothing else.
      ['Handle,\xc3\xa9\xc3\xa9,\xc2\nx,1,2\n', /first line is not UTF-8/],
    ]) {
      const { code, stderr } = await run(write(Buffer.from(content, 'latin1')));
      assert.equal(code, 1);
      assert.match(stderr, reason);
    }
    await imports(csv([]), { code: 1 });
    await imports(csv([plain('bad', { 'Variant Price': '-1' })]), { failed: 1, code: 1 }, [[2, /price/]]);
    const { code, stderr } = await run(join(folder, 'no-such-file.csv'));
    assert.equal(code, 1);
    assert.match(stderr, /No such file/);
  });

  test('asked wrongly it says how', async () => {
    for (const args of [[], ['products'], ['orders', 'x.csv'], ['products', 'a', 'b'], ['products', 'a', '--report'],
      ['products', 'a', '--currency', 'XYZ'], ['products', 'a', '--colour', 'red']]) {
      const { code, stderr } = await runSouk(['import', ...args]);
      assert.equal(code, 2, args.join(' '));
      assert.match(stderr, /usage: souk import products|--/);
    }
  });
});

describe('whole files', () => {
  test('without a running shop, then with it: the same products', async () => {
    const data = join(folder, 'data');
    const content = csv(Array.from({ length: 300 }, (_, i) => sizes(`p-${i}`, ['S', 'M', 'L'])).flat());
    await imports(content, { created: 300 }, [], { data });
    await imports(content, { unchanged: 300 }, [], { data });
    const other = await startShop({ dataDir: data });
    await imports(content, { unchanged: 300 }, [], { data });
    const page = await other.get('/products?q=p-299');
    assert.equal(page.items[0].variants.length, 3);
    await waitFor(async () => (await other.get('/products/p-299')).stock.available === 6, 'the stock is known');
    assert.equal((await other.all('/products')).length, 300);
    await other.stop();
  });

  test('the demo shop\'s file is good in every row', async () => {
    const { code, stdout } = await run(join(ROOT, 'demo/products.csv'), { data: join(folder, 'demo') });
    assert.equal(code, 0, stdout);
    assert.match(stdout, / 0 failed; 0 rows skipped/);
  });

  test('10,000 variants take less than a minute', async () => {
    const rows = Array.from({ length: 1000 }, (_, i) =>
      sizes(`many-${i}`, ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10'])).flat();
    const begun = Date.now();
    await imports(csv(rows), { created: 1000 }, [], { data: join(folder, 'many') });
    assert.ok(Date.now() - begun < 60_000);
  });

  const FAULTS = join(ROOT, '../shared/data/import-faults');
  test('what real exports have', { skip: !existsSync(FAULTS) && 'the sample data is not here' }, async () => {
    const expected = {
      'cyrillic-category.csv': 2, 'excel-german.csv': 2, 'four-options.csv': [1, /"Option4 Value"/], 'grams.csv': 2,
      'japanese.csv': 3, 'long-rows.csv': 2, 'no-quantity.csv': 1, 'published.csv': 10, 'short-rows.csv': 2,
      'title-later.csv': 1, 'untracked.csv': 1, 'utf-16.csv': [1, /UTF-16LE/], 'windows-1252.csv': [1, /Windows-1252/],
    };
    for (const [name, what] of Object.entries(expected)) {
      const [count, note = /./] = [what].flat();
      const { code, stdout } = await run(join(FAULTS, name), { data: join(folder, name) });
      assert.equal(code, 0, name);
      assert.match(stdout, new RegExp(`: ${count} created, 0 updated, 0 unchanged, 0 failed`), name);
      assert.match(stdout, note);
    }
  });

  test('the sample update', { skip: !existsSync(FAULTS) && 'the sample data is not here' }, async () => {
    assert.equal((await run(join(FAULTS, 'update-before.csv'))).code, 0);
    const admin = await shop.admin();
    const [shirt, mug] = [await product('shirt', admin), await product('mug', admin)];
    assert.equal(shirt.status, 'draft');
    assert.equal((await run(join(FAULTS, 'update-after.csv'))).code, 0);
    const priced = ({ variants, ...rest }, amount) => ({
      ...rest, price: { amount, currency: 'EUR' },
      variants: variants.map(({ stock: _, ...variant }) => ({ ...variant, price: { amount, currency: 'EUR' } })),
    });
    for (const [was, amount] of [[shirt, 1100], [mug, 600]]) {
      const { updatedAt, stock, ...now } = priced(await product(was.slug, admin), amount);
      assert.deepEqual({ ...now, updatedAt: was.updatedAt, stock: was.stock }, priced(was, amount));
      assert.notEqual(updatedAt, was.updatedAt);
    }
  });

  for (const name of ['apparel.csv', 'jewelry.csv']) {
    const path = join(SHARED, name);

    test(`the sample export ${name}`, { skip: !existsSync(path) && 'the sample data is not here' }, async () => {
      const data = join(folder, name);
      const first = await run(path, { data });
      assert.equal(first.code, 0, first.stderr);
      assert.match(first.stdout, /products: (\d+) created, 0 updated, 0 unchanged, 0 failed; 0 rows skipped/);
      const second = await run(path, { data });
      assert.match(second.stdout, /: 0 created, 0 updated, \d+ unchanged, 0 failed/);
    });
  }
});
