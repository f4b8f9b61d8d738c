//! Whether what is hidden and what never was take about as long to be told of.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// After how many turns it may be seen that both take about as long: what else the machine does makes some turns longer.
const TURNS: [usize; 7] = [4, 8, 16, 32, 64, 128, 256];

/// Whether a tenth of the turns of the one were over about as soon as a tenth of the other's, or a quarter, or half of them: within half
/// as long again, since over a network less is seen. What takes longer by itself does so at each of these; what the machine adds, to some
/// turns of both, parts them where some end and the others begin.
fn are_close(turns: &mut [Vec<Duration>; 2]) -> bool {
    turns.iter_mut().for_each(|took| took.sort_unstable());
    [10, 4, 2].iter().any(|part| {
        let [one, other] = turns.each_ref().map(|took| took[took.len() / part]);
        one.max(other) <= one.min(other) * 3 / 2
    })
}

/// Asks what is absent and what is hidden until they were seen to take about as long.
///
/// # Errors
/// What the turns of each took, if that never was alike.
pub(crate) async fn take_as_long<T>(mut ask: impl AsyncFnMut(bool) -> T) -> Result<(), String> {
    let mut turns = [Vec::new(), Vec::new()];
    let mut rng = StdRng::seed_from_u64(1);
    for enough in TURNS {
        while turns[0].len() < enough {
            // In no order that could go with another one: connections of the database take turns too, and each has its own plans.
            let first = rng.random_bool(0.5);
            for hidden in [first, !first] {
                let began = Instant::now();
                ask(hidden).await;
                turns[usize::from(hidden)].push(began.elapsed());
            }
        }
        if are_close(&mut turns) {
            return Ok(());
        }
    }
    Err(format!("takes another time where it is absent and where it is hidden: {turns:?}"))
}

#[test]
fn what_takes_twice_as_long_is_found_and_what_the_machine_adds_is_not() {
    let took = |times: [u64; 8]| times.map(Duration::from_millis).to_vec();
    assert!(!are_close(&mut [took([2, 2, 2, 2, 2, 2, 2, 9]), took([4, 4, 4, 4, 4, 4, 4, 4])]));
    assert!(!are_close(&mut [took([6, 5, 4, 9, 8, 4, 7, 4]), took([2, 3, 2, 9, 9, 2, 3, 9])]));
    assert!(are_close(&mut [took([2, 9, 2, 3, 2, 8, 2, 2]), took([9, 2, 9, 3, 3, 9, 9, 9])]));
    assert!(are_close(&mut [took([2, 2, 2, 6, 6, 6, 6, 6]), took([2, 2, 6, 6, 6, 6, 6, 6])]));
    assert!(are_close(&mut [took([2; 8]), took([3; 8])]));
}
