//! The sum over vertices whose children are leaves, made on integers where cells are small.
//!
//! There h is a sum of a few weights, each times products of two integers, one of a leaf on the left
//! and one of a leaf on the right. These products are multiplied by eq and summed; the weights
//! come last.

use ark_ff::{AdditiveGroup, Field};

use crate::column::Cells;
use crate::field::Fr;
use crate::leaves::Part;
use crate::vector::{INTEGERS, IntegerProducts, Kernel, LANES, MOST_PRODUCT_BITS, Simd, dispatch};

/// With more weights than this, field elements are faster.
const MOST_TERMS: usize = 28;
/// Of integers that are multiplied; their coefficients have two more, and a sign.
const MOST_BITS: u32 = 28;

/// h on vertices of four corners.
pub struct SmallVertices<'a> {
    left: Vec<Small<'a>>,
    right: Vec<Small<'a>>,
    /// Weights and the numbers of those on the left and on the right that are multiplied.
    terms: Vec<(Fr, Vec<(usize, usize)>)>,
}

/// weight · integer, linear in cells, at each corner.
struct Small<'a> {
    weight: Fr,
    corners: [(i32, Cells<'a>); 4],
    bits: u32,
}

impl<'a> SmallVertices<'a> {
    /// Vertices with these children; None if that does not pay.
    pub fn new(
        left: &[Part<'a>; 4],
        right: &[Part<'a>; 4],
        len: usize,
        lambda: Fr,
    ) -> Option<Self> {
        let (left, first_left) = Small::sides(left, len)?;
        let (right, first_right) = Small::sides(right, len)?;
        let mut terms: Vec<(Fr, Vec<(usize, usize)>)> = Vec::new();
        for (i, l) in left.iter().enumerate() {
            for (j, r) in right.iter().enumerate() {
                let factor = match (i < first_left, j < first_right) {
                    (true, true) => continue,
                    (false, false) => lambda,
                    _ => Fr::ONE,
                };
                let weight = factor * l.weight * r.weight;
                match terms.iter().position(|term| term.0 == weight) {
                    Some(term) => terms[term].1.push((i, j)),
                    None if terms.len() == MOST_TERMS => return None,
                    None => terms.push((weight, vec![(i, j)])),
                }
            }
        }
        let sums = Self { left, right, terms };
        sums.fits().then_some(sums)
    }

    fn fits(&self) -> bool {
        let size =
            |(l, r): &(usize, usize)| 1_u128 << (self.left[*l].bits + self.right[*r].bits + 2);
        let small =
            |term: &(Fr, Vec<_>)| term.1.iter().map(size).sum::<u128>() <= 1 << MOST_PRODUCT_BITS;
        self.terms.iter().all(small)
    }

    /// The sum of eq times h, number 3 i + j at (i, j), where 2 stands for the highest coefficient;
    /// that at (1, 1) only if all are asked for. The weights add up to 1.
    pub fn sum(&self, eq: &[Fr], all: bool) -> [Fr; 9] {
        dispatch(SumProducts {
            vertices: self,
            eq,
            all,
        })
    }
}

impl<'a> Small<'a> {
    /// Of the numerators, then of the denominators, and the number of those.
    fn sides(parts: &[Part<'a>; 4], len: usize) -> Option<(Vec<Self>, usize)> {
        let mut small = Self::of(parts, 0, len)?;
        let numerators = small.len();
        small.extend(Self::of(parts, 1, len)?);
        Some((small, numerators))
    }

    fn of(parts: &[Part<'a>; 4], side: usize, len: usize) -> Option<Vec<Self>> {
        let mut all: Vec<Self> = Vec::new();
        for (corner, part) in parts.iter().enumerate() {
            let (constant, terms) = part.linear(side, len);
            let one = (constant, 1, Cells::U8(&[]), 1);
            let constant = Some(one).filter(|_| constant != Fr::ZERO);
            let cells = terms.map(|(weight, cells, bits)| (weight, 0, cells, bits));
            for (weight, integer, cells, bits) in constant.into_iter().chain(cells) {
                if bits > MOST_BITS {
                    return None;
                }
                let fits = |small: &&mut Self| small.weight == weight && small.is_free(corner);
                let small = match all.iter_mut().find(fits) {
                    Some(small) => small,
                    None => {
                        let corners = [(0, Cells::U8(&[])); 4];
                        all.push(Self {
                            weight,
                            corners,
                            bits: 0,
                        });
                        all.last_mut()?
                    }
                };
                small.corners[corner] = (integer, cells);
                small.bits = small.bits.max(bits);
            }
        }
        Some(all)
    }

    fn is_free(&self, corner: usize) -> bool {
        let (integer, cells) = &self.corners[corner];
        *integer == 0 && cells.is_empty()
    }

    /// At 0, 1, and the coefficient, in both variables.
    #[inline(always)]
    fn ends<S: Simd>(&self, simd: S, row: usize) -> [S::Integers; 9] {
        let mut corners = [simd.integer(0); 4];
        for (value, (integer, cells)) in corners.iter_mut().zip(&self.corners) {
            *value = simd.integers(cells, row) + simd.integer(*integer);
        }
        let [a, b, c, d] = corners;
        let (low, high) = (b - a, d - c);
        [a, b, low, c, d, high, c - a, d - b, high - low]
    }
}

struct SumProducts<'a> {
    vertices: &'a SmallVertices<'a>,
    eq: &'a [Fr],
    all: bool,
}

impl Kernel for SumProducts<'_> {
    type Output = [Fr; 9];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> [Fr; 9] {
        let SmallVertices { left, right, terms } = self.vertices;
        let mut sums = vec![[simd.integer_products(); 9]; terms.len()];
        let zero = [simd.integer(0); 9];
        let (mut left_ends, mut right_ends) = (vec![zero; left.len()], vec![zero; right.len()]);
        for row in (0..self.eq.len()).step_by(INTEGERS) {
            let mut eq = [simd.splat(Fr::ZERO); INTEGERS / LANES];
            for (i, eq) in eq.iter_mut().enumerate() {
                *eq = simd.load_at(self.eq, row + i * LANES, Fr::ZERO);
            }
            for (ends, small) in left_ends.iter_mut().zip(left) {
                *ends = small.ends(simd, row);
            }
            for (ends, small) in right_ends.iter_mut().zip(right) {
                *ends = small.ends(simd, row);
            }
            for (sums, (_, products)) in sums.iter_mut().zip(terms) {
                for (k, sum) in sums.iter_mut().enumerate() {
                    if k != 4 || self.all {
                        let products = products.iter();
                        sum.add(
                            &eq,
                            products.map(|(l, r)| [&left_ends[*l][k], &right_ends[*r][k]]),
                        );
                    }
                }
            }
        }
        let mut totals = [Fr::ZERO; 9];
        for (sums, (weight, _)) in sums.iter().zip(terms) {
            for (total, sum) in totals.iter_mut().zip(sums) {
                *total += *weight * sum.total();
            }
        }
        totals
    }
}
