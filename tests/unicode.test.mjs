// Other people's languages: slugs and handles, searches, sorting, tags, passwords, addresses. What
// is true of one script is true of every other.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { runSouk, startShop } from './lib/shop.mjs';

const eur = (amount) => ({ amount, currency: 'EUR' });
const folder = mkdtempSync(join(tmpdir(), 'souk-unicode-'));

let shop, vendor;

before(async () => {
  shop = await startShop();
  vendor = await shop.vendor();
});
after(() => rmSync(folder, { recursive: true, force: true }));

const post = (body, options = {}) =>
  shop.api('POST', '/products', { token: vendor.token, body: { price: eur(100), ...body }, ...options });
const made = async (body) => (await post({ name: 'Thing', ...body }, { expect: 201 })).json;
const pointers = (answer) => {
  assert.equal(answer.status, 422, answer.text);
  return answer.json.errors.map(({ pointer }) => pointer).sort();
};

// ---- slugs and categories

describe('slugs', () => {
  for (const [name, slug] of [
    ['抹茶', '抹茶'], ['Чай', 'чай'], ['شاي أخضر', 'شاي-أخضر'], ['コットンTシャツ 赤', 'コットンtシャツ-赤'],
    ['ﾎｯﾄ　ｺｰﾋｰ', 'ホット-コーヒー'], ['Καφές', 'καφές'], ['हिन्दी चाय', 'हिन्दी-चाय'], ['ชาเขียว', 'ชาเขียว'],
    ['한국 차', '한국-차'], ['תה ירוק', 'תה-ירוק'], ['Crème Brûlée', 'creme-brulee'], ['Bún Chả', 'bun-cha'],
  ]) {
    test(`${name} is found at /products/${slug}`, async () => {
      const { id, slug: given } = await made({ name });
      assert.equal(given, slug);
      assert.equal((await shop.get(`/products/${encodeURIComponent(slug)}`)).id, id);
    });
  }

  test('an address that was decomposed on its way finds the same product', async () => {
    const { id } = await made({ name: 'Зелёный чайник' });
    assert.equal((await shop.get(`/products/${encodeURIComponent('зелёный-чайник'.normalize('NFD'))}`)).id, id);
  });

  test('two products that differ in letters beyond ASCII alone are two', async () => {
    const [red, blue] = [await made({ name: 'Футболка 赤' }), await made({ name: 'Футболка 青' })];
    assert.deepEqual([red.slug, blue.slug], ['футболка-赤', 'футболка-青']);
    assert.deepEqual([red.variants[0].sku, blue.variants[0].sku], ['футболка-赤', 'футболка-青']);
  });

  test('letters of any script may be asked for, also Latin ones with marks', async () => {
    for (const slug of ['été', 'ёлка', 'お茶-2', 'سماور', 'ελιά']) assert.equal((await made({ slug })).slug, slug);
  });

  for (const slug of ['Чай', 'ｔea', 'чай-', 'чай чёрный', 'ча\u200bй', '☕', 'x・y', '-\u0301x']) {
    test(`${JSON.stringify(slug)} is none`, async () => {
      assert.deepEqual(pointers(await post({ name: 'x', slug })), ['/slug']);
    });
  }

  test('the longest has 200 characters, whatever they take in bytes', async () => {
    const slug = '茶'.repeat(200);
    await made({ slug });
    assert.equal((await shop.get(`/products/${encodeURIComponent(slug)}`)).slug, slug);
    assert.deepEqual(pointers(await post({ name: 'x', slug: `${slug}茶` })), ['/slug']);
    assert.ok([...(await made({ name: '茶'.repeat(200) })).slug].length > 100);
  });
});

