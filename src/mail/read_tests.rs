//! Mails as they come and as nobody should send them.

use super::*;
use crate::mail::rules;

fn letter(mail: &[u8]) -> Letter {
    read(mail).expect("it has a header")
}

#[test]
fn a_plain_mail_is_read() {
    let mail = b"From: =?utf-8?b?55m95bi95a2Q?= <Researcher@Example.org>\r\nSubject: A hole\r\nMessage-ID: <1@example.org>\r\nIn-Reply-To: <b@x>\r\nReferences: <a@x> <b@x>\r\n <c@x>\r\nReceived: from a by b; Thu, 1 May 2031 10:00:00 +0200\r\nReceived: from c by a; Thu, 1 May 2031 09:00:00 +0200\r\n\r\nSteps:\r\n 1\r\n";
    let read = letter(mail);
    let sender = Sender { name: Some("白帽子".to_owned()), address: "researcher@example.org".to_owned() };
    assert_eq!(read.sender, Some(sender));
    assert_eq!((read.subject.as_str(), read.text.as_str()), ("A hole", "Steps:\n 1"));
    assert_eq!(read.message_id.as_deref(), Some("<1@example.org>"));
    assert_eq!(read.references, ["<b@x>", "<c@x>", "<a@x>"], "the one that it answers, then the nearest");
    assert_eq!(
        read.received_at.unwrap().to_rfc3339(),
        "2031-05-01T08:00:00+00:00",
        "what the last server wrote"
    );
    assert!(read.files.is_empty());
}

#[test]
fn of_two_forms_the_plain_one_is_read_and_html_becomes_words() {
    let mail = b"Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nplain\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n--x--\r\n";
    let both = letter(mail);
    assert_eq!((both.text.as_str(), both.files.len()), ("plain", 0));
    let html = b"Content-Type: text/html; charset=utf-8\r\n\r\n<head><style>p{}</style></head><script>alert(1)</script><p>See <a href=\"http://tracker.example/x\">this</a></p><img src=\"http://tracker.example/p.png\"><p>&lt;b&gt; \xe6\xbc\x8f\xe6\xb4\x9e</p>";
    let read = letter(html);
    assert_eq!(read.text, "See this\n<b> 漏洞");
}

#[test]
fn what_older_programs_write_is_read() {
    let gb = |text: &str| GB18030.encode(text).0.into_owned();
    // Labelled, in an encoded word.
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, gb("路由器漏洞"));
    let mail = format!("Subject: =?GB18030?B?{encoded}?=\r\n\r\n");
    assert_eq!(letter(mail.as_bytes()).subject, "路由器漏洞");
    // In eight bits, without saying so.
    let mail =
        [b"Subject: ".to_vec(), gb("命令注入"), b"\r\n\r\n".to_vec(), gb("复现步骤"), b"\r\n".to_vec()]
            .concat();
    let read = letter(&mail);
    assert_eq!((read.subject.as_str(), read.text.as_str()), ("命令注入", "复现步骤"));
    let mail = b"Subject: =?ISO-2022-JP?B?GyRCQEg8ZUAtGyhC?=\r\nContent-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$B@H<e@-\x1b(B\r\n";
    let read = letter(mail);
    assert_eq!((read.subject.as_str(), read.text.as_str()), ("脆弱性", "脆弱性"));
}

#[test]
fn files_are_kept_to_the_byte_and_a_mail_in_a_mail_is_one() {
    let mail = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nsee files\r\n--x\r\nContent-Type: Image/PNG; name=\"a.png\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\niVBORw0KGgo=\r\n--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\ninner text\r\n--y\r\nContent-Type: application/zip\r\n\r\nPK\r\n--y--\r\n--x\r\nContent-Disposition: attachment; filename*=utf-8''%E6%BC%8F%E6%B4%9E.txt\r\n\r\nlast\r\n--x--\r\n";
    let read = letter(mail);
    assert_eq!(read.text, "see files");
    let seen: Vec<_> = read.files.iter().map(|file| (file.kept_name(), file.media_type.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("a.png".to_owned(), "image/png"),
            ("message.eml".to_owned(), "message/rfc822"),
            ("漏洞.txt".to_owned(), "application/octet-stream"),
        ]
    );
    assert_eq!(read.files[0].bytes, b"\x89PNG\r\n\x1a\n");
    let inner = letter(&read.files[1].bytes);
    assert_eq!((inner.subject.as_str(), inner.text.as_str(), inner.files.len()), ("inner", "inner text", 1));
    assert_eq!(read.files[2].bytes, b"last");
}

