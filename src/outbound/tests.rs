//! The client against receivers that mean ill.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::*;

/// Answers a name by turns.
struct Turns {
    answers: Mutex<Vec<Vec<SocketAddr>>>,
    asked: AtomicUsize,
}

impl Turns {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| {
            answer.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect()
        };
        let answers = answers.iter().rev().map(parse).collect();
        Arc::new(Self { answers: Mutex::new(answers), asked: AtomicUsize::new(0) })
    }
}

impl Resolve for Turns {
    fn resolve(&self, _: Name) -> Resolving {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers.lock().unwrap().pop().unwrap_or_default();
        Box::pin(async move { Ok(Box::new(answer.into_iter()) as Addrs) })
    }
}

/// A receiver that reads a request's head and then does `answer`; counts its connections.
async fn receiver<F, D>(answer: F) -> (u16, Arc<AtomicUsize>)
where
    F: Fn(TcpStream) -> D + Send + Sync + 'static,
    D: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                    let mut part = [0; 1024];
                    match stream.read(&mut part).await {
                        Ok(read @ 1..) => head.extend_from_slice(&part[..read]),
                        _ => return,
                    }
                }
                answer(stream).await;
            });
        }
    });
    (port, connections)
}

fn settings(port: u16) -> OutboundSettings {
    OutboundSettings {
        http_hosts: vec!["127.0.0.1".to_owned(), "hooks.example".to_owned()],
        networks: vec!["127.0.0.1/32".parse().unwrap()],
        ports: vec![port],
    }
}

fn open(port: u16) -> Policy {
    Policy::new(&settings(port))
}

async fn post(client: &Client, url: &str, limit: usize) -> Result<Answer, Failure> {
    client.post(&Url::parse(url).unwrap(), HeaderMap::new(), "{}", limit).await
}

#[tokio::test]
async fn an_address_inside_is_refused_as_a_literal_and_as_a_name() {
    let (port, connections) = receiver(|_| async {}).await;
    let closed = Policy::new(&OutboundSettings { networks: Vec::new(), ..settings(port) });
    let names = Turns::new(&[&["127.0.0.1"], &["93.184.215.14", "127.0.0.1"], &[]]);
    let client = Client::with_resolver(closed, Arc::clone(&names) as _).unwrap();
    let refused = |address: &str| Err(Failure::Refused(Refusal::Address(address.parse().unwrap())));
    assert_eq!(post(&client, &format!("http://127.0.0.1:{port}/"), 10).await, refused("127.0.0.1"));
    assert_eq!(names.asked.load(Ordering::SeqCst), 0, "a literal is no name");
    let by_name = post(&client, &format!("http://hooks.example:{port}/"), 10).await;
    let words = by_name.as_ref().unwrap_err().to_string();
    assert!(words.contains("outbound.networks") && !words.contains("127.0.0.1"), "{words}");
    assert_eq!(by_name, refused("127.0.0.1"));
    assert_eq!(
        post(&client, &format!("http://hooks.example:{port}/"), 10).await,
        refused("127.0.0.1"),
        "one bad address among good ones is enough"
    );
    assert_eq!(
        post(&client, &format!("http://hooks.example:{port}/"), 10).await,
        Err(Failure::Refused(Refusal::NoAddress))
    );
    assert_eq!(connections.load(Ordering::SeqCst), 0, "nothing was connected to");
}

