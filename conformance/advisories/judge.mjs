// Advisories of the real binary, examined by the BSI's CSAF validator and by the schemas of CVE and OSV: node judge.mjs BINARY PACKAGES
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as mandatory20 from '@secvisogram/csaf-validator-lib/mandatoryTests.js';
import * as optional20 from '@secvisogram/csaf-validator-lib/optionalTests.js';
import * as schema20 from '@secvisogram/csaf-validator-lib/schemaTests.js';
import * as mandatory21 from '@secvisogram/csaf-validator-lib/csaf_2_1/mandatoryTests.js';
import * as recommended21 from '@secvisogram/csaf-validator-lib/csaf_2_1/recommendedTests.js';
import * as schema21 from '@secvisogram/csaf-validator-lib/csaf_2_1/schemaTests.js';
import validate from '@secvisogram/csaf-validator-lib/validate.js';
import Ajv from 'ajv';
import Ajv2020 from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { Desk, scored } from '../desk.mjs';
import { check, judge } from '../judge.mjs';

const PACKAGES = process.argv[3];
const SETTINGS = `[advisories]
publisher = "Example Networks PSIRT"
namespace = "https://psirt.example.com"
contact = "psirt@example.com"
issuing_authority = "Responsible for the products of Example Networks."
base_url = "https://psirt.example.com/advisories/"
cve_organization = "3c1d8aa1-5a33-4ea4-8992-aadd6440af75"
cve_short_name = "example"
`;
const CSAF = {
  'csaf-2.0': { must: { ...schema20, ...mandatory20 }, should: { ...optional20 }, csaf: '2.0' },
  'csaf-2.1': { must: { ...schema21, ...mandatory21 }, should: { ...recommended21 }, csaf: '2.1' },
};
// Not asked for: by what products are known elsewhere (6.2.16), which nobody records. The validator holds 2.1 against the schema of 2.0
// in 6.2.20, and has the strict schema of 2.1 among what must be.
const UNASKED = /_6_2_16$|^recommendedTest_6_2_20$/;

/** What the validator finds wrong with a document, and what it would rather see, each as `test: message at path`. */
async function examine(format, document) {
  const found = async (tests) => {
    const { tests: results } = await validate(Object.values(tests), structuredClone(document));
    return results.filter(({ name }) => !UNASKED.test(name)).flatMap(({ name, errors = [], warnings = [] }) =>
      [...errors, ...warnings].map(({ message, instancePath }) => `${name}: ${message} at ${instancePath}`));
  };
  return { wrong: await found(CSAF[format].must), rather: await found(CSAF[format].should) };
}

/** The compiled schemas of the other two forms. */
async function schemas() {
  const read = async (...path) => JSON.parse(await readFile(join(PACKAGES, ...path), 'utf8'));
  const compiled = (ajv, schema) => {
    formats(ajv);
    const valid = ajv.compile(schema);
    return (document) => (valid(document) ? [] : valid.errors.map(({ instancePath, message }) => `${instancePath} ${message}`));
  };
  const lenient = { strict: false, allErrors: true };
  return {
    'cve-5.1': compiled(new Ajv(lenient), await read('cvelib', 'schemas', 'CVE_JSON_bundled_5.1.1.json')),
    osv: compiled(new Ajv2020(lenient), await read('osv', 'osv-schema', 'validation', 'schema.json')),
  };
}

class Case {
  static async make(desk, who, number, tlp, cve) {
    const one = new Case();
    Object.assign(one, { desk, who });
    const input = {
      channel: 'src', number, title: `RAW ${number}`, text: 'RAW steps', tlp,
      reporter: { name: 'Grace Whistle', email: 'grace@whistle.example' },
      indicators: cve ? [{ kind: 'CVE', value: cve }] : [],
    };
    const report = await desk.made(who.analyst, 'receiveReport', input, 'id event { id number }');
    if (cve) await desk.made(who.analyst, 'addIndicator', { report: report.id, kind: 'CVE', value: cve }, 'id');
    Object.assign(one, { event: report.event.id, number: report.event.number });
    return one;
  }

  async step(mutation, input = {}, token = this.who.analyst) {
    const { version } = await this.desk.node(this.who.leader, this.event, 'Event', 'version');
    return this.desk.made(token, mutation, { event: this.event, expectedVersion: version, ...input });
  }

