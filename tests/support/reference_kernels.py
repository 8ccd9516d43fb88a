"""The kernels of `zkevm._native` in plain Python integers: slow, and the oracle of the fast ones.

This module stands in for the native one: it has the same names and encodings.  Everything is done
as the equations read: whole tables, no shortcuts.
"""

from collections import Counter, defaultdict
from itertools import zip_longest

import numpy as np

from zkevm.curve import g1
from zkevm.field import MODULUS, decode, encode, inner_product, inverse
from zkevm.plonkish.program import InteractionNodes
from zkevm.plonkish.program import Program as Description
from zkevm.proof.multilinear import powers as powers_of
from zkevm.srs.points import first_off_curve, from_affine, to_affine

# ---- encodings -----------------------------------------------------------------------------------


def numbers(data):
    return [decode(bytes(data[i : i + 32])) for i in range(0, len(data), 32)]


def join(values):
    return b"".join(encode(value % MODULUS) for value in values)


def cells(column, height=None):
    """The cells of a column as integers, filled up with zeros to 2^height."""
    if column.ndim == 1:
        values = [int(v) for v in column]
    else:
        values = [sum(int(w) << 64 * i for i, w in enumerate(words)) for words in column]
    if height is None:
        return values
    if len(values) > 1 << height:
        raise ValueError("a column is longer than its table")
    return values + [0] * ((1 << height) - len(values))


def words(values):
    return np.frombuffer(join(values), dtype="<u8").reshape(-1, 4).copy()


# ---- vectors -------------------------------------------------------------------------------------


def bind(vector, x):
    """Fix the top variable."""
    half = len(vector) // 2
    return [(a + x * (b - a)) % MODULUS for a, b in zip(vector[:half], vector[half:], strict=True)]


def equality_table(point):
    table = [1]
    for x in point:
        table = [e * (1 - x) % MODULUS for e in table] + [e * x % MODULUS for e in table]
    return table


def bits(value, count):
    return [value >> i & 1 for i in range(count)]


def eq(a, b):
    result = 1
    for x, y in zip(a, b, strict=True):
        result = result * (x * y + (1 - x) * (1 - y)) % MODULUS
    return result


def combine(scales, polynomials):
    columns = zip_longest(*polynomials, fillvalue=0)
    return [inner_product(scales, column) for column in columns]


def divide(polynomial, x):
    """The quotient by X - x; a remainder is dropped."""
    quotient, carry = [0] * (len(polynomial) - 1), 0
    for i in range(len(polynomial) - 1, 0, -1):
        carry = quotient[i - 1] = (polynomial[i] + carry * x) % MODULUS
    return quotient


class Part:
    """A summand of a sumcheck: a function of the rows of 2^height cells of some vectors.

    Variables from `height` up enter by the factor 1 - X.
    """

    def __init__(self, vectors, row):
        self.vectors, self.row, self.tail = vectors, row, 1

    @property
    def height(self):
        return len(self.vectors[0]).bit_length() - 1

    def at(self, variable, x):
        vectors, tail = self.vectors, self.tail
        if variable < self.height:
            vectors = [bind(v, x) for v in vectors]
        else:
            tail = tail * (1 - x)
        return tail * sum(self.row(*row) for row in zip(*vectors, strict=True)) % MODULUS

    def bind(self, variable, x):
        if variable < self.height:
            self.vectors = [bind(v, x) for v in self.vectors]
        else:
            self.tail = self.tail * (1 - x) % MODULUS


class Sumcheck:
    """Rounds of a sum of parts, from the top variable down."""

    def start(self, parts, variables, degree):
        self.parts, self.left, self.degree = parts, variables, degree

    def round(self):
        points = [0, *range(2, self.degree + 1)]
        return join(sum(part.at(self.left - 1, x) for part in self.parts) for x in points)

    def bind(self, challenge):
        self.left -= 1
        for part in self.parts:
            part.bind(self.left, decode(challenge))


# ---- group ---------------------------------------------------------------------------------------


def features():
    return "reference"


def powers(tau, count):
    return from_affine(g1.fixed_base_multiples(powers_of(decode(tau), count)))


def check_on_curve(points):
    index = first_off_curve(points)
    return -1 if index is None else index


class Bases:
    def __init__(self, points, multiples=None):
        self.points = to_affine(points)

    def __len__(self):
        return len(self.points)

    def msm(self, scalars, start=0):
        return self.of(cells(scalars), start)

    def of(self, values, start=0):
        if start + len(values) > len(self.points):
            raise ValueError("too few bases")
        return g1.encode(g1.msm(self.points[start : start + len(values)], values))


def coefficients(pieces, size=0):
    values = [0] * max([size, *(offset + len(column) for offset, column in pieces)])
    for offset, column in pieces:
        values[offset : offset + len(column)] = cells(column)
    return values


