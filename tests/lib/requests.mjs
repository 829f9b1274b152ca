// For every operation of the API a request that is good, with all that it needs made before it: who
// adds an operation adds its row here, and it is taken through the tables of input.test.mjs,
// matrix.test.mjs and openapi.test.mjs.
//
// A row is a function of the world (see makeWorld) and gives {path, body?, form?, headers?, key?}.
// Rows whose request uses its subject up (a deletion, a move) make a new subject at every call.

import { randomBytes } from 'node:crypto';

import { ADDRESS, PASSWORD } from './shop.mjs';

export const CALLERS = ['none', 'customer', 'other', 'vendor', 'otherVendor', 'admin', 'service'];

export const euros = (amount) => ({ amount, currency: 'EUR' });

export function uuidv7() {
  const hex = Date.now().toString(16).padStart(12, '0') + randomBytes(10).toString('hex');
  const text = `${hex.slice(0, 12)}7${hex.slice(13, 16)}8${hex.slice(17, 32)}`;
  return text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

// The shop with one of each caller, and things that belong to `customer` and `vendor`: a product,
// an order of it that is paid, a cart with a line, a review, a message.
export async function makeWorld(shop) {
  const [customer, other, vendor, otherVendor] = await Promise.all(
    [shop.customer(), shop.customer(), shop.vendor(), shop.vendor()]);
  const [admin, service] = await Promise.all([shop.admin(), shop.service()]);
  const world = {
    shop, customer, other, vendor, otherVendor,
    tokens: {
      none: undefined, admin, service, customer: customer.token, other: other.token,
      vendor: vendor.token, otherVendor: otherVendor.token,
    },
  };
  world.product = await shop.createProduct({ vendor, name: 'Copper tray', stock: 1_000_000 });
  world.order = await newOrder(world);
  world.cart = await newCart(world);
  world.review = await newReview(world);
  world.message = (await shop.api('POST', '/notifications/email',
    { token: service, body: { to: 'someone@buyers.example', subject: 'Hello', body: 'World' }, expect: 202 })).json;
  return world;
}

function newOrder({ shop, customer, product }) {
  return shop.buy({ buyer: customer, items: [{ productId: product.id, quantity: 1 }] });
}

async function newCart({ shop, customer, product }) {
  const { token } = customer;
  const { json: cart } = await shop.api('POST', '/carts', { token, expect: 201 });
  await shop.api('POST', `/carts/${cart.id}/items`,
    { token, body: { productId: product.id, quantity: 2 }, expect: [200, 201] });
  return shop.get(`/carts/${cart.id}`, token);
}

async function newGuestCart({ shop, product }) {
  const { json: cart } = await shop.api('POST', '/carts', { expect: 201 });
  const headers = { 'cart-secret': cart.secret };
  await shop.api('POST', `/carts/${cart.id}/items`,
    { headers, body: { productId: product.id, quantity: 1 }, expect: [200, 201] });
  return { id: cart.id, headers };
}

const newProduct = ({ shop, vendor }, over = {}) => shop.api('POST', '/products',
  { token: vendor.token, body: productBody(shop, over), expect: 201 }).then(({ json }) => json);

const productBody = (shop, over = {}) => ({
  name: 'Copper bowl', category: 'home/bowls', price: euros(2500), status: 'active', ...over,
});

// A published one; who reviews as much as this waits for a moderator otherwise.
async function newReview(world) {
  const { shop, customer, tokens } = world;
  const { id: productId } = await newProduct(world);
  const { json: review } = await shop.api('POST', '/reviews', {
    token: customer.token, body: { productId, rating: 4, comment: 'As described.' }, expect: 201,
  });
  if (review.status === 'published') return review;
  return (await shop.api('PUT', `/reviews/${review.id}/status`,
    { token: tokens.admin, body: { status: 'published' }, expect: 200 })).json;
}

async function newClient({ shop, tokens }) {
  return (await shop.api('POST', '/auth/clients',
    { token: tokens.admin, body: { name: shop.unique('client') }, expect: 201 })).json;
}

async function newReservation({ shop, tokens, product }) {
  const orderId = uuidv7();
  await shop.api('POST', '/inventory/reserve',
    { token: tokens.service, body: { orderId, items: [{ productId: product.id, quantity: 1 }] }, expect: 201 });
  return orderId;
}

async function newSession({ shop, other }) {
  return shop.login(other.email, other.password);
}

const lastMonth = () => `from=${new Date(Date.now() - 30 * 86_400_000).toISOString()}` +
  `&to=${new Date(Date.now() + 86_400_000).toISOString()}`;

const at = (path, request = {}) => ({ path, ...request });

export const REQUESTS = {
  // user
  'POST /users/register': ({ shop }) => at('/users/register',
    { body: { email: `${shop.unique('new')}@buyers.example`, password: PASSWORD, name: 'Ada', mobile: '+4915112345678' } }),
  'POST /users/login': ({ other }) => at('/users/login', { body: { email: other.email, password: other.password } }),
  'GET /users': () => at('/users?role=vendor'),
  'GET /users/{}': ({ customer }) => at(`/users/${customer.id}`),
  'PUT /users/{}': ({ customer }) => at(`/users/${customer.id}`, { body: { name: 'Leyla A.' } }),

  // auth
  'POST /auth/token': ({ other }) => at('/auth/token',
    { form: { grant_type: 'password', username: other.email, password: other.password } }),
  'POST /auth/validate': ({ customer }) => at('/auth/validate', { body: { token: customer.token } }),
  'POST /auth/refresh': async (world) => at('/auth/refresh',
    { body: { refreshToken: (await newSession(world)).refreshToken } }),
  'POST /auth/revoke': async (world) => at('/auth/revoke',
    { body: { token: (await newSession(world)).accessToken } }),
  'POST /auth/clients': ({ shop }) => at('/auth/clients', { body: { name: shop.unique('client') } }),
  'GET /auth/clients': () => at('/auth/clients'),
  'DELETE /auth/clients/{}': async (world) => at(`/auth/clients/${(await newClient(world)).id}`),
  'GET /.well-known/jwks.json': () => at('/.well-known/jwks.json'),
  'GET /.well-known/oauth-authorization-server': () => at('/.well-known/oauth-authorization-server'),

  // product
  'POST /products': ({ shop }) => at('/products', { body: productBody(shop) }),
  'GET /products': () => at('/products?q=copper&sort=price&facets=category,tag,price'),
  'GET /products/{}': ({ product }) => at(`/products/${product.id}`),
  'PUT /products/{}': ({ product }) => at(`/products/${product.id}`, { body: { description: 'A tray of copper.' } }),
  'DELETE /products/{}': async (world) => at(`/products/${(await newProduct(world)).id}`),

  // order
  'POST /carts': () => at('/carts', { body: {} }),
  'GET /carts/current': () => at('/carts/current'),
  'GET /carts/{}': ({ cart }) => at(`/carts/${cart.id}`),
  'POST /carts/{}/items': ({ cart, product }) => at(`/carts/${cart.id}/items`,
    { body: { productId: product.id, quantity: 1 } }),
  'PUT /carts/{}/items/{}': ({ cart }) => at(`/carts/${cart.id}/items/${cart.lines[0].id}`, { body: { quantity: 3 } }),
  'DELETE /carts/{}/items/{}': async (world) => {
    const cart = await newCart(world);
    return at(`/carts/${cart.id}/items/${cart.lines[0].id}`);
  },
  'POST /carts/{}/claim': async (world) => {
    const { id, headers } = await newGuestCart(world);
    return at(`/carts/${id}/claim`, { headers });
  },
  'POST /orders': ({ product }) => at('/orders', {
    body: { items: [{ productId: product.id, quantity: 1 }], shippingAddress: ADDRESS, paymentMethod: 'tok_visa' },
  }),
  'GET /orders': () => at('/orders'),
  'GET /orders/{}': ({ order }) => at(`/orders/${order.id}`),
  'GET /orders/user/{}': ({ customer }) => at(`/orders/user/${customer.id}`),
  'PUT /orders/{}/status': async (world) => at(`/orders/${(await newOrder(world)).id}/status`,
    { body: { status: 'shipped' } }),

  // payment
  'POST /payments/charge': ({ order }) => at('/payments/charge',
    { body: { orderId: order.id, amount: order.total, paymentMethod: 'tok_visa' } }),
  'GET /payments': () => at('/payments?kind=charge&status=succeeded'),
  'GET /payments/{}/status': ({ order }) => at(`/payments/${order.id}/status`),
  'POST /payments/refund': async (world) => at('/payments/refund',
    { body: { orderId: (await newOrder(world)).id, amount: euros(1), reason: 'a scratch' } }),

  // inventory
  'GET /inventory': () => at('/inventory?status=in_stock'),
  'GET /inventory/{}': ({ product }) => at(`/inventory/${product.id}`),
  'PUT /inventory/{}': ({ product }) => at(`/inventory/${product.id}`, { body: { adjust: 1, reason: 'found one' } }),
  'POST /inventory/reserve': ({ product }) => at('/inventory/reserve',
    { body: { orderId: uuidv7(), items: [{ productId: product.id, quantity: 1 }] } }),
  'POST /inventory/release': async (world) => at('/inventory/release', { body: { orderId: await newReservation(world) } }),
  'POST /inventory/commit': async (world) => at('/inventory/commit', { body: { orderId: await newReservation(world) } }),

  // review
  'POST /reviews': async (world) => at('/reviews',
    { body: { productId: (await newProduct(world)).id, rating: 5, title: 'Fine', comment: 'Well made.' } }),
  'GET /reviews': () => at('/reviews?status=pending'),
  'GET /reviews/{}': async (world) => at(`/reviews/${(await newReview(world)).id}`),
  'GET /reviews/product/{}': ({ product }) => at(`/reviews/product/${product.id}?sort=newest`),
  'GET /reviews/user/{}': ({ customer }) => at(`/reviews/user/${customer.id}`),
  'DELETE /reviews/{}': async (world) => at(`/reviews/${(await newReview(world)).id}`),
  'PUT /reviews/{}/status': async (world) => at(`/reviews/${(await newReview(world)).id}/status`,
    { body: { status: 'rejected', reason: 'off topic' } }),

  // notification
  'POST /notifications/email': () => at('/notifications/email',
    { body: { to: 'someone@buyers.example', subject: 'Hello', body: 'World' } }),
  'POST /notifications/sms': () => at('/notifications/sms', { body: { to: '+4915112345678', body: 'Hello' } }),
  'POST /notifications/push': ({ customer }) => at('/notifications/push',
    { body: { userId: customer.id, subject: 'Hello', body: 'World' } }),
  'GET /notifications': ({ customer }) => at(`/notifications?userId=${customer.id}&status=sent`),
  'GET /notifications/{}': ({ message }) => at(`/notifications/${message.id}`),

  // analytics
  'POST /analytics/event': () => at('/analytics/event', { body: { type: 'page_view', properties: { page: '/' } } }),
  'GET /analytics/sales': () => at(`/analytics/sales?${lastMonth()}&interval=day&groupBy=product&currency=EUR`),
  'GET /analytics/user-activity': () => at(`/analytics/user-activity?${lastMonth()}&interval=day`),

  // gateway
  'GET /healthz': () => at('/healthz'),
  'GET /readyz': () => at('/readyz'),
  'GET /metrics': () => at('/metrics'),
  'GET /openapi.json': () => at('/openapi.json'),
  'GET /problems/{}': () => at('/problems/not-found'),
  'GET /events/parked': () => at('/events/parked'),
  'POST /events/parked/{}/retry': () => at(`/events/parked/${uuidv7()}/retry`),
};

// "GET /users/{}" of an operation's path, whatever its parameters are called.
export function rowName(method, path) {
  return `${method} ${path.replace(/\{[^}]*\}|:\w+/g, '{}')}`;
}

// A caller whose good request the row's is.
export function actorOf(name) {
  return name.includes('/carts') ? 'customer' : 'admin';
}

// The request of the row, made for the world.
export async function requestOf(world, name) {
  const make = REQUESTS[name];
  if (!make) throw new Error(`tests/lib/requests.mjs has no row for ${name}`);
  const { path, ...rest } = await make(world);
  return { method: name.split(' ')[0], path, ...rest };
}
