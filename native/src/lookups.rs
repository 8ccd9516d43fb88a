//! Multiplicities of lookups, and messages that do not balance.
//!
//! Messages are compared by a fixed random linear combination of their elements, 128 bits of it: a
//! prover deceives only itself with a collision.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ark_ff::{BigInt, Field, PrimeField, Zero};
use rayon::prelude::*;

use crate::error::{Error, Result, filled};
use crate::field::Fr;
use crate::rows::{Evaluator, Rows};

/// Requests without an answer that are reported.
const MISSING: usize = 100;
/// Rows of one interaction that a parallel loop hands out at once.
const STRIPE: usize = 1 << 13;
/// Rows of which one that speaks makes all to be evaluated.
const PORTION: usize = 1 << 6;
/// The base of the combination: the hexadecimal digits of pi.
const BASE: Fr = Fr::new(BigInt([
    0x243f_6a88_85a3_08d3,
    0x1319_8a2e_0370_7344,
    0xa409_3822_299f_31d0,
    0x082e_fa98_ec4e_6c89,
]));

/// A public message and how often it is sent.
pub struct PublicMessage {
    pub bus: u64,
    pub multiplicity: i64,
    pub elements: Vec<Fr>,
}

/// One occurrence of a message: a row of an interaction, or a public message (table -1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub table: i64,
    pub interaction: usize,
    pub row: usize,
    pub bus: u64,
}

/// A message with its bus.
pub type Key = u128;

/// Keys are random already.
#[derive(Default)]
pub struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

pub type KeyMap<V> = HashMap<Key, V, BuildHasherDefault<KeyHasher>>;

fn key(fingerprint: Fr) -> Key {
    let words = fingerprint.0.0;
    u128::from(words[0]) | u128::from(words[1]) << 64
}

/// One interaction, ready to be evaluated.
struct Messages<'a> {
    rows: &'a Rows,
    table: usize,
    interaction: usize,
    bus: u64,
    /// Elements of the message.
    len: usize,
    numerator: Evaluator,
    fingerprint: Evaluator,
}

impl<'a> Messages<'a> {
    fn new(rows: &'a Rows, table: usize, interaction: usize) -> Self {
        let program = &rows.program;
        let described = &program.interactions[interaction];
        let numerator = program.form([(described.numerator, Fr::ONE)]);
        let fingerprint = program.denominator(described, Fr::zero(), BASE);
        Self {
            rows,
            table,
            interaction,
            bus: described.bus,
            len: described.message.len(),
            numerator: Evaluator::new(rows, numerator),
            fingerprint: Evaluator::new(rows, fingerprint),
        }
    }

    /// The only element of the message instead of its fingerprint.
    fn element(&self) -> Evaluator {
        let program = &self.rows.program;
        let message = &program.interactions[self.interaction].message;
        Evaluator::new(
            self.rows,
            program.form(message.iter().map(|node| (*node, Fr::ONE))),
        )
    }

    /// The rows that may say something: all, if a row of zeros does.
    fn speaking_rows(&self) -> usize {
        let rows = self.rows;
        let mut zero_row = [Fr::zero()];
        if rows.used < rows.len() {
            self.numerator.write(rows, rows.used, &mut zero_row);
        }
        if zero_row[0].is_zero() {
            rows.used
        } else {
            rows.len()
        }
    }

    fn stripes(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let end = self.speaking_rows();
        (0..end)
            .step_by(STRIPE)
            .map(move |start| start..end.min(start + STRIPE))
    }

    /// What the rows state, as their provider.
    fn stated(&self, alone: bool) -> Arc<Statements> {
        let mut stated = self
            .rows
            .stated
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let place = (self.interaction, alone);
        let made = stated
            .entry(place)
            .or_insert_with(|| Arc::new(self.statements(alone)));
        Arc::clone(made)
    }

    fn statements(&self, alone: bool) -> Statements {
        // All rows from the first unused one on are alike.
        let rows = 0..self.rows.len().min(self.rows.used + 1);
        let numerators = self.values(&self.numerator, &rows);
        // A row that is silent, as padding is, states nothing: its message may be another's.
        let all_speak = rows.len() == self.rows.len() && !numerators.iter().any(Zero::is_zero);
        if alone
            && all_speak
            && let Some(first) = first_of_consecutive(self)
        {
            let len = self.rows.len();
            return Statements::Consecutive { first, len };
        }
        let values = self.values(&self.fingerprint, &rows);
        let mut listed = KeyMap::default();
        for ((row, value), numerator) in rows.zip(values).zip(numerators) {
            if !numerator.is_zero() {
                listed.entry(key(value)).or_insert(row);
            }
        }
        Statements::Listed(listed)
    }

