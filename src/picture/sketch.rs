//! Where there is how much to see in a picture. Pure, in whole numbers.
//!
//! The hashes of a picture say what it looks like from afar, where two screens of one program look the same. A sketch says where
//! its edges are, in 32 by 32 cells: there the screens differ by what stands on them, and what is done to a picture changes
//! little of it. Of a cropped picture the other one's sketch is looked at without its edges too.

use image::GrayImage;

/// Cells of a side.
const SIDE: usize = 32;
/// Bytes of a sketch.
pub const LENGTH: usize = SIDE * SIDE;
/// A cell in which edges are as dense as this is as full as any.
const FULL: u64 = 64;
/// How much is cut off an edge, in 256ths of the side: nothing, a twentieth, a tenth.
const CUTS: [usize; 3] = [0, 13, 26];
/// The same where as much is cut off everywhere, which moves the edges by twice as much.
const AROUND: [usize; 4] = [6, 10, 14, 20];
/// Correlation, in per cent, from which two sketches are of one picture. What people do to a screenshot leaves more; of the unlike screens of
/// one program that were measured one pair in two hundred has as much.
const ALIKE: i128 = 79;
/// Variance of the cells up to which a sketch says nothing.
const EVEN: i64 = 16;

/// How dense the edges are in each cell, line by line.
pub type Sketch = [u8; LENGTH];

/// The sketch of a picture.
pub fn sketch(picture: &GrayImage) -> Sketch {
    let (width, height) = picture.dimensions();
    let grey = |x: u32, y: u32| picture.get_pixel(x.min(width - 1), y.min(height - 1)).0[0];
    let edge = |x: u32, y: u32| {
        let here = grey(x, y);
        u64::from(here.abs_diff(grey(x + 1, y))) + u64::from(here.abs_diff(grey(x, y + 1)))
    };
    let cell = |place: usize, side: u32| {
        let at = |place: usize| u32::try_from(place).unwrap_or_default() * side / SIDE as u32;
        let from = at(place).min(side - 1);
        from..at(place + 1).max(from + 1)
    };
    std::array::from_fn(|place| {
        let (columns, rows) = (cell(place % SIDE, width), cell(place / SIDE, height));
        let pixels = u64::from(columns.end - columns.start) * u64::from(rows.end - rows.start);
        let edges: u64 =
            rows.flat_map(|y| columns.clone().map(move |x| (x, y))).map(|(x, y)| edge(x, y)).sum();
        u8::try_from((edges * 256 / FULL).checked_div(pixels).unwrap_or(0)).unwrap_or(u8::MAX)
    })
}

/// Whether two sketches are of the same picture, one of which may have lost some of its edges.
pub fn agree(one: &Sketch, other: &Sketch) -> bool {
    cuts().any(|cut| correlate(&without(one, cut), other) || correlate(one, &without(other, cut)))
}

/// What may be cut off at the left, the top, the right and the bottom: at two edges at most, or the same everywhere.
fn cuts() -> impl Iterator<Item = [usize; 4]> {
    let all = (0..81_usize).map(|number| [1, 3, 9, 27].map(|unit| CUTS[number / unit % 3]));
    let of_two = all.filter(|cut| cut.iter().filter(|part| **part > 0).count() <= 2);
    of_two.chain(AROUND.map(|part| [part; 4]))
}

/// The sketch of what is left of a picture.
fn without(sketch: &Sketch, [left, top, right, bottom]: [usize; 4]) -> Sketch {
    if [left, top, right, bottom] == [0; 4] {
        return *sketch;
    }
    let columns: [(usize, u32); SIDE] = std::array::from_fn(|place| between(place, left, right));
    let rows: [(usize, u32); SIDE] = std::array::from_fn(|place| between(place, top, bottom));
    std::array::from_fn(|place| {
        let ((x, right), (y, below)) = (columns[place % SIDE], rows[place / SIDE]);
        let cell = |x: usize, y: usize| u32::from(sketch[y * SIDE + x]);
        let line = |y: usize| cell(x, y) * (256 - right) + cell(x + 1, y) * right;
        u8::try_from((line(y) * (256 - below) + line(y + 1) * below) >> 16).unwrap_or(u8::MAX)
    })
}

/// Between which cell of the whole and the next one a cell of what is left lies, and how far from the first, in 256ths.
fn between(place: usize, before: usize, behind: usize) -> (usize, u32) {
    let span = (256 - before - behind) * SIDE - 256;
    let at = before * SIDE + place * span / (SIDE - 1);
    let cell = (at / 256).min(SIDE - 2);
    (cell, u32::try_from(at - cell * 256).unwrap_or_default())
}

/// Whether what two sketches say goes together; of one that says nothing it does.
fn correlate(one: &Sketch, other: &Sketch) -> bool {
    let mut sums = [0_i64; 5];
    for (one, other) in one.iter().zip(other) {
        let (one, other) = (i64::from(*one), i64::from(*other));
        for (sum, more) in sums.iter_mut().zip([one, other, one * one, other * other, one * other]) {
            *sum += more;
        }
    }
    let [one, other, one_squared, other_squared, product] = sums;
    let cells = LENGTH as i64;
    let vary = [cells * one_squared - one * one, cells * other_squared - other * other];
    if vary.iter().any(|vary| *vary < EVEN * cells * cells) {
        return true;
    }
    let together = i128::from(cells * product - one * other);
    together > 0 && together * together * 10_000 >= ALIKE * ALIKE * i128::from(vary[0]) * i128::from(vary[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_cuts_as_are_meant() {
        let all: Vec<_> = cuts().collect();
        assert_eq!((all.len(), all[0]), (37, [0; 4]));
    }

    #[test]
    fn a_picture_of_any_size_has_a_sketch() {
        for (width, height) in [(1, 1), (16, 256), (33, 31), (256, 16)] {
            let even = sketch(&GrayImage::from_pixel(width, height, image::Luma([90])));
            assert_eq!(even, [0; LENGTH]);
            assert!(agree(&even, &even), "what says nothing speaks against nothing");
        }
        let checks = GrayImage::from_fn(64, 64, |x, y| image::Luma([if (x + y) % 2 == 0 { 0 } else { 255 }]));
        assert_eq!(sketch(&checks)[0], u8::MAX);
    }
}
