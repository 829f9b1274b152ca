// The Auth service: tokens and their ends, refreshing, clients, keys.

import assert from 'node:assert/strict';
import { createPublicKey, verify, webcrypto } from 'node:crypto';
import { chmodSync, readdirSync, statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import * as oauth from 'oauth4webapi';

import { ROOT, inParallel, runSouk, startShop, waitFor } from './lib/shop.mjs';

globalThis.crypto ??= webcrypto; // node 18 has none by that name

// And it takes a key of Ed25519 only by the older name of the algorithm.
if (process.versions.node.startsWith('18.')) {
  const { subtle } = webcrypto;
  const importKey = subtle.importKey.bind(subtle);
  subtle.importKey = (format, key, ...more) =>
    importKey(format, key.alg === 'Ed25519' ? { ...key, alg: 'EdDSA' } : key, ...more);
}

const REPEAT_MS = 20_000; // for so long may the token that was just replaced be sent again
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

const hasIpv6 = Object.values(networkInterfaces()).flat().some(({ address }) => address === '::1');

let shop, admin, service;

before(async () => {
  shop = await startShop();
  [admin, service] = await Promise.all([shop.admin(), shop.service()]);
});

const token = (form, options = {}) => shop.api('POST', '/auth/token', { form, ...options });
const refresh = (refreshToken, expect) => shop.api('POST', '/auth/refresh', { body: { refreshToken }, expect });
const revoke = (value) => shop.api('POST', '/auth/revoke', { body: { token: value }, expect: 200 });
const validate = async (value) =>
  (await shop.api('POST', '/auth/validate', { body: { token: value }, token: service, expect: 200 })).json;
const lives = async (value, id) => {
  const { status } = await shop.api('GET', `/users/${id}`, { token: value });
  assert.ok(status === 200 || status === 401);
  return status === 200;
};
const part = (jwt, i) => JSON.parse(Buffer.from(jwt.split('.')[i], 'base64url'));
const basic = (id, secret) => ({ authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` });
const newClient = async (body = {}) => (await shop.api('POST', '/auth/clients',
  { token: admin, body: { name: shop.unique('client'), ...body }, expect: 201 })).json;

async function refused(answer, status, error) {
  const { status: got, json, text, headers } = await answer;
  assert.equal(got, status, text);
  assert.equal(json.error, error, text);
  assert.equal(headers['cache-control'], 'no-store');
  if (status === 401) assert.match(headers['www-authenticate'], /^Basic/);
}

// ---- access tokens

describe('an access token', () => {
  test('is a JWT as RFC 9068 has it, and verifies by the published key with another library', async () => {
    const buyer = await shop.customer();
    const header = part(buyer.token, 0);
    const claims = part(buyer.token, 1);
    const { keys } = await shop.get('/.well-known/jwks.json');
    const jwk = keys.find(({ kid }) => kid === header.kid);
    assert.deepEqual({ ...header, kid: 0 }, { alg: 'Ed25519', typ: 'at+jwt', kid: 0 });
    assert.deepEqual({ ...jwk, x: 0, kid: 0 }, { kty: 'OKP', crv: 'Ed25519', use: 'sig', alg: 'Ed25519', x: 0, kid: 0 });
    const [head, body, signature] = buyer.token.split('.');
    assert.ok(verify(null, Buffer.from(`${head}.${body}`), createPublicKey({ key: jwk, format: 'jwk' }),
      Buffer.from(signature, 'base64url')));

    const { issuer } = await shop.get('/.well-known/oauth-authorization-server');
    assert.equal(claims.iss, issuer);
    assert.equal(claims.aud, issuer);
    assert.equal(claims.sub, buyer.id);
    assert.equal(claims.client_id, 'souk');
    assert.deepEqual(claims.roles, ['customer']);
    assert.equal(claims.exp - claims.iat, 900);
    assert.ok(Math.abs(claims.iat - Date.now() / 1000) < 60);
    assert.match(claims.jti, /^[0-9a-f-]{36}$/);
  });

  test('that is revoked is dead at once, alone, and over a restart', async () => {
    const buyer = await shop.customer();
    const other = await shop.login(buyer.email, buyer.password);
    await revoke(buyer.token);
    assert.equal(await lives(buyer.token, buyer.id), false);
    assert.equal(await lives(other.accessToken, buyer.id), true);
    await revoke(buyer.token);
    await refresh(buyer.refreshToken, 200);
    await shop.restart();
    assert.equal(await lives(buyer.token, buyer.id), false);
    assert.equal(await lives(other.accessToken, buyer.id), true);
    assert.deepEqual(await validate(buyer.token), { active: false });
  });
});

describe('POST /auth/validate', () => {
  test('tells what the token says, or that it is dead, and no more', async () => {
    const buyer = await shop.customer();
    const facts = await validate(buyer.token);
    assert.deepEqual(facts, { active: true, token_type: 'Bearer', ...part(buyer.token, 1) });
    await revoke(buyer.token);
    for (const dead of [buyer.token, buyer.refreshToken, 'x', 'a.b.c', `${buyer.token}x`]) {
      assert.deepEqual(await validate(dead), { active: false });
    }
    assert.equal((await validate(service)).sub, (await validate(service)).client_id);
  });

  test('takes a form, as RFC 7662 has it', async () => {
    const buyer = await shop.customer();
    const answer = await shop.api('POST', '/auth/validate',
      { form: { token: buyer.token, token_type_hint: 'access_token' }, token: service, expect: 200 });
    assert.equal(answer.json.active, true);
    const without = await shop.api('POST', '/auth/validate', { form: { hint: 'x' }, token: service, expect: 422 });
    assert.deepEqual(without.json.errors.map(({ pointer }) => pointer), ['/token']);
    await shop.api('POST', '/auth/validate', { raw: 'token=a&token=b', headers: FORM, token: service, expect: 400 });
  });
});

// RFC 7662, section 2.1 and RFC 7009, section 2.1: who asks may say so as at the token endpoint.
describe('a client by its own credentials', () => {
  const look = (form, headers) => shop.api('POST', '/auth/validate', { form, headers });
  const end = (form, headers) => shop.api('POST', '/auth/revoke', { form, headers });

  test('looks at tokens, its own and those of others, by Basic or in the body', async () => {
    const { clientId, clientSecret } = await newClient();
    const buyer = await shop.customer();
    const inBody = { client_id: clientId, client_secret: clientSecret };
    for (const answer of [await look({ token: buyer.token }, basic(clientId, clientSecret)),
      await look({ token: buyer.token, ...inBody }),
      await shop.api('POST', '/auth/validate', { body: { token: buyer.token, ...inBody } })]) {
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.json.sub, buyer.id);
    }
    assert.deepEqual((await look({ token: 'x' }, basic(clientId, clientSecret))).json, { active: false });
  });

  test('is refused where it is not who it says, or says it twice; and who says nothing is', async () => {
    const { clientId, clientSecret } = await newClient();
    const buyer = await shop.customer();
    const ask = { token: buyer.token };
    for (const [form, headers] of [[ask, basic(clientId, 'wrong')], [ask, basic('nobody', clientSecret)],
      [ask, { authorization: 'Basic %%%' }], [{ ...ask, client_id: clientId }, {}],
      [{ ...ask, client_id: clientId, client_secret: 'wrong' }, {}]]) {
      await refused(look(form, headers), 401, 'invalid_client');
      await refused(end(form, headers), 401, 'invalid_client');
    }
    const twice = [{ ...ask, client_id: clientId, client_secret: clientSecret }, basic(clientId, clientSecret)];
    await refused(look(...twice), 400, 'invalid_request');
    await refused(end(...twice), 400, 'invalid_request');
    await refused(shop.api('POST', '/auth/validate', { form: twice[0], token: service }), 400, 'invalid_request');
    for (const form of [ask, { ...ask, client_id: 'souk' }]) {
      const nobody = await look(form);
      assert.equal(nobody.status, 401);
      assert.equal(nobody.json.type, '/problems/unauthenticated');
      assert.match(nobody.headers['www-authenticate'], /Bearer.*Basic/);
    }
    assert.equal(await lives(buyer.token, buyer.id), true, 'nothing of it ended the token');
  });

  test('ends its own tokens, and no other\'s', async () => {
    const [one, other] = [await newClient(), await newClient()];
    const buyer = await shop.customer();
    const { json } = await token({ grant_type: 'client_credentials' },
      { headers: basic(one.clientId, one.clientSecret), expect: 200 });
    const as = ({ clientId, clientSecret }) => basic(clientId, clientSecret);
    for (const one of [json.access_token, buyer.token, buyer.refreshToken]) {
      await refused(end({ token: one }, as(other)), 400, 'unauthorized_client');
    }
    assert.equal(await lives(buyer.token, buyer.id), true);
    await refresh(buyer.refreshToken, 200);
    assert.equal((await validate(json.access_token)).active, true);
    assert.equal((await end({ token: json.access_token }, as(one))).status, 200);
    assert.deepEqual(await validate(json.access_token), { active: false });
    assert.equal((await end({ token: 'unknown' }, as(one))).status, 200);
  });
});

describe('POST /auth/revoke', () => {
  test('by a refresh token, new or old, ends its session and the access tokens of it', async () => {
    for (const which of ['new', 'old']) {
      const buyer = await shop.customer();
      const other = await shop.login(buyer.email, buyer.password);
      const { json: next } = await refresh(buyer.refreshToken, 200);
      await revoke(which === 'new' ? next.refreshToken : buyer.refreshToken);
      assert.equal(await lives(buyer.token, buyer.id), false);
      assert.equal(await lives(next.accessToken, buyer.id), false);
      await refresh(next.refreshToken, 401);
      assert.equal(await lives(other.accessToken, buyer.id), true);
      await refresh(other.refreshToken, 200);
    }
  });

  test('knows no error but a bad body', async () => {
    const buyer = await shop.customer();
    const invented = Buffer.alloc(48, 7).toString('base64url');
    for (const value of ['x', 'a.b.c', invented, `${buyer.refreshToken.slice(0, -1)}`]) await revoke(value);
    await shop.api('POST', '/auth/revoke', { form: { token: 'x', token_type_hint: 'refresh_token' }, expect: 200 });
    await shop.api('POST', '/auth/revoke', { body: {}, expect: 422 });
    await shop.api('POST', '/auth/revoke', { form: {}, expect: [400, 422] });
    assert.equal(await lives(buyer.token, buyer.id), true);
  });

  test('needs no living token in the header', async () => {
    const buyer = await shop.customer();
    await shop.api('POST', '/auth/revoke', { body: { token: buyer.refreshToken }, token: 'expired', expect: 200 });
    await refresh(buyer.refreshToken, 401);
  });
});

// ---- refreshing

describe('POST /auth/refresh', () => {
  test('gives new tokens, and the user as it is now', async () => {
    const buyer = await shop.customer();
    const { json: user } = await shop.api('PUT', `/users/${buyer.id}`, { token: buyer.token, body: { name: 'Other' }, expect: 200 });
    const { json: next, headers } = await refresh(buyer.refreshToken, 200);
    assert.notEqual(next.refreshToken, buyer.refreshToken);
    assert.notEqual(next.accessToken, buyer.token);
    assert.equal(next.tokenType, 'Bearer');
    assert.equal(next.expiresIn, 900);
    assert.deepEqual(next.user, user);
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(await lives(next.accessToken, buyer.id), true);
    assert.equal(await lives(buyer.token, buyer.id), true);
  });

  test('a lost answer is given again: the same successor, and it is good', async () => {
    const buyer = await shop.customer();
    const first = (await refresh(buyer.refreshToken, 200)).json;
    const again = (await refresh(buyer.refreshToken, 200)).json;
    assert.equal(again.refreshToken, first.refreshToken);
    assert.equal(await lives(again.accessToken, buyer.id), true);
    const next = (await refresh(again.refreshToken, 200)).json;
    await refresh(next.refreshToken, 200);
  });

  test('a lost answer is given again over a restart, too', async () => {
    const buyer = await shop.customer();
    const first = (await refresh(buyer.refreshToken, 200)).json;
    await shop.restart();
    assert.equal((await refresh(buyer.refreshToken, 200)).json.refreshToken, first.refreshToken);
  });

  test('many refreshes of one token at once are one rotation', async () => {
    const buyer = await shop.customer();
    let { refreshToken } = buyer;
    for (let round = 0; round < 3; round++) {
      const current = refreshToken;
      const answers = await inParallel(Array.from({ length: 16 }), 16, () => refresh(current, 200));
      const tokens = new Set(answers.map(({ json }) => json.refreshToken));
      assert.equal(tokens.size, 1);
      [refreshToken] = tokens;
      assert.notEqual(refreshToken, current);
    }
    assert.equal(await lives(buyer.token, buyer.id), true);
  });

  test('a token that was replaced before the last one was stolen: the whole session ends', async () => {
    const buyer = await shop.customer();
    const other = await shop.login(buyer.email, buyer.password);
    const second = (await refresh(buyer.refreshToken, 200)).json;
    const third = (await refresh(second.refreshToken, 200)).json;
    await refresh(buyer.refreshToken, 401);
    for (const { refreshToken } of [second, third]) await refresh(refreshToken, 401);
    for (const dead of [buyer.token, second.accessToken, third.accessToken]) {
      assert.equal(await lives(dead, buyer.id), false);
    }
    assert.equal(await lives(other.accessToken, buyer.id), true);
    await refresh(other.refreshToken, 200);
  });

  test('what is no token of ours answers 401, and what is nearly one ends nothing of others', async () => {
    const buyer = await shop.customer();
    const bytes = Buffer.from(buyer.refreshToken, 'base64url');
    const elsewhere = Buffer.from(bytes);
    elsewhere[0] ^= 1; // another session
    for (const value of ['x', buyer.token, `${buyer.refreshToken}A`, `${buyer.refreshToken}=`,
      buyer.refreshToken.toLowerCase(), elsewhere.toString('base64url'), 'A'.repeat(64)]) {
      const { json } = await refresh(value, 401);
      assert.equal(json.type, '/problems/unauthenticated');
    }
    await refresh(buyer.refreshToken, 200);
  });

  test('a user keeps at most a hundred sessions: the oldest end', async () => {
    const buyer = await shop.customer();
    const sessions = await inParallel(Array.from({ length: 101 }), 8, () => shop.login(buyer.email, buyer.password));
    await refresh(buyer.refreshToken, 401);
    await refresh(sessions.at(-1).refreshToken, 200);
  });
});

// ---- the token endpoint

describe('POST /auth/token', () => {
  test('password: tokens under OAuth\'s names, by form and by JSON', async () => {
    const buyer = await shop.customer();
    const request = { grant_type: 'password', username: buyer.email, password: buyer.password };
    for (const options of [{ form: request }, { body: request }, { form: { ...request, client_id: 'souk' } }]) {
      const { json, headers } = await shop.api('POST', '/auth/token', { ...options, expect: 200 });
      const { access_token, refresh_token, ...rest } = json;
      assert.deepEqual(rest, { token_type: 'Bearer', expires_in: 900 });
      assert.equal(headers['cache-control'], 'no-store');
      assert.equal(headers.pragma, 'no-cache');
      assert.equal(await lives(access_token, buyer.id), true);
      await refresh(refresh_token, 200);
    }
  });

  test('password: refusals', async () => {
    const buyer = await shop.customer();
    const good = { grant_type: 'password', username: buyer.email, password: buyer.password };
    await refused(token({ ...good, password: 'a-wrong-Passphrase-1' }), 400, 'invalid_grant');
    await refused(token({ ...good, username: 'nobody@buyers.example' }), 400, 'invalid_grant');
    await refused(token({ ...good, username: 'x'.repeat(1000) }), 400, 'invalid_grant');
    await refused(token({ ...good, password: '' }), 400, 'invalid_request');
    await refused(token({ grant_type: 'password', username: buyer.email }), 400, 'invalid_request');
    await refused(token({ ...good, scope: 'everything' }), 400, 'invalid_scope');
    await refused(token({ ...good, client_id: 'somebody' }), 401, 'invalid_client');
  });

  test('refresh_token: rotates as /auth/refresh does', async () => {
    const buyer = await shop.customer();
    const request = { grant_type: 'refresh_token', refresh_token: buyer.refreshToken };
    const { json } = await token(request, { expect: 200 });
    assert.equal(await lives(json.access_token, buyer.id), true);
    assert.equal((await token(request, { expect: 200 })).json.refresh_token, json.refresh_token);
    const next = await token({ ...request, refresh_token: json.refresh_token }, { expect: 200 });
    await refused(token(request), 400, 'invalid_grant');
    await refused(token({ ...request, refresh_token: next.json.refresh_token }), 400, 'invalid_grant');
    await refused(token({ grant_type: 'refresh_token' }), 400, 'invalid_request');
  });

  test('client_credentials: by Basic or in the body; no scope is given that no route asks for', async () => {
    const { clientId, clientSecret } = await newClient();
    const request = { grant_type: 'client_credentials' };
    const inBody = { ...request, client_id: clientId, client_secret: clientSecret };
    for (const answer of [
      await token(request, { headers: basic(clientId, clientSecret), expect: 200 }),
      await token(inBody, { expect: 200 }),
      await shop.api('POST', '/auth/token', { body: inBody, expect: 200 }),
    ]) {
      const { access_token, ...rest } = answer.json;
      assert.deepEqual(rest, { token_type: 'Bearer', expires_in: 900 });
      const { sub, client_id, roles, scope } = await validate(access_token);
      assert.deepEqual({ sub, client_id, roles, scope },
        { sub: clientId, client_id: clientId, roles: ['service'], scope: undefined });
    }
    await token({ ...inBody, scope: '' }, { expect: 200 });
    for (const scope of ['orders:read', 'everything', 'openid', 'stock orders:write', ' stock', '*']) {
      await refused(token({ ...inBody, scope }), 400, 'invalid_scope');
    }
  });

  test('client_credentials: refusals', async () => {
    const { clientId, clientSecret } = await newClient();
    const request = { grant_type: 'client_credentials' };
    await refused(token(request), 401, 'invalid_client');
    await refused(token(request, { headers: basic(clientId, 'wrong') }), 401, 'invalid_client');
    await refused(token(request, { headers: basic('nobody', clientSecret) }), 401, 'invalid_client');
    await refused(token(request, { headers: basic(clientSecret, clientId) }), 401, 'invalid_client');
    await refused(token(request, { headers: { authorization: 'Basic %%%' } }), 401, 'invalid_client');
    await refused(token({ ...request, client_id: clientId }), 401, 'invalid_client');
    await refused(token({ ...request, client_secret: clientSecret }), 400, 'invalid_request');
    await refused(token({ ...request, client_id: clientId, client_secret: clientSecret },
      { headers: basic(clientId, clientSecret) }), 400, 'invalid_request');
    const buyer = await shop.customer();
    await refused(token({ grant_type: 'password', username: buyer.email, password: buyer.password },
      { headers: basic(clientId, clientSecret) }), 400, 'unauthorized_client');
    await refused(token({ grant_type: 'refresh_token', refresh_token: buyer.refreshToken },
      { headers: basic(clientId, clientSecret) }), 400, 'unauthorized_client');
  });

  test('what it does not know', async () => {
    await refused(token({ grant_type: 'authorization_code', code: 'x' }), 400, 'unsupported_grant_type');
    await refused(token({ grant_type: 'PASSWORD' }), 400, 'unsupported_grant_type');
    await refused(token({ username: 'x' }), 400, 'invalid_request');
    await refused(token({ grant_type: '' }), 400, 'invalid_request');
    for (const raw of ['grant_type=password&scope=a&scope=b', 'grant_type=%', '&&&', 'grant_type']) {
      await refused(shop.api('POST', '/auth/token', { raw, headers: FORM }), 400, 'invalid_request');
    }
    for (const raw of ['[]', '{', '{"grant_type":1}', '{"grant_type":"password","grant_type":"password"}', '"x"', '']) {
      await refused(shop.api('POST', '/auth/token', { raw }), 400, 'invalid_request');
    }
    // Unknown parameters are passed over.
    const buyer = await shop.customer();
    await token({ grant_type: 'password', username: buyer.email, password: buyer.password, resource: 'x' }, { expect: 200 });
  });
});

// ---- clients

describe('/auth/clients', () => {
  test('a client is shown with its secret once', async () => {
    const { status, json, headers } = await shop.api('POST', '/auth/clients',
      { token: admin, body: { name: 'warehouse', roles: ['service'] } });
    assert.equal(status, 201);
    assert.equal(headers.location, `/auth/clients/${json.id}`);
    assert.ok(json.clientSecret.length >= 43);
    const found = (await shop.all('/auth/clients', admin, 2)).find(({ id }) => id === json.id);
    const { clientSecret, ...rest } = json;
    assert.deepEqual(found, rest);
    assert.deepEqual(found.roles, ['service']);
  });

  test('one that is deleted gets no token, and those that it has are dead', async () => {
    const { id, clientId, clientSecret } = await newClient();
    const request = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
    const { json } = await token(request, { expect: 200 });
    const buyer = await shop.customer();
    assert.equal(await lives(json.access_token, buyer.id), true);
    await shop.api('DELETE', `/auth/clients/${id}`, { token: admin, expect: 204 });
    assert.equal(await lives(json.access_token, buyer.id), false);
    await refused(token(request), 401, 'invalid_client');
    await shop.api('DELETE', `/auth/clients/${id}`, { token: admin, expect: 404 });
    await shop.restart();
    assert.equal(await lives(json.access_token, buyer.id), false);
  });

  test('faults are named', async () => {
    for (const [body, pointer] of [
      [{}, '/name'], [{ name: '' }, '/name'], [{ name: 'x'.repeat(101) }, '/name'],
      [{ name: 'x', roles: ['admin'] }, '/roles/0'], [{ name: 'x', roles: [] }, '/roles'],
      [{ name: 'x', scope: 'a  b' }, '/scope'], [{ name: 'x', scope: 'orders:read' }, '/scope'],
      [{ name: 'x', scope: 'openid' }, '/scope'], [{ name: 'x', zz: 1 }, '/zz'],
    ]) {
      const { json } = await shop.api('POST', '/auth/clients', { token: admin, body, expect: 422 });
      assert.deepEqual(json.errors.map((fault) => fault.pointer), [pointer]);
    }
  });
});

// ---- what others read

test('the metadata name what there is', async () => {
  const metadata = await shop.get('/.well-known/oauth-authorization-server');
  for (const [name, path] of [['token_endpoint', '/auth/token'], ['jwks_uri', '/.well-known/jwks.json'],
    ['introspection_endpoint', '/auth/validate'], ['revocation_endpoint', '/auth/revoke']]) {
    assert.equal(metadata[name], metadata.issuer + path);
  }
  assert.deepEqual(metadata.grant_types_supported, ['password', 'refresh_token', 'client_credentials']);
  assert.deepEqual(metadata.introspection_endpoint_auth_methods_supported, ['client_secret_basic', 'client_secret_post', 'Bearer']);
  assert.deepEqual(metadata.revocation_endpoint_auth_methods_supported, ['none', 'client_secret_basic', 'client_secret_post']);
});

// RFC 8414, section 3.3: what is asked at an address must name that address.
test('the issuer is the address that is listened on, whichever it is', async () => {
  for (const [listen, host] of [['127.0.0.1:0', '127.0.0.1'], ['localhost:0', 'localhost'], ['LocalHost:0', 'localhost'],
    ['0.0.0.0:0', '127.0.0.1'], ...(hasIpv6 ? [['[::1]:0', '[::1]'], ['[::]:0', '[::1]']] : [])]) {
    const own = await startShop({ listen });
    const base = `http://${host}:${new URL(own.url).port}`;
    assert.equal(own.url, base);
    const metadata = await own.get('/.well-known/oauth-authorization-server');
    assert.equal(metadata.issuer, base, listen);
    for (const [name, value] of Object.entries(metadata)) {
      if (/_endpoint$|_uri$/.test(name)) assert.ok(value.startsWith(`${base}/`), `${name} ${value}`);
    }
    const { iss, aud } = part((await own.customer()).token, 1);
    assert.deepEqual([iss, aud], [base, base]);
    await own.stop();
  }
});