    fn values(&self, evaluator: &Evaluator, rows: &Range<usize>) -> Vec<Fr> {
        let mut values = vec![Fr::zero(); rows.len()];
        evaluator.write(self.rows, rows.start, &mut values);
        values
    }
}

/// The rows of one provider by what they state.
pub enum Statements {
    /// Row i states first + i.
    Consecutive { first: u64, len: usize },
    /// The first row of each message.
    Listed(KeyMap<usize>),
}

/// The statements of a table's providers by interaction, and whether they are alone on their bus.
/// They are those of its cells for good: a table that is asked again answers from here.
pub type Stated = Mutex<HashMap<(usize, bool), Arc<Statements>>>;

/// The providers on one bus by their numbers: the first that states a message answers.
struct Answers(Vec<(usize, Arc<Statements>)>);

impl Answers {
    fn of(providers: &[(usize, Messages)]) -> Self {
        let alone = providers.len() == 1;
        let stated = |(number, messages): &(usize, Messages)| (*number, messages.stated(alone));
        Self(providers.iter().map(stated).collect())
    }

    /// Whether requests are compared by their only element instead of their fingerprint.
    fn by_element(&self) -> bool {
        matches!(&self.0[..], [(_, first)] if matches!(**first, Statements::Consecutive { .. }))
    }

    /// The provider and the row that state a value.
    fn find(&self, value: Fr) -> Option<(usize, usize)> {
        let row = |statements: &Statements| match statements {
            Statements::Consecutive { first, len } => small(value)
                .and_then(|value| value.checked_sub(*first))
                .map(|offset| offset as usize)
                .filter(|offset| offset < len),
            Statements::Listed(rows) => rows.get(&key(value)).copied(),
        };
        let find = |(number, of): &(usize, Arc<Statements>)| row(of).map(|row| (*number, row));
        self.0.iter().find_map(find)
    }
}

/// (table, interaction, row).
pub type Request = (usize, usize, usize);

/// How often each row of each provider (table, interaction) is asked for by the other interactions
/// on their buses, and the first requests (table, interaction, row) that no provider answers.
pub fn count_lookups(
    tables: &[Rows],
    providers: &[(usize, usize)],
) -> Result<(Vec<Vec<u32>>, Vec<Request>)> {
    let mut by_bus: HashMap<u64, Vec<(usize, Messages)>> = HashMap::new();
    let mut counts: Vec<Vec<AtomicU32>> = Vec::with_capacity(providers.len());
    for (number, (table, interaction)) in providers.iter().enumerate() {
        let rows = tables.get(*table);
        let rows = rows.filter(|rows| *interaction < rows.program.interactions.len());
        let rows = rows.ok_or_else(|| {
            Error::Range(format!(
                "there is no interaction {interaction} of table {table}"
            ))
        })?;
        let messages = Messages::new(rows, *table, *interaction);
        counts.push(
            filled(rows.len(), 0_u32)?
                .into_iter()
                .map(AtomicU32::new)
                .collect(),
        );
        by_bus
            .entry(messages.bus)
            .or_default()
            .push((number, messages));
    }
    let answers: HashMap<u64, Answers> = by_bus
        .par_iter()
        .map(|(bus, providers)| (*bus, Answers::of(providers)))
        .collect();
    let requests: Vec<Messages> = interactions(tables)
        .filter(|place| !providers.contains(place))
        .filter(|(t, i)| answers.contains_key(&tables[*t].program.interactions[*i].bus))
        .map(|(table, interaction)| Messages::new(&tables[table], table, interaction))
        .collect();
    let mut missing: Vec<Request> = requests
        .par_iter()
        .flat_map(|messages| {
            let answers = &answers[&messages.bus];
            let element = answers.by_element().then(|| messages.element());
            let stripes: Vec<Range<usize>> = messages.stripes().collect();
            let counts = &counts;
            stripes.into_par_iter().flat_map_iter(move |stripe| {
                let compared = element.as_ref().unwrap_or(&messages.fingerprint);
                let unanswered = count(messages, compared, answers, &stripe, counts);
                unanswered
                    .into_iter()
                    .map(|row| (messages.table, messages.interaction, row))
            })
        })
        .collect();
    missing.sort_unstable();
    missing.truncate(MISSING);
    let counts = counts
        .into_iter()
        .map(|counts| counts.into_iter().map(AtomicU32::into_inner).collect())
        .collect();
    Ok((counts, missing))
}