describe('categories', () => {
  test('are paths of the letters of any script, filters and facets find them', async () => {
    const { id } = await made({ category: 'одежда/рубашки' });
    const list = await shop.get(`/products?category=${encodeURIComponent('одежда')}&facets=category`);
    assert.deepEqual(list.items.map((item) => item.id), [id]);
    assert.deepEqual(list.facets.category.map(({ value, count }) => [value, count]),
      [['одежда/рубашки', 1]]);
    assert.deepEqual(pointers(await post({ name: 'x', category: 'одежда/Рубашки' })), ['/category']);
  });

  test('and the Link to the next page is percent-encoded', async () => {
    for (let i = 0; i < 3; i++) await made({ category: '茶/抹茶' });
    const first = await shop.api('GET', `/products?category=${encodeURIComponent('茶')}&limit=2`, { expect: 200 });
    const [, next] = /^<(.*)>; rel="next"$/.exec(first.headers.link);
    assert.match(next, /^[!-~]+$/);
    assert.equal((await shop.get(next)).items.length, 1);
  });
});

describe('text', () => {
  test('is kept in normal form C, whichever it is sent in', async () => {
    const nfd = (text) => text.normalize('NFD');
    const product = await made({
      name: nfd('Crème'), description: nfd('Brûlée'), tags: [nfd('été'), 'été'], attributes: { [nfd('clé')]: [nfd('ô')] },
      options: [{ name: nfd('Goût'), values: [nfd('Pêche'), 'Fraise'] }],
      variants: [{ options: { [nfd('Goût')]: 'Pêche' } }, { options: { Goût: 'Fraise' }, price: eur(200) }],
    });
    assert.deepEqual(
      [product.name, product.description, product.tags, product.attributes, product.options, product.variants[0].options],
      ['Crème', 'Brûlée', ['été'], { clé: ['ô'] }, [{ name: 'Goût', values: ['Pêche', 'Fraise'] }], { Goût: 'Pêche' }]);
  });

  test('has as many characters as it has in normal form C', async () => {
    assert.equal((await made({ name: 'é'.repeat(200).normalize('NFD') })).name, 'é'.repeat(200));
    assert.deepEqual(pointers(await post({ name: 'é'.repeat(201).normalize('NFD') })), ['/name']);
  });
});

describe('an import', () => {
  const HEADER = 'Handle,Title,Vendor,Type,Published,Option1 Name,Option1 Value,Variant Price\n';
  const imports = async (...rows) => {
    const path = join(folder, 'products.csv');
    writeFileSync(path, HEADER + rows.map((row) => `${row}\n`).join(''));
    return (await runSouk(['import', 'products', path, '--data', shop.dataDir])).stdout;
  };

  test('keeps handles and categories of every script apart', async () => {
    const said = await imports(
      'ティーポット-赤,赤,茶屋,急須,TRUE,Title,Default Title,5', 'ティーポット-青,青,茶屋,急須,TRUE,Title,Default Title,6',
      'самовар,Самовар,Тула,Посуда > Чай,TRUE,Title,Default Title,7', 'إبريق-شاي,إبريق,Тула 2,x,TRUE,Title,Default Title,8',
      'straße,S,A,x,TRUE,Title,Default Title,9', 'strasse,S,A,x,TRUE,Title,Default Title,9');
    assert.match(said, /6 created, 0 updated, 0 unchanged, 0 failed; 0 rows skipped/);
    const of = (slug) => shop.get(`/products/${encodeURIComponent(slug)}`);
    assert.equal((await of('ティーポット-赤')).price.amount, 500);
    assert.equal((await of('ティーポット-青')).category, '急須');
    const samovar = await of('самовар');
    assert.equal(samovar.category, 'посуда/чай');
    assert.notEqual(samovar.vendorId, (await of('إبريق-شاي')).vendorId);
    assert.notEqual((await of('straße')).id, (await of('strasse')).id);
    const again = await imports('самовар,Самовар,ТУЛА,Посуда > Чай,TRUE,Title,Default Title,8');
    assert.match(again, /0 created, 1 updated/);
    assert.equal((await of('самовар')).vendorId, samovar.vendorId);
  });
});

// ---- searches

