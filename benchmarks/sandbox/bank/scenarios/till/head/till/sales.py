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
    row = connection.execute("SELECT on_hand, price FROM drawers WHERE product = ?", (product,)).fetchone()
    if row is None or row[0] < count:
        return None
    sale = Sale(product, count, Decimal(row[1]))
    connection.execute("UPDATE drawers SET on_hand = ? WHERE product = ?", (row[0] - count, product))
    connection.execute("INSERT INTO receipts (line) VALUES (?)", (receipt(sale),))
    connection.commit()
    return str(sale.sum)


def receipt(sale):
    """A sale as a line of JSON."""
    return json.dumps({"product": sale.product, "count": sale.count, "sum": str(sale.sum)})


def takings(lines):
    """Sum of some receipts."""
    return str(sum((Decimal(json.loads(line)["sum"]) for line in lines), Decimal(0)))