#[test]
fn broken_mails_are_read_as_far_as_they_go() {
    assert!(read(b"").is_none());
    assert!(read(b"\r\n\r\n").is_none());
    let open = letter(b"Subject: s\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\ncut off");
    assert_eq!((open.subject.as_str(), open.text.as_str()), ("s", "cut off"));
    let no_boundary =
        letter(b"Subject: s\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\nno part begins");
    assert_eq!(no_boundary.subject, "s");
    let bad_base64 =
        letter(b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%not base64%%%\r\n");
    assert!(bad_base64.text.contains("not base64"), "{:?}", bad_base64.text);
}

#[test]
fn nothing_of_a_header_breaks_what_it_is_put_into() {
    let mail = b"From: \"a\x00b\r\n c\" <x@example.org>\r\nSubject: one\x00two =?utf-8?q?three=0D=0ABcc:_four=00?=\r\nMessage-ID: <a b@\x00c>\r\n\r\nnul \x00 bell \x07 end\r\n";
    let read = letter(mail);
    assert_eq!(read.message_id, None);
    let bad = |text: &str| text.chars().any(|c| c.is_control() && c != '\n');
    assert!(!bad(&read.subject) && !read.subject.contains('\n'), "{:?}", read.subject);
    assert!(!bad(&read.text), "{:?}", read.text);
    assert!(read.sender.as_ref().is_none_or(|sender| !bad(&sender.address)), "{:?}", read.sender);
    let long = letter(format!("Subject: {}\r\n\r\n{}", "漏".repeat(5_000), "洞".repeat(300_000)).as_bytes());
    assert_eq!((long.subject.chars().count(), long.text.chars().count()), (SUBJECT, TEXT));
}

#[test]
fn ten_thousand_parts_within_each_other_are_kept_whole() {
    for nested in [
        "Content-Type: message/rfc822\r\n\r\n".repeat(10_000),
        (0..10_000)
            .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"))
            .collect(),
        "Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\n".repeat(10_000),
    ] {
        let mail = format!("Subject: deep\r\nMessage-ID: <deep@x>\r\n{nested}Subject: x\r\n\r\nx");
        let read = letter(mail.as_bytes());
        assert_eq!((read.subject.as_str(), read.text.as_str(), read.files.len()), ("deep", "", 0));
        assert_eq!(read.message_id.as_deref(), Some("<deep@x>"));
    }
}

#[test]
fn as_many_parts_as_are_taken_apart_fit_on_a_small_stack() {
    let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(PARTS - 1);
    let mail = format!("Subject: deep\r\n{nested}Content-Type: text/plain\r\n\r\nx");
    let reading =
        std::thread::Builder::new().stack_size(2 << 20).spawn(move || letter(mail.as_bytes()).files.len());
    assert_eq!(reading.unwrap().join().unwrap(), 1);
}

#[test]
fn two_copies_of_a_mail_have_the_same_content() {
    let first =
        letter(b"Received: from a by b; Thu, 1 May 2031 10:00:00 +0200\r\nSubject: s\r\n\r\ntext\r\n");
    let second =
        letter(b"Received: from c by d; Thu, 1 May 2031 10:00:01 +0200\r\nSubject: s\r\n\r\ntext\r\n");
    assert_ne!(first.digest, second.digest);
    assert_eq!(first.content_hash(), second.content_hash());
    assert_ne!(first.content_hash(), letter(b"Subject: s\r\n\r\ntex\r\n").content_hash());
}

const PIECES: &str = "From: ¦a@example.org¦<¦>¦\t¦Subject: ¦=?utf-8?b?¦=?gb18030?q?¦?=¦=ff¦Message-ID: <1@x>¦References: ¦\
    Received: from a by b; ¦Thu, 1 May 2031 10:00:00 +0200¦Content-Type: multipart/mixed; boundary=x¦\
    --x¦--x--¦Content-Type: message/rfc822¦Content-Type: text/html¦Content-Transfer-Encoding: base64¦\
    Content-Disposition: attachment; filename*=utf-8''%ff¦\
    Authentication-Results: mx.example.com; dkim=pass (¦Auto-Submitted: auto-replied¦List-Id: ¦\
    Content-Type: multipart/report; report-type=delivery-status; boundary=x¦\
    Content-Type: message/delivery-status¦Status: 5.1.1¦Final-Recipient: rfc822; ¦<p>¦&#x110000;¦\
    VE-2026-000001";

proptest::proptest! {
    #[test]
    fn any_mail_never_panics(
        text in crate::testing::jumble(PIECES),
        bytes: Vec<u8>,
        bent in crate::testing::bent("mail"),
    ) {
        for mail in [text.as_bytes(), &bytes, &[text.as_bytes(), &bytes].concat(), &bent] {
            let _ = crate::reply::handover::bounce::read(mail);
            let Some(letter) = read(mail) else { continue };
            let _ = (rules::automatic(&letter.signs, &[]), rules::identity(&letter), rules::event_numbers(&letter.subject));
            let _ = rules::verification(&letter, &["mx.example.com".to_owned()]);
            // What is kept of a mail fits its columns, whatever it says.
            assert!(letter.subject.chars().count() <= SUBJECT && letter.text.chars().count() <= TEXT);
        }
    }
}
