// A purchase with the client that openapi-typescript and openapi-fetch make of the description: each
// name, body and answer is checked by the compiler.

import createClient from 'openapi-fetch';

import type { components, paths } from './schema.js';

type Order = components['schemas']['Order'];

const [url = '', productId = ''] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: url });
const email = `typed-${process.pid}@buyers.example`;
const password = 'mint tea at noon';

function must<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

must(await client.POST('/users/register', { body: { email, password, name: 'Nora' } }));
const { accessToken, user } = must(await client.POST('/users/login', { body: { email, password } }));
client.use({
  onRequest({ request }) {
    request.headers.set('Authorization', `Bearer ${accessToken}`);
    return request;
  },
});
const found = must(await client.GET('/products', { params: { query: { q: 'samovar', limit: 5 } } }));
const product = found.items.find(({ id }) => id === productId);
if (!product) throw new Error('the product is not found');
const cart = must(await client.POST('/carts', { body: {} }));
must(await client.POST('/carts/{id}/items', {
  params: { path: { id: cart.id } }, body: { productId: product.variants[0]!.id, quantity: 2 },
}));
const order: Order = must(await client.POST('/orders', {
  params: { header: { 'Idempotency-Key': `typed-${process.pid}` } },
  body: {
    cartId: cart.id,
    shippingAddress: { name: 'Nora', line1: 'Souk el Attarine 1', city: 'Tunis', postalCode: '1001', country: 'TN' },
    paymentMethod: 'tok_visa',
  },
}));
const mine = must(await client.GET('/orders/user/{userId}', {
  params: { path: { userId: user.id }, query: { status: 'paid' } },
}));
const refused = await client.GET('/orders/{id}', { params: { path: { id: productId } } });
if (refused.error?.status !== 404) throw new Error('a problem has its type');
console.log(JSON.stringify({ status: order.status, total: order.total, orders: mine.items.length }));