/// All (table, interaction).
fn interactions(tables: &[Rows]) -> impl Iterator<Item = (usize, usize)> {
    let of = |(table, rows): (usize, &Rows)| {
        (0..rows.program.interactions.len()).map(move |interaction| (table, interaction))
    };
    tables.iter().enumerate().flat_map(of)
}

/// The first value of a provider of one small element that rises by 1 from row to row.
fn first_of_consecutive(messages: &Messages) -> Option<u64> {
    if messages.len != 1 {
        return None;
    }
    let values = messages.values(&messages.element(), &(0..messages.rows.len()));
    let first = small(*values.first()?)?;
    let rises = values.windows(2).all(|pair| pair[1] == pair[0] + Fr::ONE);
    rises.then_some(first)
}

/// A value below 2^32.
fn small(value: Fr) -> Option<u64> {
    match value.into_bigint().0 {
        [low, 0, 0, 0] if low >> 32 == 0 => Some(low),
        _ => None,
    }
}

/// Count the requests of some rows, of which `compared` says what answers are found by; return the
/// rows without an answer.
fn count(
    messages: &Messages,
    compared: &Evaluator,
    answers: &Answers,
    rows: &Range<usize>,
    counts: &[Vec<AtomicU32>],
) -> Vec<usize> {
    let numerators = messages.values(&messages.numerator, rows);
    let mut missing = Vec::new();
    // Equal requests in a row are counted at once: a popular answer is not fought for.
    let mut run: Option<(usize, usize, u32)> = None;
    let flush = |run: Option<(usize, usize, u32)>| {
        if let Some((number, row, count)) = run {
            counts[number][row].fetch_add(count, Ordering::Relaxed);
        }
    };
    let values = messages.values(compared, rows);
    for ((row, value), numerator) in rows.clone().zip(values).zip(numerators) {
        if numerator.is_zero() {
            continue;
        }
        match (answers.find(value), &mut run) {
            (None, _) => {
                if missing.len() < MISSING {
                    missing.push(row);
                }
            }
            (Some((number, place)), Some((n, p, count))) if number == *n && place == *p => {
                *count = count.wrapping_add(1);
            }
            (Some((number, place)), _) => flush(run.replace((number, place, 1))),
        }
    }
    flush(run);
    missing
}

/// The sum of the numerators of one message and its first occurrence.
type Balance = (Fr, Place);

/// Messages that are merged at once.
const BATCH: usize = 1 << 20;
/// Parts of the map, each filled by one thread.
const SHARDS: usize = 16;

/// One occurrence of each message whose numerators do not sum to zero, at most `limit` of them.
pub fn imbalance(tables: &[Rows], public: &[PublicMessage], limit: usize) -> Result<Vec<Place>> {
    let all: Vec<Messages> = interactions(tables)
        .map(|(table, interaction)| Messages::new(&tables[table], table, interaction))
        .collect();
    let stripes: Vec<(&Messages, Range<usize>)> = all
        .iter()
        .flat_map(|messages| messages.stripes().map(move |stripe| (messages, stripe)))
        .collect();
    let mut shards: Vec<KeyMap<Balance>> = (0..SHARDS).map(|_| KeyMap::default()).collect();
    for batch in stripes.chunks(BATCH / STRIPE) {
        let spoken: Vec<Vec<(Key, Balance)>> = batch
            .par_iter()
            .map(|(messages, rows)| speak(messages, rows))
            .collect();
        shards.par_iter_mut().enumerate().for_each(|(i, shard)| {
            for (key, balance) in spoken.iter().flatten() {
                if shard_of(*key) == i {
                    merge(shard, *key, *balance);
                }
            }
        });
    }
    for (i, message) in public.iter().enumerate() {
        let mut fingerprint = Fr::from(message.bus);
        let mut power = Fr::ONE;
        for element in &message.elements {
            power *= BASE;
            fingerprint += power * element;
        }
        let place = Place {
            table: -1,
            interaction: i,
            row: 0,
            bus: message.bus,
        };
        let key = key(fingerprint);
        merge(
            &mut shards[shard_of(key)],
            key,
            (Fr::from(message.multiplicity), place),
        );
    }
    let mut places: Vec<Place> = shards
        .into_iter()
        .flat_map(HashMap::into_values)
        .filter(|(sum, _)| !sum.is_zero())
        .map(|(_, place)| place)
        .collect();
    places.sort_unstable();
    places.truncate(limit);
    Ok(places)
}

fn shard_of(key: Key) -> usize {
    (key >> 64) as usize % SHARDS
}

fn merge(shard: &mut KeyMap<Balance>, key: Key, (numerator, place): Balance) {
    shard.entry(key).or_insert((Fr::zero(), place)).0 += numerator;
}

