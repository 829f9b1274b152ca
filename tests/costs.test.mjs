// What one search may cost: its words are few, it ends in the engine when it takes too much of a core,
// and says so. Told by bounds of settings, never by time.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { runSouk, startShop } from './lib/shop.mjs';

const PRODUCTS = 3000;
const WORDS = Array.from({ length: 40 }, (_, i) => `word${String.fromCharCode(97 + i % 26)}${i}`);
const HOSTILE = [
  `q=${WORDS.slice(0, 10).join('+')}&sort=rating`, `q=${'abcdefghijklmnopqrstuvwxyz'.split('').join('+')}`,
  `q=${Array.from({ length: 100 }, () => 'w').join('+')}&facets=category,tag,price`, 'q=w&facets=category,tag,price',
  `q=${encodeURIComponent('茶'.repeat(200))}`, 'facets=category,tag,price&minPrice=1&inStock=false',
];
const folder = mkdtempSync(join(tmpdir(), 'souk-costs-'));
let dataDir;

before(async () => {
  const shop = await startShop({ keepData: true });
  dataDir = shop.dataDir;
  const rows = Array.from({ length: PRODUCTS }, (_, i) =>
    `p-${i},Lamp ${i} 茶,${WORDS.join(' ')} ${WORDS.join(' ')},A,T${i % 7},"a${i % 11},b",TRUE,Title,Default Title,${1 + i % 9}.00`);
  const path = join(folder, 'products.csv');
  writeFileSync(path, `Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant Price\n${rows.join('\n')}\n`);
  const { stdout, code } = await runSouk(['import', 'products', path, '--data', dataDir]);
  assert.equal(code, 0, stdout);
  await shop.stop();
});
after(() => [folder, dataDir].forEach((path) => rmSync(path, { recursive: true, force: true })));

const ended = async (shop) => Number(/^souk_database_statements_ended_total\{database="product"\} (\d+)$/m
  .exec((await shop.api('GET', '/metrics', { expect: 200 })).text)[1]);

test('a search beyond its limit ends, and the shop goes on', async () => {
  const shop = await startShop({ dataDir, env: { SOUK_SEARCH_LIMIT_MS: '1' } });
  for (const query of HOSTILE) {
    const answer = await shop.api('GET', `/products?${query}`);
    if (answer.status === 200) continue; // it is that cheap
    assert.equal(answer.status, 503);
    assert.equal(answer.json.type, '/problems/search-too-costly');
    assert.ok(Number(answer.headers['retry-after']) > 0);
  }
  const costly = await shop.api('GET', `/products?${HOSTILE[0]}&facets=category,tag,price`);
  assert.equal(costly.json.type, '/problems/search-too-costly');
  assert.ok(await ended(shop) > 0);
  assert.equal((await shop.get('/products/p-7')).slug, 'p-7');
  await shop.stop();
});

test('hostile searches are cheap enough for the usual limit', async () => {
  // What a sanitizer adds to each step is no cost of theirs.
  const shop = await startShop({ dataDir, env: { SOUK_SEARCH_LIMIT_MS: '2500' } });
  for (const query of HOSTILE) await shop.api('GET', `/products?${query}`, { expect: 200 });
  assert.equal(await ended(shop), 0);
  await shop.stop();
});
