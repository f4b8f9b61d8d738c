//! Our view of a vulnerability against somebody else's.

use super::{Band, Tenths, Vector};

/// From this distance on, two scores are worth a person's look: 1.0, in tenths.
const NOTABLE_TENTHS: u8 = 10;

/// Two vectors that disagree enough for somebody to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// The score of our vector.
    pub ours: Tenths,
    /// The score of theirs.
    pub theirs: Tenths,
    /// How far apart the scores are.
    pub distance: Tenths,
    /// The band of our vector.
    pub our_band: Band,
    /// The band of theirs.
    pub their_band: Band,
    /// Whether the vectors are of different versions, whose scales differ: HIGH in 2.0 ends at 10.0.
    pub versions_differ: bool,
}

/// Flags a distance of 1.0 or more, or a different band. Compared are the full scores, since those are shown.
pub fn differs(ours: &Vector, theirs: &Vector) -> Option<Difference> {
    let distance = ours.score().distance(theirs.score());
    let notable = distance.get() >= NOTABLE_TENTHS || ours.band() != theirs.band();
    notable.then(|| Difference {
        ours: ours.score(),
        theirs: theirs.score(),
        distance,
        our_band: ours.band(),
        their_band: theirs.band(),
        versions_differ: ours.version() != theirs.version(),
    })
}
