"""What shops call their columns, language by language: the words that `column_map` guesses by.

Shop systems write the header of an export in the language of the person who exports it. A name is compared without upper
case, blanks, marks and accents (`fold_name`), so that 'Größe', 'GROSSE' and 'image_url', 'Image URL' are each one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache

FIELDS: Mapping[str, Mapping[str, str]] = {
    "id": {
        "en": "id, product id, item id, article id, listing id, sku, product sku, item sku, variant sku, product code, "
        "item code, item number, article number, product number, model number",
        "de": "Artikelnummer, Artikel-Nr., Art.-Nr., Produktnummer, Produkt-ID, Bestellnummer",
        "fr": "UGS, référence produit, référence article, code produit, code article, identifiant",
        "it": "COD, codice prodotto, codice articolo, ID prodotto, identificativo",
        "es": "código de producto, código de artículo, ID de producto, referencia de producto",
        "nl": "artikelcode, productcode, product-ID, artikelnr",
        "pl": "kod produktu, ID produktu, numer katalogowy, indeks",
        "pt": "código do produto, ID do produto, referência do produto",
        "sv": "produkt-ID, artikelkod, artikel-ID",
        "ja": "商品番号, 商品コード, 商品管理番号, 商品ID",
        "zh": "商品编号, 商品编码, 商品ID, 产品编号, 货号, 商品編號, 商品貨號",
        # Every system has these, but a shop's own number comes before them.
        "any": "asin, gtin, ean, upc, uniq id, uuid, handle, slug, handleId, seller sku, custom label, code, reference, "
        "barcode, référence, codice, código, referencia, referência, kod, 货号, 貨號",
    },
    "title": {
        "en": "title, name, product title, product name, item name, item title, display name, product display name",
        "de": "Titel, Produktname, Produkttitel, Artikelname, Artikelbezeichnung, Produktbezeichnung, Bezeichnung",
        "fr": "titre, nom, nom du produit, nom de l'article, titre du produit, libellé, désignation",
        "it": "titolo, nome, nome prodotto, nome del prodotto, titolo prodotto, nome articolo, denominazione",
        "es": "título, nombre, nombre del producto, título del producto, nombre del artículo",
        "nl": "titel, naam, productnaam, producttitel, artikelnaam",
        "pl": "tytuł, nazwa, nazwa produktu, tytuł produktu",
        "pt": "título, nome, nome do produto, título do produto",
        "sv": "titel, namn, produktnamn, produkttitel, artikelnamn, benämning",
        "ja": "商品名, タイトル, 名前, 製品名",
        "zh": "标题, 商品名称, 商品标题, 产品名称, 名称, 標題, 商品名稱, 產品名稱, 名稱",
    },
    "description": {
        "en": "description, desc, product description, long description, body, body html, short description",
        "de": "Beschreibung, Produktbeschreibung, Artikelbeschreibung, Langbeschreibung, Langtext, Kurzbeschreibung",
        "fr": "description du produit, description longue, descriptif, description courte",
        "it": "descrizione, descrizione prodotto, descrizione del prodotto, descrizione lunga, breve descrizione, "
        "descrizione breve",
        "es": "descripción, descripción del producto, descripción larga, descripción corta",
        "nl": "beschrijving, omschrijving, productbeschrijving, productomschrijving, korte beschrijving",
        "pl": "opis, opis produktu, długi opis, krótki opis",
        "pt": "descrição, descrição do produto, descrição longa, descrição curta",
        "sv": "beskrivning, produktbeskrivning, lång beskrivning, kort beskrivning",
        "ja": "説明, 商品説明, 商品説明文, 簡単な説明",
        "zh": "描述, 商品描述, 产品描述, 商品详情, 简短描述, 產品描述, 商品詳情, 簡短描述",
    },
    "category": {
        "en": "category, category path, product category, categories, category name, product type, department, "
        "product category tree, category tree, collection, collections",
        "de": "Kategorie, Kategorien, Produktkategorie, Warengruppe, Artikelkategorie, Kategoriepfad, Produktart",
        "fr": "catégorie, catégories, catégorie de produit, type de produit, rayon",
        "it": "categoria, categorie, categoria prodotto, tipo di prodotto, reparto",
        "es": "categoría, categorías, categoría de producto, tipo de producto, departamento",
        "nl": "categorie, categorieën, productcategorie, productgroep, producttype",
        "pl": "kategoria, kategorie, kategoria produktu, typ produktu",
        "pt": "categoria, categorias, categoria do produto, tipo de produto, departamento",
        "sv": "kategori, kategorier, produktkategori, varugrupp, produkttyp",
        "ja": "カテゴリ, カテゴリー, 商品カテゴリ, 商品カテゴリー, ジャンル",
        "zh": "分类, 类别, 类目, 商品分类, 产品分类, 分類, 類別, 商品分類",
    },
    "language": {"en": "language, lang, locale"},
}
"""Field of a product -> language -> names, the likeliest first."""

ATTRIBUTES: Mapping[str, Mapping[str, str]] = {
    "colour": {
        "en": "colour, color, base colour, base color, product colour, product color, colour name, color name",
        "de": "Farbe, Farbname, Grundfarbe",
        "fr": "couleur",
        "it": "colore",
        "nl": "kleur",
        "pl": "kolor",
        "pt": "cor",
        "sv": "färg",
        "ja": "色, カラー",
        "zh": "颜色, 顏色",
    },
    "gender": {
        "en": "gender, sex",
        "de": "Geschlecht",
        "fr": "sexe",
        "it": "genere, sesso",
        "es": "género, sexo",
        "nl": "geslacht",
        "pl": "płeć",
        "pt": "gênero",
        "sv": "kön",
        "ja": "性別",
        "zh": "性别",
    },
    "age group": {
        "en": "age group",
        "de": "Altersgruppe",
        "fr": "tranche d'âge, groupe d'âge",
        "it": "fascia d'età",
        "es": "grupo de edad",
        "nl": "leeftijdsgroep",
        "pl": "grupa wiekowa",
        "pt": "faixa etária",
        "sv": "åldersgrupp",
        "ja": "年齢層",
        "zh": "年龄段",
    },
    "material": {
        "en": "material, materials",
        "de": "Materialien",
        "fr": "matériau, matériaux, matière",
        "it": "materiale, materiali",
        "es": "materiales",
        "nl": "materiaal, materialen",
        "pl": "materiał, materiały",
        "pt": "materiais",
        "ja": "素材",
        "zh": "材质, 材料, 材質",
    },
    "fabric": {
        "en": "fabric",
        "de": "Stoff",
        "fr": "tissu",
        "it": "tessuto",
        "es": "tejido, tela",
        "nl": "stof",
        "pl": "tkanina",
        "pt": "tecido",
        "sv": "tyg",
        "ja": "生地",
        "zh": "面料",
    },
    "pattern": {
        "en": "pattern",
        "de": "Muster",
        "fr": "motif",
        "it": "motivo, fantasia",
        "es": "estampado",
        "nl": "patroon",
        "pl": "wzór",
        "pt": "padrão, estampa",
        "sv": "mönster",
        "ja": "柄",
        "zh": "图案, 圖案",
    },
    "size": {
        "en": "size",
        "de": "Größe",
        "fr": "taille",
        "it": "taglia",
        "es": "talla",
        "nl": "maat",
        "pl": "rozmiar",
        "pt": "tamanho",
        "sv": "storlek",
        "ja": "サイズ",
        "zh": "尺码, 尺寸, 尺碼",
    },
    "brand": {
        "en": "brand, brand name",
        "de": "Marke",
        "fr": "marque",
        "it": "marca",
        "nl": "merk",
        "pl": "marka",
        "sv": "varumärke, märke",
        "ja": "ブランド, ブランド名",
        "zh": "品牌",
    },
    "season": {
        "en": "season",
        "de": "Saison",
        "it": "stagione",
        "es": "temporada",
        "nl": "seizoen",
        "pl": "sezon",
        "pt": "estação",
        "sv": "säsong",
        "ja": "季節",
        "zh": "季节, 季節",
    },
}
"""Attribute -> language -> names. Names that two languages write alike stand under one of them."""

PHOTOS: Mapping[str, str] = {
    "en": "image, images, img, imgs, photo, photos, picture, pictures, pic, pics",
    "de": "Bild, Bilder, Foto, Fotos, Abbildung, Abbildungen",
    "it": "immagine, immagini",
    "es": "imagen, imágenes",
    "nl": "afbeelding, afbeeldingen, foto's",
    "pl": "zdjęcie, zdjęcia, obraz, obrazy, obrazek, obrazki",
    "pt": "imagem, imagens",
    "ja": "画像, 写真",
    "zh": "图片, 主图, 附图, 圖片, 主圖",
}
"""Language -> what a photo is called. A column of photos has one of these words, and beside it nothing but numbers and
those of `PHOTO_DETAILS`."""

PHOTO_DETAILS: Mapping[str, str] = {
    "en": "product, main, primary, additional, item, base, variation, variant, hosted, featured, of, url, urls, link, links, "
    "src, path, paths, file, files",
    "de": "Produkt, Artikel, Haupt, Zusatz, weitere, weiteres, zusätzliche, zusätzliches, Varianten, Pfad, Datei, Adresse",
    "fr": "produit, principale, principales, supplémentaire, supplémentaires, secondaire, secondaires, variante, lien, "
    "chemin, fichier, de, du, del",
    "it": "prodotto, aggiuntiva, aggiuntive, secondaria, secondarie, articolo, percorso, dell",
    "es": "producto, principal, principales, adicional, adicionales, secundaria, artículo, enlace, ruta, archivo",
    "nl": "hoofd, extra, aanvullende, pad, bestand, van",
    "pl": "produktu, główne, dodatkowe, wariantu, adres, plik, ścieżka",
    "pt": "produto, adicionais, secundárias, variação, caminho, arquivo, da, do",
    "sv": "huvud, länk, sökväg, fil",
    "ja": "商品, メイン, 追加, ファイル, パス",
    "zh": "商品, 产品, 產品, 附加, 链接, 連結, 地址, 路径",
}
"""Language -> which photo it is, and what of it stands in the column."""

_CODES = "ar bg cs da de el en es et fi fr he hr hu it ja ko lt lv nb nl pl pt ro ru sk sl sv th tr uk vi zh"
LANGUAGES = frozenset(_CODES.split())
"""Codes that the end of a name may be ('name_de'). Not `id` and `no`, which a shop means otherwise."""


def fold_name(name: str) -> str:
    """A column's name by its letters and digits alone: 'Größe (EU)' and 'GROSSE_EU' are 'grosseeu'."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKD", name.casefold()))


def distinct_names(names: Iterable[str]) -> dict[str, str]:
    """The names of a header, those that stand there again with a number -> as they stand."""
    found: dict[str, str] = {}
    for name in names:
        new, number = name, 2
        while new in found:
            new, number = f"{name}_{number}", number + 1
        found[new] = name
    return found


@cache
def field_aliases(field: str) -> tuple[str, ...]:
    """The folded names of a field, the likeliest first."""
    return _folded(FIELDS[field])


@cache
def attribute_aliases(attribute: str) -> tuple[str, ...]:
    """The folded names of an attribute."""
    return _folded(ATTRIBUTES[attribute])


@cache
def photo_pattern() -> re.Pattern[str]:
    """What the folded name of a column of photos matches as a whole."""
    nouns, details = _one_of(PHOTOS), _one_of(PHOTO_DETAILS)
    return re.compile(rf"(?:{details})*(?:{nouns})(?:{details}|\d)*")


def _one_of(table: Mapping[str, str]) -> str:
    return "|".join(sorted(_folded(table), key=len, reverse=True))


def _folded(table: Mapping[str, str]) -> tuple[str, ...]:
    names = (fold_name(name) for line in table.values() for name in line.split(", "))
    return tuple(dict.fromkeys(names))
