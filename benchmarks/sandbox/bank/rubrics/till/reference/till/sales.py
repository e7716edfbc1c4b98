"""Sells what lies in a shop's drawers."""

import json
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Sale:
    """One line of a receipt."""

    product: str
    count: int
    price: Decimal

    @property
    def sum(self):
        """What the line comes to."""
        return self.count * self.price


def sell(connection, product, count):
    """Sell units and write a receipt; None when there are too few."""
    if count < 1:
        return None
    left = "UPDATE drawers SET on_hand = on_hand - ? WHERE product = ? AND on_hand >= ? RETURNING price"
    row = connection.execute(left, (count, product, count)).fetchone()
    if row is None:
        connection.rollback()
        return None
    sale = Sale(product, count, Decimal(row[0]))
    connection.execute("INSERT INTO receipts (line) VALUES (?)", (receipt(sale),))
    connection.commit()
    return str(sale.sum)


def receipt(sale):
    """A sale as a line of JSON."""
    return json.dumps({"product": sale.product, "count": sale.count, "sum": str(sale.sum)})


def takings(lines):
    """Sum of some receipts."""
    return str(sum((Decimal(json.loads(line)["sum"]) for line in lines), Decimal(0)))