describe('a search', () => {
  const NAMES = [
    'Ёлка', 'Καφές', '日本茶', 'コットンTシャツ', 'شاي أخضر', 'ชาเขียว', '녹차 세트', 'Łódź Crème', 'Straße 7', 'हिन्दी चाय',
    'ﾎｯﾄｺｰﾋｰ', 'तेल', 'Чайник', 'ЩУКА', 'Мʼята', 'ʻOkina',
  ];
  let seller;
  const search = async (q) => (await shop.get(
    `/products?vendorId=${seller.id}&q=${encodeURIComponent(q)}&limit=100`)).items.map(({ name }) => name).sort();
  before(async () => {
    seller = await shop.vendor();
    for (const name of NAMES) await post({ name }, { token: seller.token, expect: 201 });
  });

  for (const [q, ...found] of [
    ['елка', 'Ёлка'], ['ЁЛКА', 'Ёлка'], ['ёл', 'Ёлка'], ['καφες', 'Καφές'], ['ΚΑΦΈΣ', 'Καφές'], ['Κα', 'Καφές'],
    ['茶', '日本茶'], ['本茶', '日本茶'], ['日本', '日本茶'], ['日茶'], ['シャツ', 'コットンTシャツ'], ['ｼｬﾂ', 'コットンTシャツ'],
    ['tシャツ', 'コットンTシャツ'], ['ＴＳ'], ['コーヒー', 'ﾎｯﾄｺｰﾋｰ'], ['شاي', 'شاي أخضر'], ['اخضر', 'شاي أخضر'],
    ['شَاي', 'شاي أخضر'], ['เขียว', 'ชาเขียว'], ['ชา', 'ชาเขียว'], ['녹차', '녹차 세트'], ['차', '녹차 세트'], ['세트　녹', '녹차 세트'],
    ['lodz creme', 'Łódź Crème'], ['STRASSE ７', 'Straße 7'], ['चाय', 'हिन्दी चाय'], ['तेल', 'तेल'], ['ताल'], ['чайн', 'Чайник'],
    ['чаин'], ['щука', 'ЩУКА'], ['Ёлка'.normalize('NFD'), 'Ёлка'], ['ел\u200bка', 'Ёлка'], ['елка ☕', 'Ёлка'], ['☕'],
    ["м'ята", 'Мʼята'], ['м’ята', 'Мʼята'], ['мʼята', 'Мʼята'], ['okina', 'ʻOkina'],
  ]) {
    test(`for ${q} finds ${found.join(', ') || 'nothing'}`, async () => {
      assert.deepEqual(await search(q), found);
    });
  }

  test('looks at tags, categories and descriptions in the same way', async () => {
    const { name } = await post({
      name: 'Nothing', tags: ['Ёжик'], category: 'お茶/急須', description: '<p>Φίλτρο καφέ</p>',
    }, { token: seller.token, expect: 201 }).then(({ json }) => json);
    for (const q of ['ежик', '急須', 'φιλτρο', 'ежик 急須 καφε']) assert.deepEqual(await search(q), [name], q);
  });

  test('uses the first ten different words', async () => {
    const { name } = await post({ name: 'a1 b2 c3 d4 e5 f6 g7 h8 i9 j10' }, { token: seller.token, expect: 201 })
      .then(({ json }) => json);
    assert.deepEqual(await search('A1 a1 b2 c3 d4 e5 f6 g7 h8 i9 j10 nowhere'), [name]);
    assert.deepEqual(await search('a1 b2 c3 d4 e5 f6 g7 h8 i9 nowhere j10'), []);
  });
});

describe('names', () => {
  test('sort by the Unicode collation, over all pages', async () => {
    const seller = await shop.vendor();
    const names = ['10', 'apple', 'Apple', 'Äpfel', 'Apfelmus', 'éclair', 'Zoo', 'zoo', 'Αλφα', 'Ёлка', 'Ель', 'Жук', 'あ', '日本茶'];
    for (const name of names) await post({ name }, { token: seller.token, expect: 201 });
    const listed = await shop.all(`/products?vendorId=${seller.id}&sort=name`, undefined, 3);
    const collator = new Intl.Collator('und');
    assert.deepEqual(listed.map(({ name }) => name), [...names].sort(collator.compare));
  });
});