fn speak(messages: &Messages, rows: &Range<usize>) -> Vec<(Key, Balance)> {
    let mut spoken = Vec::new();
    let numerators = messages.values(&messages.numerator, rows);
    // Where all are silent, as most rows of a range table are, nobody has to know the message.
    for (i, numerators) in numerators.chunks(PORTION).enumerate() {
        if numerators.iter().all(Zero::is_zero) {
            continue;
        }
        let first = rows.start + i * PORTION;
        let portion = first..first + numerators.len();
        let fingerprints = messages.values(&messages.fingerprint, &portion);
        for ((row, numerator), fingerprint) in portion.zip(numerators).zip(fingerprints) {
            let place = Place {
                table: messages.table as i64,
                interaction: messages.interaction,
                row,
                bus: messages.bus,
            };
            if !numerator.is_zero() {
                spoken.push((key(fingerprint), (*numerator, place)));
            }
        }
    }
    spoken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::Column;
    use crate::program::{Interaction, Node, Program};
    use std::sync::Arc;

    /// A table of a flag and values, with one interaction that has the flag as its numerator.
    fn table(bus: u64, flags: Vec<u8>, values: Vec<Vec<u64>>, height: u32) -> Rows {
        let message: Vec<u32> = (1..=values.len() as u32).collect();
        let nodes = (0..=values.len() as u32).map(Node::Column).collect();
        let interaction = Interaction {
            bus,
            numerator: 0,
            message,
        };
        let width = values.len() + 1;
        let program = Program::new(width, 0, nodes, vec![], vec![interaction]).unwrap();
        let mut columns = vec![Column::U8(flags.into())];
        columns.extend(values.into_iter().map(|values| Column::U64(values.into())));
        Rows::new(Arc::new(program), columns, height).unwrap()
    }

    #[test]
    fn requests_are_counted_at_the_first_of_equal_rows() {
        let tables = [
            table(1, vec![1, 1, 0, 1, 1], vec![vec![7, 10, 9, 7, 12]], 3),
            table(1, vec![1; 4], vec![(7..11).collect()], 2),
            table(2, vec![1, 1, 1], vec![vec![1, 3, 5], vec![2, 4, 0]], 2),
            table(2, vec![1; 3], vec![vec![3, 1, 3], vec![4, 2, 4]], 2),
        ];
        let (counts, missing) = count_lookups(&tables, &[(1, 0), (3, 0)]).unwrap();
        assert_eq!(counts, [[2, 0, 0, 1], [1, 1, 0, 0]]);
        assert_eq!(missing, [(0, 0, 4), (2, 0, 2)]);
        assert!(count_lookups(&tables, &[(4, 0)]).is_err());
        assert!(count_lookups(&tables, &[(0, 1)]).is_err());
        let (counts, missing) = count_lookups(&tables, &[]).unwrap();
        assert!(counts.is_empty() && missing.is_empty());
    }

    #[test]
    fn a_silent_row_answers_nothing() {
        let tables = [
            table(1, vec![1, 1, 1], vec![vec![0, 7, 8]], 2),
            table(1, vec![0, 1, 1], vec![vec![7, 8, 9]], 2),
            table(1, vec![1], vec![vec![0]], 0),
        ];
        let (counts, missing) = count_lookups(&tables, &[(1, 0), (2, 0)]).unwrap();
        assert_eq!(counts, [vec![0, 1, 0, 0], vec![1]]);
        assert_eq!(missing, [(0, 0, 1)]);
    }

    #[test]
    fn what_is_sent_and_not_received_is_named() {
        let tables = [
            table(3, vec![1, 1, 1], vec![vec![5, 6, 5]], 2),
            table(4, vec![1], vec![vec![5]], 0),
        ];
        let public = |bus, multiplicity, element: u64| PublicMessage {
            bus,
            multiplicity,
            elements: vec![Fr::from(element)],
        };
        let balanced = [public(3, -2, 5), public(3, -1, 6), public(4, -1, 5)];
        assert_eq!(imbalance(&tables, &balanced, 9).unwrap(), []);
        let place = |table, row, bus| Place {
            table,
            interaction: 0,
            row,
            bus,
        };
        let found = imbalance(&tables, &[public(3, -2, 5), public(3, -2, 6)], 9).unwrap();
        assert_eq!(found, [place(0, 1, 3), place(1, 0, 4)]);
        assert_eq!(imbalance(&tables, &[], 1).unwrap(), [place(0, 0, 3)]);
        let found = imbalance(&[], &[public(9, 1, 0)], 9).unwrap();
        assert_eq!(found, [place(-1, 0, 9)]);
    }
}