  async affected(product, state, more = {}) {
    await this.desk.made(this.who.analyst, 'setAffectedProduct', { event: this.event, product, state, ...more });
  }

  async fix(token, mutation, input) {
    const { remediations: [{ id, version }] } = await this.desk.node(this.who.leader, this.event, 'Event', 'remediations { id version }');
    return this.desk.made(token, mutation, { remediation: id, expectedVersion: version, ...input });
  }

  async confirm() {
    await this.step('describeEvent', { title: 'Overflow in the parser 解析器溢出', description: 'A parser trusts lengths. 解析器信任长度字段。', steps: 'STEPS-WORD' });
    await this.step('startTriage');
    await this.step('giveVerdict', { verdict: 'CONFIRMED', severity: 'HIGH', rationale: 'RATIONALE-WORD' });
  }

  async assess(vector, cwe = []) {
    await this.desk.made(this.who.analyst, 'assessSeverity', { event: this.event, source: 'OURS', vector, cwe });
  }

  /** Its document, by the command; the API has to answer the same. */
  async write(format, language = 'en') {
    const { code, out, err } = await this.desk.run('advisory', this.number, '--format', format, '--language', language, '--as', 'analyst-1', '-o', '-');
    const query = `query($number: String!, $format: AdvisoryFormat!, $language: AdvisoryLanguage!) {
      exportAdvisory(number: $number, format: $format, language: $language) { advisory { text fileName version } userErrors { code message } } }`;
    const variables = { number: this.number, format: format.toUpperCase().replace(/[-.]/g, '_'), language: language.toUpperCase() };
    const { exportAdvisory: told } = await this.desk.read(this.who.leader, query, variables);
    if (code !== 0) return { refused: told.userErrors, err };
    return { document: JSON.parse(out), same: told.advisory?.text === out, name: told.advisory?.fileName, text: out };
  }
}

async function company(desk) {
  const who = {};
  for (const role of ['ADMIN', 'ANALYST', 'LEADER']) who[role.toLowerCase()] = await desk.token(role);
  who.second = await desk.token('ANALYST', 'analyst-2');
  const channel = { key: 'src', name: 'src', kind: 'SRC_PLATFORM', jurisdiction: 'CN', abroad: false, replyRequired: false };
  await desk.made(who.admin, 'createChannel', channel);
  const products = {};
  for (const [key, name] of [['core-router', 'Core Router'], ['edge-gateway', 'Edge Gateway'], ['home-camera', 'Home Camera'], ['vpn-client', 'VPN Client']]) {
    const input = {
      key, name, line: key, ownerTeam: 'team', providerEntity: 'Example Networks', kind: 'PRODUCT', importance: '5.0', reach: '5.0',
      assetTier: 'GENERAL', lifecycle: 'SUPPORTED',
    };
    products[key] = (await desk.made(who.admin, 'createProduct', input)).id;
  }
  return { who, products };
}

/** An event with a product in each state, in REMEDIATING. */
async function rich(desk, { who, products }, number, tlp, cve) {
  const one = await Case.make(desk, who, number, tlp, cve);
  await one.confirm();
  await one.affected(products['core-router'], 'AFFECTED', { affectedVersions: '4.9.1, >= 5.0 < 5.2' });
  await one.affected(products['home-camera'], 'NOT_AFFECTED', { reason: 'REASON-WORD', justification: 'VULNERABLE_CODE_NOT_PRESENT' });
  await one.affected(products['vpn-client'], 'NOT_LOOKED_YET');
  await one.assess('AV:N/AC:L/Au:N/C:P/I:P/A:P');
  await one.assess('CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N');
  await one.assess('CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H', ['CWE-787', 'CWE-20']);
  await one.step('scoreEvent', scored('5.0'));
  await one.step('assign', { function: 'R_AND_D', subject: 'engineer-1', line: 'core-router' });
  await one.step('startRemediation');
  return one;
}

/** Its fix, released. */
async function release(one, { who }) {
  await one.fix(who.analyst, 'planFix', { mitigation: 'Close port 8443.', mitigationAvailableAt: new Date().toISOString() });
  await one.fix(who.analyst, 'submitFix', { fixPlan: 'PLAN-WORD', patch: 'PATCH-WORD' });
  await one.fix(who.second, 'verifyFix', {
    fullyFixed: true, fullyFixedEvidence: 'EVIDENCE-WORD', bypassable: false, bypassEvidence: 'EVIDENCE-WORD', newProblem: false,
    newProblemEvidence: 'EVIDENCE-WORD',
  });
  await one.fix(who.analyst, 'recordRelease', {
    releaseVersions: '5.2.0, 5.3.1', advisory: 'https://psirt.example.com/EXN-2026-001', availableAt: new Date().toISOString(),
  });
}

