//! Eight field elements at a time, on the vector unit where the processor has one that serves.
//!
//! A hot loop is a `Kernel`: written once over `Simd`, it runs with AVX-512 IFMA where the processor
//! has it, and with the library's arithmetic elsewhere. In memory elements are the library's, in
//! Montgomery form and reduced; a vector may hold other representatives, below 2p, and reduces
//! them when it is stored.

#[cfg(target_arch = "x86_64")]
mod ifma;
mod portable;
#[cfg(test)]
mod tests;

use std::ops::{Add, AddAssign, Mul, Sub};
use std::sync::OnceLock;

use ark_bn254::{Fr, FrConfig};
use ark_ff::{AdditiveGroup, BigInt, MontConfig};

use crate::arithmetic::{Element, residue};
use crate::column::Cells;
use crate::error::{Error, Result};

/// Elements of a vector.
pub const LANES: usize = 8;

/// Eight elements as an instruction set keeps them from one loop to the next; zeros are zero words.
#[derive(Clone, Copy, Default)]
#[repr(C, align(64))]
pub struct Packed([[u64; LANES]; 4]);

/// Small integers that are computed with at once.
pub const INTEGERS: usize = 8 * LANES;
/// The bits of integers, without a sign, that have multiples.
pub const INTEGER_BITS: u32 = 32;
/// Multiples by integers, or weights of them, that a sum has room for.
pub const MOST_INTEGERS: usize = 4000;
/// The bits of a sum of products of integers: it is offset by the next power of two.
pub const MOST_PRODUCT_BITS: u32 = 50;
/// What is added to such sums, that they are not negative.
const PRODUCT_OFFSET: u64 = 1 << (MOST_PRODUCT_BITS + 1);
const OFFSET_ELEMENT: Fr = Fr::new(BigInt([PRODUCT_OFFSET, 0, 0, 0]));
/// Products that a sum has room for.
pub const MOST_PRODUCTS: usize = 400;
/// Products that a sum in each lane has room for.
pub const MOST_LANE_PRODUCTS: usize = 100;
/// Multiples of cells that a combination has room for.
pub const MOST_MULTIPLES: usize = 64;

/// Eight elements.
pub fn pack(elements: &[Fr; LANES]) -> Packed {
    struct Pack<'a>(&'a [Fr; LANES]);
    impl Kernel for Pack<'_> {
        type Output = Packed;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Packed {
            let mut packed = Packed::default();
            simd.load(self.0).pack(&mut packed);
            packed
        }
    }
    dispatch(Pack(elements))
}

/// The elements of vectors, one by one.
pub fn unpack<const N: usize>(packed: &[Packed; N]) -> [[Fr; N]; LANES] {
    struct Unpack<'a, const N: usize>(&'a [Packed; N]);
    impl<const N: usize> Kernel for Unpack<'_, N> {
        type Output = [[Fr; N]; LANES];

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Self::Output {
            let mut elements = [[Fr::ZERO; N]; LANES];
            for (k, packed) in self.0.iter().enumerate() {
                let mut column = [Fr::ZERO; LANES];
                simd.unpack(packed).store(&mut column);
                for (elements, element) in elements.iter_mut().zip(column) {
                    elements[k] = element;
                }
            }
            elements
        }
    }
    dispatch(Unpack(packed))
}

/// An instruction set: where vectors come from.
pub trait Simd: Copy {
    type Vector<C: MontConfig<4>>: Vector<C>;
    /// A factor of cells.
    type Weight: Copy;
    /// One for each lane.
    type Weights;
    type LaneSums: LaneSums<Vector = Self::Vector<FrConfig>> + Copy;
    type Multiples: Multiples<Vector = Self::Vector<FrConfig>, Weight = Self::Weight, Weights = Self::Weights>;
    type Integers: Ring;
    type IntegerSum: IntegerSum<Vector = Self::Vector<FrConfig>, Integers = Self::Integers>;
    type IntegerProducts: IntegerProducts<Vector = Self::Vector<FrConfig>, Integers = Self::Integers>
        + Copy;

    fn load<C: MontConfig<4>>(self, elements: &[Element<C>; LANES]) -> Self::Vector<C>;

    /// Elements that lie apart.
    fn gather<C: MontConfig<4>>(self, elements: [&Element<C>; LANES]) -> Self::Vector<C>;

    fn splat<C: MontConfig<4>>(self, element: Element<C>) -> Self::Vector<C>;

