#!/usr/bin/env bash
# Takes one CNVD notice from its import to the closed event, as the people who may do each step, and shows what is
# refused on the way. Needs curl, jq and a demo:
#   cargo run --locked -- demo --tokens-file tokens.json
#   docs/walkthrough.sh tokens.json
# API names another address, VULNDESK the binary and VULNDESK_DATABASE_URL the demo's database, when they are not the defaults.
set -euo pipefail

tokens=${1:-${TOKENS:?name the file that the demo wrote with --tokens-file}}
api=${API:-http://127.0.0.1:8080/graphql}

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
  case $2 in
    startTriage | startRemediation | startReview) type=EventMove ;;
    *) type="$(tr '[:lower:]' '[:upper:]' <<<"${2:0:1}")${2:1}" ;;
  esac
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

# refused CODE WHAT ROLE MUTATION TYPE INPUT: shows the answer to what the rules do not allow; stops when it has another code.
refused() {
  local answer
  answer=$(jq -n --arg query "mutation(\$input: $5!) { $4(input: \$input) { userErrors { code message } } }" --argjson input "$6" \
    '{query: $query, variables: {input: $input}}' |
    curl -sS "$api" -H "Authorization: Bearer $(jq -r --arg role "$3" '.[$role]' "$tokens")" \
      -H 'Content-Type: application/json' --data-binary @- |
    jq -c --arg mutation "$4" '(.errors // [])[0] // .data[$mutation].userErrors[0]
      | {code: (.code // .extensions.code), message}')
  printf '  refused: %-32s %s\n' "$2" "$(jq -r '"\(.code): \(.message)"' <<<"$answer")"
  jq -e --arg code "$1" '.code == $code' >/dev/null <<<"$answer"
}

# shown WHAT FIELDS FILTER WORDS: prints what the event has, by a filter of jq; stops unless it is these words.
shown() {
  local found
  found=$(look "$2" | jq -r "$3")
  printf '  %-18s %s\n' "$1" "$found"
  [ "$found" = "$4" ]
}

# A notice arrives as CNVD publishes it, and is imported as one that has to be answered.
number="CNVD-2026-$(date +%s)"
notice=$(mktemp --suffix=.xml)
trap 'rm -f "$notice"' EXIT
cat >"$notice" <<XML
<?xml version="1.0" encoding="UTF-8"?>
<vulnerabilitys><vulnerability><number>$number</number><title>边缘网关诊断页面存在命令注入漏洞</title><serverity>高</serverity>
<isEvent>通用软硬件漏洞</isEvent><description>参数 host 被传入 shell。</description></vulnerability></vulnerabilitys>
XML
"${VULNDESK:-target/debug/vulndesk}" import cnvd "$notice" --as-notices --as analyst-1
event=$(ask ANALYST 'query($number: String!) { events(filter: { channelNumber: $number }) { nodes { id } } }' \
  "$(jq -n --arg number "$number" '{number: $number}')" | jq -r '.events.nodes[0].id')
move=$(jq -n --arg event "$event" '{event: $event, expectedVersion: 1}')
refused MOVE_NOT_ALLOWED 'a wrong move' ANALYST startReview EventMove "$move"
refused FORBIDDEN 'a wrong role' ENGINEER startTriage EventMove "$move"
refused CONFLICT 'a stale version' ANALYST startTriage EventMove "$(jq '.expectedVersion = 99' <<<"$move")"

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
  "evidence": { "productImportance": "Core product", "productReach": "All customers", "publicOpinion": "Discussed in public",
    "exploitConditions": "No login needed", "actualImpact": "Full control" } }'
shown 'score' 'currentScore { total rounded level }' '.currentScore | "\(.total) is \(.rounded), \(.level)"' '8.9500 is 9.0, RED'
shown 'response team' 'team { function }' '[.team[].function] | unique | join(" ")' \
  'LEADING_GROUP LEGAL PUBLIC_RELATIONS TECHNICAL_SERVICE'
refused MISSING_FACT 'missing facts' ANALYST startRemediation EventMove \
  "$(jq -n --arg event "$event" --argjson seen "$(look '' | jq .version)" '{event: $event, expectedVersion: $seen}')"
step assign "$(jq '{function: "R_AND_D", subject: "engineer-1", line: .line}' <<<"$product")"
step startRemediation '{}'

# The fix: submitted by an engineer, verified by an analyst, who is never the one who fixed it.
fix ENGINEER planFix '{"fixPlan": "Call the tool without a shell."}'
fix ENGINEER submitFix '{"fixPlan": "Call the tool without a shell.", "patch": "change-4711"}'
fix ANALYST verifyFix '{
  "fullyFixed": true, "fullyFixedEvidence": "The proof of concept fails on the patched build.",
  "bypassable": true, "bypassEvidence": "A line break gets through.",
  "newProblem": false, "newProblemEvidence": "The regression run is clean." }'
fix ENGINEER submitFix '{"fixPlan": "Call the tool without a shell; refuse line breaks.", "patch": "change-4712"}'
fix ANALYST verifyFix '{
  "fullyFixed": true, "fullyFixedEvidence": "The proof of concept fails on the patched build.",
  "bypassable": false, "bypassEvidence": "Encodings and line breaks were tried.",
  "newProblem": false, "newProblemEvidence": "The regression run is clean." }'
