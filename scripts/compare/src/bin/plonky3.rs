//! Keccak-f permutations a second of Plonky3's prover, as one object of JSON: its AIR for Keccak
//! over KoalaBear, with FRI and Merkle trees of Keccak, at the parameters of its own benchmarks.

use std::error::Error;
use std::time::Instant;

use p3_challenger::{HashChallenger, SerializingChallenger32};
use p3_commit::ExtensionMmcs;
use p3_dft::Radix2DitParallel;
use p3_field::extension::BinomialExtensionField;
use p3_fri::{FriParameters, TwoAdicFriPcs};
use p3_keccak::{Keccak256Hash, KeccakF, VECTOR_LEN};
use p3_keccak_air::{KeccakAir, generate_trace_rows};
use p3_koala_bear::KoalaBear;
use p3_merkle_tree::MerkleTreeMmcs;
use p3_symmetric::{CompressionFunctionFromHasher, PaddingFreeSponge, SerializingHasher};
use p3_uni_stark::{StarkConfig, prove, verify};

/// They fill 2^15 rows, 24 for each.
const PERMUTATIONS: usize = 1365;
const RUNS: usize = 3;

type Extension = BinomialExtensionField<KoalaBear, 4>;
type Sponge = PaddingFreeSponge<KeccakF, 25, 17, 4>;
type Leaves = SerializingHasher<Sponge>;
type Nodes = CompressionFunctionFromHasher<Sponge, 2, 4>;
type Tree = MerkleTreeMmcs<[KoalaBear; VECTOR_LEN], [u64; VECTOR_LEN], Leaves, Nodes, 2, 4>;
type ExtensionTree = ExtensionMmcs<KoalaBear, Extension, Tree>;
type Transform = Radix2DitParallel<KoalaBear>;
type Fri = TwoAdicFriPcs<KoalaBear, Transform, Tree, ExtensionTree>;
type Transcript = SerializingChallenger32<KoalaBear, HashChallenger<u8, Keccak256Hash, 32>>;

fn main() -> Result<(), Box<dyn Error>> {
    let sponge = Sponge::new(KeccakF {});
    let tree = Tree::new(Leaves::new(sponge), Nodes::new(sponge), 0);
    let parameters = FriParameters::new_benchmark(ExtensionTree::new(tree.clone()));
    let blowup = parameters.log_blowup;
    let bits = parameters.conjectured_soundness_bits();
    let fri = Fri::new(Transform::default(), tree, parameters);
    let config: StarkConfig<Fri, Extension, Transcript> =
        StarkConfig::new(fri, Transcript::from_hasher(vec![], Keccak256Hash {}));

    let mut best = f64::INFINITY;
    for run in 0..RUNS as u64 {
        let inputs = (0..PERMUTATIONS as u64)
            .map(|i| {
                std::array::from_fn(|lane| {
                    (i << 32 | run << 8 | lane as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
                })
            })
            .collect();
        let start = Instant::now();
        let trace = generate_trace_rows::<KoalaBear>(inputs, blowup);
        let proof = prove(&config, &KeccakAir {}, trace, &[]).map_err(|e| format!("{e:?}"))?;
        best = best.min(start.elapsed().as_secs_f64());
        verify(&config, &KeccakAir {}, &proof, &[]).map_err(|e| format!("{e:?}"))?;
    }
    println!(
        "{{\"permutations a second\": {:.0}, \"security bits\": {bits}}}",
        PERMUTATIONS as f64 / best
    );
    Ok(())
}
