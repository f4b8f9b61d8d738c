//! Asks a desk through two crates that make types of the schema, and prints what each saw, as JSON:
//! `vulndesk-conformance-clients URL TOKEN EVENT`

mod with_cynic;
mod with_graphql_client;

use std::error::Error;

use serde::{Serialize, de::DeserializeOwned};

/// What each client adds to the event.
const BODY: &str = "said by a client";

/// Where a desk is, and who asks.
struct Desk {
    url: String,
    token: String,
    event: String,
}

/// What a client saw.
#[derive(Serialize)]
struct Seen {
    /// Numbers of all events, read in pages of two.
    numbers: Vec<String>,
    /// The number of the event that was read by its id.
    node: String,
    /// The body of the comment that was added.
    comment: String,
    /// The code by which a change of what does not exist was refused.
    refused: String,
}

impl Desk {
    fn ask<Answer: DeserializeOwned>(&self, operation: &impl Serialize) -> Result<Answer, Box<dyn Error>> {
        let request = ureq::post(&self.url).header("authorization", format!("Bearer {}", self.token));
        Ok(request.send_json(operation)?.body_mut().read_json()?)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let [_, url, token, event] =
        std::env::args().collect::<Vec<_>>().try_into().map_err(|_| "name URL, TOKEN and EVENT")?;
    let desk = Desk { url, token, event };
    let seen = serde_json::json!({
        "graphql_client": with_graphql_client::run(&desk)?,
        "cynic": with_cynic::run(&desk)?,
    });
    println!("{seen}");
    Ok(())
}
