//! Calls the API as one of the demo's people.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, bail};
use async_graphql::{Request, Variables};
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::{Actor, Role};
use crate::executor;
use crate::graphql::Schema;

/// Calls mutations and queries in-process.
pub(super) struct Caller<'a> {
    app: &'a Arc<App>,
    schema: &'a Schema,
    /// Input type by mutation.
    inputs: HashMap<String, String>,
}

impl<'a> Caller<'a> {
    pub(super) async fn new(app: &'a Arc<App>, schema: &'a Schema) -> anyhow::Result<Self> {
        let mut caller = Self { app, schema, inputs: HashMap::new() };
        let document = "{ __type(name: \"Mutation\") { fields { name args { type { ofType { name } } } } } }";
        let answer = caller.execute(&actor("admin-1"), document, Value::Null).await?;
        for field in answer["__type"]["fields"].as_array().into_iter().flatten() {
            let input = &field["args"][0]["type"]["ofType"]["name"];
            if let (Some(name), Some(input)) = (field["name"].as_str(), input.as_str()) {
                caller.inputs.insert(name.to_owned(), input.to_owned());
            }
        }
        Ok(caller)
    }

    /// Calls `mutation` as `subject` and answers the thing it changed, selected by `fields`.
    pub(super) async fn change(
        &self,
        subject: &str,
        mutation: &str,
        input: Value,
        thing: &str,
        fields: &str,
    ) -> anyhow::Result<Value> {
        let kind = self.inputs.get(mutation).with_context(|| format!("no mutation {mutation}"))?;
        let document = format!(
            "mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {thing} {{ {fields} }} userErrors {{ code message }} }} }}"
        );
        let answer = self.execute(&actor(subject), &document, json!({ "input": input })).await?;
        let payload = &answer[mutation];
        if payload[thing].is_null() {
            bail!("{mutation} by {subject} was refused: {} for {input}", payload["userErrors"]);
        }
        Ok(payload[thing].clone())
    }

    /// Queries as `subject`.
    pub(super) async fn ask(&self, subject: &str, document: &str, variables: Value) -> anyhow::Result<Value> {
        self.execute(&actor(subject), document, variables).await
    }

    async fn execute(&self, actor: &Actor, document: &str, variables: Value) -> anyhow::Result<Value> {
        let request = Request::new(document).variables(Variables::from_json(variables));
        let response = executor::execute(self.schema, self.app, actor.clone(), request).await;
        if !response.errors.is_empty() {
            bail!("{:?} for {document}", response.errors);
        }
        Ok(response.data.into_json()?)
    }
}

/// The demo's people are named by function: `analyst-1` is an ANALYST.
fn actor(subject: &str) -> Actor {
    let name = subject.trim_end_matches(|character: char| character.is_ascii_digit() || character == '-');
    let role: Role = name.replace('-', "_").to_uppercase().parse().unwrap_or(Role::Auditor);
    let mut actor = Actor::operator(subject, [role]);
    actor.origin.address = Some("demo".to_owned());
    if role == Role::Src {
        actor.channel = Some("src".into());
    }
    if role == Role::Engineer {
        actor.products = super::company::PRODUCTS.iter().map(|product| product.key.to_owned()).collect();
    }
    actor
}