test('another port logs nobody out; an address that was never listened on is no issuer', async () => {
  const own = await startShop();
  const buyer = await own.customer();
  const first = own.url;
  for (let i = 0; i < 3; i++) {
    await own.restart();
    assert.equal((await own.get('/.well-known/oauth-authorization-server')).issuer, own.url);
    await own.api('GET', `/users/${buyer.id}`, { token: buyer.token, expect: 200 });
  }
  assert.notEqual(own.url, first);
});

test('a command reaches a server whose issuer its own settings do not know', async () => {
  const own = await startShop({ env: { SOUK_PUBLIC_URL: 'https://shop.example' } });
  const { code, stdout, stderr } = await runSouk(['import', 'products', join(ROOT, 'demo/products.csv'), '--data', own.dataDir]);
  assert.equal(code, 0, stdout + stderr);
});

test('a strict client of another make: discovery, tokens by both ways, their signature, looking and ending', async () => {
  const { clientId, clientSecret } = await newClient();
  const insecure = { [oauth.allowInsecureRequests]: true };
  const issuer = new URL(shop.url);
  const as = await oauth.processDiscoveryResponse(issuer,
    await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }));
  const client = { client_id: clientId };
  for (const auth of [oauth.ClientSecretBasic(clientSecret), oauth.ClientSecretPost(clientSecret)]) {
    const { access_token } = await oauth.processClientCredentialsResponse(as, client,
      await oauth.clientCredentialsGrantRequest(as, client, auth, {}, insecure));
    const claims = await oauth.validateJwtAccessToken(as, new Request(`${shop.url}/orders`,
      { headers: { authorization: `Bearer ${access_token}` } }), as.issuer, insecure);
    assert.equal(claims.client_id, clientId);
    const look = async () => oauth.processIntrospectionResponse(as, client,
      await oauth.introspectionRequest(as, client, auth, access_token, insecure));
    assert.equal((await look()).active, true);
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, access_token, insecure));
    assert.equal((await look()).active, false);
  }
});