describe('tags', () => {
  test('compare folded, and are shown as they were written', async () => {
    const seller = await shop.vendor();
    const tagged = async (tags) => (await post({ name: 'x', tags }, { token: seller.token, expect: 201 })).json;
    const one = await tagged(['Чай', 'ЧАЙ', 'чай', 'Straße', 'STRASSE', 'ｔｅａ', 'Tea', 'é']);
    assert.deepEqual(one.tags, ['Чай', 'Straße', 'ｔｅａ', 'é']);
    await tagged(['чАй']);
    const list = await shop.get(`/products?vendorId=${seller.id}&tag=${encodeURIComponent('ЧАЙ')}&facets=tag`);
    assert.equal(list.items.length, 2);
    assert.equal(list.facets.tag[0].count, 2);
    assert.match(list.facets.tag[0].value, /^чай$/i);
    for (const [tag, count] of [['strasse', 1], ['TEA', 1], ['e', 0]]) {
      assert.equal((await shop.get(`/products?vendorId=${seller.id}&tag=${tag}`)).items.length, count, tag);
    }
  });
});

// ---- names, passwords, addresses

describe('names', () => {
  const HIDDEN = ['a\u200bb', 'a\u202eb', '\u2066a\u2069', 'so\u00adft', 'a\u200db', '\ufeffa', '1\ufe0f', '\u3164', 'a\u200e'];

  test('with characters that nobody sees are faults', async () => {
    for (const text of HIDDEN) {
      assert.deepEqual(pointers(await post({
        name: text, tags: ['x', text], options: [{ name: text, values: ['x', text] }],
        variants: [{ options: { [text]: 'x' }, sku: text }],
      })), ['/name', '/options/0/name', '/options/0/values/1', '/tags/1', '/variants/0/sku'], JSON.stringify(text));
      const registered = await shop.api('POST', '/users/register', {
        body: { email: `${shop.unique('hidden')}@buyers.example`, password: 'a-perfectly-fine-Passphrase-9', name: text },
      });
      assert.deepEqual(pointers(registered), ['/name']);
    }
    assert.deepEqual(pointers(await shop.api('POST', '/users/register', {
      body: { email: `${shop.unique('blank')}@buyers.example`, password: 'a-perfectly-fine-Passphrase-9', name: '\u3000\u00a0' },
    })), ['/name']);
  });

  test('joiners and selectors pass where they show', async () => {
    for (const name of ['می\u200cخواهم', 'ක්\u200dෂ', '❤\ufe0f', '👩🏽\u200d💻', '葛\u{e0100}', '🏴\u{e0067}\u{e0062}\u{e007f}']) {
      assert.equal((await made({ name })).name, name);
    }
  });

  test('an import leaves them out', async () => {
    const path = join(folder, 'hidden.csv');
    writeFileSync(path, 'Handle,Title,Vendor,Tags,Published,Option1 Name,Option1 Value,Variant SKU,Variant Price\n' +
      'hidden,so\u00adft\u200b lamp\u200e,A\u200bB,x\u2060y,TRUE,Si\u200bze,S\u200e,K\u200b1,5\n');
    const { stdout, code } = await runSouk(['import', 'products', path, '--data', shop.dataDir]);
    assert.equal(code, 0, stdout);
    const product = await shop.get('/products/hidden');
    assert.deepEqual([product.name, product.tags, product.options, product.variants[0].sku],
      ['soft lamp', ['xy'], [{ name: 'Size', values: ['S'] }], 'K1']);
  });
});

