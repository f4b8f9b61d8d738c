//! Lets cynic know the schema.

const SCHEMA: &str = "../../../schema.graphql";

fn main() {
    println!("cargo:rerun-if-changed={SCHEMA}");
    cynic_codegen::register_schema("vulndesk")
        .from_sdl_file(SCHEMA)
        .and_then(|schema| schema.as_default())
        .expect("cynic takes the schema");
}