    fn unpack<C: MontConfig<4>>(self, packed: &Packed) -> Self::Vector<C>;

    /// Have these elements fetched.
    #[inline(always)]
    fn prefetch_packed(self, packed: &Packed) {
        for line in &packed.0 {
            prefetch(line);
        }
    }

    /// The highest bits of the first and of the second of three words.
    fn signs(self, words: &[[u32; 3]; LANES]) -> [u8; 2];

    /// Make ready to multiply cells by `x`.
    fn weight(self, x: Fr) -> Self::Weight;

    /// The same for each lane.
    fn weights(self, elements: Self::Vector<FrConfig>) -> Self::Weights;

    /// An empty sum of multiples of cells.
    fn multiples(self) -> Self::Multiples;

    /// The same integer in all places.
    fn integer(self, value: i32) -> Self::Integers;

    /// The low 32 bits of the cells from `row` on, zero where there are none.
    fn integers(self, cells: &Cells, row: usize) -> Self::Integers;

    /// Integers, one by one.
    fn small_integers(self, values: &[i8; INTEGERS]) -> Self::Integers;

    /// An empty sum of multiples by integers.
    fn integer_sum(self) -> Self::IntegerSum;

    /// An empty sum of multiples by products of integers.
    fn integer_products(self) -> Self::IntegerProducts;

    /// Make ready to evaluate lines at `x`.
    fn line_at<C: MontConfig<4>>(self, x: Element<C>) -> <Self::Vector<C> as Vector<C>>::Line;

    /// Make ready to evaluate at `point` what is linear in two variables.
    fn bilinear_at<C: MontConfig<4>>(
        self,
        point: [Element<C>; 2],
    ) -> <Self::Vector<C> as Vector<C>>::Bilinear;

    /// An empty sum.
    fn sum<C: MontConfig<4>>(self) -> <Self::Vector<C> as Vector<C>>::Sum;

    /// An empty sum in each lane.
    fn lane_sums(self) -> Self::LaneSums;

    /// The elements from `start` on, `rest` where there are none.
    #[inline(always)]
    fn load_at<C: MontConfig<4>>(
        self,
        elements: &[Element<C>],
        start: usize,
        rest: Element<C>,
    ) -> Self::Vector<C> {
        let elements = elements.get(start..).unwrap_or_default();
        match elements.first_chunk() {
            Some(elements) => self.load(elements),
            None if elements.is_empty() => self.splat(rest),
            None => {
                let mut filled = [rest; LANES];
                filled[..elements.len()].copy_from_slice(elements);
                self.load(&filled)
            }
        }
    }
}

/// Eight elements.
pub trait Vector<C: MontConfig<4>>: Ring {
    /// A right operand of products.
    type Factor: Copy;
    /// A point of evaluation of lines.
    type Line: Copy;
    /// The same for what is linear in two variables.
    type Bilinear: Copy;
    type Sum: Products<C, Vector = Self> + Copy;
    /// What `over` multiplies by: a vector or a difference.
    type Operand: Copy + From<Self>;

    /// What `over` divides by.
    const SCALE: u64;
    /// The square root of `SCALE`.
    const ROOT: u64;

    fn store(self, elements: &mut [Element<C>; LANES]);

    /// The same for what is reduced.
    fn store_reduced(self, elements: &mut [Element<C>; LANES]);

    fn pack(self, packed: &mut Packed);

    /// Negate the elements whose bit is set; only differences may be taken of what comes of it.
    fn negate_where(self, signs: u8) -> Self;

    fn factor(self) -> Self::Factor;

    fn times(self, factor: Self::Factor) -> Self;

    /// self · a + other · b.
    fn times_plus(self, a: Self::Factor, other: Self, b: Self::Factor) -> Self;

    /// self + a · b.
    fn plus_product(self, a: Self, b: Self::Factor) -> Self;

    /// The line through `self` at 0 and `high` at 1.
    fn line(self, high: Self, x: Self::Line) -> Self;

    /// What has these values at (0, 0), (0, 1), (1, 0) and (1, 1).
    fn bilinear(corners: [Self; 4], point: Self::Bilinear) -> Self;

    /// Whether an element is zero.
    fn has_zero(self) -> bool;

    /// self - other, to be multiplied by.
    fn minus(self, other: Self) -> Self::Operand;

    /// The coefficient of x y of what has these values at (0, 0), (0, 1), (1, 0) and (1, 1), to be
    /// multiplied by.
    fn mixed(corners: [Self; 4]) -> Self::Operand;

