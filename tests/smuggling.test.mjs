// Request smuggling: bytes in which we and a proxy in front of us could see different requests. Each
// row is a request that must be refused, sent on a connection of its own with a second, good request
// right behind it (or within it, where somebody else would see one). The answer must be a refusal,
// the connection closed, and the second request never answered nor executed: it would register an
// account, and the log would name it.
//
// Whatever is refused is refused once, as a problem: one head, problem+json, Connection: close.

import assert from 'node:assert/strict';
import net from 'node:net';
import { before, describe, test } from 'node:test';

import { startShop, WAIT_MS } from './lib/shop.mjs';

let shop;

before(async () => {
  shop = await startShop();
});

// Sends the parts, each in a segment of its own as far as that can be had, and hears all that comes
// until the server closes: {text, statuses}. A connection that stays open fails.
function converse(parts) {
  const { hostname, port } = new URL(shop.url);
  return new Promise((done, fail) => {
    const socket = net.connect({ host: hostname, port, allowHalfOpen: true, noDelay: true });
    const chunks = [];
    const timer = setTimeout(() => {
      socket.destroy();
      fail(new Error(`the connection stays open after ${JSON.stringify(String(parts))}: ` +
        Buffer.concat(chunks).toString('latin1').slice(0, 500)));
    }, WAIT_MS);
    const finish = () => {
      clearTimeout(timer);
      socket.destroy();
      const text = Buffer.concat(chunks).toString('latin1');
      done({ text, statuses: [...text.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map((found) => Number(found[1])) });
    };
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', finish);
    socket.on('error', finish);
    socket.on('connect', async () => {
      for (const part of parts) {
        if (socket.destroyed || !socket.writable) return;
        socket.write(Buffer.from(part, 'latin1'));
        if (parts.length > 1) await new Promise((go) => { setTimeout(go, 5); });
      }
    });
  });
}

let count = 0;
const emails = [];

// A good request that would leave a trace. `name`: its X-Request-Id.
function smuggled() {
  count += 1;
  const name = `smuggled-${count}`;
  const email = `${name}@buyers.example`;
  emails.push(email);
  const body = JSON.stringify({ email, password: 'a-perfectly-fine-Passphrase-9', name: 'Eve' });
  const text = 'POST /users/register HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n' +
    `X-Request-Id: ${name}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  return { name, text };
}

const POST = 'POST /users/login HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n';
const GET = 'GET /healthz HTTP/1.1\r\nHost: shop\r\n';
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
const BODY = '2\r\n{}\r\n0\r\n\r\n';

// What a row expects beside 400.
const REFUSED = [400];

function rows(what, list, { statuses = REFUSED, behind = true } = {}) {
  describe(what, () => {
    for (const [name, bytes, wanted = statuses] of list) {
      test(name, async () => {
        const second = smuggled();
        const first = typeof bytes === 'function' ? bytes(second.text) : bytes;
        const heard = await converse([first + (behind && typeof bytes !== 'function' ? second.text : '')]);
        check(heard, wanted, second.name);
      });
    }
  });
}

function check({ text, statuses }, wanted, name) {
  assert.ok(statuses.length >= 1, 'closed without an answer');
  assert.ok(wanted.includes(statuses[0]), `answers ${statuses[0]}, not ${wanted.join(' or ')}: ${text.slice(0, 600)}`);
  assert.equal(statuses.length, 1, `answers more than once: ${text.slice(0, 1500)}`);
  assert.ok(!text.includes(name), 'the second request was answered');
  checkProblem(text, statuses[0]);
}

// The whole answer is one problem, whoever has found the fault.
function checkProblem(text, status) {
  const [head, body] = text.split('\r\n\r\n');
  assert.match(head, /^content-type: application\/problem\+json$/im);
  assert.match(head, /^connection: close$/im);
  assert.match(head, /^x-request-id: \S+$/im);
  assert.equal(Number(/^content-length: (\d+)$/im.exec(head)[1]), body.length);
  const problem = JSON.parse(body);
  assert.equal(problem.status, status);
  assert.match(problem.type, /^\/problems\/[a-z-]+$/);
  assert.ok(problem.title && problem.instance);
}

// ---- where a request ends

rows('Content-Length', [
  ['twice, the same', `${POST}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`],
  ['twice, different', `${POST}Content-Length: 2\r\nContent-Length: 5\r\n\r\n{}`],
  ['twice, the smaller last', `${POST}Content-Length: 5\r\ncontent-length: 2\r\n\r\n{}`],
  ['a list', `${POST}Content-Length: 2, 2\r\n\r\n{}`],
  ['a list of two', `${POST}Content-Length: 2,5\r\n\r\n{}`],
  ['with a sign', `${POST}Content-Length: +2\r\n\r\n{}`],
  ['negative', `${POST}Content-Length: -2\r\n\r\n{}`],
  ['hexadecimal', `${POST}Content-Length: 0x2\r\n\r\n{}`],
  ['with an exponent', `${POST}Content-Length: 2e0\r\n\r\n{}`],
  ['with a fraction', `${POST}Content-Length: 2.0\r\n\r\n{}`],
  ['with a space within', `${POST}Content-Length: 1 2\r\n\r\n{}`],
  ['with a letter behind', `${POST}Content-Length: 2a\r\n\r\n{}`],
  ['with a vertical tab before', `${POST}Content-Length: \x0b2\r\n\r\n{}`],
  ['with a NUL behind', `${POST}Content-Length: 2\0 5\r\n\r\n{}`],
  ['empty', `${POST}Content-Length:\r\n\r\n{}`],
  ['in quotes', `${POST}Content-Length: "2"\r\n\r\n{}`],
  ['beyond 64 bits', `${POST}Content-Length: 18446744073709551618\r\n\r\n{}`, [400, 413]],
  ['beyond a signed 64 bits', `${POST}Content-Length: 9223372036854775808\r\n\r\n{}`, [400, 413]],
  ['far beyond', `${POST}Content-Length: ${'9'.repeat(60)}\r\n\r\n{}`, [400, 413]],
  ['of a GET, and it lies', (second) => `${GET}Content-Length: ${second.length}\r\nContent-Length: 0\r\n\r\n${second}`],
]);

rows('Content-Length and Transfer-Encoding', [
  ['CL.TE', (second) => `${POST}Content-Length: ${5 + second.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${second}`],
  ['TE.CL', (second) => `${POST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n` +
    `${second.length.toString(16)}\r\n${second}\r\n0\r\n\r\n`],
  ['CL.TE with CL 0', `${POST}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['TE identity and CL', `${POST}Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}`],
  ['TE empty and CL', `${POST}Transfer-Encoding:\r\nContent-Length: 2\r\n\r\n{}`],
  ['TE obfuscated and CL', `${POST}Transfer-Encoding: xchunked\r\nContent-Length: 2\r\n\r\n{}`],
]);

rows('Transfer-Encoding', [
  ...[
    'xchunked', 'chunkedx', 'chunked, identity', 'identity, chunked', 'identity', 'gzip', 'gzip, chunked',
    'chunked, chunked', 'chunked,', ', chunked', 'chunked;q=1', '"chunked"', '\'chunked\'', 'chunk', 'chunked chunked',
    '', 'chunked\x0b', '\x0bchunked', 'chun\tked', 'chunked\0', 'chunked\0x', '\u00a0chunked', 'chunked\u00a0', 'deflate', 'trailers',
  ].map((value) => [JSON.stringify(value), `${POST}Transfer-Encoding: ${value}\r\n\r\n${BODY}`]),
  ['twice', `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n${BODY}`],
  ['twice, identity first', `${POST}Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n${BODY}`],
  ['twice, identity last', `${POST}Transfer-Encoding: chunked\r\nTransfer-encoding: identity\r\n\r\n${BODY}`],
  ['a space before the colon', `${POST}Transfer-Encoding : chunked\r\n\r\n${BODY}`],
  ['a tab before the colon', `${POST}Transfer-Encoding\t: chunked\r\n\r\n${BODY}`],
  ['folded', `${POST}Transfer-Encoding:\r\n chunked\r\n\r\n${BODY}`],
  ['folded with a tab', `${POST}Transfer-Encoding:\r\n\tchunked\r\n\r\n${BODY}`],
  ['hidden behind a fold', `${POST}X: y\r\n Transfer-Encoding: chunked\r\n\r\n${BODY}`],
  ['hidden behind a bare LF', `${POST}X: y\nTransfer-Encoding: chunked\r\n\r\n${BODY}`],
  ['hidden behind a bare CR', `${POST}X: y\rTransfer-Encoding: chunked\r\n\r\n${BODY}`],
  ['hidden behind a NUL', `${POST}X: y\0Transfer-Encoding: chunked\r\n\r\n${BODY}`],
  ['of HTTP/1.0', `POST /users/login HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n${BODY}`],
  ['of HTTP/1.0 that is kept alive', `POST /users/login HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n${BODY}`],
]);

rows('chunks', [
  ['negative', `${CHUNKED}-2\r\n{}\r\n0\r\n\r\n`],
  ['with a plus', `${CHUNKED}+2\r\n{}\r\n0\r\n\r\n`],
  ['with 0x', `${CHUNKED}0x2\r\n{}\r\n0\r\n\r\n`],
  ['no number', `${CHUNKED}zz\r\n{}\r\n0\r\n\r\n`],
  ['no size', `${CHUNKED}\r\n{}\r\n0\r\n\r\n`],
  ['an extension alone', `${CHUNKED};a=b\r\n{}\r\n0\r\n\r\n`],
  ['beyond 64 bits', `${CHUNKED}10000000000000002\r\n{}\r\n0\r\n\r\n`, [400, 413]],
  ['far beyond', `${CHUNKED}${'f'.repeat(40)}\r\n{}\r\n0\r\n\r\n`, [400, 413]],
  ['a space before the size', `${CHUNKED} 2\r\n{}\r\n0\r\n\r\n`],
  ['a space behind the size', `${CHUNKED}2 \r\n{}\r\n0\r\n\r\n`],
  ['a NUL behind the size', `${CHUNKED}2\0\r\n{}\r\n0\r\n\r\n`],
  ['data longer than its size', `${CHUNKED}2\r\n{}{}\r\n0\r\n\r\n`],
  ['no line end behind the data', `${CHUNKED}2\r\n{}0\r\n\r\n`],
  ['a bare CR behind the data', `${CHUNKED}2\r\n{}\r0\r\n\r\n`],
  ['a bare CR behind the size', `${CHUNKED}2\r{}\r\n0\r\n\r\n`],
  ['a bare LF behind the size', `${CHUNKED}2\n{}\r\n0\r\n\r\n`],
  ['a bare LF behind the second size', `${CHUNKED}1\r\n{\r\n1\n}\r\n0\r\n\r\n`],
  ['a bare LF behind the data', `${CHUNKED}1\r\n{\n1\r\n}\r\n0\r\n\r\n`],
  ['a bare LF within an extension', `${CHUNKED}2;a\n{}\r\n0\r\n\r\n`],
  ['a CR within an extension', `${CHUNKED}2;a\rb\r\n{}\r\n0\r\n\r\n`],
  ['a NUL within an extension', `${CHUNKED}2;a\0b\r\n{}\r\n0\r\n\r\n`],
  ['a trailer without a colon', `${CHUNKED}2\r\n{}\r\n0\r\nnone\r\n\r\n`],
]);

describe('what is not in sight ends the connection nevertheless', () => {
  // The daemon takes these, or some of them, as they come; that is harmless only where nothing
  // behind them is read.
  const list = {
    'a bare LF behind the last size': [`${CHUNKED}2\r\n{}\r\n0\n\r\n`],
    'a bare LF at the end': [`${CHUNKED}2\r\n{}\r\n0\r\n\n`],
    'a bare LF in a trailer': [`${CHUNKED}2\r\n{}\r\n0\r\nA: b\n\r\n`],
    'a size that comes alone': [CHUNKED, '2\n', '{}', '\n', '0\n', '\n'],
    'an extension that comes alone': [CHUNKED, '2;a\n', '{}\r\n', '0;\n', '\r\n'],
    'trailers that change what was said': [`${CHUNKED}2\r\n{}\r\n0\r\nContent-Length: 100\r\nTransfer-Encoding: gzip\r\n\r\n`],
    'data shorter than its size': [`${CHUNKED}3\r\n{}\r\n0\r\n\r\n`],
    'a good chunked request': [`${CHUNKED}${BODY}`],
    'good chunks one by one': [CHUNKED, '1\r\n', '{', '\r\n1;a="b"\r\n}', '\r\n0\r\n', '\r\n'],
  };
  for (const [name, parts] of Object.entries(list)) {
    test(name, async () => {
      const second = smuggled();
      const last = parts.at(-1) + second.text;
      const { text, statuses } = await converse([...parts.slice(0, -1), last]);
      assert.equal(statuses.length, 1, text);
      assert.ok([400, 401, 422].includes(statuses[0]), text);
      assert.match(text, /^connection: close\r$/im);
      assert.ok(!text.includes(second.name));
    });
  }

  test('a chunk is taken as it is, however it is cut', async () => {
    const body = JSON.stringify({ email: 'nobody@buyers.example', password: 'a wrong one, certainly' });
    const chunk = (text) => `${text.length.toString(16)}\r\n${text}\r\n`;
    const whole = CHUNKED + chunk(body.slice(0, 3)) + chunk(body.slice(3, 40)) + chunk(body.slice(40)) + '0\r\n\r\n';
    for (const parts of [[whole], [...whole], [whole.slice(0, CHUNKED.length + 1), whole.slice(CHUNKED.length + 1)]]) {
      const { statuses, text } = await converse(parts);
      assert.deepEqual(statuses, [401], text);
    }
  });

  test('no chunk line nor trailer is read without end', async () => {
    for (const filler of [`2;${'a'.repeat(200_000)}`, '0'.repeat(200_000), `2\r\n{}\r\n0\r\nA: ${'b'.repeat(200_000)}`]) {
      const { statuses } = await converse([CHUNKED + filler]);
      assert.ok(statuses.every((status) => status >= 400), String(statuses));
    }
  });
});

// ---- lines

rows('lines', [
  ['LF alone, everywhere', 'GET /healthz HTTP/1.1\nHost: shop\n\n'],
  ['LF alone behind the request line', 'GET /healthz HTTP/1.1\nHost: shop\r\n\r\n'],
  ['LF alone behind a header', 'GET /healthz HTTP/1.1\r\nHost: shop\nA: b\r\n\r\n'],
  ['LF alone behind the last header', `${GET}A: b\n\r\n`],
  ['LF alone at the end of the head', `${GET}A: b\r\n\n`],
  ['two LF alone at the end of the head', `${GET}A: b\n\n`],
  ['LF before CR', `${GET}A: b\n\r\r\n\r\n`],
  ['CR alone behind the request line', 'GET /healthz HTTP/1.1\rHost: shop\r\n\r\n'],
  ['CR alone within a value', `${GET}A: b\rc\r\n\r\n`],
  ['CR alone at a value\'s end', `${GET}A: b\r\r\n\r\n`],
  ['CR alone within a name', `${GET}A\rB: c\r\n\r\n`],
  ['CR alone within the address', 'GET /heal\rthz HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['a folded line', `${GET}A: b\r\n c\r\n\r\n`],
  ['a line folded with a tab', `${GET}A: b\r\n\tc\r\n\r\n`],
  ['a folded line of spaces', `${GET}A: b\r\n   \r\n\r\n`],
  ['a space before the first header', 'GET /healthz HTTP/1.1\r\n Host: shop\r\n\r\n'],
  ['a tab before the first header', 'GET /healthz HTTP/1.1\r\n\tHost: shop\r\n\r\n'],
  ['no colon', `${GET}none\r\n\r\n`],
  ['a header without a name', `${GET}: b\r\n\r\n`],
  ['a space before the colon', `${GET}A : b\r\n\r\n`],
  ['a tab before the colon', `${GET}A\t: b\r\n\r\n`],
  ['a space within a name', `${GET}A B: c\r\n\r\n`],
  ...['(', ')', ',', '/', ';', '<', '=', '>', '?', '@', '[', '\\', ']', '{', '}', '"', '\x7f', '\x80', '\xff', '\x01']
    .map((character) => [`${JSON.stringify(character)} within a name`, `${GET}A${character}B: c\r\n\r\n`]),
  ...['\0', '\x01', '\x08', '\x0b', '\x0c', '\x1b', '\x7f']
    .map((character) => [`${JSON.stringify(character)} within a value`, `${GET}A: b${character}c\r\n\r\n`]),
  ['a NUL behind a value', `${GET}A: b\0\r\n\r\n`],
  ['a NUL before a value', `${GET}A: \0b\r\n\r\n`],
  ['a NUL within a name', `${GET}A\0B: c\r\n\r\n`],
  ['a NUL before a name', `${GET}\0A: b\r\n\r\n`],
  ['a NUL within the address', 'GET /heal\0thz HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['a NUL behind the version', 'GET /healthz HTTP/1.1\0\r\nHost: shop\r\n\r\n'],
  ['a line of a NUL', `${GET}\0\r\n\r\n`],
]);

// ---- the request line

rows('the request line', [
  ['two spaces behind the method', 'GET  /healthz HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['two spaces before the version', 'GET /healthz  HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['a space behind the version', 'GET /healthz HTTP/1.1 \r\nHost: shop\r\n\r\n'],
  ['a tab behind the method', 'GET\t/healthz HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['a space within the address', 'GET /heal thz HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['another request within the address', 'GET /a HTTP/1.1 /healthz HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['no address', 'GET HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['no version', 'GET /healthz\r\nHost: shop\r\n\r\n'],
  ['version in lower case', 'GET /healthz http/1.1\r\nHost: shop\r\n\r\n'],
  ['version 1.10', 'GET /healthz HTTP/1.10\r\nHost: shop\r\n\r\n'],
  ['version 1', 'GET /healthz HTTP/1\r\nHost: shop\r\n\r\n'],
  ['version 0.9', 'GET /healthz HTTP/0.9\r\nHost: shop\r\n\r\n', [505]],
  ['version 2.0', 'GET /healthz HTTP/2.0\r\nHost: shop\r\n\r\n', [505]],
  ['HTTP/2\'s preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [505]],
  ['nothing but a word', 'garbage\r\n\r\n'],
  ['a space before the method', ' GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'],
  ['a TLS handshake without a line', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ['a version alone', 'HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['empty lines without end', '\r\n'.repeat(100)],
  ...['G(T', 'GE,T', 'GE"T', 'GET/', '{GET}', 'G\x80T', 'G\x01T', 'GE:T', '[', 'GET@'].map((method) =>
    [`method ${JSON.stringify(method)}`, `${method} /healthz HTTP/1.1\r\nHost: shop\r\n\r\n`]),
  ['a fragment', 'GET /healthz#a HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['no slash first', 'GET healthz HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['a query alone', 'GET ?a=b HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['an authority alone', 'CONNECT shop:443 HTTP/1.1\r\nHost: shop:443\r\n\r\n'],
  ['another scheme', 'GET ftp://shop/healthz HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['a scheme alone', 'GET http: HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['bytes beyond ASCII', 'GET /h\xe9 HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['an address of 8 KiB and a byte', `GET /${'a'.repeat(8192)} HTTP/1.1\r\nHost: shop\r\n\r\n`, [414]],
  ['an address without end', `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: shop\r\n\r\n`, [414]],
  ['an address that does not end', `GET /${'a'.repeat(100_000)}`, [414]],
  ['an address of a megabyte', `GET /?${'a=b&'.repeat(250_000)} HTTP/1.1\r\nHost: shop\r\n\r\n`, [414]],
  ['a method without end', `${'G'.repeat(100_000)} / HTTP/1.1\r\nHost: shop\r\n\r\n`],
  ['headers of 16 KiB', `${GET}A: ${'b'.repeat(16 * 1024 - 12)}\r\n\r\n`, [431]],
  ['a header that does not end', `${GET}A: ${'b'.repeat(100_000)}`, [431]],
  ['a header without end', `${GET}A: ${'b'.repeat(100_000)}\r\n\r\n`, [431]],
  ['a name without end', `${GET}${'b'.repeat(100_000)}: c\r\n\r\n`, [431]],
  ['headers without end', GET + 'A: b\r\n'.repeat(20_000) + '\r\n', [431]],
]);

rows('Host', [
  ['missing', 'GET /healthz HTTP/1.1\r\nA: b\r\n\r\n'],
  ['missing, no header at all', 'GET /healthz HTTP/1.1\r\n\r\n'],
  ['twice, the same', `${GET}Host: shop\r\n\r\n`],
  ['twice, different', `${GET}HOST: other\r\n\r\n`],
  ['empty', 'GET /healthz HTTP/1.1\r\nHost:\r\n\r\n'],
  ['two in one', 'GET /healthz HTTP/1.1\r\nHost: shop, other\r\n\r\n'],
  ['two in one without a space', 'GET /healthz HTTP/1.1\r\nHost: shop,other\r\n\r\n'],
  ['with a space', 'GET /healthz HTTP/1.1\r\nHost: shop other\r\n\r\n'],
  ['with a user', 'GET /healthz HTTP/1.1\r\nHost: user@shop\r\n\r\n'],
  ['with a path', 'GET /healthz HTTP/1.1\r\nHost: shop/a\r\n\r\n'],
  ['with a query', 'GET /healthz HTTP/1.1\r\nHost: shop?a\r\n\r\n'],
  ['with a fragment', 'GET /healthz HTTP/1.1\r\nHost: shop#a\r\n\r\n'],
  ['with a backslash', 'GET /healthz HTTP/1.1\r\nHost: shop\\a\r\n\r\n'],
  ['a port alone', 'GET /healthz HTTP/1.1\r\nHost: :80\r\n\r\n'],
  ['beyond ASCII', 'GET /healthz HTTP/1.1\r\nHost: sh\xf6p\r\n\r\n'],
  ['not the one in the address', 'GET http://other/healthz HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['missing, though the address has one', 'GET http://shop/healthz HTTP/1.1\r\n\r\n'],
  ['an address with a user', 'GET http://user@shop/healthz HTTP/1.1\r\nHost: shop\r\n\r\n'],
  ['an address without a host', 'GET http:///healthz HTTP/1.1\r\nHost: shop\r\n\r\n'],
]);

// ---- what is good stays good

test('good requests are answered, each on its own, over one connection', async () => {
  const names = [1, 2, 3, 4, 5].map((i) => `good-${i}`);
  const head = (i, line, host = 'shop') => `${line} HTTP/1.1\r\nHost: ${host}\r\nX-Request-Id: ${names[i]}\r\n`;
  const { text, statuses } = await converse([[
    `\r\n${head(0, 'GET /healthz')}\r\n`,
    `${head(1, 'GET http://Shop:80/healthz', 'shop:80')}Accept:*/*\r\nX-Empty:\r\nX-Tab:\t \ta b\t c\r\n\r\n`,
    `${head(2, 'POST /users/login')}Content-Type: application/json\r\nContent-Length: 0002\r\n\r\n{}`,
    `${head(3, 'GET /healthz', '[::1]:8080')}X-Latin: caf\xe9\r\nContent-Length: 0\r\n\r\n`,
    `${head(4, 'GET https://shop?a=b')}Connection: close\r\n\r\n`,
  ].join('')]);
  assert.deepEqual(statuses, [200, 200, 422, 200, 404], text);
  for (const name of names) assert.ok(text.toLowerCase().includes(`x-request-id: ${name}`), name);
});

test('a method that is unknown but well-formed is no malformed one', async () => {
  for (const method of ['BREW', 'get', 'M-SEARCH', 'TRACE']) {
    const { statuses } = await converse([`${method} /healthz HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n`]);
    assert.equal(statuses.length, 1);
    assert.ok([405, 501].includes(statuses[0]), `${method}: ${statuses}`);
  }
});

// ---- nothing of it was done

test('no request behind a refused one was executed', async () => {
  const log = shop.log();
  assert.doesNotMatch(log, /smuggled-\d/);
  const token = await shop.admin();
  for (const { email } of await shop.all('/users', token)) assert.ok(!emails.includes(email), email);
  assert.ok(count > 150);
  await shop.api('GET', '/healthz', { expect: 200 });
});
