//! Sums of two leaves, and the sum over vertices whose children are leaves, made on integers where
//! cells are small.
//!
//! There h is a sum of a few weights, each times products of two integers, one of a leaf on the left
//! and one of a leaf on the right. These products are multiplied by eq and summed; the weights
//! come last. Numerators and denominators of parents are such sums, too.

use std::array::from_fn;

use ark_ff::{AdditiveGroup, Field};

use crate::column::Cells;
use crate::field::Fr;
use crate::fractions::Nodes;
use crate::leaves::Part;
use crate::vector::{
    INTEGER_BITS, INTEGERS, IntegerProducts, IntegerSum, IntegerWeight, Kernel, LANES,
    MOST_PRODUCT_BITS, Simd, Vector, dispatch,
};

/// With more weights than this, field elements are faster.
const MOST_TERMS: usize = 28;
/// Of integers that are multiplied; their coefficients have two more, and a sign.
const MOST_BITS: u32 = 28;

/// Integers of leaves on the left and on the right, one or some corners at once, and how they are
/// multiplied.
struct Pairs<'a, const CORNERS: usize> {
    left: Vec<Small<'a, CORNERS>>,
    right: Vec<Small<'a, CORNERS>>,
    /// How many on the left and on the right belong to numerators.
    numerators: [usize; 2],
}

/// Weights and the numbers of those on the left and on the right that are multiplied.
type Terms = Vec<(Fr, Vec<(usize, usize)>)>;

/// h on vertices of four corners.
pub struct SmallVertices<'a> {
    pairs: Pairs<'a, 4>,
    terms: Terms,
}

/// Sums of fractions that are leaves.
pub struct SmallParents<'a> {
    pairs: Pairs<'a, 1>,
    /// Of numerators and denominators.
    terms: [Terms; 2],
}

