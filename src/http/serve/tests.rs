use std::sync::Arc;

use axum::routing::get;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Notify,
    task::JoinHandle,
};

use super::*;
use crate::{
    graphql::guard::GuardLimits,
    http::{
        router,
        tests::{Toy, services},
    },
};

struct Running {
    address: SocketAddr,
    shutdown: Shutdown,
    ended: JoinHandle<Drained>,
}

async fn start(settings: HttpSettings, more: Router) -> Running {
    let settings = HttpSettings { listen: "127.0.0.1:0".parse().unwrap(), ..settings };
    let server = Server::bind(&settings).await.unwrap();
    let (address, shutdown) = (server.address(), Shutdown::default());
    let app = router(&settings, GuardLimits::default(), services(Toy::new()), more);
    Running { address, shutdown: shutdown.clone(), ended: tokio::spawn(server.run(app, shutdown)) }
}

async fn connect(running: &Running, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

async fn read_to_end(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset after the answer is an end as well.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

const CLOSING_GET: &str = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn answers_over_a_socket_until_shutdown() {
    let running = start(HttpSettings::default(), Router::new()).await;
    assert_ne!(running.address.port(), 0);
    let body = r#"{"query":"{ hello client }"}"#;
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer good\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = read_to_end(connect(&running, &request).await).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.ends_with(r#"{"data":{"hello":"hello ","client":"127.0.0.1"}}"#), "{answer}");
    let idle = connect(&running, "").await;
    running.shutdown.token.cancel();
    assert_eq!(running.ended.await.unwrap(), Drained::Completely);
    assert_eq!(read_to_end(idle).await, "");
    assert!(TcpStream::connect(running.address).await.is_err());
}

#[tokio::test]
async fn slow_headers_and_idle_connections_are_closed() {
    let running = start(HttpSettings { header_seconds: 1, ..HttpSettings::default() }, Router::new()).await;
    let silent = connect(&running, "").await;
    let slow = connect(&running, "GET /healthz HTTP/1.1\r\nhost: loc").await;
    let kept = connect(&running, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let ends = async { tokio::join!(read_to_end(silent), read_to_end(slow), read_to_end(kept)) };
    let (silent, slow, kept) = tokio::time::timeout(Duration::from_secs(20), ends).await.unwrap();
    assert_eq!((silent.as_str(), slow.as_str()), ("", ""));
    assert!(kept.starts_with("HTTP/1.1 200 OK"), "{kept}");
}

#[tokio::test]
async fn who_takes_nothing_of_an_answer_is_cut_off() {
    let gone = CancellationToken::new();
    let endless = {
        let gone = gone.clone();
        move || {
            let held = gone.clone().drop_guard();
            let more = futures_util::stream::repeat_with(move || {
                let _held = &held;
                Ok::<_, Infallible>(axum::body::Bytes::from_static(&[b'x'; 16 * 1024]))
            });
            async move { Body::from_stream(more) }
        }
    };
    let settings = HttpSettings { write_seconds: 1, ..HttpSettings::default() };
    let running = start(settings, Router::new().route("/endless", get(endless))).await;
    let _deaf = connect(&running, "GET /endless HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    tokio::time::timeout(Duration::from_secs(20), gone.cancelled()).await.unwrap();
}

/// Sends all of a body that is refused before it reads, as simple clients do; answers what it reads then.
async fn send_before_reading(running: &Running, head: &str, pieces: usize, piece: &[u8]) -> String {
    let mut stream = connect(running, head).await;
    for _ in 0..pieces {
        stream.write_all(piece).await.unwrap();
    }
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn who_sends_all_of_a_body_that_is_refused_reads_the_answer() {
    let running = start(HttpSettings::default(), Router::new()).await;
    let head = |more: &str| format!("POST /graphql HTTP/1.1\r\nhost: localhost\r\n{more}\r\n");
    let (megabyte, size) = (vec![b' '; 1 << 20], 16 << 20);
    let json = "authorization: Bearer good\r\ncontent-type: application/json\r\n";
    let mut chunk = b"100000\r\n".to_vec();
    chunk.extend_from_slice(&megabyte);
    chunk.extend_from_slice(b"\r\n");
    for (status, head, piece) in [
        ("413", head(&format!("{json}content-length: {size}\r\n")), &megabyte),
        ("413", head(&format!("{json}transfer-encoding: chunked\r\n")), &chunk),
        ("401", head(&format!("content-length: {size}\r\n")), &megabyte),
        ("429", head(&format!("authorization: Bearer often\r\ncontent-length: {size}\r\n")), &megabyte),
    ] {
        let answer = send_before_reading(&running, &head, 16, piece).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.ends_with('}'), "{answer}");
    }
}

#[tokio::test]
async fn who_never_ends_after_an_answer_is_let_go() {
    let settings = HttpSettings { connections: 1, header_seconds: 1, ..HttpSettings::default() };
    let running = start(settings, Router::new()).await;
    let head = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9000000\r\n\r\n";
    let mut stays = connect(&running, head).await;
    let mut answer = Vec::new();
    stays.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 401 "));
    let next = connect(&running, CLOSING_GET).await;
    let answer = tokio::time::timeout(Duration::from_secs(20), read_to_end(next)).await.unwrap();
    assert!(answer.contains("\"alive\":true"));
    drop(stays);
}

#[tokio::test]
async fn connections_above_the_bound_wait() {
    let running = start(HttpSettings { connections: 1, ..HttpSettings::default() }, Router::new()).await;
    let mut first = connect(&running, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let mut byte = [0; 1];
    first.read_exact(&mut byte).await.unwrap();
    let mut second = connect(&running, CLOSING_GET).await;
    let early = tokio::time::timeout(Duration::from_millis(100), second.read_exact(&mut byte)).await;
    assert!(early.is_err(), "answered beside the first connection");
    drop(first);
    assert!(read_to_end(second).await.contains("\"alive\":true"));
}

#[tokio::test]
async fn shutdown_waits_for_the_request_in_progress() {
    let (entered, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (entered, go_on) = (entered.clone(), go_on.clone());
        move || async move {
            entered.notify_one();
            go_on.notified().await;
            "done"
        }
    };
    let running = start(HttpSettings::default(), Router::new().route("/slow", get(handler))).await;
    let open = connect(&running, "GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    entered.notified().await;
    running.shutdown.token.cancel();
    go_on.notify_one();
    let answer = read_to_end(open).await;
    assert!(answer.ends_with("done"), "{answer}");
    assert_eq!(running.ended.await.unwrap(), Drained::Completely);
}

#[tokio::test]
async fn who_leaves_still_answers_and_keeps_no_connection() {
    let running = start(HttpSettings::default(), Router::new()).await;
    let mut kept = connect(&running, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let mut byte = [0; 1];
    kept.read_exact(&mut byte).await.unwrap();
    running.shutdown.leaving.cancel();
    kept.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    for stream in [kept, connect(&running, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await] {
        let answer = read_to_end(stream).await;
        assert!(answer.contains("connection: close") && answer.contains("\"alive\":true"), "{answer}");
    }
    running.shutdown.token.cancel();
    assert_eq!(running.ended.await.unwrap(), Drained::Completely);
}

#[tokio::test]
async fn who_had_connected_before_shutdown_is_answered() {
    let running = start(HttpSettings { connections: 1, ..HttpSettings::default() }, Router::new()).await;
    let mut first = connect(&running, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let mut byte = [0; 1];
    first.read_exact(&mut byte).await.unwrap();
    // Connected to the system, and not accepted while the first has the only place.
    let waiting = connect(&running, CLOSING_GET).await;
    running.shutdown.token.cancel();
    assert!(read_to_end(waiting).await.contains("\"alive\":true"));
}

#[tokio::test]
async fn shutdown_cuts_off_what_does_not_end() {
    let entered = Arc::new(Notify::new());
    let handler = {
        let entered = entered.clone();
        move || async move {
            entered.notify_one();
            std::future::pending::<()>().await
        }
    };
    let settings = HttpSettings { drain_seconds: 0, ..HttpSettings::default() };
    let running = start(settings, Router::new().route("/never", get(handler))).await;
    let open = connect(&running, "GET /never HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    entered.notified().await;
    running.shutdown.streams.spawn(std::future::pending::<()>());
    running.shutdown.token.cancel();
    assert_eq!(running.ended.await.unwrap(), Drained::CutOff);
    assert_eq!(read_to_end(open).await, "");
}

#[tokio::test]
async fn a_taken_port_is_named_with_the_remedy() {
    let running = start(HttpSettings::default(), Router::new()).await;
    let settings = HttpSettings { listen: running.address, ..HttpSettings::default() };
    let error = Server::bind(&settings).await.err().unwrap().to_string();
    assert!(error.contains("http.listen") && error.contains("Free the port"), "{error}");
}
