"""What makes a list of points a powers-of-tau SRS."""

import secrets
from collections.abc import Callable

import numpy as np

from zkevm.curve import g1, g2, multi_pairing_check
from zkevm.curve.base_field import COORDINATE_LENGTH
from zkevm.errors import SrsError
from zkevm.srs.points import Points, combine_neighbours, first_off_curve, from_affine
from zkevm.srs.powers_of_tau import Srs

Progress = Callable[[str], None]
"""Told, in one line, what begins now."""


def silent(_message: str) -> None:
    """Report no progress."""


def check(srs: Srs, progress: Progress = silent) -> None:
    """Check that `srs` holds consecutive powers of one tau; raise ``SrsError`` if it does not.

    All points are finite and on the curve, the first is the generator, ``[tau]_2`` is in the
    group, no two powers are equal, and all neighbours have the ratio tau.
    """
    progress(f"checking that {len(srs)} points are on the curve")
    if len(srs) < 2:
        raise SrsError(f"holds {len(srs)} powers of tau; two are the least")
    _check_on_curve(srs.points)
    if not np.array_equal(srs.points[0], from_affine([g1.GENERATOR])[0]):
        raise SrsError("power 0 is not the generator (1, 2) of G1")
    if not g2.is_in_group(srs.verifier.tau_g2):
        raise SrsError("[tau]_2 is not in the group G2")
    _check_distinct(srs.points)
    progress("checking that all are consecutive powers, by one pairing equation")
    if not are_consecutive(srs):
        progress("looking for the first power that is wrong")
        index = _first_break(srs)
        raise SrsError(f"power {index} is not tau times power {index - 1}")


def _check_on_curve(points: Points) -> None:
    index = first_off_curve(points)
    if index is None:
        return
    if not points[index].any():
        raise SrsError(f"power {index} is the point at infinity")
    raise SrsError(f"power {index} is not a point of BN254: another curve, or a damaged file")


def _check_distinct(points: Points) -> None:
    """Equal or opposite powers, of the same x, mean a tau of small order.

    The first eight bytes of x find the candidates.
    """
    keys = np.ascontiguousarray(points[:, :8]).view(np.uint64).ravel()
    order = np.argsort(keys, kind="stable")
    for position in np.flatnonzero(keys[order][1:] == keys[order][:-1]):
        first, second = order[position], order[position + 1]
        if np.array_equal(points[first, :COORDINATE_LENGTH], points[second, :COORDINATE_LENGTH]):
            raise SrsError(f"powers {first} and {second} are the same point, or opposite ones")


def are_consecutive(srs: Srs) -> bool:
    """Say whether each power is tau times the one before, by one random linear combination.

    With random r_i below 2**128, ``e(sum r_i P_(i+1), [1]_2) = e(sum r_i P_i, [tau]_2)`` holds
    with probability below 2**-127 if one of the equations of the sum does not.
    """
    count = len(srs) - 1
    weights = np.frombuffer(secrets.token_bytes(16 * count), np.uint64).reshape(count, 2)
    lower, upper = combine_neighbours(srs.points, weights)
    return multi_pairing_check([(upper, srs.verifier.g2), (g1.negate(lower), srs.verifier.tau_g2)])


def _first_break(srs: Srs) -> int:
    """Return the least i such that power i is not tau times power i - 1; one exists."""
    low, high = 0, len(srs) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if are_consecutive(Srs(srs.points[low : middle + 1], srs.verifier)):
            low = middle
        else:
            high = middle
    return high
