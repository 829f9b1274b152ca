"""Results as a table, and beside those of an earlier run."""

COLUMNS = ('what', 'aim', 'measured', 'p50', 'p99', 'CPU each', 'RSS', 'limit', 'ratio', 'others')


def number(value):
    if value is None:
        return ''
    return f'{value:,.0f}' if value >= 100 else f'{value:.3g}'


def milliseconds(value):
    return '' if value is None else f'{value:.3g} ms' if value < 100 else f'{value:.0f} ms'


def cells(row):
    limit, ratio = row.get('limit'), row.get('ratio')
    return (
        row['title'], row.get('aim', ''), f'{number(row["value"])} {row["unit"]}',
        milliseconds(row.get('p50_ms')), milliseconds(row.get('p99_ms')),
        f'{number(row["cpu_us"])} us' if row.get('cpu_us') else '',
        f'{row["memory_mib"]:.0f} MiB' if row.get('memory_mib') else '',
        f'{number(limit["per_second"])}/s' if limit else '',
        f'{ratio:.2f}' if ratio else '',
        f'{row["others"]:.2f}' if row.get('others') is not None else '',
    )


def table(rows):
    lines = [COLUMNS, *(cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]
    lines.insert(1, tuple('-' * width for width in widths))
    return '\n'.join(
        '| ' + ' | '.join(cell.ljust(width) for cell, width in zip(line, widths)) + ' |'
        for line in lines)


def compare(rows, earlier):
    """Each row that both runs have: then, now, and by how much it has changed."""
    before = {row['name']: row for row in earlier['rows']}
    lines = []
    for row in rows:
        old = before.get(row['name'])
        if not old:
            continue
        for key, words in (('value', row['unit']), ('cpu_us', 'us of CPU each'),
                           ('p99_ms', 'ms p99'), ('ratio', 'of the limit')):
            if old.get(key) and row.get(key):
                change = (row[key] / old[key] - 1) * 100
                lines.append(f'{row["title"]:<44} {number(old[key]):>10} -> '
                             f'{number(row[key]):>10} {words:<16} {change:+6.1f} %')
    return '\n'.join(lines)