def commit(bases, polynomials):
    return [bases.of(coefficients(pieces)) for pieces in polynomials]


# ---- tables --------------------------------------------------------------------------------------


class Program:
    def __init__(self, width, fixed, nodes, constants, constraints, interactions):
        self.description = Description(
            width=width,
            fixed=fixed,
            nodes=tuple(tuple(map(int, node)) for node in nodes),
            constants=tuple(numbers(constants)),
            constraints=tuple(constraints),
            interactions=tuple(InteractionNodes(b, n, tuple(m)) for b, n, m in interactions),
        )


class Rows:
    def __init__(self, program, columns, height):
        self.program, self.height = program.description, height
        if len(columns) != self.program.width + self.program.fixed:
            raise ValueError("wrong number of columns")
        self.columns = [cells(column, height) for column in columns]
        self.nodes = [self.program.run(row) for row in zip(*self.columns, strict=True)]

    def evaluate(self, nodes, rows):
        return [words([self.nodes[i][node] for i in range(rows)]) for node in nodes]

    def violations(self, limit):
        found = [
            (number, row)
            for number, node in enumerate(self.program.constraints)
            for row, values in enumerate(self.nodes)
            if values[node]
        ]
        return found[:limit]

    def messages(self):
        """(interaction, row, bus, numerator, message) of every row whose numerator is not 0."""
        for j, i in enumerate(self.program.interactions):
            for row, values in enumerate(self.nodes):
                if values[i.numerator]:
                    message = tuple(values[m] for m in i.message)
                    yield j, row, i.bus, values[i.numerator], message


def count_lookups(tables, providers):
    place, counts, buses = {}, [], set()
    for number, (t, j) in enumerate(providers):
        interaction = tables[t].program.interactions[j]
        buses.add(interaction.bus)
        counts.append(np.zeros(len(tables[t].nodes), dtype=np.uint32))
        for row, values in enumerate(tables[t].nodes):
            if values[interaction.numerator]:
                message = tuple(values[m] for m in interaction.message)
                place.setdefault((interaction.bus, message), (number, row))
    unanswered = []
    for t, table in enumerate(tables):
        for j, row, bus, _, message in table.messages():
            if bus not in buses or (t, j) in providers:
                continue
            if (bus, message) in place:
                number, provider_row = place[bus, message]
                counts[number][provider_row] += 1
            else:
                unanswered.append((t, j, row))
    return counts, unanswered[:100]


def imbalance(tables, public, limit):
    balance, places = Counter(), defaultdict(list)
    for t, table in enumerate(tables):
        for j, row, bus, numerator, message in table.messages():
            balance[bus, message] += numerator
            places[bus, message].append((t, j, row, bus))
    for index, (bus, multiplicity, elements) in enumerate(public):
        key = bus, tuple(numbers(elements))
        balance[key] += multiplicity
        places[key].append((-1, index, 0, bus))
    return [places[key][0] for key, count in balance.items() if count % MODULUS][:limit]


# ---- the fraction tree ---------------------------------------------------------------------------


def fingerprint(alpha, beta, bus, message):
    return (alpha + bus + inner_product(message, powers_of(beta, len(message) + 1)[1:])) % MODULUS


def fractions_of(program, values, alpha, beta):
    """(p, q) of each interaction of a row, given its nodes."""
    return [
        (values[i.numerator], fingerprint(alpha, beta, i.bus, [values[m] for m in i.message]))
        for i in program.interactions
    ]


class Fractions(Sumcheck):
    def __init__(self, tables, alpha, beta):
        alpha, beta = decode(alpha), decode(beta)
        p, q = [], []
        for table in tables:
            rows = [fractions_of(table.program, v, alpha, beta) for v in table.nodes]
            for block in zip(*rows, strict=True):
                p += [fraction[0] for fraction in block]
                q += [fraction[1] for fraction in block]
        self.layers = max(1, (len(p) - 1).bit_length())
        missing = (1 << self.layers) - len(p)
        self.tree = [(p + [0] * missing, q + [1] * missing)]
        for _ in range(self.layers - 1):
            p, q = self.tree[0]
            half = len(p) // 2
            nodes = list(zip(p[:half], p[half:], q[:half], q[half:], strict=True))
            self.tree.insert(
                0,
                (
                    [(p0 * q1 + p1 * q0) % MODULUS for p0, p1, q0, q1 in nodes],
                    [q0 * q1 % MODULUS for _, _, q0, q1 in nodes],
                ),
            )

    def root(self):
        p, q = self.tree[0]
        return join(p + q)

    def begin_layer(self, layer, xi, challenge):
        (p, q), half, scale = self.tree[layer], 1 << layer, decode(challenge)
        vectors = [equality_table(numbers(xi)), p[:half], p[half:], q[:half], q[half:]]

        def row(e, p0, p1, q0, q1):
            return e * (p0 * q1 + p1 * q0 + scale * q0 * q1)

        self.start([Part(vectors, row)], layer, 3)

    def children(self):
        return join(vector[0] for vector in self.parts[0].vectors[1:])


