"""Products and orders in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, create_engine, event, func, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from otel_flow.demo.shop.config import CONFIG


if TYPE_CHECKING:
    from typing import Any


PRODUCTS = (
    ("Teapot", 2450, 2900),
    ("Cup", 620, 700),
    ("Kettle", 5900, 6400),
    ("Strainer", 480, 480),
    ("Tray", 1800, 2100),
    ("Tea towel", 350, 500),
    ("Sencha 100 g", 1290, 1400),
    ("Gift box", 900, 0),
)
"""Name, price and list price in cents; the last one's list price was never entered."""

_SLOW_STEPS = 800_000


class Base(DeclarativeBase):
    """The tables."""


class Product(Base):
    """Something to buy; prices are cents."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    price: Mapped[int]
    list_price: Mapped[int]


class Order(Base):
    """An order of one product."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    quantity: Mapped[int]
    card: Mapped[str]
    status: Mapped[str] = mapped_column(default="placed")


engine = create_engine(CONFIG.database_url)


if engine.dialect.name == "sqlite":

    @event.listens_for(engine, "connect")
    def _share(connection: Any, _record: Any) -> None:
        """Let the service read while the worker writes."""
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=off")
        connection.execute("pragma busy_timeout=5000")


def prepare() -> None:
    """Create the tables and the products, once."""
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        if session.scalar(select(func.count()).select_from(Product)) == 0:
            session.add_all(
                Product(name=name, price=price, list_price=list_price)
                for name, price, list_price in PRODUCTS
            )


def products() -> list[Product]:
    """Return all products."""
    with Session(engine) as session:
        return list(session.scalars(select(Product).order_by(Product.id)))


def product(product_id: int) -> Product | None:
    """Return a product, None if there is no such."""
    with Session(engine) as session:
        return session.get(Product, product_id)


def search(words: str) -> list[str]:
    """Return the names of products that match; a query that could do with an index."""
    slow = text(
        "with recursive rank(n) as (select 1 union all select n + 1 from rank where n < :steps) "
        "select name from products, (select max(n) from rank) where name like :pattern"
    )
    with Session(engine) as session:
        found = session.execute(slow, {"steps": _SLOW_STEPS, "pattern": f"%{words}%"})
        return [row.name for row in found]


def bought_with(product_id: int) -> list[str]:
    """Return names of other products, one query each: the loop that every ORM invites to."""
    with Session(engine) as session:
        ids = session.scalars(select(Product.id).where(Product.id != product_id).limit(4)).all()
        session.expunge_all()
        return [
            session.scalars(select(Product.name).where(Product.id == other)).one() for other in ids
        ]


def place(product_id: int, quantity: int, card: str) -> int | None:
    """Store an order and return its number, None if there is no such product."""
    with Session(engine) as session, session.begin():
        if session.get(Product, product_id) is None:
            return None
        order = Order(product_id=product_id, quantity=quantity, card=card)
        session.add(order)
        session.flush()
        return order.id


def order(order_id: int) -> Order | None:
    """Return an order, None if there is no such."""
    with Session(engine) as session:
        return session.get(Order, order_id)


def settle(order_id: int, status: str) -> None:
    """Set what became of an order."""
    with Session(engine) as session, session.begin():
        found = session.get(Order, order_id)
        if found is not None:
            found.status = status
