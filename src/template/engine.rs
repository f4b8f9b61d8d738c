//! The template language: what is not defined is an error, work and output are bounded, and nothing is read.

use std::io::{self, Write};

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value, filters};
use serde::Serialize;

use super::bounds::{self, MOST};

/// Steps that one template may take.
const FUEL: u64 = 50_000;
/// What stands where a fact is not known. A text with one of them is not finished.
pub const PLACEHOLDERS: [&str; 2] = ["【待补充】", "[to be supplied]"];

/// An environment without loader, tests or filters: strict, and stopped after `fuel` steps.
pub fn strict(fuel: u64) -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(fuel));
    environment
}

/// What a template writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// One line, without markup.
    Line,
    /// Markdown: what is put in cannot become markup.
    Markdown,
}

fn environment(writes: Writes, language: &str) -> Environment<'static> {
    let mut environment = strict(FUEL);
    environment.add_filter("join", |value: &Value, between: Option<&str>| bounds::join(value, between));
    environment.add_filter("default", filters::default);
    let placeholder = PLACEHOLDERS[usize::from(!is_chinese(language))];
    environment.set_formatter(move |out, _, value| {
        if value.is_undefined() {
            return Err(Error::from(ErrorKind::UndefinedError));
        }
        if value.is_none() {
            return out.write_str(placeholder).map_err(Error::from);
        }
        let text = bounds::text(value)?;
        let text = match writes {
            Writes::Line => text.split_whitespace().collect::<Vec<_>>().join(" "),
            Writes::Markdown => escape(&text),
        };
        out.write_str(&text).map_err(Error::from)
    });
    environment
}

/// Whether a language tag is one of Chinese.
pub fn is_chinese(language: &str) -> bool {
    language.split('-').next().is_some_and(|first| first.eq_ignore_ascii_case("zh"))
}

/// The names that a template asks for.
///
/// # Errors
/// Of its syntax.
pub fn names(template: &str) -> Result<Vec<String>, Error> {
    let environment = environment(Writes::Line, "en");
    let mut names: Vec<_> =
        environment.template_from_str(template)?.undeclared_variables(false).into_iter().collect();
    names.sort_unstable();
    Ok(names)
}

/// Renders a template.
///
/// # Errors
/// Of the template: its syntax, what it names and is not there, too much work or too much output.
pub fn render(
    template: &str,
    facts: &(impl Serialize + ?Sized),
    writes: Writes,
    language: &str,
) -> Result<String, Error> {
    let text = written(&environment(writes, language), template, 0, facts)?;
    Ok(if writes == Writes::Line { text.split_whitespace().collect::<Vec<_>>().join(" ") } else { text })
}

/// What a template writes in `environment`, within bounds. It may have as many `~` as `joins` says.
///
/// # Errors
/// Of the template: what it may not do, its syntax, what it names and is not there, too much work or too much output.
pub fn written(
    environment: &Environment<'_>,
    template: &str,
    joins: usize,
    context: &(impl Serialize + ?Sized),
) -> Result<String, Error> {
    bounds::check(template, joins)?;
    let mut written = Bounded(Vec::new());
    environment.template_from_str(template)?.render_captured_to(context, &mut written)?;
    String::from_utf8(written.0).map_err(|_| Error::new(ErrorKind::BadSerialization, "the text is no UTF-8"))
}

struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST {
            return Err(io::Error::other("the template writes too much"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A value as Markdown that reads as the value: markup in it is text.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for (number, line) in value.trim().lines().enumerate() {
        if number > 0 {
            escaped.push('\n');
        }
        let line = line.trim();
        // Only at its beginning does one of these begin a heading, a list or a quotation.
        if line.starts_with(['#', '>', '-', '+', '=', '~']) {
            escaped.push('\\');
        }
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        for (place, character) in line.char_indices() {
            let ends_number = digits > 0 && place == digits && matches!(character, '.' | ')');
            if ends_number || matches!(character, '\\' | '`' | '*' | '_' | '<' | '[' | ']' | '|' | '&') {
                escaped.push('\\');
            }
            escaped.push(character);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{bent_text, jumble};

    fn markdown(template: &str, facts: &serde_json::Value) -> Result<String, Error> {
        render(template, facts, Writes::Markdown, "zh-CN")
    }

    #[test]
    fn a_value_cannot_become_markup() {
        let facts = json!({ "x": "# a\n1. b\n[c](https://d) <script>*e*</script> | f_g & \\" });
        let source = markdown("{{ x }}", &facts).unwrap();
        let read = crate::render::text::render(&source);
        assert_eq!(read, "# a\n1. b\n[c](https://d) <script>*e*</script> | f_g & \\\n");
        let html = crate::render::html::fragment(&source);
        for markup in ["<h1", "<ol", "<a ", "<em"] {
            assert!(!html.contains(markup), "{markup} in {html}");
        }
    }

    #[test]
    fn what_is_not_known_leaves_a_place_to_fill() {
        let facts = json!({ "x": null });
        assert_eq!(markdown("{{ x }}", &facts).unwrap(), PLACEHOLDERS[0]);
        assert_eq!(render("{{ x }}", &facts, Writes::Line, "en").unwrap(), PLACEHOLDERS[1]);
        assert_eq!(markdown("{% if x %}a{% endif %}", &facts).unwrap(), "");
        assert!(markdown("{{ y }}", &facts).is_err(), "a name that is no fact");
        assert_eq!(
            render("a\r\nBcc: {{ x }}", &json!({ "x": "b\nc" }), Writes::Line, "en").unwrap(),
            "a Bcc: b c"
        );
    }

    /// Each of these asks for more memory than the process of the test below may have.
    const BOMBS: [&str; 6] = [
        "{{ 'x' * 9000000000 }}",
        "{{ [1] * 9000000000 }}",
        "{{ ([1] * 9000000000)|join }}",
        "{% if 'x' * 9000000000 %}{% endif %}",
        "{% set a = x ~ x ~ x ~ x %}{{ a }}",
        "{% for i in list %}{% set b %}{% for i in list %}{{ x }}{% endfor %}{% endset %}{% endfor %}",
    ];

    #[test]
    #[ignore = "run by the test below, in a process with little memory"]
    fn bombs_in_little_memory() {
        let facts = json!({ "x": "x".repeat(20_000), "list": vec![0; 500] });
        for bomb in BOMBS {
            assert!(markdown(bomb, &facts).is_err(), "{bomb}");
        }
        let joined = format!("{{{{ [{}]|join }}}}", vec!["x"; 5_000].join(","));
        let listed = format!("{{{{ [{}] }}}}", vec!["x"; 5_000].join(","));
        assert!(markdown(&joined, &facts).is_err() && markdown(&listed, &facts).is_err());
        assert!(markdown(&format!("{{{{ {} }}}}", vec!["x"; 9_000].join(" ~ ")), &facts).is_err());
    }

    #[test]
    fn no_template_is_a_bomb() {
        let own = std::env::current_exe().unwrap();
        let name = "template::engine::tests::bombs_in_little_memory";
        // In KiB: what the program itself takes, and 64 MB.
        let script =
            format!("ulimit -v 400000; exec '{}' --exact {name} --ignored --test-threads=1", own.display());
        let run = std::process::Command::new("sh")
            .args(["-c", &script])
            .env("RUST_MIN_STACK", "1048576")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(
            run.status.success() && said.contains("1 passed"),
            "{said}{}",
            String::from_utf8_lossy(&run.stderr)
        );
    }

    #[test]
    fn work_and_output_are_bounded_and_no_file_is_read() {
        let list = json!({ "list": vec![0; 1_000] });
        let nested = "{% for i in list %}{% for j in list %}{{ j }}{% endfor %}{% endfor %}";
        assert!(markdown(nested, &list).is_err());
        let long = json!({ "list": vec![0; 1_000], "x": "x".repeat(1_000) });
        assert!(markdown("{% for i in list %}{{ x }}{% endfor %}", &long).is_err());
        assert!(markdown("{% include '/etc/passwd' %}", &list).is_err());
        assert!(markdown("{% import '/etc/passwd' as x %}", &list).is_err());
        assert!(names("{{ a.b }}{% if c %}{% endif %}").unwrap() == ["a", "c"]);
        assert!(names("{{ a").is_err());
    }

    const PARTS: &str = "{{¦}}¦{%¦%}¦{#¦#}¦-¦if ¦for x in ¦endif¦endfor¦else¦x¦many¦ | ¦join(¦default(¦)¦'¦\"¦\\¦~¦*¦[¦]¦.¦(¦\
    range(99999)¦loop.index¦self¦not ¦1";

    proptest::proptest! {
        #[test]
        fn any_template_never_panics_and_is_bounded(
            template in proptest::prop_oneof![jumble(PARTS), bent_text("template")],
        ) {
            let facts = json!({ "x": "a", "many": ["b", "c"], "none": null });
            let _ = names(&template);
            for writes in [Writes::Line, Writes::Markdown] {
                if let Ok(text) = render(&template, &facts, writes, "en") {
                    assert!(text.len() <= MOST);
                }
            }
        }
    }
}