class RowSum(Sumcheck):
    def __init__(self, tables, alpha, beta, xi, omega, degree):
        self.tables, self.xi, self.degree = tables, numbers(xi), degree
        self.alpha, self.beta = decode(alpha), decode(beta)
        weights = iter(numbers(omega))
        self.omega = [[next(weights) for _ in table.program.interactions] for table in tables]

    def leaves(self, table, omega, values):
        """The weighted sums of p and of q of a row, given its nodes."""
        fractions = fractions_of(table.program, values, self.alpha, self.beta)
        return [inner_product(omega, [f[side] for f in fractions]) for side in (0, 1)]

    def table_sums(self):
        sums = []
        for table, omega in zip(self.tables, self.omega, strict=True):
            weights = equality_table(self.xi[: table.height])
            rows = [self.leaves(table, omega, values) for values in table.nodes]
            sums += [inner_product(weights, side) for side in zip(*rows, strict=True)]
        return join(sums)

    def begin(self, theta, delta):
        parts = [
            self.part(table, omega, decode(theta), numbers(weights))
            for table, omega, weights in zip(self.tables, self.omega, delta, strict=True)
        ]
        self.start(parts, max(table.height for table in self.tables), self.degree)

    def part(self, table, omega, theta, delta):
        def row(e, *cells):
            values = table.program.run(cells)
            constraints = [values[node] for node in table.program.constraints]
            batched = inner_product(constraints, powers_of(theta, len(constraints)))
            return e * inner_product(delta, (batched, *self.leaves(table, omega, values)))

        return Part([equality_table(self.xi[: table.height]), *table.columns], row)

    def column_values(self):
        return [
            join(vector[0] for vector in part.vectors[1 : 1 + table.program.width])
            for part, table in zip(self.parts, self.tables, strict=True)
        ]


class StackedSum(Sumcheck):
    """Binds the lowest variable first: the cube is turned round, and the top one is bound."""

    def __init__(self, columns, polynomials, m, r):
        r = numbers(r)
        stacks = [[0] * (1 << m) for _ in range(polynomials)]
        weights = [[0] * (1 << m) for _ in range(polynomials)]
        for column, height, weight, pieces in columns:
            values, size = cells(column, height), min(height, m)
            scaled = [decode(weight) * e % MODULUS for e in equality_table(r[:height])]
            for k, block, chunk in pieces:
                target, source = block << size, chunk << size
                stacks[k][target : target + (1 << size)] = values[source : source + (1 << size)]
                weights[k][target : target + (1 << size)] = scaled[source : source + (1 << size)]
        turned = [int(bin(y | 1 << m)[:2:-1] or "0", 2) for y in range(1 << m)]
        parts = [
            Part([[q[y] for y in turned], [h[y] for y in turned]], lambda a, b: a * b)
            for q, h in zip(stacks, weights, strict=True)
        ]
        self.start(parts, m, 2)

    def values(self):
        return join(part.vectors[0][0] for part in self.parts)


class Opening:
    def __init__(self, bases, polynomials, m, gamma, u):
        self.bases, self.m = bases, m
        stacks = [coefficients(pieces, 1 << m) for pieces in polynomials]
        self.chain = [combine(powers_of(decode(gamma), len(stacks)), stacks)]
        for x in numbers(u)[: m - 1]:
            f = self.chain[-1]
            pairs = zip(f[0::2], f[1::2], strict=True)
            self.chain.append([(a + x * (b - a)) % MODULUS for a, b in pairs])

    def folds(self):
        return [self.bases.of(f) for f in self.chain[1:]]

    def negative_values(self, r):
        r = decode(r)
        self.points = [pow(r, 1 << i, MODULUS) for i in range(self.m)]
        return join(
            inner_product(f, powers_of(-x % MODULUS, len(f)))
            for f, x in zip(self.chain, self.points, strict=True)
        )

    def quotient(self, nu):
        self.scales = powers_of(decode(nu), 2 * self.m)
        self.opened = [
            (f, y) for f, x in zip(self.chain, self.points, strict=True) for y in (x, -x % MODULUS)
        ]
        self.q = combine(self.scales, [divide(f, x) for f, x in self.opened])
        return self.bases.of(self.q)

    def witness(self, z):
        """The quotient by X - z; the constants of L play no part in it."""
        z = decode(z)
        scales = [-n * inverse(z - x) for n, (_, x) in zip(self.scales, self.opened, strict=True)]
        polynomials = [self.q, *(f for f, _ in self.opened)]
        return self.bases.of(divide(combine([1, *scales], polynomials), z))
