//! What is kept of a picture to know the same one again. Pure.

use std::collections::BTreeSet;

use image::imageops::crop_imm;
use image::{DynamicImage, GrayImage};
use image_hasher::{HashAlg, Hasher, HasherConfig};

use super::sketch::{self, Sketch, agree};

/// Bytes of a hash.
const HASH: usize = 18;
/// A hash of a picture, or of what is left of it when some of its edge is cut off.
type Hash = [u8; HASH];

/// How much is cut off an edge for a further hash, in thousandths of the side.
const CUT: u32 = 40;
/// Which edges are cut off for each hash: left 1, top 2, right 4, bottom 8; the whole comes first.
const EDGES: [u32; 6] = [0, 1, 2, 4, 8, 15];
/// Bits of a hash.
const BITS: u32 = 144;
/// Bits in which two hashes of the same picture differ at most: what people do to a screenshot takes up to 18 of those that the tests draw,
/// and unlike ones differ in 40 and more.
const APART: u32 = 24;
/// Bytes of a piece of a hash.
const PIECE: usize = 2;
/// Bytes of what is kept of a view.
const LENGTH: usize = EDGES.len() * HASH + sketch::LENGTH;

/// What is kept of a picture as it is, or without its frame: what it looks like from afar, and where there is how much to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    hashes: [Hash; EDGES.len()],
    sketch: Sketch,
}

impl View {
    /// Of what is seen.
    pub fn of(seen: &GrayImage) -> Option<Self> {
        let (width, height) = seen.dimensions();
        let hasher = hasher();
        let mut hashes = [[0; HASH]; EDGES.len()];
        for (hash, edges) in hashes.iter_mut().zip(EDGES) {
            let cut = |edge: u32, side: u32| if edges & edge == 0 { 0 } else { side * CUT / 1000 };
            let (left, top, right, bottom) = (cut(1, width), cut(2, height), cut(4, width), cut(8, height));
            let part = crop_imm(seen, left, top, width - left - right, height - top - bottom).to_image();
            *hash = hasher.hash_image(&DynamicImage::ImageLuma8(part)).as_bytes().try_into().ok()?;
        }
        Some(Self { hashes, sketch: sketch::sketch(seen) })
    }

    /// As they are kept.
    pub fn encode(views: &[Self]) -> Vec<u8> {
        views.iter().flat_map(|view| view.hashes.iter().flatten().chain(&view.sketch)).copied().collect()
    }

    /// What was kept.
    pub fn decode(bytes: &[u8]) -> Vec<Self> {
        let view = |bytes: &[u8]| {
            let (hashes, sketch) = bytes.split_at_checked(EDGES.len() * HASH)?;
            let mut view = Self { hashes: [[0; HASH]; EDGES.len()], sketch: sketch.try_into().ok()? };
            for (hash, bytes) in view.hashes.iter_mut().zip(hashes.chunks_exact(HASH)) {
                hash.copy_from_slice(bytes);
            }
            Some(view)
        };
        bytes.chunks_exact(LENGTH).filter_map(view).collect()
    }

    /// How many bits are apart where one is the other, or a part of it.
    fn apart(&self, other: &Self) -> u32 {
        let apart = |one: &Hash, two: &Hash| {
            one.iter().zip(two).map(|(one, two)| (one ^ two).count_ones()).sum::<u32>()
        };
        let part_of =
            |whole: &Self, all: &Self| all.hashes.iter().map(|part| apart(&whole.hashes[0], part)).min();
        part_of(self, other).min(part_of(other, self)).unwrap_or(BITS)
    }
}

fn hasher() -> Hasher {
    HasherConfig::new().hash_size(12, 12).preproc_dct().hash_alg(HashAlg::Median).to_hasher()
}

/// The pieces of hashes under which a picture is found, each once. A piece that is all of one bit is many pictures'.
pub fn bands(views: &[View]) -> BTreeSet<i64> {
    let hashes = views.iter().flat_map(|view| &view.hashes);
    let pieces = hashes.flat_map(|hash| hash.chunks_exact(PIECE).enumerate());
    let telling = pieces.filter(|(_, piece)| piece.iter().any(|byte| !matches!(*byte, 0 | u8::MAX)));
    let band = |(place, piece): (usize, &[u8])| {
        let bits = piece.iter().fold(0, |bits, byte| bits << 8 | i64::from(*byte));
        i64::try_from(place).unwrap_or_default() << (8 * PIECE) | bits
    };
    telling.map(band).collect()
}

/// How much of two pictures looks alike from afar, in per cent, where they may be the same.
pub fn alike(own: &[View], other: &[View]) -> Option<u32> {
    let least = pairs(own, other).map(|(one, two)| one.apart(two)).min()?;
    (least <= APART).then_some(100 - least * 100 / BITS)
}

/// Whether two pictures that look alike are the same: one may be a part of the other.
pub fn is_same(own: &[View], other: &[View]) -> bool {
    pairs(own, other).any(|(one, two)| one.apart(two) <= APART && agree(&one.sketch, &two.sketch))
}

fn pairs<'a>(own: &'a [View], other: &'a [View]) -> impl Iterator<Item = (&'a View, &'a View)> {
    own.iter().flat_map(move |one| other.iter().map(move |two| (one, two)))
}
