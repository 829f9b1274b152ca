// Tokens in wrong hands: the attacks on JOSE (RFC 8725, and what has befallen its libraries), each
// tried at every place that takes an access token: as a bearer, at /auth/validate, and as a refresh
// token. And who is at a log-in learns nothing of whose address is known: neither by the answer, nor
// by the work that is done for it, which is counted rather than timed.

import assert from 'node:assert/strict';
import { createHash, createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { startShop } from './lib/shop.mjs';

let shop, buyer, other, service, ours, theirs, header, claims;
const dataDir = mkdtempSync(join(tmpdir(), 'souk-jose-'));
mkdirSync(dataDir, { recursive: true });
after(() => rmSync(dataDir, { recursive: true, force: true }));

const encode = (value) => Buffer.from(typeof value === 'string' || Buffer.isBuffer(value) ? value
  : JSON.stringify(value)).toString('base64url');
const seconds = () => Math.floor(Date.now() / 1000);

// Signed by the shop's own key: what is refused then is refused for what it says.
function signed(head, payload, key = ours.privateKey) {
  const text = `${encode(head)}.${encode(payload)}`;
  return `${text}.${sign(null, Buffer.from(text), key).toString('base64url')}`;
}

function hmac(head, payload, secret, hash = 'sha256') {
  const text = `${encode(head)}.${encode(payload)}`;
  return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`;
}

// The 32 bytes of a seed as a key of node's.
function keyOfSeed(seed) {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
  const privateKey = createPrivateKey({ key: Buffer.concat([prefix, seed]), format: 'der', type: 'pkcs8' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

before(async () => {
  shop = await startShop({ dataDir });
  [buyer, other, service] = await Promise.all([shop.customer(), shop.customer(), shop.service()]);
  const [file] = readdirSync(join(dataDir, 'keys')).filter((name) => name.endsWith('.key'));
  const seed = readFileSync(join(dataDir, 'keys', file), 'utf8').trim();
  ours = keyOfSeed(Buffer.from(seed, 'base64url'));
  theirs = generateKeyPairSync('ed25519');
  [header, claims] = buyer.token.split('.', 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
});

// ---- the places that take a token

const asBearer = (token) => shop.api('GET', `/users/${buyer.id}`,
  { headers: { authorization: `Bearer ${token}` }, check: false }); // 431 may be the HTTP library's own
const validate = (token) => shop.api('POST', '/auth/validate', { body: { token }, token: service });
const refresh = (refreshToken) => shop.api('POST', '/auth/refresh', { body: { refreshToken } });
const oauthRefresh = (token) => shop.api('POST', '/auth/token',
  { form: { grant_type: 'refresh_token', refresh_token: token } });

// What may stand in a header's value at all; else the gate says 400.
const fitsHeader = (token) => /^[\t\x20-\x7e\x80-\xff]*$/.test(token);

// Refused everywhere, with answers that do not tell what was wrong with it.
async function refusedEverywhere(token, what) {
  if (fitsHeader(token)) {
    const { status, json, headers } = await asBearer(token);
    assert.ok([401, 431].includes(status) || (status === 400 && token === ''), `${what}: as bearer ${status}`);
    if (status === 401) {
      assert.equal(json.type.split('/').at(-1), 'unauthenticated', what);
      assert.match(headers['www-authenticate'], /^Bearer/, what);
      assert.doesNotMatch(JSON.stringify(json), /alg|signature|expired|issuer|audience|\bkid\b/i, what);
    }
  }
  const told = await validate(token);
  if (told.status === 200) assert.deepEqual(told.json, { active: false }, what);
  else assert.ok([400, 413, 422].includes(told.status), `${what}: validate ${told.status}`);
  const renewed = await refresh(token);
  assert.ok([400, 401, 413, 422].includes(renewed.status), `${what}: refresh ${renewed.status}`);
}

const taken = async (token) => {
  assert.equal((await asBearer(token)).status, 200);
  assert.equal((await validate(token)).json.active, true);
};

test('the tests can sign as the shop does: else nothing below would mean anything', async () => {
  await taken(buyer.token);
  await taken(signed(header, claims));
  await taken(signed(header, { ...claims, exp: seconds() + 60 }));
});

test('the algorithm is named Ed25519 (RFC 9864); EdDSA, its name before, is taken too', async () => {
  assert.equal(header.alg, 'Ed25519');
  const { json } = await shop.api('GET', '/.well-known/jwks.json');
  assert.deepEqual(json.keys.map(({ alg }) => alg), ['Ed25519']);
  await taken(signed({ ...header, alg: 'EdDSA' }, claims));
  await refusedEverywhere(signed({ ...header, alg: 'EdDSA' }, claims, theirs.privateKey), 'EdDSA by another key');
});

// ---- the header chooses nothing

describe('header', () => {
  const algorithms = ['none', 'None', 'NONE', 'nOnE', 'none ', '', 'HS256', 'HS384', 'HS512', 'RS256', 'PS256', 'ES256',
    'ES256K', 'EdDsa', 'eddsa', 'EDDSA', 'ed25519', 'ED25519', 'Ed25519 ', 'Ed25519ph', 'Ed448', 'EdDSA ', ' EdDSA', 'EdDSA\u0000', null, 0, true, ['EdDSA'], ['Ed25519'], { alg: 'EdDSA' }];
  for (const alg of algorithms) {
    test(`alg ${JSON.stringify(alg)}, signed by the shop's own key all the same`, async () => {
      await refusedEverywhere(signed({ ...header, alg }, claims), `alg ${alg}`);
    });
  }
  for (const alg of ['none', 'None', 'NONE', 'nOnE']) {
    test(`alg ${alg} without a signature`, async () => {
      const text = `${encode({ ...header, alg })}.${encode(claims)}`;
      for (const token of [`${text}.`, text, `${text}.${buyer.token.split('.')[2]}`, `${text}.AA`]) {
        await refusedEverywhere(token, `alg ${alg}`);
      }
    });
  }

  test('HMAC keyed with the public key, in every form it is published in', async () => {
    const jwk = ours.publicKey.export({ format: 'jwk' });
    const { json: jwks } = await shop.api('GET', '/.well-known/jwks.json', { check: false });
    const secrets = [
      Buffer.from(jwk.x, 'base64url'), jwk.x, JSON.stringify(jwk), JSON.stringify(jwks?.keys?.[0] ?? jwk), JSON.stringify(jwks ?? {}),
      ours.publicKey.export({ format: 'pem', type: 'spki' }), ours.publicKey.export({ format: 'der', type: 'spki' }), header.kid, '',
    ];
    for (const secret of secrets) {
      for (const [alg, hash] of [['HS256', 'sha256'], ['HS512', 'sha512'], ['EdDSA', 'sha512']]) {
        await refusedEverywhere(hmac({ ...header, alg }, claims, secret, hash), `${alg} by ${secret}`);
      }
    }
  });

  test('another key under our kid, no kid, an unknown kid, a kid that is a path', async () => {
    const { kid, ...without } = header;
    await refusedEverywhere(signed(header, claims, theirs.privateKey), 'our kid, their key');
    await refusedEverywhere(signed(without, claims), 'no kid');
    await refusedEverywhere(signed(without, claims, theirs.privateKey), 'no kid, their key');
    const x = theirs.publicKey.export({ format: 'jwk' }).x;
    const thumbprint = createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url');
    for (const wrong of [thumbprint, '', kid.toLowerCase(), `${kid}=`, ` ${kid}`, `${kid}\u0000`, kid.slice(0, -1), 0, null, [kid],
      '../keys', '/dev/null', "' OR 1=1 --", 'a'.repeat(300)]) {
      await refusedEverywhere(signed({ ...header, kid: wrong }, claims), `kid ${wrong}`);
      await refusedEverywhere(signed({ ...header, kid: wrong }, claims, theirs.privateKey), `kid ${wrong}, their key`);
    }
  });

  test('a key, an address of one, or anything else that came along is not looked at', async () => {
    const jwk = theirs.publicKey.export({ format: 'jwk' });
    for (const extra of [
      { jwk }, { jku: `${shop.url}/keys` }, { jku: 'http://127.0.0.1:1/keys' }, { x5u: 'http://127.0.0.1:1/c' }, { x5c: ['AA=='] },
      { x5t: 'AA' }, { crit: ['exp'] }, { crit: [] }, { crit: ['b64'], b64: false }, { b64: false }, { zip: 'DEF' }, { cty: 'JWT' },
      { enc: 'A256GCM' }, { p2c: 2 ** 31 }, { epk: jwk }, { '': '' }, { __proto__x: 1 },
    ]) {
      await refusedEverywhere(signed({ ...header, ...extra }, claims), JSON.stringify(extra));
      await refusedEverywhere(signed({ ...header, ...extra }, claims, theirs.privateKey), JSON.stringify(extra));
    }
  });

  test('another type, or none', async () => {
    const { typ, ...without } = header;
    await refusedEverywhere(signed(without, claims), 'no typ');
    for (const wrong of ['JWT', 'at+JWT', 'AT+JWT', 'application/at+jwt', 'rt+jwt', 'logout+jwt', '', null, [typ]]) {
      await refusedEverywhere(signed({ ...header, typ: wrong }, claims), `typ ${wrong}`);
    }
  });

  test('members that are there twice, and JSON that is none', async () => {
    const text = JSON.stringify(header);
    for (const wrong of [
      `{"alg":"none",${text.slice(1)}`, `${text.slice(0, -1)},"alg":"none"}`, `${text.slice(0, -1)},"alg":"EdDSA"}`,
      `${text.slice(0, -1)},"kid":"x"}`, `${text.slice(0, -1)},"\\u0061lg":"none"}`, `${text}x`, `${text}${text}`, `[${text}]`,
      `\ufeff${text}`, text.slice(0, -1), `${text.slice(0, -1)},}`, text.replaceAll('"', "'"), '{}', 'null', '""', '', '[]',
      '['.repeat(1000), `{"a":`.repeat(1000),
    ]) {
      await refusedEverywhere(signed(wrong, claims), wrong.slice(0, 100));
    }
  });
});

