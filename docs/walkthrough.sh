#!/usr/bin/env bash
# Takes one event from its report to its review, as the people who may do each step. Needs curl, jq and a demo:
#   cargo run --release --locked -- demo --tokens-file tokens.json
#   docs/walkthrough.sh tokens.json
set -euo pipefail

tokens=${1:?name the file that the demo wrote with --tokens-file}
api=${VULNDESK_API:-http://127.0.0.1:8080/graphql}

# ask ROLE DOCUMENT VARIABLES: the answer's data; stops with the errors when there are any.
ask() {
  local answer
  answer=$(jq -n --arg query "$2" --argjson variables "$3" '{query: $query, variables: $variables}' |
    curl -sS "$api" -H "Authorization: Bearer $(jq -r --arg role "$1" '.[$role]' "$tokens")" \
      -H 'Content-Type: application/json' --data-binary @-)
  if jq -e '.errors' >/dev/null <<<"$answer"; then jq '.errors' <<<"$answer" >&2; return 1; fi
  jq -c '.data' <<<"$answer"
}

# change ROLE MUTATION INPUT OBJECT FIELDS: what the payload's OBJECT now is; stops when a rule refused.
change() {
  local type data
  type="$(tr '[:lower:]' '[:upper:]' <<<"${2:0:1}")${2:1}"
  data=$(ask "$1" "mutation(\$input: $type!) { $2(input: \$input) { $4 { $5 } userErrors { code field message } } }" \
    "$(jq -n --argjson input "$3" '{input: $input}')")
  if jq -e ".$2.userErrors | length > 0" >/dev/null <<<"$data"; then
    jq ".$2.userErrors" <<<"$data" >&2
    return 1
  fi
  jq -c ".$2.$4" <<<"$data"
}

# look FIELDS: reads the event again.
look() {
  # shellcheck disable=SC2016 # $id is GraphQL's
  ask ANALYST 'query($id: ID!) { node(id: $id) { ... on Event { number status version '"$1"' } } }' \
    "$(jq -n --arg id "$event" '{id: $id}')" | jq -c .node
}

# step MUTATION INPUT: an analyst changes the event, with the version it has now.
step() {
  local input outcome
  input=$(jq -n --arg event "$event" --argjson seen "$(look '' | jq .version)" --argjson more "$2" \
    '{event: $event, expectedVersion: $seen} + $more')
  outcome=$(change ANALYST "$1" "$input" event 'number status')
  printf '%-18s %s\n' "$1" "$(jq -r '"\(.number) \(.status)"' <<<"$outcome")"
}

# fix ROLE MUTATION INPUT: somebody changes the line's fix, with the version it has now.
fix() {
  local now input outcome
  now=$(look 'remediations { id version }' | jq '.remediations[0]')
  input=$(jq -n --argjson now "$now" --argjson more "$3" \
    '{remediation: $now.id, expectedVersion: $now.version} + $more')
  outcome=$(change "$1" "$2" "$input" remediation 'line state event { number status }')
  printf '%-18s %s\n' "$2" "$(jq -r '"\(.event.number) \(.event.status), line \(.line) \(.state)"' <<<"$outcome")"
}

# A report arrives through the company's own SRC and opens an event.
report=$(change ANALYST receiveReport "$(jq -n --arg number "WALK-$(date +%s)" '{
  channel: "src", number: $number, title: "Command injection in the diagnosis page",
  text: "The parameter host is passed to a shell.", reporter: { name: "researcher-1" } }')" report 'event { id number status }')
event=$(jq -r .event.id <<<"$report")
printf '%-18s %s\n' receiveReport "$(jq -r '.event | "\(.number) \(.status)"' <<<"$report")"

# Triage: it is ours, and we say which product is affected.
step startTriage '{}'
step giveVerdict '{"verdict": "CONFIRMED", "severity": "HIGH", "rationale": "Reproduced on 5.1."}'
product=$(ask ANALYST '{ products(first: 100) { nodes { id key line } } }' '{}' |
  jq -c '.products.nodes[] | select(.key == "edge-gateway")')
affected=$(jq -n --arg event "$event" --argjson product "$product" \
  '{event: $event, product: $product.id, state: "AFFECTED", affectedVersions: "< 5.2"}')
change ANALYST setAffectedProduct "$affected" event id >/dev/null

# Rating: five factors, exactly 8.95, hence 9.0 and RED. The procedure asks for the line's engineers before the fix.
step scoreEvent '{
  "factors": { "productImportance": "9", "productReach": "9", "publicOpinion": "9", "exploitConditions": "8.5", "actualImpact": "9" },
  "evidence": { "publicOpinion": "Discussed in public", "exploitConditions": "No login needed", "actualImpact": "Full control" } }'
step assign "$(jq '{function: "R_AND_D", subject: "engineer-1", line: .line}' <<<"$product")"
step startRemediation '{}'

# The fix: submitted by an engineer, verified by an analyst, who is never the one who fixed it.
fix ENGINEER planFix '{"fixPlan": "Call the tool without a shell."}'
fix ENGINEER submitFix '{"fixPlan": "Call the tool without a shell.", "patch": "change-4711"}'
fix ANALYST verifyFix '{
  "fullyFixed": true, "fullyFixedEvidence": "The proof of concept fails on the patched build.",
  "bypassable": false, "bypassEvidence": "Encodings and line breaks were tried.",
  "newProblem": false, "newProblemEvidence": "The regression run is clean." }'
fix ENGINEER recordRelease "$(jq -n '{releaseVersions: "5.2.0", advisory: "EXN-2026-001", availableAt: (now | todate)}')"

# The reply: one for every obligation that is open toward the SRC, sent by hand with its proof.
now=$(look 'obligations { id state }')
draft=$(jq -n --arg event "$event" --argjson now "$now" '{
  event: $event, expectedVersion: $now.version, kind: "FIX_DONE", subject: "Fixed in 5.2.0", body: "Thank you. It is fixed in 5.2.0.",
  obligations: [$now.obligations[] | select(.state == "OPEN") | .id] }')
reply=$(change ANALYST draftReply "$draft" reply 'id version')
sent=$(jq -n --argjson reply "$reply" '{
  reply: $reply.id, expectedVersion: $reply.version, via: "BY_HAND", receiptNumber: "R-4711", proof: "Receipt of the platform" }')
change ANALYST recordReplySent "$sent" reply id >/dev/null

# The review closes it; its action item lives on.
step startReview '{}'
step recordReview '{
  "rootCause": "A shell was called with input.", "missedPhase": "CODING", "processChanges": "A lint forbids the call.",
  "actionItems": [{ "title": "Enable the lint", "owner": "engineer-1", "dueOn": "2030-01-31" }] }'

# Who did what, from the record.
look 'statusChanges { toStatus changedAt }' | jq -r '.statusChanges[] | "\(.changedAt)  \(.toStatus)"'