#[tokio::test]
async fn a_name_that_changes_its_mind_gains_nothing() {
    let (port, connections) = receiver(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await.unwrap();
    })
    .await;
    // First an allowed address, then one inside that is not: each connection is made to what was checked.
    let names = Turns::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let client = Client::with_resolver(open(port), Arc::clone(&names) as _).unwrap();
    let url = format!("http://hooks.example:{port}/");
    assert_eq!(post(&client, &url, 10).await.unwrap().status, 204);
    assert_eq!(names.asked.load(Ordering::SeqCst), 1, "resolved once for one connection");
    assert_eq!(
        post(&client, &url, 10).await,
        Err(Failure::Refused(Refusal::Address("127.0.0.2".parse().unwrap())))
    );
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn redirects_are_answers_and_connections_are_kept() {
    let (port, connections) = receiver(|mut stream| async move {
        let answer = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno";
        let mut buffer = [0; 4096];
        stream.write_all(answer).await.unwrap();
        while let Ok(1..) = stream.read(&mut buffer).await {
            stream.write_all(answer).await.unwrap();
        }
    })
    .await;
    let client = Client::new(open(port)).unwrap();
    for _ in 0..3 {
        let answer = post(&client, &format!("http://127.0.0.1:{port}/"), 100).await.unwrap();
        assert_eq!(
            answer,
            Answer {
                status: 307,
                retry_after: Some("7".to_owned()),
                etag: None,
                body: b"no".to_vec(),
                broken: false,
                cut: false,
            },
            "the redirect itself is the answer"
        );
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_endless_answer_is_read_to_the_bound() {
    let written = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&written);
    let (port, _) = receiver(move |mut stream| {
        let counted = Arc::clone(&counted);
        async move {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 1u64 << 30);
            let _ = stream.write_all(head.as_bytes()).await;
            let part = vec![b'x'; 64 * 1024];
            while counted.load(Ordering::SeqCst) < 1 << 30 {
                if stream.write_all(&part).await.is_err() {
                    break;
                }
                counted.fetch_add(part.len(), Ordering::SeqCst);
            }
        }
    })
    .await;
    let client = Client::new(open(port)).unwrap();
    let answer = post(&client, &format!("http://127.0.0.1:{port}/"), 4096).await.unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, 4096));
    assert!(written.load(Ordering::SeqCst) < 64 << 20, "the connection was not given up");
}

#[tokio::test]
async fn a_packed_answer_stays_packed() {
    // What `printf 'x%.0s' {1..1000} | gzip` starts with; unpacking it would fail or grow.
    let packed = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0xa8, 0x18, 5, 0xa3];
    let (port, _) = receiver(move |mut stream| async move {
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", packed.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&packed).await.unwrap();
    })
    .await;
    let client = Client::new(open(port)).unwrap();
    let answer = post(&client, &format!("http://127.0.0.1:{port}/"), 4096).await.unwrap();
    assert_eq!(answer.body, packed);
}

#[tokio::test(start_paused = true)]
async fn a_dripping_head_ends_at_the_deadline() {
    let (port, _) = receiver(|mut stream| async move {
        for letter in b"HTTP/1.1 200 OK\r\nX-Drip: ".iter().chain(std::iter::repeat(&b'a')) {
            if stream.write_all(&[*letter]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
    .await;
    let client = Client::new(open(port)).unwrap();
    let started = tokio::time::Instant::now();
    assert_eq!(
        post(&client, &format!("http://127.0.0.1:{port}/"), 4096).await,
        Err(Failure::Deadline(std::time::Duration::from_secs(15)))
    );
    assert!(started.elapsed() < Duration::from_secs(16), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_dripping_body_ends_at_the_deadline_and_its_status_counts() {
    let (port, _) = receiver(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").await;
        while stream.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
    .await;
    let client = Client::new(open(port)).unwrap();
    let started = tokio::time::Instant::now();
    let answer = post(&client, &format!("http://127.0.0.1:{port}/"), 4096).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!((1..=16).contains(&answer.body.len()), "{}", answer.body.len());
    assert!(started.elapsed() < Duration::from_secs(16), "{:?}", started.elapsed());
}

#[tokio::test]
async fn failures_say_what_happened_and_never_the_url() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let client = Client::new(open(port)).unwrap();
    let failure = post(&client, &format!("http://127.0.0.1:{port}/a-secret-path"), 10).await.unwrap_err();
    assert!(matches!(failure, Failure::Connect(_)), "{failure:?}");
    assert!(!failure.to_string().contains("secret"), "{failure}");
    let (port, _) = receiver(|stream| async move { drop(stream) }).await;
    let client = Client::new(open(port)).unwrap();
    let failure = post(&client, &format!("http://127.0.0.1:{port}/a-secret-path"), 10).await.unwrap_err();
    assert!(matches!(failure, Failure::Broken(_)), "{failure:?}");
    assert!(!failure.to_string().contains("secret"), "{failure}");
}
