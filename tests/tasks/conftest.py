"""Products and a context to try the tasks on."""

from __future__ import annotations

import pytest

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Choices
from pumgpt.tasks.context import AskedAttribute, TaskContext

CATEGORIES = (
    "Apparel > Topwear > Tshirts",
    "Apparel > Topwear > Shirts",
    "Apparel > Topwear > Tops",
    "Apparel > Bottomwear > Jeans",
    "Footwear > Shoes > Heels",
    "Accessories > Socks > Socks",
    "Apparel > Socks > Socks",
    "Fruit > Apple > Golden Delicious",
    "Fruit > Apple > Granny Smith",
    "Packages > Juice > Tropicana Golden Grapefruit",
    "T-Shirt",
    "Dress",
    "Hoodie",
    "Shoes",
)
VALUES = {
    "gender": ("Men", "Women", "Boys", "Girls", "Unisex"),
    "colour": ("Black", "Blue", "Navy Blue", "Red", "White", "Green", "Off White", "Pink"),
    "usage": ("Casual", "Sports", "Formal", "Ethnic"),
    "season": ("Summer", "Winter", "Fall", "Spring"),
    "year": ("2011", "2012", "2013"),
    "age group": ("adult", "kids"),
}


@pytest.fixture(scope="session")
def context() -> TaskContext:
    """Closed categories and attributes, and the open attribute 'brand'."""
    attributes = [AskedAttribute(name, Choices(values)) for name, values in VALUES.items()]
    return TaskContext(Choices(CATEGORIES), (*attributes, AskedAttribute("brand")))


@pytest.fixture
def shirt() -> Product:
    return Product(
        id="1",
        source="fashion",
        title="Puma Men's  Navy Blue Casual T-shirt",
        description="A T-shirt of soft cotton. Wash it cold.",
        category=("Apparel", "Topwear", "Tshirts"),
        attributes={
            "gender": "Men",
            "colour": "Navy Blue",
            "usage": "Casual",
            "season": "Summer",
            "year": "2012",
            "brand": "Puma",
        },
    )


@pytest.fixture
def apple() -> Product:
    return Product(
        id="Golden-Delicious_1",
        source="grocery",
        description="A yellow apple that is called Golden Delicious.",
        category=("Fruit", "Apple", "Golden Delicious"),
    )


@pytest.fixture
def garment() -> Product:
    return Product(id="g", source="clothing", category=("T-Shirt",), attributes={"age group": "kids"})


@pytest.fixture
def foreign() -> Product:
    return Product(id="f", source="foreign")


@pytest.fixture
def products(shirt: Product, apple: Product, garment: Product, foreign: Product) -> list[Product]:
    return [shirt, apple, garment, foreign]