/// weight · integer, linear in cells, at each corner.
struct Small<'a, const CORNERS: usize> {
    weight: Fr,
    corners: [(i32, Cells<'a>); CORNERS],
    bits: u32,
}

impl<'a, const CORNERS: usize> Pairs<'a, CORNERS> {
    /// None if cells are large.
    fn new(left: &[Part<'a>; CORNERS], right: &[Part<'a>; CORNERS], len: usize) -> Option<Self> {
        let (left, first_left) = Small::sides(left, len)?;
        let (right, first_right) = Small::sides(right, len)?;
        Some(Self {
            left,
            right,
            numerators: [first_left, first_right],
        })
    }

    /// Products times a factor for each pair of a numerator (0) or denominator (1) on the left and one
    /// on the right; None if they are many, or sums of products have more bits.
    fn terms(&self, factors: [[Fr; 2]; 2], bits: u32) -> Option<Terms> {
        let mut terms = Terms::new();
        for (i, l) in self.left.iter().enumerate() {
            for (j, r) in self.right.iter().enumerate() {
                let [left, right] = self.numerators;
                let factor = factors[usize::from(i >= left)][usize::from(j >= right)];
                if factor == Fr::ZERO {
                    continue;
                }
                let weight = factor * l.weight * r.weight;
                match terms.iter().position(|term| term.0 == weight) {
                    Some(term) => terms[term].1.push((i, j)),
                    None if terms.len() == MOST_TERMS => return None,
                    None => terms.push((weight, vec![(i, j)])),
                }
            }
        }
        let size = |(l, r): &(usize, usize)| 1_u128 << (self.left[*l].bits + self.right[*r].bits);
        let small = |term: &(Fr, Vec<_>)| term.1.iter().map(size).sum::<u128>() <= 1 << bits;
        terms.iter().all(small).then_some(terms)
    }
}

impl<'a> SmallVertices<'a> {
    /// Vertices with these children; None if that does not pay.
    pub fn new(
        left: &[Part<'a>; 4],
        right: &[Part<'a>; 4],
        len: usize,
        lambda: Fr,
    ) -> Option<Self> {
        let pairs = Pairs::new(left, right, len)?;
        // Coefficients have two bits more on either side.
        let factors = [[Fr::ZERO, Fr::ONE], [Fr::ONE, lambda]];
        let terms = pairs.terms(factors, MOST_PRODUCT_BITS - 2)?;
        Some(Self { pairs, terms })
    }

    /// The sum of eq times h, number 3 i + j at (i, j), where 2 stands for the highest coefficient;
    /// zero where it is not asked for. The weights add up to 1.
    pub fn sum(&self, eq: &[Fr], asked: [bool; 9]) -> [Fr; 9] {
        dispatch(SumProducts {
            vertices: self,
            eq,
            asked,
        })
    }

    /// Where products of these can be other than zero: the coefficients of a constant are zero.
    fn support(&self, products: &[(usize, usize)]) -> [bool; 9] {
        let Pairs { left, right, .. } = &self.pairs;
        let is_linear = |(l, r): &(usize, usize)| left[*l].is_constant() || right[*r].is_constant();
        let all = !products.iter().all(is_linear);
        from_fn(|k| all || [0, 1, 3, 4].contains(&k))
    }
}

impl<'a> SmallParents<'a> {
    /// Of these leaves; None if that does not pay.
    pub fn new(left: Part<'a>, right: Part<'a>, len: usize) -> Option<Self> {
        let pairs = Pairs::new(&[left], &[right], len)?;
        let numerators = [[Fr::ZERO, Fr::ONE], [Fr::ONE, Fr::ZERO]];
        let denominators = [[Fr::ZERO; 2], [Fr::ZERO, Fr::ONE]];
        let terms = [
            pairs.terms(numerators, INTEGER_BITS)?,
            pairs.terms(denominators, INTEGER_BITS)?,
        ];
        Some(Self { pairs, terms })
    }

    pub fn write(&self, parents: &mut [Nodes]) {
        dispatch(AddLeaves {
            leaves: self,
            parents,
        });
    }
}

impl<'a, const CORNERS: usize> Small<'a, CORNERS> {
    /// Of the numerators, then of the denominators, and the number of those.
    fn sides(parts: &[Part<'a>; CORNERS], len: usize) -> Option<(Vec<Self>, usize)> {
        let mut small = Self::of(parts, 0, len)?;
        let numerators = small.len();
        small.extend(Self::of(parts, 1, len)?);
        Some((small, numerators))
    }

    fn of(parts: &[Part<'a>; CORNERS], side: usize, len: usize) -> Option<Vec<Self>> {
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
                        let corners = [(0, Cells::U8(&[])); CORNERS];
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

    /// Whether it is 1 at all corners.
    fn is_constant(&self) -> bool {
        self.corners.iter().all(|(integer, _)| *integer == 1)
    }

    #[inline(always)]
    fn values<S: Simd>(&self, simd: S, row: usize) -> [S::Integers; CORNERS] {
        let mut values = [simd.integer(0); CORNERS];
        for (value, (integer, cells)) in values.iter_mut().zip(&self.corners) {
            *value = simd.integers(cells, row) + simd.integer(*integer);
        }
        values
    }
}

impl Small<'_, 4> {
    /// At 0, 1, and the coefficient, in both variables.
    #[inline(always)]
    fn ends<S: Simd>(&self, simd: S, row: usize) -> [S::Integers; 9] {
        let [a, b, c, d] = self.values(simd, row);
        let (low, high) = (b - a, d - c);
        [a, b, low, c, d, high, c - a, d - b, high - low]
    }
}

struct SumProducts<'a> {
    vertices: &'a SmallVertices<'a>,
    eq: &'a [Fr],
    asked: [bool; 9],
}

impl Kernel for SumProducts<'_> {
    type Output = [Fr; 9];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> [Fr; 9] {
        let SmallVertices { pairs, terms } = self.vertices;
        let (left, right) = (&pairs.left, &pairs.right);
        let mut sums = vec![[simd.integer_products(); 9]; terms.len()];
        let mut asked = vec![self.asked; terms.len()];
        for (asked, (_, products)) in asked.iter_mut().zip(terms) {
            let support = self.vertices.support(products);
            for k in 0..9 {
                asked[k] &= support[k];
            }
        }
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
            for ((sums, asked), (_, products)) in sums.iter_mut().zip(&asked).zip(terms) {
                for (k, sum) in sums.iter_mut().enumerate() {
                    if asked[k] {
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
        for ((sums, asked), (weight, _)) in sums.iter().zip(&asked).zip(terms) {
            for (k, total) in totals.iter_mut().enumerate() {
                if asked[k] {
                    *total += *weight * sums[k].total();
                }
            }
        }
        totals
    }
}

struct AddLeaves<'a> {
    leaves: &'a SmallParents<'a>,
    parents: &'a mut [Nodes],
}

impl Kernel for AddLeaves<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let SmallParents { pairs, terms } = self.leaves;
        let scale = S::IntegerSum::scale();
        let (mut left, mut right) = (Vec::new(), Vec::new());
        let mut sums = [const { Vec::new() }; 2];
        for (sums, terms) in sums.iter_mut().zip(terms) {
            for (weight, _) in terms {
                sums.push((IntegerWeight::new(*weight * scale), simd.integer(0)));
            }
        }
        for (i, parents) in self.parents.chunks_mut(INTEGERS / LANES).enumerate() {
            for (values, all) in [(&mut left, &pairs.left), (&mut right, &pairs.right)] {
                values.clear();
                for small in all {
                    let [value] = small.values(simd, i * INTEGERS);
                    values.push(value);
                }
            }
            for side in 0..2 {
                for ((_, sum), (_, products)) in sums[side].iter_mut().zip(&terms[side]) {
                    *sum = simd.integer(0);
                    for (l, r) in products {
                        *sum = *sum + left[*l] * right[*r];
                    }
                }
                let mut sum = simd.integer_sum();
                sum.add(&sums[side]);
                for (parent, total) in parents.iter_mut().zip(sum.total()) {
                    total.pack(&mut parent[side]);
                }
            }
        }
    }
}