const INSIDE = /RAW|Grace|whistle|STEPS-WORD|RATIONALE-WORD|REASON-WORD|PLAN-WORD|PATCH-WORD|EVIDENCE-WORD|analyst-/;

/** Has a CSAF document examined; what is known to be missing is not asked for. */
async function examined(one, format, what, language) {
  const { document, same, text, refused, err } = await one.write(format, language);
  if (!document) {
    check(`${what} is written as ${format}`, false, [refused, err]);
    return undefined;
  }
  const { wrong, rather } = await examine(format, document);
  check(`${what} passes every mandatory test of ${format}`, wrong.length === 0, wrong);
  check(`${what}: ${format} is as the validator would rather see it`, rather.length === 0, rather);
  check(`${what}: command and API write the same ${format}`, same);
  check(`${what}: nothing from inside is in it`, !INSIDE.test(text), text.match(INSIDE)?.[0]);
  return document;
}

/** A judge that passes everything judges nothing: each broken document has to fail. */
async function canFail(format, document) {
  const broken = {
    'no tracking': (it) => delete it.document.tracking,
    'a version that is not in its history': (it) => { it.document.tracking.version = '77'; },
    'a product that is not in the tree': (it) => { it.vulnerabilities[0].product_status.known_affected.push('no-such-product'); },
    'a product that is affected and fixed': (it) => { it.vulnerabilities[0].product_status.fixed.push(it.vulnerabilities[0].product_status.known_affected[0]); },
    'another label': (it) => { it.document.distribution.tlp.label = 'YELLOW'; },
    'another score': (it) => { (it.vulnerabilities[0].scores?.[0] ?? it.vulnerabilities[0].metrics[0].content).cvss_v3.baseScore = 1.1; },
    'another weakness': (it) => { (it.vulnerabilities[0].cwe ?? it.vulnerabilities[0].cwes[0]).name = 'Something else'; },
    'no CVE number': (it) => { it.vulnerabilities[0].cve = 'CVE-1'; },
  };
  const passed = [];
  for (const [what, change] of Object.entries(broken)) {
    const copy = structuredClone(document);
    change(copy);
    if ((await examine(format, copy)).wrong.length === 0) passed.push(what);
  }
  check(`${Object.keys(broken).length} broken documents fail as ${format}`, passed.length === 0, passed);
}

