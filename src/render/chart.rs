//! Bars: as SVG, and as shapes that a PDF draws from the same numbers.

use plotters::coord::ranged1d::{IntoSegmentedCoord, SegmentValue};
use plotters::prelude::{
    ChartBuilder, Color, IntoDrawingArea, IntoFont, IntoTextStyle, RGBColor, Rectangle, SVGBackend, Text,
    WHITE,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::RenderError;

/// Red, green and blue of a bar.
pub(super) const INK: (u8, u8, u8) = (0x2f, 0x6f, 0xa7);
/// How wide a chart is, in pixels.
const WIDTH: u32 = 720;
/// Room of a bar that lies, of one that stands with its scale, and of labels, in pixels.
const ROW: u32 = 24;
const UPRIGHT: u32 = 240;
const LABELS: u32 = 190;
const MARGIN: u32 = 12;
const SCALE: u32 = 30;
/// Longest label, in characters.
const LABEL: usize = 24;
const FONT: (&str, u32) = ("sans-serif", 13);

/// Bars with a title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// What each bar stands for, and how long it is.
    pub bars: Vec<(String, u64)>,
    /// Whether they stand side by side, as days do; else they lie below each other.
    pub upright: bool,
}

impl Chart {
    /// The longest bar.
    pub(super) fn most(&self) -> u64 {
        self.bars.iter().map(|(_, value)| *value).max().unwrap_or_default().max(1)
    }

    /// A label in as many characters as there is room for, each of which is one that XML may hold.
    pub(super) fn label(&self, bar: usize) -> String {
        let label = self.bars.get(bar).map(|(label, _)| label.as_str()).unwrap_or_default();
        let plain = |c: char| if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { ' ' } else { c };
        let mut shown: String = label.chars().take(LABEL).map(plain).collect();
        if label.chars().count() > LABEL {
            shown.push('…');
        }
        shown
    }

    /// The chart as SVG, with its title.
    ///
    /// # Errors
    /// Of the writer.
    pub fn svg(&self) -> Result<String, RenderError> {
        let mut text = String::new();
        self.draw(&mut text).map_err(RenderError::Writer)?;
        Ok(text)
    }

    fn draw(&self, text: &mut String) -> Result<(), String> {
        let bars = self.bars.len().max(1);
        let rows = u32::try_from(bars).unwrap_or(u32::MAX).saturating_mul(ROW);
        let height = if self.upright { UPRIGHT } else { rows.saturating_add(SCALE + 2 * MARGIN + 30) };
        let area = SVGBackend::with_string(text, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE).map_err(|error| error.to_string())?;
        let mut builder = ChartBuilder::on(&area);
        builder.margin(MARGIN).caption(&self.title, ("sans-serif", 16)).x_label_area_size(SCALE);
        // Room for the number beyond the longest bar.
        let scale = 0..self.most() + self.most() / 8 + 1;
        let ink = RGBColor(INK.0, INK.1, INK.2).filled();
        let whole = |value: &u64| value.to_string();
        if self.upright {
            let mut chart = builder
                .y_label_area_size(40)
                .build_cartesian_2d((0..bars).into_segmented(), scale)
                .map_err(|error| error.to_string())?;
            let label = |at: &SegmentValue<usize>| match at {
                SegmentValue::CenterOf(bar) => self.label(*bar),
                _ => String::new(),
            };
            chart
                .configure_mesh()
                .disable_x_mesh()
                .x_labels(bars)
                .y_labels(5)
                .x_label_formatter(&label)
                .y_label_formatter(&whole)
                .draw()
                .map_err(|error| error.to_string())?;
            let shapes = self.bars.iter().enumerate().map(|(bar, (_, value))| {
                let corners = [(SegmentValue::Exact(bar), 0), (SegmentValue::Exact(bar + 1), *value)];
                let mut shape = Rectangle::new(corners, ink);
                shape.set_margin(0, 0, 3, 3);
                shape
            });
            chart.draw_series(shapes).map_err(|error| error.to_string())?;
        } else {
            let mut chart = builder
                .y_label_area_size(LABELS)
                .build_cartesian_2d(scale, (0..bars).into_segmented())
                .map_err(|error| error.to_string())?;
            // The first one stands on top, where the scale is greatest.
            let place = |bar: usize| bars - 1 - bar;
            let label = |at: &SegmentValue<usize>| match at {
                SegmentValue::CenterOf(at) if *at < bars => self.label(place(*at)),
                _ => String::new(),
            };
            chart
                .configure_mesh()
                .disable_y_mesh()
                .x_labels(6)
                .y_labels(bars)
                .label_style(FONT)
                .x_label_formatter(&whole)
                .y_label_formatter(&label)
                .draw()
                .map_err(|error| error.to_string())?;
            let shapes = self.bars.iter().enumerate().map(|(bar, (_, value))| {
                let corners =
                    [(0, SegmentValue::Exact(place(bar))), (*value, SegmentValue::Exact(place(bar) + 1))];
                let mut shape = Rectangle::new(corners, ink);
                shape.set_margin(4, 4, 0, 0);
                shape
            });
            chart.draw_series(shapes).map_err(|error| error.to_string())?;
            let beside = FONT.into_font().into_text_style(&area).pos(Pos::new(HPos::Left, VPos::Center));
            let numbers = self.bars.iter().enumerate().map(|(bar, (_, value))| {
                Text::new(format!(" {value}"), (*value, SegmentValue::CenterOf(place(bar))), beside.clone())
            });
            chart.draw_series(numbers).map_err(|error| error.to_string())?;
        }
        area.present().map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(upright: bool) -> Chart {
        let bars = vec![("<b>网关&\u{1}\"".to_owned(), 3), ("无".to_owned(), 0), ("x".repeat(60), 12)];
        Chart { title: "事件 <i>".to_owned(), bars, upright }
    }

    #[test]
    fn what_people_wrote_is_text_and_the_file_is_xml() {
        for upright in [true, false] {
            let svg = chart(upright).svg().unwrap();
            let mut reader = quick_xml::Reader::from_str(&svg);
            let (mut texts, mut bars) = (String::new(), 0);
            loop {
                match reader.read_event().unwrap() {
                    quick_xml::events::Event::Text(text) => texts.push_str(&text.decode().unwrap()),
                    quick_xml::events::Event::GeneralRef(name) => {
                        texts.push_str(&format!("&{};", name.decode().unwrap()));
                    }
                    quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag) => {
                        let name = tag.name();
                        assert!(!matches!(name.as_ref(), b"b" | b"i" | b"script"), "{svg}");
                        bars += usize::from(name.as_ref() == b"rect");
                    }
                    quick_xml::events::Event::Eof => break,
                    _ => {}
                }
            }
            assert!(texts.contains("&lt;b&gt;网关&amp; &quot;"), "{texts}");
            assert!(texts.contains("事件 &lt;i&gt;"), "{texts}");
            assert!(texts.contains(&format!("{}…", "x".repeat(LABEL))), "{texts}");
            // The ground, and each bar.
            assert_eq!(bars, 4, "{svg}");
            // The same numbers make the same file.
            assert_eq!(svg, chart(upright).svg().unwrap());
        }
    }

    #[test]
    fn no_bars_are_a_chart_too() {
        for upright in [true, false] {
            let none = Chart { title: String::new(), bars: Vec::new(), upright };
            assert!(none.svg().unwrap().contains("<svg"));
        }
    }
}