fix ENGINEER recordRelease "$(jq -n '{releaseVersions: "5.2.0", advisory: "EXN-2026-001", availableAt: (now | todate)}')"

# What the forms of CNVD, of the ministry and for customers ask for and the event does not hold.
facts='{ "contact": "psirt@example.com", "reproduced": "是", "affected_versions": "5.1", "degree_of_harm": "可控制设备",
  "technical_characteristics": "命令拼接，输入未校验", "scope_of_impact": "管理口可达的部署", "measures_taken": "已发布 5.2.0",
  "user_measures": "升级到 5.2.0" }'

# draft OBLIGATION: an analyst drafts the reply that meets one obligation.
draft() {
  local seen
  seen=$(look '' | jq .version)
  change ANALYST draftReply "$(jq --arg event "$event" --argjson seen "$seen" --argjson facts "$facts" '{
    event: $event, expectedVersion: $seen, kind, obligations: [.id],
    facts: ($facts | to_entries | map({name: .key, value})),
    subject: "研判结论：确认", body: "漏洞已确认，5.2.0 版本修复。" }' <<<"$1")" reply 'id version'
}

# mark REPLY RECEIPT: an analyst marks a reply sent with its proof.
mark() {
  local reply
  reply=$(change ANALYST recordReplySent "$(jq --arg receipt "$2" '{reply: .id, expectedVersion: .version, via: "BY_HAND",
    receiptNumber: $receipt, proof: "Receipt of the platform"}' <<<"$1")" reply 'kind state')
  printf '%-18s %s\n' recordReplySent "$(jq -r '"\(.kind) \(.state)"' <<<"$reply")"
}

# send REPLY RECEIPT: LEGAL approves, since the event is RED, and it is marked sent.
send() {
  local reply
  reply=$(change ANALYST requestReplyReview "$(jq '{reply: .id, expectedVersion: .version, reviewer: "legal-1"}' <<<"$1")" reply 'id version')
  refused FOUR_EYES 'approving one'"'"'s own draft' ANALYST reviewReply ReviewReply \
    "$(jq '{reply: .id, expectedVersion: .version, outcome: "APPROVED"}' <<<"$reply")"
  reply=$(change LEGAL reviewReply "$(jq '{reply: .id, expectedVersion: .version, outcome: "APPROVED"}' <<<"$reply")" reply 'id version')
  mark "$reply" "$2"
}

# The replies: CNVD is owed the verdict, the product is one whose holes are reported to the ministry's platform, and customers
# use it.
open=$(look 'obligations { id kind state channel { key } }' | jq -c '.obligations[] | select(.state == "OPEN")')
while read -r owed; do
  printf '%-18s %s\n' owed "$(jq -r '"\(.kind) to \(.channel.key)"' <<<"$owed")"
  reply=$(draft "$owed")
  if [ "$(jq -r .channel.key <<<"$owed")" = customers ]; then
    # A second person approves what goes to databases and regulators, and statements.
    mark "$reply" "N-4711"
    continue
  fi
  refused FOUR_EYES 'sending without approval' ANALYST recordReplySent RecordReplySent \
    "$(jq '{reply: .id, expectedVersion: .version, receiptNumber: "R-4711"}' <<<"$reply")"
  send "$reply" "R-4711"
done <<<"$open"

# The review closes it; its action item lives on.
step startReview '{}'
step recordReview '{
  "rootCause": "A shell was called with input.", "missedPhase": "CODING", "processChanges": "A lint forbids the call.",
  "actionItems": [{ "title": "Enable the lint", "owner": "engineer-1", "dueOn": "2030-01-31" }] }'

# Who did what, from the record.
look 'statusChanges { toStatus changedAt }' | jq -r '.statusChanges[] | "\(.changedAt)  \(.toStatus)"'
shown 'at the end' '' .status CLOSED
