//! Mails in files: a maildir, an mbox file, one mail.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use mail_parser::mailbox::mbox;

use super::Incoming;

/// A mail that was found, or why it could not be read, with where it is.
pub type Found = (String, io::Result<Incoming>);

/// The mails at `path`, in an order that is the same every time. Of each at most `most` bytes and one more are read, so
/// that one that is too large is seen to be.
///
/// # Errors
/// When the path is neither a maildir nor a file, or cannot be opened.
pub fn mails(path: &Path, most: usize) -> io::Result<Box<dyn Iterator<Item = Found> + Send>> {
    if path.is_dir() {
        return maildir(path, most);
    }
    let mut reader = BufReader::new(File::open(path)?);
    // An mbox begins with a line that no mail can begin with: its colon would be missing.
    if reader.fill_buf()?.starts_with(b"From ") {
        let name = path.display().to_string();
        let mails = mbox::MessageIterator::new(reader).zip(1..).map(move |(mail, number)| {
            let mail = mail.map(|mail| Incoming { bytes: mail.unwrap_contents(), received_at: None });
            (format!("{name}, mail {number}"), mail)
        });
        return Ok(Box::new(mails));
    }
    Ok(Box::new(std::iter::once(one(path, most))))
}

fn maildir(path: &Path, most: usize) -> io::Result<Box<dyn Iterator<Item = Found> + Send>> {
    let mut files = Vec::new();
    for folder in ["cur", "new"] {
        let folder = path.join(folder);
        if !folder.is_dir() {
            let message = "a folder has to be a maildir, with the folders new and cur";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        for entry in std::fs::read_dir(folder)? {
            let file = entry?.path();
            if file.is_file() && is_mail(&file) {
                files.push(file);
            }
        }
    }
    // Their names begin with when they were delivered.
    files.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    Ok(Box::new(files.into_iter().map(move |file| one(&file, most))))
}

/// Whether a file of a maildir is a mail that nobody took back: neither hidden, nor a draft, nor in the trash.
fn is_mail(file: &Path) -> bool {
    let name = file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let flags = name.rsplit_once(":2,").map_or("", |(_, flags)| flags);
    !name.starts_with('.') && !flags.contains(['D', 'T'])
}

fn one(file: &Path, most: usize) -> Found {
    let read = |file: PathBuf| {
        let mut bytes = Vec::new();
        let bound = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
        File::open(file)?.take(bound).read_to_end(&mut bytes)?;
        Ok(Incoming { bytes, received_at: None })
    };
    (file.display().to_string(), read(file.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(path: &Path) -> Vec<String> {
        let text = |found: Found| String::from_utf8(found.1.unwrap().bytes).unwrap();
        mails(path, 1_000).unwrap().map(text).collect()
    }

    #[test]
    fn every_kind_of_mailbox_gives_its_mails() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("one.eml"), "Subject: one\n\nx\n").unwrap();
        assert_eq!(texts(&path("one.eml")), ["Subject: one\n\nx\n"]);
        let mbox = "From a@example.org Sat Jan  3 01:05:34 1996\nSubject: 1\n\n>From here\n\nFrom b@example.org Sat Jan  3 01:05:35 1996\nSubject: 2\n\ny\n";
        std::fs::write(path("box"), mbox).unwrap();
        assert_eq!(texts(&path("box")), ["Subject: 1\n\nFrom here\n\n", "Subject: 2\n\ny\n"]);
        for folder in ["new", "cur", "tmp"] {
            std::fs::create_dir_all(path("maildir").join(folder)).unwrap();
        }
        for (name, text) in [
            ("new/2.b.host", "second"),
            ("cur/1.a.host:2,S", "first"),
            ("cur/3.c.host:2,ST", "in the trash"),
            ("cur/4.d.host:2,D", "a draft"),
            ("new/.hidden", "hidden"),
            ("tmp/5.e.host", "still being written"),
        ] {
            std::fs::write(path("maildir").join(name), text).unwrap();
        }
        assert_eq!(texts(&path("maildir")), ["first", "second"]);
        assert!(mails(folder.path(), 1_000).is_err(), "a folder of mails is no maildir");
        assert!(mails(&path("none"), 1_000).is_err());
    }

    #[test]
    fn of_a_mail_that_is_too_large_no_more_is_read_than_shows_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("large.eml");
        std::fs::write(&file, vec![b'x'; 5_000]).unwrap();
        let found: Vec<_> = mails(&file, 1_000).unwrap().collect();
        assert_eq!(found[0].1.as_ref().unwrap().bytes.len(), 1_001);
    }
}
