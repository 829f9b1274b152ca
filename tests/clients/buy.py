"""A purchase with the client that openapi-python-client makes of the description."""
import json
import os
import sys
from uuid import UUID

from souk_client import AuthenticatedClient, Client
from souk_client.api.cart import add_to_cart, make_cart
from souk_client.api.order import get_order, list_orders_of_user, place_order
from souk_client.api.product import list_products
from souk_client.api.user import log_in, register_user
from souk_client.models import Cart, Credentials, Order, OrderItem, OrderPage, OrderStatus
from souk_client.models import Problem, ProductPage, Registration, Session, User


def must(kind, answer):
    if not isinstance(answer, kind):
        sys.exit(f"{kind.__name__} was expected, not {answer}")
    return answer


url, product_id = sys.argv[1:]
email, password = f"generated-{os.getpid()}@buyers.example", "mint tea at noon"
stranger = Client(base_url=url, raise_on_unexpected_status=True)
must(User, register_user.sync(
    client=stranger, body=Registration(email=email, password=password, name="Nora")))
session = must(Session, log_in.sync(
    client=stranger, body=Credentials(email=email, password=password)))
client = AuthenticatedClient(
    base_url=url, token=session.access_token, raise_on_unexpected_status=True)
found = must(ProductPage, list_products.sync(client=client, q="samovar", limit=5))
product = next(one for one in found.items if one.id == UUID(product_id))
cart = must(Cart, make_cart.sync(client=client))
must(Cart, add_to_cart.sync(
    cart.id, client=client, body=OrderItem(product_id=product.variants[0].id, quantity=2)))
order = must(Order, place_order.sync(
    client=client, idempotency_key=f"generated-{os.getpid()}", body={
        "cartId": str(cart.id),
        "shippingAddress": {"name": "Nora", "line1": "Souk el Attarine 1", "city": "Tunis",
                            "postalCode": "1001", "country": "TN"},
        "paymentMethod": "tok_visa"}))
mine = must(OrderPage, list_orders_of_user.sync(
    session.user.id, client=client, status=OrderStatus.ORDER_STATUS_PAID))
problem = must(Problem, get_order.sync(UUID(product_id), client=client))
assert problem.status == 404
print(json.dumps({"status": order.status, "total": order.total.to_dict(), "orders": len(mine.items)}))