// ---- one spelling

describe('spelling', () => {
  test('padding, white space, other alphabets, further and missing parts, trailing bytes', async () => {
    const token = buyer.token;
    const [head, payload, signature] = token.split('.');
    const wrong = [
      `${token}=`, `${token}==`, `${head}=.${payload}.${signature}`, `${head}.${payload}=.${signature}`, `${token}.`, `${token}.x`,
      `.${token}`, `${token}A`, `${token}AAAA`, `A${token}`, `${token}\u0000`, `${token}\n`, `${token}\r\n`, ` ${head}. ${payload}.${signature}`,
      `${head} .${payload}.${signature}`, `${head}.${payload}.${signature.slice(0, 20)} ${signature.slice(20)}`, `${token}%00`, `${token};`,
      `${token},${token}`, `${token} ${token}`, `"${token}"`, `${head}..${signature}`, `..`, '...', '.', '', `${head}.${payload}`,
      `${head}.${payload}.`, `.${payload}.${signature}`, `${head}:${payload}:${signature}`, token.toUpperCase(), token.toLowerCase(),
      token.slice(0, -1), token.slice(1), `${head}.${payload}.${signature.slice(0, -4)}`, `${head}.${payload}.${signature}.${signature}.x`,
    ];
    for (const one of wrong) {
      // White space around a header's value is none of the value.
      if (one.trim() === token && fitsHeader(one)) continue;
      await refusedEverywhere(one, JSON.stringify(one.slice(0, 60)));
    }
  });

  test('no two spellings of one signature: stray bits, and a scalar that was added to', async () => {
    const [head, payload, signature] = buyer.token.split('.');
    // 64 bytes are 86 characters, of which the last has four bits that must be zero.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = alphabet.indexOf(signature.at(-1));
    for (let i = 1; i < 16; i++) {
      await refusedEverywhere(`${head}.${payload}.${signature.slice(0, -1)}${alphabet[last ^ i]}`, `stray bits ${i}`);
    }
    // s + L signs the same in a lax library (RFC 8032, section 5.1.7).
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const bytes = Buffer.from(signature, 'base64url');
    const scalar = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString('hex')}`) + order;
    const added = Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex').reverse();
    await refusedEverywhere(`${head}.${payload}.${Buffer.concat([bytes.subarray(0, 32), added]).toString('base64url')}`, 's + L');
    // All zero, and points of small order with a zero scalar, which sign anything under a weak key.
    for (const first of ['00', '01']) {
      const zero = Buffer.alloc(64);
      zero[0] = Number(first);
      await refusedEverywhere(`${head}.${payload}.${zero.toString('base64url')}`, 'a zero signature');
    }
  });

  test('one changed bit anywhere', async () => {
    const [head, payload, signature] = buyer.token.split('.').map((part) => Buffer.from(part, 'base64url'));
    for (const [which, part] of [[0, head], [1, payload], [2, signature]]) {
      for (let at = 0; at < part.length; at += 7) {
        const parts = [head, payload, signature].map((one) => Buffer.from(one));
        parts[which][at] ^= 1 << (at % 8);
        await refusedEverywhere(parts.map((one) => one.toString('base64url')).join('.'), `bit ${at} of part ${which}`);
      }
    }
  });

  test('parts of two good tokens', async () => {
    const a = buyer.token.split('.');
    const b = other.token.split('.');
    await refusedEverywhere([a[0], b[1], a[2]].join('.'), 'claims of another');
    await refusedEverywhere([a[0], a[1], b[2]].join('.'), 'signature of another');
  });

  test('oversize', async () => {
    for (const size of [4_000, 5_000, 15_000, 100_000]) {
      const filler = 'a'.repeat(size);
      if (size > 4_000) await refusedEverywhere(signed(header, { ...claims, filler }), `${size} in the claims`);
      await refusedEverywhere(signed({ ...header, filler }, claims), `${size} in the header`);
      await refusedEverywhere(`${buyer.token}${filler}`, `${size} behind the signature`);
      await refusedEverywhere(filler, `${size} of nothing`);
      await refusedEverywhere('.'.repeat(size), `${size} dots`);
    }
  });

  test('schemes: Bearer alone is one, in any case', async () => {
    const get = (authorization) => shop.api('GET', `/users/${buyer.id}`, { headers: { authorization } });
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) assert.equal((await get(`${scheme} ${buyer.token}`)).status, 200, scheme);
    for (const value of [buyer.token, `Token ${buyer.token}`, `JWT ${buyer.token}`, `Bearer: ${buyer.token}`, `Bearer=${buyer.token}`,
      `Bearer${buyer.token}`, `Bearer ${buyer.token} x`, `Bearer Bearer ${buyer.token}`, 'Bearer', `Basic ${encode(`a:${buyer.token}`)}`]) {
      assert.equal((await get(value)).status, 401, value.slice(0, 30));
    }
    for (const path of [`/users/${buyer.id}?access_token=${buyer.token}`, `/users/${buyer.id}?token=${buyer.token}`]) {
      assert.equal((await shop.api('GET', path)).status, 401);
    }
    assert.equal((await shop.api('GET', `/users/${buyer.id}`, { headers: { cookie: `token=${buyer.token}` } })).status, 401);
  });
});

// ---- claims

describe('claims, signed by the shop\'s own key', () => {
  const wrong = {
    'expired a moment ago': () => ({ exp: seconds() - 1 }),
    'expires now': () => ({ exp: seconds() }),
    'expired long ago': () => ({ iat: 1, exp: 2 }),
    'expires never': () => ({ exp: undefined }),
    'expires as text': () => ({ exp: String(seconds() + 100) }),
    'expires with a fraction': () => ({ exp: seconds() + 100.5 }),
    'expires at null': () => ({ exp: null }),
    'expires before time began': () => ({ exp: -1 }),
    'issued in the future': () => ({ iat: seconds() + 3600, exp: seconds() + 7200 }),
    'issued never': () => ({ iat: undefined }),
    'issued as text': () => ({ iat: String(seconds()) }),
    'of another issuer': () => ({ iss: 'http://elsewhere' }),
    'of an issuer that is nearly ours': () => ({ iss: `${claims.iss}/` }),
    'of an issuer in other letters': () => ({ iss: claims.iss.toUpperCase() }),
    'of no issuer': () => ({ iss: undefined }),
    'of a list of issuers': () => ({ iss: [claims.iss] }),
    'for another audience': () => ({ aud: 'elsewhere' }),
    'for a list of audiences': () => ({ aud: [claims.aud, 'elsewhere'] }),
    'for no audience': () => ({ aud: undefined }),
    'for nobody': () => ({ sub: undefined }),
    'for a user that is no id': () => ({ sub: 'admin' }),
    'for the user zero': () => ({ sub: '00000000-0000-0000-0000-000000000000' }),
    'for a list of users': () => ({ sub: [claims.sub] }),
    'without an id': () => ({ jti: undefined }),
    'with an id that is none': () => ({ jti: 'x' }),
    'with an unknown role': () => ({ roles: ['root'] }),
    'with a role twice': () => ({ roles: ['customer', 'customer'] }),
    'with a role as text': () => ({ roles: 'admin' }),
    'with roles that are no text': () => ({ roles: [1] }),
    'with no roles': () => ({ roles: undefined }),
    'with roles by name': () => ({ roles: { admin: true } }),
    'with a scope that is a list': () => ({ scope: ['a'] }),
    'of no client': () => ({ client_id: undefined }),
  };
  for (const [name, change] of Object.entries(wrong)) {
    test(name, async () => refusedEverywhere(signed(header, { ...claims, ...change() }), name));
  }

  test('members twice, and what is no object', async () => {
    const text = JSON.stringify(claims);
    for (const payload of [`${text.slice(0, -1)},"sub":"${other.id}"}`, `{"exp":9999999999,${text.slice(1)}`,
      `${text.slice(0, -1)},"\\u0065xp":9999999999}`, `${text} x`, `[${text}]`, '""', 'null', '', '{}', `${text}\u0000`]) {
      await refusedEverywhere(signed(header, payload), payload.slice(0, 60));
    }
  });
});

// ---- tokens of another kind, and dead ones

describe('good tokens in the wrong place', () => {
  test('a refresh token is no access token, nor an access token a refresh token', async () => {
    const person = await shop.customer();
    assert.equal((await asBearer(person.refreshToken)).status, 401);
    assert.deepEqual((await validate(person.refreshToken)).json, { active: false });
    assert.equal((await refresh(person.token)).status, 401);
    assert.equal((await oauthRefresh(person.token)).status, 400);
    // It was not the end of the session either.
    assert.equal((await refresh(person.refreshToken)).status, 200);
  });

  test('nor is a refresh token that was tampered with one', async () => {
    const person = await shop.customer();
    const token = person.refreshToken;
    const flip = (at) => token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
    for (const one of [`${token}=`, `${token}A`, ` ${token}`, token.slice(0, -1), flip(0), flip(token.length >> 1),
      token.toUpperCase(), `${token}\u0000`, randomUUID(), '']) {
      if (one === token) continue;
      const { status } = await refresh(one);
      assert.ok([400, 401, 422].includes(status), `${status} to ${JSON.stringify(one)}`);
    }
  });

  test('a client\'s secret, a client\'s token and a customer\'s token do not stand in for each other', async () => {
    assert.equal((await shop.api('POST', '/auth/validate', { body: { token: buyer.token }, token: buyer.token })).status, 403);
    assert.equal((await refresh(service)).status, 401);
    assert.equal((await oauthRefresh(service)).status, 400);
  });

  test('one that was revoked, and one of a user who is suspended', async () => {
    const admin = await shop.admin();
    const person = await shop.customer();
    await shop.api('POST', '/auth/revoke', { body: { token: person.token }, expect: 200 });
    await refusedEverywhere(person.token, 'revoked');
    // Signed anew with the same id it is as dead.
    const [head, payload] = person.token.split('.', 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
    await refusedEverywhere(signed(head, { ...payload, exp: payload.exp + 1 }), 'revoked, signed anew');

    const suspended = await shop.customer();
    await taken(suspended.token).catch(() => {});
    await shop.api('PUT', `/users/${suspended.id}`, { token: admin, body: { status: 'suspended' }, expect: 200 });
    await refusedEverywhere(suspended.token, 'suspended');
    assert.equal((await refresh(suspended.refreshToken)).status, 401);
    assert.equal((await oauthRefresh(suspended.refreshToken)).status, 400);
    await shop.api('PUT', `/users/${suspended.id}`, { token: admin, body: { status: 'active' }, expect: 200 });
    await refusedEverywhere(suspended.token, 'active again: what was made before stays dead');
  });
});

test('the good token was good all the while', () => taken(buyer.token));

// ---- who is known

describe('known and unknown addresses', () => {
  const hashes = async () => {
    const { text } = await shop.api('GET', '/metrics', { check: false, expect: 200 });
    return Number(/^souk_password_hashes_total (\d+)$/m.exec(text)[1]);
  };
  const login = (email, password) => shop.api('POST', '/users/login', { body: { email, password } });
  const token = (username, password) => shop.api('POST', '/auth/token', { form: { grant_type: 'password', username, password } });

  // What of an answer is the same for all who get it.
  function face({ status, json, headers }) {
    const { instance, ...body } = json;
    const same = Object.fromEntries(Object.entries(headers)
      .filter(([name]) => !['date', 'x-request-id', 'traceparent', 'server-timing'].includes(name)));
    return { status, body, headers: same };
  }

  test('are answered alike, to the byte, and cost the same hashes', async () => {
    const known = await shop.customer();
    const suspended = await shop.customer();
    await shop.api('PUT', `/users/${suspended.id}`,
      { token: await shop.admin(), body: { status: 'suspended' }, expect: 200 });
    const passwords = ['a-wrong-Passphrase-1', 'x', '\u00e9'.repeat(60), ' '];
    for (const ask of [login, token]) {
      for (const password of passwords) {
        const faces = [];
        const costs = [];
        for (const email of [known.email, known.email.toUpperCase(), suspended.email, `x${known.email}`, 'nobody@nowhere.example']) {
          const before = await hashes();
          faces.push(face(await ask(email, password)));
          costs.push(await hashes() - before);
        }
        for (const one of faces) assert.deepEqual(one, faces[0]);
        assert.ok(costs.every((cost) => cost === costs[0]), `${costs} hashes for ${JSON.stringify(password)}`);
        if (faces[0].status === 401) assert.equal(costs[0], 1, 'a wrong password costs one hash');
      }
    }
  });

  test('who is suspended is told so only with the right password, or not at all', async () => {
    const person = await shop.customer();
    await shop.api('PUT', `/users/${person.id}`, { token: await shop.admin(), body: { status: 'suspended' }, expect: 200 });
    const wrong = await login(person.email, 'a-wrong-Passphrase-1');
    const nobody = await login('nobody@nowhere.example', 'a-wrong-Passphrase-1');
    assert.deepEqual(face(wrong), face(nobody));
  });

  test('a resource of another user is as unknown as one that does not exist', async () => {
    for (const path of ['/users/', '/orders/']) {
      const mine = path === '/users/' ? other.id : randomUUID();
      const faces = [];
      for (const id of [mine, '0192f0c1-2b3c-7def-8abc-0123456789ab']) {
        const answer = await shop.api('GET', path + id, { token: buyer.token });
        const { instance, ...body } = answer.json;
        faces.push({ status: answer.status, body });
      }
      assert.deepEqual(faces[0], faces[1], path);
    }
  });
});
