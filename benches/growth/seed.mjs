// Some 500 events that the product made itself, of which all the others are copies: the demo's, which went through the whole
// procedure, notices that wait, and imported history.
import { Desk, HOST, outbound, receiver } from '../../conformance/desk.mjs';
import { until } from '../../conformance/judge.mjs';

const NOTICES = 150;
const HISTORY = 300;
/** Events of the demo. */
const DEMO = 52;
/** Events of the seed. */
export const SEED = DEMO + NOTICES + HISTORY;

const VENDORS = 'Example 示例|Northwind 北风|Contoso 康拓|Fabrikam 法布|Initech 艾尼|Globex 环球|Umbra 安博'.split('|');
const THINGS = 'router 路由器|camera 摄像头|gateway 网关|controller 控制器|portal 门户|switch 交换机|printer 打印机|phone 话机'.split('|');
const PLACES = 'login page 登录页面|firmware update 固件升级|file upload 文件上传|web console 管理控制台|diagnostic tool 诊断工具|API 接口'.split('|');
const HOLES = ('SQL injection SQL注入|command injection 命令注入|stack overflow 栈溢出|XSS 跨站脚本|path traversal 路径遍历|'
  + 'weak password 弱口令|SSRF 服务端请求伪造|missing authentication 未授权访问|information leak 信息泄露').split('|');

/** Numbers that look random and are the same in each run. */
function dice(seed) {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

/** A table of so many records, as some platform would export them. */
export function table(count, name, seed, from, days) {
  const roll = dice(seed);
  const pick = (list) => list[roll(list.length)];
  const rows = ['number,title,text,reporter,receivedAt,severity,product'];
  for (let at = 0; at < count; at += 1) {
    const [vendor, thing, place, hole] = [VENDORS, THINGS, PLACES, HOLES].map(pick);
    const model = `X${roll(900) + 100}`;
    const title = `${vendor} ${thing} ${model} ${place} ${hole}`;
    const steps = Array.from({ length: 3 }, () => `send parameter p${roll(5_000)} to /m${roll(2_000)}/${model.toLowerCase()} 向接口发送参数`);
    const text = `${title} 存在漏洞。Version ${roll(9)}.${roll(30)} of ${vendor} is affected. ${steps.join('; ')}. 攻击者可利用该漏洞控制设备。`;
    const received = new Date(from + roll(days * 24 * 3_600) * 1_000).toISOString();
    rows.push([`${name}-${at}`, title, text, `finder-${roll(40)}`, received, pick(['high', 'medium', 'low']), `${vendor} ${thing}`]
      .map((cell) => `"${cell}"`).join(','));
  }
  return `${rows.join('\n')}\n`;
}

const FIELDS = ['number', 'title', 'text', 'reporter', 'receivedAt', 'severity', 'product'];
/** The command that imports such a table. */
export const importing = (file, channel, ...more) =>
  ['import', 'csv', file, '--channel', channel, ...FIELDS.flatMap((name) => ['--map', `${name}=${name}`]), ...more];

/** Fills the database at `url`, and waits until nothing of it is on its way any more. `sql` asks that database. */
export async function fill(url, sql) {
  const { port } = await receiver((request, response) => response.writeHead(204).end());
  const desk = await Desk.make(outbound([port]), url);
  await desk.demo();
  const server = await desk.serve();
  const [admin, leader] = await Promise.all(['ADMIN', 'LEADER'].map((role) => desk.token(role)));
  const { endpoint } = await desk.made(admin, 'createWebhookEndpoint', {
    name: 'portal', url: `http://${HOST}:${port}/`, messageTypes: ['*'], grant: { role: 'ANALYST', tlpCeiling: 'AMBER', abroad: false },
  }, 'endpoint { id version }');
  await desk.made(leader, 'confirmWebhookGrant', { endpoint: endpoint.id, expectedVersion: endpoint.version });
  for (const [count, channel, seed, ...more] of [[NOTICES, 'bounty', 1, '--as-notices'], [HISTORY, 'archive', 2]]) {
    const file = await desk.file(`${channel}.csv`, table(count, channel, seed, Date.now() - 120 * 86_400_000, 119));
    const { code, out, err } = await desk.run(...importing(file, channel, ...more));
    if (code !== 0 || !out.includes(`${count} received`)) throw new Error(`${out}${err}`);
  }
  const waiting = `SELECT (SELECT count(*) FROM delivery WHERE state = 'PENDING')
    + (SELECT count(*) FROM message WHERE position IS NULL) + (SELECT count(*) FROM audit_entry WHERE position IS NULL)
    + (SELECT count(*) FROM report r WHERE NOT EXISTS (SELECT 1 FROM report_profile p WHERE p.report_id = r.id))`;
  await until('all is told', async () => (await sql(waiting)) === '0');
  // Nobody listens there any more when the copies are measured.
  const { version } = await desk.node(admin, endpoint.id, 'WebhookEndpoint', 'version');
  await desk.made(admin, 'pauseWebhookEndpoint', { endpoint: endpoint.id, expectedVersion: version });
  await server.end();
}
