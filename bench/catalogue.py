"""A catalogue to measure with: a product export in Shopify's CSV format, the same in every run."""

import csv
import itertools
import random

HEADER = (
    'Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,'
    'Option2 Name,Option2 Value,Option3 Name,Option3 Value,Variant SKU,Variant Grams,'
    'Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,'
    'Variant Fulfillment Service,Variant Price,Variant Compare At Price,'
    'Variant Requires Shipping,Variant Taxable,Variant Barcode,Image Src,Image Alt Text,'
    'Gift Card').split(',')

SYLLABLES = ('al', 'ba', 'ce', 'dor', 'es', 'fi', 'gal', 'ha', 'in', 'jas', 'ka', 'lu', 'mo', 'na',
             'or', 'pe', 'qui', 'ra', 'sa', 'ti', 'ul', 've', 'wa', 'yo', 'ze')
# A language: the words of the descriptions, the n-th of them used 1/n as often as the first, and
# from further down those of which names are made. A name's word is in some 60 of 10,000 names.
LANGUAGE = [''.join(pair) for pair in zip(
    (a + b for a in SYLLABLES for b in SYLLABLES for _ in range(8)),
    (c for _ in range(625) for c in ('', 'n', 'ra', 'l', 'mis', 'to', 'ked', 'sun')))]
OFTEN = list(itertools.accumulate(1 / n for n in range(1, len(LANGUAGE) + 1)))
NAMES = LANGUAGE[1000:1500]
CATEGORIES = [f'{above}/{below}' for above in ('clothing', 'home', 'kitchen', 'pantry', 'garden')
              for below in ('small', 'fine', 'daily', 'winter', 'gifts')]
VENDORS = 50
SIZES = ('XS', 'S', 'M', 'L', 'XL')
COLOURS = ('chalk', 'indigo', 'olive', 'saffron')
STOCK = 1000000  # of each: no run sells it out


def write(path, products, variants_each):
    """`products` products with `variants_each` (up to 20) variants each."""
    chance = random.Random(20260101)
    options = [(size, colour) for colour in COLOURS for size in SIZES][:variants_each]
    with open(path, 'w', newline='') as file:
        out = csv.writer(file)
        out.writerow(HEADER)
        for i in range(products):
            _write_product(out, chance, i, options)


def _write_product(out, chance, i, options):
    title = ' '.join(chance.choices(NAMES, k=3)).title()
    body = '<p>%s.</p><ul>%s</ul>' % (
        ' '.join(chance.choices(LANGUAGE, cum_weights=OFTEN, k=60)),
        ''.join('<li>%s</li>' % ' '.join(chance.choices(LANGUAGE, cum_weights=OFTEN, k=4)) for _ in range(3)))
    price = chance.randint(150, 30000)
    for j, (size, colour) in enumerate(options):
        row = dict.fromkeys(HEADER, '')
        row.update({
            'Handle': f'p-{i}', 'Option1 Value': size, 'Option2 Value': colour,
            'Variant SKU': f'SKU-{i}-{j}', 'Variant Grams': 100,
            'Variant Inventory Tracker': 'shopify', 'Variant Inventory Qty': STOCK,
            'Variant Inventory Policy': 'deny', 'Variant Fulfillment Service': 'manual',
            'Variant Price': f'{price // 100}.{price % 100:02}',
            'Variant Requires Shipping': 'true', 'Variant Taxable': 'true',
        })
        if len(options) == 1:
            row.update({'Option1 Value': 'Default Title', 'Option2 Value': ''})
        if j == 0:
            row.update({
                'Title': title, 'Body (HTML)': body, 'Vendor': f'Maker {i % VENDORS}',
                'Type': chance.choice(CATEGORIES), 'Tags': ', '.join(chance.sample(NAMES[:60], 3)),
                'Published': 'true', 'Option1 Name': 'Title' if len(options) == 1 else 'Size',
                'Option2 Name': '' if len(options) == 1 else 'Colour', 'Gift Card': 'false',
                'Image Src': f'https://images.souk.example/{i}.jpg',
                'Image Alt Text': title,
            })
        out.writerow(row.values())
