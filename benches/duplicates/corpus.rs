//! Reports that look like those of a vulnerability database, made out of the parts of real ones.

/// Title, text and products of a report.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) products: Vec<String>,
}

/// The same numbers in each run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as usize % bound.max(1)
    }

    pub(crate) fn of<'a, T: ?Sized>(&mut self, list: &'a [Box<T>]) -> &'a T {
        &list[self.below(list.len())]
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// The product and the weakness that a title names.
pub(crate) fn named(title: &str) -> Option<(&str, &str)> {
    let title = title.split("漏洞").next().unwrap_or_default();
    let (product, weakness) = title.split_once("存在").unwrap_or_else(|| {
        let end = title.rfind(|character: char| character.is_ascii_alphanumeric());
        title.split_at(end.map_or(0, |place| place + 1))
    });
    let weakness = weakness.trim_start_matches(['组', '件', '插', '存', '在', '中', '的', ' ']);
    let product = product.trim();
    (product.len() >= 3 && weakness.len() >= 6).then_some((product, weakness))
}

/// What real reports are made of.
pub(crate) struct Parts {
    products: Vec<Box<str>>,
    introductions: Vec<(Box<str>, Box<str>)>,
    weaknesses: Vec<Box<str>>,
    causes: Vec<Box<str>>,
    effects: Vec<Box<str>>,
    words: Vec<Box<str>>,
}

impl Parts {
    pub(crate) fn of(records: &[Record]) -> Self {
        let mut parts = Self {
            products: Vec::new(),
            introductions: Vec::new(),
            weaknesses: Vec::new(),
            causes: Vec::new(),
            effects: Vec::new(),
            words: Vec::new(),
        };
        for record in records {
            let Some((product, weakness)) = named(&record.title) else { continue };
            parts.products.push(product.into());
            parts.weaknesses.push(weakness.into());
            let (first, rest) = record.text.split_once('\n').unwrap_or((&record.text, ""));
            parts.introductions.push((product.into(), first.trim().into()));
            for sentence in rest.split(['。', '\n']).map(str::trim).filter(|sentence| sentence.len() > 12) {
                for clause in sentence.split('，') {
                    if clause.contains("源于") {
                        parts.causes.push(clause.into());
                    } else if clause.contains("攻击者") || clause.contains("利用") {
                        parts.effects.push(sentence.into());
                        break;
                    }
                }
                let latin = sentence
                    .split(|character: char| !character.is_ascii_graphic())
                    .filter(|word| word.len() > 4);
                parts.words.extend(latin.map(Box::from));
            }
        }
        parts
    }

    /// One report. `fresh` names products that no report names.
    pub(crate) fn make(&self, dice: &mut Dice, fresh: bool) -> Record {
        let (known, introduction) = &self.introductions[dice.below(self.introductions.len())];
        let product = if fresh {
            invented(dice)
        } else if dice.once_in(2) {
            known.to_string()
        } else {
            let first = dice.of(&self.products).split(' ').next().unwrap_or_default().to_owned();
            let rest = dice.of(&self.products).split_once(' ').map_or("Manager", |(_, rest)| rest).to_owned();
            format!("{first} {rest}")
        };
        self.about(&product, &introduction.replace(&**known, &product), dice)
    }

    /// Another report about a product that `record` is about: a hole of its own, in a version of its own.
    pub(crate) fn of_same_product(&self, record: &Record, dice: &mut Dice) -> Option<Record> {
        let (product, _) = named(&record.title)?;
        Some(self.about(product, record.text.split('\n').next().unwrap_or_default().trim(), dice))
    }

    fn about(&self, product: &str, introduction: &str, dice: &mut Dice) -> Record {
        let weakness = dice.of(&self.weaknesses);
        let version = format!("{}.{}.{}", dice.below(12), dice.below(30), dice.below(40));
        let place = if dice.once_in(2) { format!("的{}", dice.of(&self.words)) } else { String::new() };
        let cause = if dice.once_in(2) { format!("，{}", dice.of(&self.causes)) } else { String::new() };
        let effect = dice.of(&self.effects);
        let sign = ["<=", "<", ""][dice.below(3)];
        Record {
            title: format!("{product}{weakness}漏洞"),
            text: format!(
                "{introduction}\n\n{product} {version}版本中{place}存在{weakness}漏洞{cause}。{effect}。"
            ),
            products: vec![format!("{product} {sign}{version}")],
        }
    }
}

/// A name that no product has.
fn invented(dice: &mut Dice) -> String {
    const SOUNDS: [&str; 16] = [
        "zor", "kel", "vax", "tri", "lum", "pex", "dra", "qui", "bol", "nim", "fey", "sco", "wug", "jat",
        "rho", "ype",
    ];
    let mut name = || (0..3).map(|_| SOUNDS[dice.below(SOUNDS.len())]).collect::<String>();
    format!("{} {}", name(), name())
}

/// The same report, pasted: other line ends, spaces at the ends.
pub(crate) fn pasted(record: &Record) -> Record {
    Record {
        title: format!(" {} ", record.title),
        text: format!("{}\r\n", record.text.replace('\n', "\r\n")),
        products: record.products.clone(),
    }
}

/// The same report by somebody who changed some words: every eleventh character is gone, and a sentence is before it.
pub(crate) fn edited(record: &Record, dice: &mut Dice) -> Record {
    let kept = record.text.chars().filter(|character| character.is_ascii() || !dice.once_in(14));
    Record {
        title: record.title.clone(),
        text: format!("您好，我在测试时发现以下问题，请尽快核实。{}", kept.collect::<String>()),
        products: record.products.clone(),
    }
}

/// The same text as another channel writes it: in a form, in wide characters, cut out of XML.
pub(crate) fn reshaped(record: &Record) -> Record {
    let wide = |text: &str| {
        text.chars()
            .map(|character| match character {
                '!'..='~' => char::from_u32(character as u32 + 0xfee0).unwrap_or(character),
                other => other,
            })
            .collect::<String>()
    };
    Record {
        title: format!("[漏洞提交] {}", wide(&record.title)),
        text: format!(
            "漏洞名称：{}&#xD;\n危害等级：高危&#xD;\n影响产品：{}&#xD;\n漏洞描述：{}&#xD;\n修复建议：请联系厂商获取补丁。",
            record.title,
            record.products.join("、"),
            wide(&record.text).replace('\n', "&#xD;\n"),
        ),
        products: Vec::new(),
    }
}