    /// self · operand / SCALE: a product for which no factor is made ready.
    fn over(self, operand: impl Into<Self::Operand>) -> Self;

    /// self · operand / SCALE - other, reduced; `other` was loaded reduced, and perhaps negated.
    fn over_less(self, operand: Self::Operand, other: Self) -> Self;

    /// self^2 / SCALE - a - b, reduced, given b - a for elements that were loaded reduced.
    fn squared_less(self, a: Self, difference: Self::Operand) -> Self;

    /// ROOT · (self - other), to be multiplied by.
    fn minus_by_root(self, other: Self) -> Self::Operand;

    /// Whether in a lane elements that were loaded reduced may be equal: in others they are not.
    fn may_equal(self, other: Self) -> bool;

    /// Store over the elements from `start` on, as many as there are.
    #[inline(always)]
    fn store_at(self, elements: &mut [Element<C>], start: usize) {
        let elements = elements.get_mut(start..).unwrap_or_default();
        match elements.first_chunk_mut() {
            Some(elements) => self.store(elements),
            None => {
                let mut all = [Element::<C>::default(); LANES];
                self.store(&mut all);
                elements.copy_from_slice(&all[..elements.len()]);
            }
        }
    }
}

/// A sum of products over all elements, reduced once.
pub trait Products<C: MontConfig<4>> {
    type Vector: Vector<C>;

    /// Add a · b; the sum has room for `MOST_PRODUCTS`.
    fn add(&mut self, a: Self::Vector, b: <Self::Vector as Vector<C>>::Factor);

    /// Add (a · b + c · d) / SCALE: two of its products.
    fn add_over(
        &mut self,
        a_b: [&<Self::Vector as Vector<C>>::Operand; 2],
        c_d: [&<Self::Vector as Vector<C>>::Operand; 2],
    );

    fn total(self) -> Element<C>;
}

/// Sums of products, one in each lane, reduced once.
pub trait LaneSums {
    type Vector: Vector<FrConfig>;

    /// Add a · b; there is room for `MOST_LANE_PRODUCTS`.
    fn add(&mut self, a: Self::Vector, b: Self::Vector);

    fn total(self) -> Self::Vector;
}

/// Sums of multiples of cells, reduced once.
pub trait Multiples {
    type Vector: Vector<FrConfig>;
    type Weight: Copy;
    type Weights;

    /// Add multiples of the cells of eight rows from `row` on, as far as there are any; there is
    /// room for `MOST_MULTIPLES`.
    fn add(&mut self, weight: Self::Weight, cells: &Cells, row: usize);

    /// The same with a weight for each row.
    fn add_each(&mut self, weights: &Self::Weights, cells: &Cells, row: usize);

    /// Add the weight once: one of its multiples.
    fn add_one(&mut self, weight: Self::Weight);

    fn total(self) -> Self::Vector;
}

/// What a program can be computed in.
pub trait Ring: Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> {
    /// self · a + other · b.
    #[inline(always)]
    fn sum_of_products(self, a: Self, other: Self, b: Self) -> Self {
        self * a + other * b
    }
}

impl Ring for Fr {}

/// A factor of integers: its Montgomery form in limbs of 52 bits.
#[derive(Clone, Copy, Default)]
pub struct IntegerWeight([u64; INTEGER_LIMBS]);

const INTEGER_LIMBS: usize = 5;

impl IntegerWeight {
    const BITS: u32 = 52;

    pub fn new(weight: Fr) -> Self {
        let [a, b, c, d] = weight.0.0;
        let limbs = [
            a,
            a >> 52 | b << 12,
            b >> 40 | c << 24,
            c >> 28 | d << 36,
            d >> 16,
        ];
        Self(limbs.map(|limb| limb & ((1 << Self::BITS) - 1)))
    }

    /// The sum of all added weights.
    pub fn total(&self) -> Fr {
        residue(self.words())
    }

    fn words(&self) -> [u64; 5] {
        let (mut limbs, mut carry) = (self.0, 0);
        for limb in &mut limbs {
            let sum = *limb + carry;
            (*limb, carry) = (sum & ((1 << Self::BITS) - 1), sum >> Self::BITS);
        }
        let [a, b, c, d, e] = limbs;
        [
            a | b << 52,
            b >> 12 | c << 40,
            c >> 24 | d << 28,
            d >> 36 | e << 16,
            e >> 48 | carry << 4,
        ]
    }
}