test('an issuer of one\'s own is in the metadata and in the tokens; tokens of others are none', async () => {
  const own = await startShop({ env: { SOUK_PUBLIC_URL: 'https://shop.example/' } });
  const metadata = await own.get('/.well-known/oauth-authorization-server');
  assert.equal(metadata.issuer, 'https://shop.example');
  assert.equal(metadata.token_endpoint, 'https://shop.example/auth/token');
  const buyer = await own.customer();
  assert.equal(part(buyer.token, 1).iss, 'https://shop.example');
  await own.restart({ env: { SOUK_PUBLIC_URL: 'https://other.example' } });
  await own.api('GET', `/users/${buyer.id}`, { token: buyer.token, expect: 401 });
});

// ---- keys

describe('signing keys', () => {
  const keyIds = async (of) => (await of.get('/.well-known/jwks.json')).keys.map(({ kid }) => kid);
  const rotate = (of) => runSouk(['keys', 'rotate', '--data', of.dataDir]);

  test('are for their owner alone, and cached for a moment only', async () => {
    const folder = join(shop.dataDir, 'keys');
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
    const { headers } = await shop.api('GET', '/.well-known/jwks.json', { expect: 200 });
    assert.match(headers['cache-control'], /^public, max-age=\d+$/);
  });

  test('are rotated while the shop runs: published first, then signing, and nobody is logged out', async () => {
    const own = await startShop();
    const buyer = await own.customer();
    const [old] = await keyIds(own);
    const { code, stdout, stderr } = await rotate(own);
    assert.equal(code, 0, stderr);
    const published = await waitFor(async () => {
      const ids = await keyIds(own);
      return ids.length === 2 && ids;
    }, 'the new key is published');
    const fresh = published.find((kid) => kid !== old);
    assert.ok(stdout.includes(fresh));
    const next = await waitFor(async () => {
      const session = await own.login(buyer.email, buyer.password);
      const { kid } = part(session.accessToken, 0);
      assert.ok([old, fresh].includes(kid));
      return kid === fresh && session;
    }, 'the new key signs');
    for (const jwt of [buyer.token, next.accessToken]) await own.api('GET', `/users/${buyer.id}`, { token: jwt, expect: 200 });
    await own.api('POST', '/auth/refresh', { body: { refreshToken: buyer.refreshToken }, expect: 200 });
    await own.restart();
    for (const jwt of [buyer.token, next.accessToken]) await own.api('GET', `/users/${buyer.id}`, { token: jwt, expect: 200 });
  });

  test('are rotated while nothing runs, by two at once too, and up to a bound', async () => {
    const own = await startShop();
    const buyer = await own.customer();
    await own.sigterm();
    const both = await Promise.all([rotate(own), rotate(own)]);
    assert.deepEqual(both.map(({ code }) => code), [0, 0]);
    for (let i = 0; i < 5; i++) assert.equal((await rotate(own)).code, 0);
    const refused_ = await rotate(own);
    assert.equal(refused_.code, 1);
    assert.match(refused_.stderr, /needed/);
    await own.start();
    assert.equal((await keyIds(own)).length, 8);
    await own.api('GET', `/users/${buyer.id}`, { token: buyer.token, expect: 200 });
  });

  test('the command says what it can', async () => {
    for (const args of [['keys'], ['keys', 'eat'], ['keys', 'rotate', 'now']]) {
      const { code, stderr } = await runSouk(args);
      assert.equal(code, 2);
      assert.match(stderr, /souk keys rotate/);
    }
    const nowhere = await runSouk(['keys', 'rotate', '--data', join(shop.dataDir, 'no', 'where')]);
    assert.equal(nowhere.code, 1);
    assert.match(nowhere.stderr, /no\/where/);
  });

  test('a key that is open to others is told of', async () => {
    const own = await startShop();
    const folder = join(own.dataDir, 'keys');
    const [name] = readdirSync(folder).filter((file) => file.endsWith('.key'));
    chmodSync(join(folder, name), 0o644);
    await own.restart();
    assert.ok(own.logLines().some(({ event, message }) => event === 'auth.key-mode' && message.includes(name)));
    chmodSync(join(folder, name), 0o600);
  });
});

// ---- what takes its time

describe('in time', { concurrency: 2 }, () => {
  test('is dead when it has expired', async () => {
    // The shortest life is a minute: a token of that life, in a shop that knows no longer ones.
    const short = await startShop({ env: { SOUK_ACCESS_MINUTES: '1' } });
    const buyer = await short.customer();
    const { exp, iat } = part(buyer.token, 1);
    assert.equal(exp - iat, 60);
    assert.equal((await short.login(buyer.email, buyer.password)).expiresIn, 60);
    await waitFor(async () => (await short.api('GET', `/users/${buyer.id}`, { token: buyer.token })).status === 401,
      'the token is dead', 90_000);
    assert.ok(Date.now() / 1000 >= exp);
    await short.api('POST', '/auth/refresh', { body: { refreshToken: buyer.refreshToken }, expect: 200 });
  });

  test('the predecessor that comes too late was stolen, too', async () => {
    const buyer = await shop.customer();
    const next = (await refresh(buyer.refreshToken, 200)).json;
    await sleep(REPEAT_MS + 500);
    await refresh(buyer.refreshToken, 401);
    await refresh(next.refreshToken, 401);
    assert.equal(await lives(next.accessToken, buyer.id), false);
  });
});