await judge(async () => {
  const desk = await Desk.make(SETTINGS);
  await desk.serve();
  const firm = await company(desk);
  const shape = await schemas();

  const strict = await rich(desk, firm, 'S-1', 'AMBER_STRICT');
  const draft = await examined(strict, 'csaf-2.1', 'a draft for insiders');
  check('it says AMBER+STRICT, and that it is a draft', draft?.document.distribution.tlp.label === 'AMBER+STRICT'
    && draft.document.tracking.status === 'draft' && draft.document.tracking.version === '0', draft?.document.tracking);
  const wider = await strict.write('csaf-2.0');
  check('CSAF 2.0 cannot say AMBER+STRICT, and is refused with what to do',
    wider.refused?.[0].code === 'CONTRADICTION' && wider.err.includes('CSAF 2.1') && wider.err.includes('setTlp'), wider);
  for (const format of ['cve-5.1', 'osv']) {
    const early = await strict.write(format);
    check(`${format} is refused before the event is public`, early.refused?.some(({ code }) => code === 'NEEDS_LEADER'), early);
  }
  for (const [tlp, label] of [['RED', 'RED'], ['GREEN', 'GREEN'], ['AMBER', 'AMBER']]) {
    const one = await rich(desk, firm, `T-${tlp}`, tlp === 'RED' ? 'AMBER' : tlp);
    if (tlp === 'RED') await one.step('setTlp', { tlp });
    for (const format of Object.keys(CSAF)) {
      const document = await examined(one, format, `TLP:${tlp}`);
      check(`${format} says TLP:${tlp}`, document?.document.distribution.tlp.label === label);
    }
  }

  const open = await rich(desk, firm, 'O-1', 'AMBER', 'CVE-2026-41001');
  await release(open, firm);
  for (const format of Object.keys(CSAF)) {
    const document = await examined(open, format, 'a released fix');
    const status = document?.vulnerabilities[0].product_status;
    check(`${format}: products stand as they are recorded`, JSON.stringify(status) === JSON.stringify({
      first_fixed: ['core-router:5.2.0'], fixed: ['core-router:5.2.0', 'core-router:5.3.1'],
      known_affected: ['core-router:4.9.1', 'core-router:>=5.0|<5.2'], known_not_affected: ['home-camera'], under_investigation: ['vpn-client'],
    }), status);
    check(`${format}: why a product is not affected is a flag`,
      JSON.stringify(document?.vulnerabilities[0].flags) === JSON.stringify([{ label: 'vulnerable_code_not_present', product_ids: ['home-camera'] }]));
  }
  const undisclosed = await open.write('cve-5.1');
  check('a released fix makes nothing public', undisclosed.refused?.some(({ code }) => code === 'NEEDS_LEADER'), undisclosed);
  await open.step('setTlp', { tlp: 'CLEAR' });
  const clear = await open.write('csaf-2.1');
  check('TLP:CLEAR alone makes nothing public', clear.refused?.[0].code === 'CONTRADICTION' && clear.err.includes('disclose'), clear);
  await desk.made(firm.who.analyst, 'recordWorldFact', { event: open.event, kind: 'PUBLICLY_KNOWN', learnedAt: new Date().toISOString(), source: 'SOURCE-WORD RAW' });
  await desk.made(firm.who.analyst, 'recordWorldFact', {
    event: open.event, kind: 'EXPLOITED_IN_THE_WILD', occurredAt: new Date(Date.now() - 1000).toISOString(), learnedAt: new Date().toISOString(), source: 'RAW',
  });
  for (const format of Object.keys(CSAF)) {
    const document = await examined(open, format, 'a public event');
    check(`${format} says that it may be shared freely`, ['WHITE', 'CLEAR'].includes(document?.document.distribution.tlp.label));
    const { tracking } = document.document;
    check(`${format}: each change since it was published is a version`,
      tracking.status === 'interim' && tracking.revision_history.length >= 4 && tracking.version === String(tracking.revision_history.length), tracking);
    await canFail(format, document);
    await examined(open, format, 'the same in Chinese', 'zh');
  }
  for (const [format, faults] of Object.entries(shape)) {
    const { document, same, text, refused, name } = await open.write(format);
    check(`${format} has the shape of its schema`, document && faults(document).length === 0, document ? faults(document) : refused);
    check(`${format}: command and API write the same, under its name`, same && /cve-2026-41001\.json/i.test(name), name);
    check(`${format}: nothing from inside is in it`, text && !INSIDE.test(text), text?.match(INSIDE)?.[0]);
    const broken = format === 'osv'
      ? [(it) => delete it.id, (it) => { it.id = 'VE-1'; }, (it) => { it.severity[0].score = 'CVSS:3.1/AV:Z'; }, (it) => { it.surprise = 1; }]
      : [(it) => delete it.containers.cna.references, (it) => { it.cveMetadata.cveId = 'CVE-1'; },
        (it) => { it.containers.cna.affected[0].versions[0].status = 'maybe'; }, (it) => { it.dataVersion = '4.0'; }];
    const passed = broken.filter((change) => {
      const copy = structuredClone(document);
      change(copy);
      return faults(copy).length === 0;
    });
    check(`${broken.length} broken documents fail as ${format}`, passed.length === 0, passed.map(String));
  }

  const bare = await Case.make(desk, firm.who, 'B-1', 'AMBER');
  const lacking = await bare.write('csaf-2.0');
  const words = lacking.refused?.map(({ message }) => message).join(' ') ?? '';
  check('what a document needs and the event lacks is named, all at once',
    ['giveVerdict', 'describeEvent', 'setAffectedProduct'].every((name) => words.includes(name)), lacking);
  const unset = await Desk.make();
  await unset.serve();
  const other = await rich(unset, await company(unset), 'U-1', 'AMBER');
  const nobody = await other.write('csaf-2.1');
  check('without a publisher it says what to set', nobody.err?.includes('advisories.publisher') && nobody.err.includes('advisories.namespace'), nobody);
});