/// Sums of weights are no weights, but have a total; there is room for `MOST_INTEGERS`.
impl AddAssign for IntegerWeight {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        for i in 0..INTEGER_LIMBS {
            self.0[i] += other.0[i];
        }
    }
}

/// Sums of field elements times integers, reduced once.
pub trait IntegerSum {
    type Vector: Vector<FrConfig>;
    type Integers;

    /// Add multiples by integers of `INTEGER_BITS`; there is room for `MOST_INTEGERS`.
    fn add(&mut self, terms: &[(IntegerWeight, Self::Integers)]);

    /// The sums over `scale`, in order.
    fn total(self) -> [Self::Vector; INTEGERS / LANES];

    fn scale() -> Fr;
}

/// The sum over all places of field elements times sums of products of integers, reduced once.
pub trait IntegerProducts {
    type Vector: Vector<FrConfig>;
    type Integers: Ring;

    /// Add weight · the sum of a · b in each place. Sums of products have at most
    /// `MOST_PRODUCT_BITS` and a sign; there is room for 2^8 calls.
    fn add<'a>(
        &mut self,
        weights: &[Self::Vector; INTEGERS / LANES],
        products: impl Iterator<Item = [&'a Self::Integers; 2]> + Clone,
    ) where
        Self::Integers: 'a;

    /// The sum, if all weights add up to 1.
    fn total(self) -> Fr;
}

/// Where a loop puts its vectors.
pub trait Target {
    /// Vectors that there is room for, the last one perhaps in part.
    fn vectors(&self) -> usize;

    /// Put vector number `i`, as far as there is room.
    fn put<V: Vector<FrConfig>>(&mut self, i: usize, vector: V);
}

impl Target for &mut [Fr] {
    fn vectors(&self) -> usize {
        self.len().div_ceil(LANES)
    }

    #[inline(always)]
    fn put<V: Vector<FrConfig>>(&mut self, i: usize, vector: V) {
        vector.store_at(self, i * LANES);
    }
}

/// A loop over vectors.
pub trait Kernel {
    type Output;

    /// Inline this, and what it calls: only then it is compiled for the instruction set.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Have this line of the cache fetched; it may be none.
#[inline(always)]
pub fn prefetch<T>(item: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every such processor has the instruction, and it reads nothing.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(item.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = item;
}

/// Run a loop with the chosen instruction set.
#[inline]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    match instructions() {
        Instructions::Portable => portable::Portable.run(kernel),
        #[cfg(target_arch = "x86_64")]
        Instructions::Ifma(ifma) => ifma.run(kernel),
    }
}

#[derive(Clone, Copy)]
enum Instructions {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Ifma(ifma::Ifma),
}

const VARIABLE: &str = "ZKEVM_KERNELS";
const PORTABLE: &str = "portable";
const IFMA: &str = "avx512ifma";

static CHOSEN: OnceLock<Instructions> = OnceLock::new();

#[inline]
fn instructions() -> Instructions {
    *CHOSEN.get_or_init(best)
}

fn best() -> Instructions {
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = ifma::Ifma::detect() {
        return Instructions::Ifma(ifma);
    }
    Instructions::Portable
}

/// Choose as the environment variable `ZKEVM_KERNELS` says; the best that runs here without it.
///
/// The first choice is final.
pub fn choose() -> Result<()> {
    let chosen = match std::env::var(VARIABLE).as_deref() {
        Err(std::env::VarError::NotPresent) => best(),
        Ok(PORTABLE) => Instructions::Portable,
        Ok(IFMA) => match best() {
            Instructions::Portable => {
                return Err(Error::Kernels(format!(
                    "{VARIABLE}={IFMA}, but this processor lacks the instructions"
                )));
            }
            ifma => ifma,
        },
        Ok(other) => return Err(unknown(other)),
        Err(std::env::VarError::NotUnicode(other)) => {
            return Err(unknown(&other.to_string_lossy()));
        }
    };
    CHOSEN.get_or_init(|| chosen);
    Ok(())
}

fn unknown(value: &str) -> Error {
    Error::Kernels(format!("{VARIABLE} is {PORTABLE} or {IFMA}, not {value:?}"))
}

/// The name of the chosen instruction set.
pub fn name() -> &'static str {
    match instructions() {
        Instructions::Portable => PORTABLE,
        #[cfg(target_arch = "x86_64")]
        Instructions::Ifma(_) => IFMA,
    }
}