describe('passwords', () => {
  test('are one, however their letters and blanks are typed', async () => {
    const email = `${shop.unique('typed')}@buyers.example`;
    const typed = 'Crème\u00a0brûlée\u3000à la carte';
    const login = (password) => shop.api('POST', '/users/login', { body: { email, password } });
    await shop.api('POST', '/users/register', { body: { email, password: typed }, expect: 201 });
    for (const password of [typed, typed.normalize('NFD'), 'Crème brûlée à la carte']) {
      assert.equal((await login(password)).status, 200, password);
    }
    for (const password of ['creme brulee a la carte', 'crème brûlée à la carte', 'Crème  brûlée à la carte']) {
      assert.equal((await login(password)).status, 401, password);
    }
  });

  test('have as many characters as they have in normal form C', async () => {
    const register = (password) => shop.api('POST', '/users/register',
      { body: { email: `${shop.unique('long')}@buyers.example`, password } });
    const varied = Array.from({ length: 128 }, (_, i) => 'éàüôñ'[(i * i + (i >> 2)) % 5]).join('');
    assert.equal((await register(varied.normalize('NFD'))).status, 201);
    assert.deepEqual(pointers(await register(`${varied}é`)), ['/password']);
    assert.deepEqual(pointers(await register('éàüôñéà'.normalize('NFD'))), ['/password']);
  });
});

describe('addresses of e-mail', () => {
  const password = 'a-perfectly-fine-Passphrase-9';
  const register = (email) => shop.api('POST', '/users/register', { body: { email, password } });

  test('may have domains and names of any script, and are one in both spellings', async () => {
    const name = shop.unique('Idn');
    const { json: user } = await register(`${name}@bücher.example`);
    assert.equal(user.email, `${name}@bücher.example`);
    for (const email of [`${name}@xn--bcher-kva.example`, `${name.toLowerCase()}@BÜCHER.example`, `${name}@bu\u0308cher.example`]) {
      assert.equal((await register(email)).json.type, '/problems/email-taken', email);
      assert.equal((await shop.api('POST', '/users/login', { body: { email, password }, expect: 200 })).json.user.id, user.id);
    }
    for (const email of ['伊藤@例え.テスト', 'почта@пример.example']) assert.equal((await register(email)).status, 201, email);
    assert.equal((await register('ПОЧТА@пример.example')).json.type, '/problems/email-taken');
  });

  for (const email of ['x@bü cher.example', 'x@bücher..example', 'x@-ü.example', 'x\u200by@a.example', '☕@a.example',
    'x@ｖendors.invalid', 'x@vendors。invalid']) {
    test(`${JSON.stringify(email)} is none that may register`, async () => {
      assert.deepEqual(pointers(await register(email)), ['/email']);
    });
  }
});

describe('postal codes', () => {
  test('are asked for where the country has them', async () => {
    const buyer = await shop.customer();
    const { id } = await shop.createProduct({ price: 100, stock: 50 });
    const order = (address) => shop.api('POST', '/orders', {
      token: buyer.token, headers: { 'Idempotency-Key': shop.unique('postal') },
      body: {
        items: [{ productId: id, quantity: 1 }], paymentMethod: 'tok_visa',
        shippingAddress: { name: 'A', line1: 'B', city: 'C', ...address },
      },
    });
    for (const country of ['HK', 'AE', 'QA', 'JM']) {
      const { json } = await order({ country });
      assert.equal(json.shippingAddress.country, country, JSON.stringify(json));
      assert.ok(!('postalCode' in json.shippingAddress));
    }
    assert.equal((await order({ country: 'HK', postalCode: '999077' })).json.shippingAddress.postalCode, '999077');
    assert.deepEqual(pointers(await order({ country: 'DE' })), ['/shippingAddress/postalCode']);
    assert.deepEqual(pointers(await order({ country: 'JP', postalCode: null, city: '' })),
      ['/shippingAddress/city', '/shippingAddress/postalCode']);
    assert.deepEqual(pointers(await order({ country: 'XX' })), ['/shippingAddress/country']);
  });
});
